"""Real RLlib: a baseline that is trained, killed and resumed; and what it refuses."""

import asyncio
import itertools
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.wrappers.utils import RunningMeanStd

import envs  # noqa: F401
from agents.episodes.starts import TEST_FIRST
from agents.policies.jobs import JobRunner
from configs.cli import parse_overrides
from configs.errors import UserError
from render.records.reading import read_episodes
from training.baseline import config as baseline_config
from training.baseline.config import BaselineConfig, baseline_tasks, from_overrides
from training.baseline.policy import Network, load_baseline, policy_of
from training.baseline.train import main
from training.compare import command as evaluate
from training.compare.resolve import participant
from training.config.compose import load
from training.evaluation.measure import held_out
from training.runs.metrics import read_metrics

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(600)]  # Ray's and RLlib's own

CLOSE = ["env=football", "env.kwargs.scenario=academy_empty_goal_close"]
SMALL = ["batch=128", "envs=8", "epochs=2", "episodes=8"]
LESSON = [*CLOSE, *SMALL, "steps=1024", "evaluate_every=4", "checkpoint_every=1"]


# -- training ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("ray")
    out = tmp_path_factory.mktemp("runs")
    main([*LESSON, f"out={out}", "name=close"])
    return out / "close"


@pytest.mark.slow
@pytest.mark.ray
def test_baseline_leaves_metrics_records_and_a_summary(trained: Path) -> None:
    names = {path.name for path in trained.iterdir()}
    assert names >= {
        "baseline.yaml",
        "metrics.jsonl",
        "policy.safetensors",
        "summary.json",
        "curves.png",
        "report.html",
    }
    assert not names & {"config.yaml", "checkpoints"}
    assert sorted(path.name for path in (trained / "videos").iterdir()) == ["after.mp4", "before.mp4"]
    rows = read_metrics(trained)
    updates = [row for row in rows if row["stage"] == "ppo"]
    assert [row["total_step"] for row in updates] == [*range(1, len(updates) + 1)]
    done = [row["env_steps"] for row in updates]
    assert all(128 <= b - a < 128 + 8 for a, b in itertools.pairwise([0, *done]))  # all eight envs step together
    assert done[-2] < 1024 <= done[-1]
    rates = [max(0.0, 1e-3 * (1 - steps / 1024)) for steps in done]  # in a straight line to 0
    assert [row["learning_rate"] for row in updates] == pytest.approx(rates, abs=1e-9)
    assert all(0 < row["entropy"] <= np.log(19) + 1e-6 and row["time/env_steps_per_second"] > 0 for row in updates)
    evaluated = [row for row in rows if row["stage"] == "evaluation"]
    assert [row["total_step"] for row in evaluated] == [4, 8]
    assert all(row["eval/low"] <= row["eval/success"] <= row["eval/high"] for row in evaluated)
    summary = json.loads((trained / "summary.json").read_text())
    assert (summary["task"], summary["seed"], summary["env_steps"]) == ("football", 0, done[-1])
    assert list(summary["success"]) == ["before", "after", "random", "idle", "expert"]
    assert summary["success"]["expert"]["mean"] == 1.0 and summary["success"]["idle"]["mean"] == 0.0
    assert set(summary["success"]["after"]) == {"mean", "ci95", "n", "valid", "greedy", "blind"}
    kept = list(read_episodes(trained / "episodes" / "after"))
    assert [episode.seed for episode in kept] == list(range(TEST_FIRST, TEST_FIRST + 8))
    assert sum(episode.success for episode in kept) == round(8 * summary["success"]["after"]["mean"])
    assert {(episode.policy, episode.step) for episode in kept} == {("after", 8)}
    assert kept[0].turns[0].prompt == "Play football." and kept[0].turns[0].frame is not None


@pytest.mark.slow
@pytest.mark.ray
def test_baseline_loaded_again_has_the_success_of_its_summary(trained: Path) -> None:
    ((name, settings),) = baseline_tasks(trained).items()
    player = JobRunner({name: settings}, load_baseline(trained))
    summary = json.loads((trained / "summary.json").read_text())["success"]["after"]
    for temperature, measured in ((1.0, summary["mean"]), (0.0, summary["greedy"])):
        episodes = asyncio.run(held_out(player, name, 8, temperature))
        assert sum(episode.success for episode in episodes) / 8 == measured
    player.close()


