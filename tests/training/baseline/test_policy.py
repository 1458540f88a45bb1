"""What PPO sees is what a language model sees, and a trained baseline plays as its network says; no Ray is needed."""

import asyncio
import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import envs  # noqa: F401
from agents.episodes.policy import TurnContext
from agents.episodes.runner import EpisodeRunner
from agents.episodes.starts import TEST_FIRST, TRAIN_SEEDS, held_out_starts
from agents.policies.jobs import JobRunner
from configs.cli import parse_overrides
from configs.errors import UserError
from envs.task.config import load_task
from envs.task.reply import Reader
from envs.task.task import Task
from training.baseline import config as baseline_config
from training.baseline.config import baseline_tasks, from_overrides, is_baseline
from training.baseline.env import BaselineEnv, training_task
from training.baseline.policy import Network, features, load_baseline, save_network
from training.compare.resolve import participant
from training.config.compose import load
from training.evaluation.measure import held_out

CLOSE = ["env=football", "env.kwargs.scenario=academy_empty_goal_close"]


# -- the env ----------------------------------------------------------------------------------------------------------


class Fixed:
    """A player that answers the same actions in every episode."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def start_episode(self, task: Task) -> None:
        """No memory."""

    def with_temperature(self, temperature: float) -> "Fixed":
        return self

    async def reply(self, context: TurnContext) -> str:
        return f"<think></think><answer>{self.names[context.turn]}</answer>"


def baseline_env(words: list[str], seeds: list[int], **keys: Any) -> BaselineEnv:
    """Return an env with the given starts."""
    config, task = from_overrides(parse_overrides(words))
    for key, value in keys.items():
        setattr(config, key, value)
    env = BaselineEnv(training_task(config, task), config)
    drawn = iter(seeds)
    env.np_random = SimpleNamespace(integers=lambda _: next(drawn))  # type: ignore[assignment]
    return env


@pytest.mark.slow
@pytest.mark.parametrize("words", [CLOSE, ["env=sokoban"]])
def test_baseline_env_has_the_frames_and_successes_of_the_task(words: list[str]) -> None:
    """The same actions on the same seeds: the same frames, lengths and successes."""
    config, task_config = from_overrides(parse_overrides(words))
    task = Task(config.task_name, task_config)
    names = [name for name in task_config.actions if isinstance(name, str)]
    seeds = [start.seed for start in held_out_starts(TEST_FIRST, 12)]
    rng = np.random.default_rng(0)
    chosen = [names.index("right"), *rng.integers(len(names), size=task_config.max_turns)]
    runner = EpisodeRunner(task)
    there = asyncio.run(runner.play(held_out_starts(TEST_FIRST, 12), Fixed([names[action] for action in chosen])))
    runner.close()
    env = baseline_env(words, seeds, reward="success")
    for seed, episode in zip(seeds, there, strict=True):
        frame, _ = env.reset()
        paid, over = [], False
        for number, turn in enumerate(episode.turns):
            assert not over and turn.observation.image is not None and np.array_equal(frame, turn.observation.image), (
                seed,
                number,
            )
            frame, reward, terminated, truncated, info = env.step(chosen[number])
            paid.append(reward)
            over = terminated or truncated
        assert over and paid == [0.0] * (len(paid) - 1) + [float(episode.success)]
        assert info == {"success": episode.success, "reward": sum(paid), "turns": len(episode.turns)}
    env.close()


@pytest.mark.slow
def test_baseline_env_returns_include_footballs_checkpoints() -> None:
    env = baseline_env(CLOSE, [7])
    env.reset()
    over, total = False, 0.0
    while not over:
        _, reward, terminated, truncated, info = env.step(env.env.unwrapped.expert_action())  # type: ignore[attr-defined]
        total, over = total + reward, terminated or truncated
    # A goal, 1, pays what is left of the ten checkpoints of 0.1.
    assert total == pytest.approx(2.0) and info["success"] and info["reward"] == total
    env.close()


def test_training_task_keeps_the_users_rewards_and_adds_checkpoints_to_returns_only() -> None:
    def kwargs(word: str) -> dict[str, Any]:
        return training_task(*from_overrides(parse_overrides([*CLOSE, word]))).config.kwargs

    assert kwargs("env.kwargs.rewards=scoring")["rewards"] == "scoring"
    assert "rewards" not in kwargs("reward=success") and "rewards" not in kwargs("env.success=return >= 1")


def test_baseline_starts_are_never_held_out_and_new_after_a_resume(monkeypatch: pytest.MonkeyPatch) -> None:
    config, task = from_overrides(parse_overrides(["env=sokoban"]))

    def first(done: int, seed: int) -> list[int]:
        env = BaselineEnv(training_task(config, task), config, done)
        monkeypatch.setattr(env.env, "reset", lambda seed: (seed, {}))
        monkeypatch.setattr(env, "_see", lambda start, info: start)
        return [env.reset(seed=seed if number == 0 else None)[0] for number in range(50)]

    drawn = [start for done in (0, 1024) for seed in range(4) for start in first(done, seed)]
    assert len(set(drawn)) == len(drawn) and max(drawn) < TRAIN_SEEDS
    assert first(0, 2) == first(0, 2)


def test_vector_features_are_those_of_simple115v2() -> None:
    env = baseline_env([*CLOSE, "observation=simple115v2"], [11])
    vector, _ = env.reset()
    assert env.observation_space.shape == (115,) and vector.shape == (115,)
    shown = Task("football", load_task("football", parse_overrides(CLOSE[1:]))).make()
    shown.reset(seed=11)
    for action in (5, 5, 4):
        assert np.array_equal(features(shown), vector)
        vector, *_ = env.step(action)
        shown.step(action)
    with pytest.raises(ValueError, match="only football provides"):
        features(Task("sokoban", load_task("sokoban")).make())


# -- the policy -------------------------------------------------------------------------------------------------------


@pytest.fixture
def untrained(tmp_path: Path) -> Path:
    """The folder of a baseline that has learned nothing: no Ray is needed to play it."""
    torch.manual_seed(0)
    config, task = from_overrides(parse_overrides(["env=sokoban"]))
    baseline_config.save(config, task, tmp_path)
    network = Network((84, 84, 3), 4)
    torch.nn.init.normal_(network.policy.weight, std=0.1)
    save_network(network, tmp_path)
    return tmp_path


def test_baseline_policy_plays_the_actions_of_its_network(untrained: Path) -> None:
    assert is_baseline(untrained) and not is_baseline(untrained.parent)
    ((name, settings),) = baseline_tasks(untrained).items()
    assert name == "sokoban" and settings == load_task("sokoban").with_single_actions()
    policy = load_baseline(untrained)
    player = JobRunner({name: settings}, policy)
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


def test_baseline_policy_refuses_another_game(untrained: Path) -> None:
    """Before it plays."""
    player = participant(str(untrained), load(["env=sokoban"]))
    player.check({"sokoban": load_task("sokoban").with_single_actions()})
    for name, words, problem in (
        (
            "sokoban",
            [],
            "task sokoban accepts 5 actions per reply, but the baseline plays one; "
            "set env.actions_per_reply=1 env.max_turns=40",
        ),
        (
            "frozen_lake",
            ["env.max_turns=9"],
            "task frozen_lake: the baseline was trained with actions up, down, left, right",
        ),
        (
            "sokoban",
            ["env.kwargs.image_size=[42,42]", "env.actions_per_reply=1"],
            "task sokoban: the baseline was trained on 84x84x3, but observations are 42x42x3",
        ),
        (
            "arithmetic",
            ["env.max_turns=1"],
            "task arithmetic: the baseline was trained with actions up, down, left, right",
        ),
    ):
        with pytest.raises(UserError) as caught:
            player.check({name: load_task(name, parse_overrides(words))})
        assert str(caught.value) == f"policy={untrained}: {problem}"


def test_load_baseline_with_damaged_weights_has_a_one_line_error(untrained: Path) -> None:
    path = untrained / "policy.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"policy\.safetensors is damaged"):
        load_baseline(untrained)
    path.unlink()
    with pytest.raises(UserError, match=r"no policy\.safetensors yet; continue with "):
        load_baseline(untrained)
    (untrained / "baseline.yaml").write_text("env: sokoban\nwarp: 9\n")
    with pytest.raises(UserError, match=r"baseline\.yaml: unknown key warp"):
        load_baseline(untrained)
