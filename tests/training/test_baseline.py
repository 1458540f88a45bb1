"""Real RLlib: a baseline that is trained, killed, resumed and played."""

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
import torch

import envs  # noqa: F401
from agents.episodes import Arena
from agents.policy import Seat
from agents.starts import TEST_FIRST, TRAIN_SEEDS, held_out_starts
from envs.reply import Reader
from envs.schema import ConfigError
from envs.task import Task
from envs.task_config import load_task
from render.episode import read_episodes
from training import baseline_config
from training.baseline import main
from training.baseline_config import BaselineConfig, from_words
from training.baseline_env import BaselineEnv, Played, lesson, starts
from training.baseline_policy import (
    Network,
    baseline_tasks,
    features,
    is_baseline,
    load_baseline,
    policy_of,
    save_network,
)
from training.measure import held_out
from training.metrics import read_metrics
from training.rollout import Player

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(600)]  # Ray's and RLlib's own

CLOSE = ["env=football", "env.kwargs.scenario=academy_empty_goal_close"]
SMALL = ["batch=128", "envs=8", "epochs=2", "episodes=8"]


# -- the env ----------------------------------------------------------------------------------------------------------


class Fixed:
    """A player that answers the same actions in every episode."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def sit(self, task: Task) -> None:
        """No memory."""

    def at(self, temperature: float) -> "Fixed":
        return self

    async def reply(self, seat: Seat) -> str:
        return f"<think></think><answer>{self.names[seat.turn]}</answer>"


def baseline_env(words: list[str], seeds: list[int], **keys: Any) -> tuple[BaselineEnv, list[Played]]:
    config, task = from_words(words)
    for key, value in keys.items():
        setattr(config, key, value)
    played: list[Played] = []
    return BaselineEnv(lesson(config, task), config, itertools.chain(seeds, itertools.repeat(0)), played), played


@pytest.mark.parametrize("words", [CLOSE, ["env=sokoban"]])
def test_ppo_sees_and_wins_what_a_language_model_would(words: list[str]) -> None:
    """The same actions on the same seeds: the same frames, lengths and successes."""
    config, task_config = from_words(words)
    task = Task(config.task_name, task_config)
    names = [name for name in task_config.actions if isinstance(name, str)]
    seeds = [start.seed for start in held_out_starts(TEST_FIRST, 12)]
    rng = np.random.default_rng(0)
    chosen = [names.index("right"), *rng.integers(len(names), size=task_config.max_turns)]
    arena = Arena(task)
    there = asyncio.run(arena.play(held_out_starts(TEST_FIRST, 12), Fixed([names[action] for action in chosen])))
    arena.close()
    env, played = baseline_env(words, seeds, reward="success")
    for seed, episode in zip(seeds, there, strict=True):
        frame, _ = env.reset(seed=123)
        paid, over = [], False
        for number, turn in enumerate(episode.turns):
            assert not over and np.array_equal(frame, turn.observation.image), (seed, number)
            frame, reward, terminated, truncated, _ = env.step(chosen[number])
            paid.append(reward)
            over = terminated or truncated
        assert over and paid == [0.0] * (len(paid) - 1) + [float(episode.success)]
    assert [(one.success, one.turns) for one in played] == [(e.success, len(e.turns)) for e in there]
    env.close()


def test_returns_are_the_env_s_and_football_s_have_checkpoints() -> None:
    env, played = baseline_env(CLOSE, [7])
    env.reset()
    over, total = False, 0.0
    while not over:
        _, reward, terminated, truncated, _ = env.step(env.env.unwrapped.expert_action())  # type: ignore[attr-defined]
        total, over = total + reward, terminated or truncated
    # A goal, 1, pays what is left of the ten checkpoints of 0.1.
    assert total == pytest.approx(2.0) and played == [Played(True, total, played[0].turns)]
    env.close()
    assert lesson(*from_words([*CLOSE, "env.kwargs.rewards=scoring"])).config.kwargs["rewards"] == "scoring"
    assert "rewards" not in lesson(*from_words([*CLOSE, "reward=success"])).config.kwargs


def test_training_starts_are_never_held_out_and_new_after_a_resume() -> None:
    def first(done: int, index: int) -> list[int]:
        return list(itertools.islice(starts(3, done, index), 50))

    drawn = [seed for done in (0, 1024) for index in range(8) for seed in first(done, index)]
    assert len(set(drawn)) == len(drawn) and max(drawn) < TRAIN_SEEDS
    assert first(0, 2) == first(0, 2)


def test_a_vector_policy_reads_what_simple115v2_says() -> None:
    env, _ = baseline_env([*CLOSE, "observation=simple115v2"], [11])
    vector, _ = env.reset()
    assert env.observation_space.shape == (115,) and vector.shape == (115,)
    shown = Task("football", load_task("football", [CLOSE[1].replace("env=", "")])).make()
    shown.reset(seed=11)
    for action in (5, 5, 4):
        assert np.array_equal(features(shown), vector)
        vector, *_ = env.step(action)
        shown.step(action)
    with pytest.raises(ValueError, match="only football has"):
        features(Task("sokoban", load_task("sokoban")).make())


# -- the policy -------------------------------------------------------------------------------------------------------


@pytest.fixture
def untrained(tmp_path: Path) -> Path:
    """The folder of a baseline that has learned nothing: no Ray is needed to play it."""
    torch.manual_seed(0)
    config, task = from_words(["env=sokoban"])
    baseline_config.save(config, task, tmp_path)
    network = Network((84, 84, 3), 4)
    torch.nn.init.normal_(network.policy.weight, std=0.1)
    save_network(network, tmp_path)
    return tmp_path


def test_a_baseline_plays_the_actions_of_its_network(untrained: Path) -> None:
    assert is_baseline(untrained) and not is_baseline(untrained.parent)
    ((name, settings),) = baseline_tasks(untrained).items()
    assert name == "sokoban" and settings == load_task("sokoban")
    policy = load_baseline(untrained)
    player = Player({name: settings}, policy)
    reader = Reader(settings)
    greedy = asyncio.run(held_out(player, name, 6, 0.0))
    for turn in itertools.chain.from_iterable(episode.turns for episode in greedy):
        assert turn.observation.image is not None
        seen = torch.from_numpy(turn.observation.image)[None]
        with torch.no_grad():
            best = int(policy.network.logits(policy.network.embed(seen)).argmax())
        assert reader.read(turn.words).actions == (best,)
    one, two = (asyncio.run(held_out(player, name, 6, 1.0)) for _ in range(2))
    assert [[t.words for t in e.turns] for e in one] == [[t.words for t in e.turns] for e in two]  # by its seeds
    assert {t.words for e in one for t in e.turns} == {f"<think></think><answer>{a}</answer>" for a in settings.actions}
    player.close()


def test_a_baseline_refuses_another_game(untrained: Path) -> None:
    policy = load_baseline(untrained)
    for words, problem in (([], "has learned the actions up"), (["env.kwargs.image_size=[42,42]"], "from 84x84x3")):
        name = "sokoban" if words else "frozen_lake"
        player = Player({name: load_task(name, words)}, policy)
        with pytest.raises(ValueError, match=problem):
            asyncio.run(held_out(player, name, 2, 0.0))
        player.close()


def test_damaged_weights_are_told_in_one_line(untrained: Path) -> None:
    path = untrained / "policy.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ConfigError, match=r"policy\.safetensors is damaged"):
        load_baseline(untrained)
    path.unlink()
    with pytest.raises(ConfigError, match=r"no policy\.safetensors yet; go on: "):
        load_baseline(untrained)
    (untrained / "baseline.yaml").write_text("env: sokoban\nwarp: 9\n")
    with pytest.raises(ConfigError, match=r"baseline\.yaml: unknown key warp"):
        load_baseline(untrained)


# -- training ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("ray")
    out = tmp_path_factory.mktemp("runs")
    main([*CLOSE, *SMALL, "steps=512", "evaluate_every=2", "checkpoint_every=2", f"out={out}", "name=close"])
    return out / "close"


def test_what_a_baseline_leaves(trained: Path) -> None:
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
    assert [row["total_step"] for row in updates] == [1, 2, 3, 4]
    done = [row["env_steps"] for row in updates]
    assert all(128 <= b - a < 128 + 8 for a, b in itertools.pairwise([0, *done]))  # all eight envs step together
    rates = [max(0.0, 1e-3 * (1 - steps / 512)) for steps in done]  # in a straight line to 0
    assert [row["learning_rate"] for row in updates] == pytest.approx(rates, abs=1e-9)
    assert all(0 < row["entropy"] <= np.log(19) + 1e-6 and row["time/env_steps_per_second"] > 0 for row in updates)
    evaluated = [row for row in rows if row["stage"] == "evaluation"]
    assert [row["total_step"] for row in evaluated] == [2, 4]
    assert all(row["eval/low"] <= row["eval/success"] <= row["eval/high"] for row in evaluated)
    summary = json.loads((trained / "summary.json").read_text())
    assert (summary["task"], summary["seed"], summary["env_steps"]) == ("football", 0, done[-1])
    assert list(summary["success"]) == ["before", "after", "random", "idle", "expert"]
    assert summary["success"]["expert"]["mean"] == 1.0 and summary["success"]["idle"]["mean"] == 0.0
    assert set(summary["success"]["after"]) == {"mean", "ci95", "n", "valid", "greedy", "blind"}
    kept = list(read_episodes(trained / "episodes" / "after"))
    assert [episode.seed for episode in kept] == list(range(TEST_FIRST, TEST_FIRST + 8))
    assert sum(episode.success for episode in kept) == round(8 * summary["success"]["after"]["mean"])
    assert {(episode.policy, episode.step) for episode in kept} == {("after", 4)}
    assert kept[0].turns[0].prompt == "Play football." and kept[0].turns[0].frame is not None


def test_the_row_of_a_baseline_is_the_one_that_its_training_measured(trained: Path) -> None:
    ((name, settings),) = baseline_tasks(trained).items()
    player = Player({name: settings}, load_baseline(trained))
    summary = json.loads((trained / "summary.json").read_text())["success"]["after"]
    for temperature, measured in ((1.0, summary["mean"]), (0.0, summary["greedy"])):
        episodes = asyncio.run(held_out(player, name, 8, temperature))
        assert sum(episode.success for episode in episodes) / 8 == measured
    player.close()


def test_a_killed_baseline_goes_on(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    folder = tmp_path / "killed"
    words = [*CLOSE, *SMALL, "observation=simple115v2", "steps=2048", "evaluate_every=0", "checkpoint_every=1"]
    command = [sys.executable, "-m", "training.baseline", *words, f"out={tmp_path}", "name=killed"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 200
        while len(list(folder.glob("checkpoints/step-*"))) < 2 and process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        with pytest.raises(ConfigError, match="another process is working on"):
            main([f"resume={folder}"])
    finally:
        process.send_signal(signal.SIGKILL)
        assert process.stderr is not None
        said = process.stderr.read()
        process.wait()
    assert process.returncode == -signal.SIGKILL, said
    assert "WARNING" not in said and "Warning" not in said, said
    newest = max(folder.glob("checkpoints/step-*"))
    done = json.loads((newest / "progress.json").read_text())
    spread = json.loads((newest / "ppo" / "spread.json").read_text())
    assert 0 < done["env_steps"] < 2048 and spread["var"] > 0
    before = (folder / "metrics.jsonl").read_text().splitlines(keepends=True)[: done["metrics_lines"]]
    main([f"resume={folder}"])
    assert (folder / "metrics.jsonl").read_text().startswith("".join(before))
    updates = [row for row in read_metrics(folder) if row["stage"] == "ppo"]
    assert [row["step"] for row in updates] == list(range(1, len(updates) + 1))
    steps = [row["env_steps"] for row in updates]
    assert all(128 <= b - a < 128 + 8 for a, b in itertools.pairwise([0, *steps])) and steps[-2] < 2048 <= steps[-1]
    rates = [max(0.0, 1e-3 * (1 - count / 2048)) for count in steps]  # the schedule goes on too
    assert [row["learning_rate"] for row in updates] == pytest.approx(rates, abs=1e-9)
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["success"]["before"] == done["results"]["before"] and summary["observation"] == "simple115v2"
    assert "blind" not in summary["success"]["after"]
    with pytest.raises(ConfigError, match="is finished already"):
        main([f"resume={folder}"])


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            ["env=sokoban", "observation=simple115v2"],
            "observation=simple115v2 is football's; task sokoban is kickoff/S",
        ),
        (["observation=smm"], "observation=smm: one of pixels, simple115v2 is expected"),
        (["env=arithmetic"], "task arithmetic asks for an answer in words: the baseline needs a game"),
        (["env=sokoban_plan"], "takes up to 50 actions a reply: the baseline plays one a turn; set env.actions_per"),
        (["env=football_text"], "task football_text shows no pictures"),
        (["env=footbal"], "unknown env 'footbal'; did you mean 'football'"),
        (["env=football", "env.kwargs.scenario=nowhere"], "nowhere"),
        (["env=football_match"], "1024 frames of 448x672x3 take 0.9 GB: set env.image_size=[84,84]"),
        (["steps=0"], "steps must be at least 1, got 0"),
        (["batch=100"], "batch must be a multiple of envs=32, got 100"),
        (["lr=-1"], "lr must be greater than 0, got -1"),
        (["learning_rate=1"], "unknown key learning_rate"),
        (["name=a/b"], "name may hold letters"),
    ],
)
def test_bad_words_are_one_line(words: list[str], problem: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as told:
        main([*words, f"out={tmp_path}"])
    assert problem in str(told.value) and "\n" not in str(told.value)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_resumed_is_told(tmp_path: Path, trained: Path) -> None:
    (tmp_path / "config.yaml").write_text("name: x\n")
    for words, problem in (
        ([f"resume={tmp_path / 'none'}"], "no baseline is there"),
        ([f"resume={tmp_path}"], "no baseline is there .*python -m training.run resume="),
        ([f"resume={trained}"], "is finished already"),
        ([f"resume={trained}", "lr=1"], "a resumed baseline keeps its config; remove lr=1"),
        ([f"out={trained.parent}", "name=close"], "exists already; choose another name"),
    ):
        with pytest.raises(ConfigError, match=problem):
            main(words)


def test_without_rllib_there_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"the baseline needs RLlib: pip install 'kickoff-rl\[ray\]'"):
        main([*CLOSE, f"out={tmp_path}"])
    assert not list(tmp_path.iterdir())


def test_a_config_is_read_back_as_it_was(tmp_path: Path) -> None:
    config, task = from_words(["env=football", "lr=0.002", "env.max_turns=9", "observation=simple115v2"])
    assert config.folder == Path("runs/football-ppo-simple115v2")
    baseline_config.save(config, task, tmp_path)
    assert baseline_config.read(tmp_path) == (config, task)
    assert isinstance(policy_of(Network((115,), 19), task).at(0.0).actions, tuple)
    assert BaselineConfig().folder == Path("runs/football-ppo")