@pytest.mark.slow
@pytest.mark.ray
def test_baseline_killed_and_resumed_gives_the_same_numbers(tmp_path: Path, trained: Path) -> None:
    folder = tmp_path / "close"
    command = [sys.executable, "-m", "training.baseline", *LESSON, f"out={tmp_path}", "name=close"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 200
        while len(list(folder.glob("checkpoints/step-*"))) < 2 and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        with pytest.raises(UserError, match="another process is working on"):
            main([f"resume={folder}"])
    finally:
        process.send_signal(signal.SIGKILL)
        assert process.stderr is not None
        said = process.stderr.read()
        process.wait()
    assert process.returncode == -signal.SIGKILL, said
    assert "WARNING" not in said and "Warning" not in said, said
    newest = max(folder.glob("checkpoints/step-*"))
    assert 0 < json.loads((newest / "progress.json").read_text())["total_steps"] < 8
    assert f"{trained.name} in football: its training is not finished" in notes(folder)
    for file, named in (("progress.json", "progress.json"), ("rllib/algorithm_state.pkl", "")):
        whole = (newest / file).read_bytes()
        (newest / file).write_bytes(whole[:20])
        with pytest.raises(
            UserError, match=f"{newest / named} is damaged: .*; remove .* to resume from an earlier one"
        ):
            main([f"resume={folder}"])
        (newest / file).write_bytes(whole)
    main([f"resume={folder}"])

    def untimed(run: Path) -> list[dict[str, Any]]:
        return [{key: row[key] for key in row if not key.startswith("time/")} for row in read_metrics(run)]

    assert untimed(folder) == untimed(trained)
    assert (folder / "policy.safetensors").read_bytes() == (trained / "policy.safetensors").read_bytes()
    one, other = (json.loads((run / "summary.json").read_text()) for run in (folder, trained))
    assert one["success"] == other["success"]
    assert notes(folder) == []
    with pytest.raises(UserError, match="is already finished"):
        main([f"resume={folder}"])


def notes(folder: Path) -> list[str]:
    """What a table says of a baseline, by its folder's name."""
    player = participant(str(folder), load(["env=football"]))
    return [note.replace(str(folder), folder.name) for note in player.notes("football", ["football"], [])]


@pytest.mark.slow
@pytest.mark.ray
def test_baseline_on_vectors_trains_and_has_no_blind_control(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    main([*CLOSE, *SMALL, "observation=simple115v2", "steps=128", f"out={tmp_path}", "name=vector"])
    summary = json.loads((tmp_path / "vector" / "summary.json").read_text())
    assert summary["observation"] == "simple115v2" and "blind" not in summary["success"]["after"]
    with pytest.raises(UserError, match=r"blind=true replaces images, but policy=.* uses none; remove one of them"):
        evaluate.main([f"policy={tmp_path / 'vector'}", "episodes=2", "blind=true"])


@pytest.mark.slow
def test_rewards_are_scaled_by_returns_of_whole_episodes() -> None:
    """The spread that rewards are divided by is that of true discounted returns, whatever ends the episodes."""
    pytest.importorskip("ray")
    from ray.rllib.env.single_agent_episode import SingleAgentEpisode

    from training.baseline.ppo import ScaleRewards

    scale = ScaleRewards(gamma=0.5, envs=2)
    expected = RunningMeanStd()
    running = np.zeros(2)
    lengths = (3, 5)  # the episodes of the two envs end at different steps
    episodes = [SingleAgentEpisode(observations=[0]) for _ in lengths]
    scale(batch={}, episodes=episodes)
    for step in range(1, 16):
        stepped = []
        for env, length in enumerate(lengths):
            if episodes[env].is_done:  # the next one begins, without a reward
                episodes[env], running[env] = SingleAgentEpisode(observations=[0]), 0.0
                continue
            reward = float(step % 3 - 0.1)
            episodes[env].add_env_step(0, 0, reward, truncated=episodes[env].t + 1 == length)
            running[env] = running[env] * 0.5 + reward
            stepped.append((env, reward))
        scale(batch={}, episodes=episodes)
        if stepped:
            expected.update(running[[env for env, _ in stepped]])
        for env, reward in stepped:
            assert episodes[env].get_rewards(-1) == pytest.approx(reward / np.sqrt(expected.var + 1e-8))
    restored = ScaleRewards(gamma=0.5, envs=2)
    restored.set_state(scale.get_state())
    assert vars(restored.spread) == pytest.approx(vars(expected))


def test_several_actions_per_reply_become_several_turns() -> None:
    _, task = from_overrides(parse_overrides(["env=sokoban"]))
    assert (task.actions_per_reply, task.max_turns) == (1, 40)  # 8 turns of 5 moves


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            ["env=sokoban", "observation=simple115v2"],
            "observation=simple115v2 needs football, but task sokoban is kickoff/S",
        ),
        (["observation=smm"], "observation=smm: one of pixels, simple115v2 is expected"),
        (["env=arithmetic"], "task arithmetic expects a text answer, but the baseline needs a game"),
        (["env=sokoban_plan"], "1024 observations of 640x640x3 take 1.3 GB; set env.image_size=[84,84]"),
        (["env=football_text"], "task football_text has no images"),
        (["env=footbal"], "unknown env 'footbal'; did you mean 'football'"),
        (["env=sokoban_sizes"], "env=sokoban_sizes is a suite; name one of its tasks: sokoban, sokoban_7x7_2"),
        (["env=football", "env.kwargs.scenario=nowhere"], "nowhere"),
        (["env=football_match"], "1024 observations of 448x672x3 take 0.9 GB; set env.image_size=[84,84]"),
        (["env=football", "env.image_size=[4,4]"], "images of 4x4x3 are smaller than the CNN's patches of 7x7"),
        (["steps=0"], "steps=0: a whole number of at least 1 is expected"),
        (["batch=100"], "batch must be a multiple of envs=32, got 100"),
        (["lr=-1"], "lr=-1: a number greater than 0 is expected"),
        (["learning_rate=1"], "unknown key learning_rate"),
        (["name=a/b"], "name may contain only letters"),
    ],
)
def test_baseline_with_an_invalid_override_has_a_one_line_error(words: list[str], problem: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as told:
        main([*words, f"out={tmp_path}"])
    assert problem in str(told.value) and "\n" not in str(told.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.ray
def test_baseline_that_cannot_be_resumed_is_refused(tmp_path: Path, trained: Path) -> None:
    (tmp_path / "config.yaml").write_text("name: x\n")
    for words, problem in (
        ([f"resume={tmp_path / 'none'}"], "no baseline in this folder"),
        ([f"resume={tmp_path}"], "no baseline in this folder .*python -m training.run resume="),
        ([f"resume={trained}"], "is already finished"),
        ([f"resume={trained}", "lr=1"], "a resumed baseline keeps its config; remove lr=1"),
        ([f"out={trained.parent}", "name=close"], "exists already; choose another name"),
    ):
        with pytest.raises(UserError, match=problem):
            main(words)


@pytest.mark.slow
def test_unfinished_baseline_of_an_older_version_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    baseline_config.save(*from_overrides(parse_overrides(CLOSE)), tmp_path)
    step = tmp_path / "checkpoints" / "step-000000000260"
    step.mkdir(parents=True)
    (step / "progress.json").write_text(json.dumps({"updates": 2, "env_steps": 260, "learning": 1.0, "results": {}}))
    with pytest.raises(
        UserError, match=r"progress\.json is from another version of Kickoff .*; resume with that version"
    ):
        main([f"resume={tmp_path}"])


def test_baseline_without_rllib_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"the baseline needs RLlib: pip install -e '.\[ray\]'"):
        main([*CLOSE, f"out={tmp_path}"])
    assert not list(tmp_path.iterdir())


def test_baseline_config_is_read_back_as_saved(tmp_path: Path) -> None:
    words = ["env=football", "lr=0.002", "env.max_turns=9", "observation=simple115v2"]
    config, task = from_overrides(parse_overrides(words))
    assert config.folder == Path("runs/football-ppo-simple115v2")
    baseline_config.save(config, task, tmp_path)
    assert baseline_config.read(tmp_path) == (config, task)
    assert isinstance(policy_of(Network((115,), 19), task).with_temperature(0.0).actions, tuple)
    assert BaselineConfig().folder == Path("runs/football-ppo")
