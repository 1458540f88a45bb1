"""The pipeline: advantages go to the right tokens, success goes up, and a late collapse is caught."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from safetensors.torch import load_file
from torch import equal

from agents.chat.conversation import Conversation
from agents.chat.types import Completion
from agents.episodes.episode import Ended, Episode, Start, Turn
from agents.models.load import load_chat, tiny_folder
from envs.questions.env import Question
from envs.reasoning.algebra import AlgebraEnv
from envs.task.config import TaskConfig
from envs.task.reply import Reply
from envs.task.task import Observation
from training import run
from training.algorithm.groups import Group, Trajectory, make_group, with_advantages
from training.config.algo import AlgoConfig
from training.rollout.metrics import describe
from training.runs.metrics import read_metrics

CHAT = load_chat("tiny")
GOOD, BAD = "<think></think><answer>left</answer>", "<think></think>"


def episode(group: int, replies: Sequence[str], success: bool, history: int = 0) -> Episode:
    """An episode in which every reply with an answer is valid."""
    conversation = Conversation(CHAT, history)
    turns = []
    for number, words in enumerate(replies):
        conversation.ask("", f"turn {number}", None)
        tokens = CHAT.reply(words)
        versions = np.zeros(len(tokens), dtype=np.int32)
        conversation.prompt(0, 32)
        conversation.answer(Completion(tokens, np.full(len(tokens), -0.5, dtype=np.float32), True, versions))
        reply = Reply("", "", (1,) if "answer" in words else ())
        turns.append(Turn(Observation(None, ""), "", words, reply, 0.0, f"{number}", len(tokens)))
    return Episode(Start(group, 0, group), turns, Ended.COMPLETED, success, sequences=tuple(conversation.sequences()))


def groups(history: int = 0) -> list[Group]:
    """One that differs: rewards 1.1, 0.1, 0.05, 0.1; and one that does not."""
    live = [([GOOD, GOOD], True), ([GOOD], False), ([GOOD, BAD], False), ([GOOD] * 3, False)]
    played = [episode(0, replies, success, history) for replies, success in live]
    dead = [episode(1, [GOOD], False, history) for _ in range(4)]
    return [make_group("t", TaskConfig(), played), make_group("t", TaskConfig(), dead)]


def learned(history: int = 0, **algo: Any) -> list[Trajectory]:
    """What the learner is given of the groups."""
    estimated = with_advantages(groups(history), AlgoConfig(**algo))
    return [trajectory for group in estimated for trajectory in group.trajectories()]


def advantages(history: int = 0, **algo: Any) -> list[list[float]]:
    """The advantages of every trajectory's sampled tokens, each once."""
    trajectories = learned(history, **algo)
    for one in trajectories:
        assert (one.advantages[~one.sequence.loss_mask] == 0).all()
    return [list(dict.fromkeys(one.advantages[one.sequence.loss_mask].tolist())) for one in trajectories]


def test_with_advantages_gives_every_turn_its_episodes_advantage() -> None:
    trajectories = learned(advantage="dr_grpo")
    found = [value for (value,) in advantages(advantage="dr_grpo")]
    # rewards 1.1, 0.1, 0.05, 0.1: mean 0.3375; the episodes have 2, 1, 2 and 3 turns; the other group teaches nothing
    expected = [0.7625] * 2 + [-0.2375] + [-0.2875] * 2 + [-0.2375] * 3
    assert found == pytest.approx(expected)
    trained = [int(trajectory.sequence.loss_mask.sum()) for trajectory in trajectories]
    good, bad = len(CHAT.reply(GOOD)), len(CHAT.reply(BAD))
    assert trained == [good, good, good, good, bad, good, good, good]


def test_trajectories_with_the_whole_history_are_one_per_episode() -> None:
    trajectories = learned(history=-1, advantage="dr_grpo")
    found = [value for (value,) in advantages(history=-1, advantage="dr_grpo")]
    assert found == pytest.approx([0.7625, -0.2375, -0.2875, -0.2375])
    good = len(CHAT.reply(GOOD))
    assert [int(trajectory.sequence.loss_mask.sum()) for trajectory in trajectories][::3] == [2 * good, 3 * good]


def test_with_advantages_of_gigpo_credits_turns_separately() -> None:
    """GiGPO: in one sequence with the whole history, each turn's tokens carry the turn's advantage."""
    trajectories = learned(history=-1, advantage="gigpo", gamma=1.0)
    winner = trajectories[0]
    first, second = (winner.advantages[winner.sequence.loss_mask & (winner.sequence.turn == turn)] for turn in (0, 1))
    assert len(set(first.tolist())) == len(set(second.tolist())) == 1
    # turn 0: returns 1.1, 0.1, 0.05, 0.1; turn 1: 1.05, 0 and 0.0667 of the three players who came so far
    rewards = np.array([1.1, 0.1, 0.05, 0.1])
    episode_credit = (rewards[0] - rewards.mean()) / rewards.std()
    later = np.array([1.05, 0.0, 0.2 / 3])
    assert first[0] == pytest.approx(2 * episode_credit, rel=1e-5)
    assert second[0] == pytest.approx(episode_credit + (later[0] - later.mean()) / later.std(), rel=1e-5)


def test_with_advantages_of_equal_rewards_gives_zeros_and_no_trajectories() -> None:
    live, dead = with_advantages(groups(), AlgoConfig(advantage="dr_grpo"))
    assert live.advantages is not None and dead.advantages is not None
    assert [one.tolist() for one in live.advantages] == [
        pytest.approx(turns) for turns in ([0.7625] * 2, [-0.2375], [-0.2875] * 2, [-0.2375] * 3)
    ]
    assert [one.tolist() for one in dead.advantages] == [[0.0]] * 4 and dead.trajectories() == []


def test_describe_matches_hand_computation() -> None:
    described = describe(groups())
    assert described["success"] == 1 / 8
    # 1.1 + 0.1 + 0.05 + 0.1 and four times 0.1
    assert described["reward"] == pytest.approx(1.75 / 8)
    assert described["reward/outcome"] == 1 / 8
    assert described["reward/format"] == pytest.approx(0.75 / 8)
    assert described["valid"] == 11 / 12  # of 2 + 1 + 2 + 3 and 4 turns, one reply is not
    assert described["turns"] == 12 / 8
    assert described["live_groups"] == 0.5
    assert described["reply_tokens"] == 11 * len(CHAT.reply(GOOD)) + len(CHAT.reply(BAD))
    assert described["response_length"] == described["reply_tokens"] / 12


class EightEquations(AlgebraEnv):
    """Eight questions only: what a short run can learn by heart."""

    def draw_question(self) -> Question:
        env = AlgebraEnv()
        env.reset(seed=int(self.np_random.integers(8)))
        return env.question


gymnasium.register("test/EightEquations-v0", EightEquations)  # type: ignore[arg-type]
TASK = "id: test/EightEquations-v0\nimage: false\ncaption: true\nmax_reply_tokens: 32\n"  # all it takes: one YAML file


def learn(folder: Path, recipe: str) -> dict[str, Any]:
    """Train the shipped model on eight equations; the summary."""
    (folder / "sums.yaml").write_text(TASK)
    (folder / "short.yaml").write_text(recipe)
    run.main([f"env={folder / 'sums.yaml'}", f"recipe={folder / 'short.yaml'}", f"out={folder}", "name=run"])
    document: dict[str, Any] = json.loads((folder / "run" / "summary.json").read_text())
    return document


@pytest.mark.slow
def test_run_on_eight_questions_improves_success(tmp_path: Path) -> None:
    recipe = """
        checkpoint_every: 100
        evaluation: {episodes: 64, every: 0, videos: 0, records: 1}
        algo: {lr: 1e-4, warmup_updates: 3, minibatch: 32}
        stages: {fre: {tasks: [env], steps: 10, algo: {groups: 8, group_size: 8}}}
    """
    success = learn(tmp_path, recipe)["success"]
    curve = [record["success"] for record in read_metrics(tmp_path / "run")]
    assert len(curve) == 10
    assert success["after"]["mean"] > success["before"]["mean"] + 0.15
    assert success["after"]["greedy"] > success["before"]["greedy"]
    assert np.mean(curve[-3:]) > np.mean(curve[:3]) + 0.1


@pytest.mark.slow
def test_run_that_collapses_reports_the_last_good_weights(tmp_path: Path) -> None:
    """A learning rate that ruins the model at once: what is reported is the start, and the curve shows the rest."""
    recipe = """
        checkpoint_every: 100
        evaluation: {episodes: 16, every: 1, validation_episodes: 32, videos: 0, records: 1, tolerance: 0.1}
        algo: {lr: 0.5, warmup_updates: 0, max_grad_norm: 1000, temperature: 1.5}
        stages: {fre: {tasks: [env], steps: 2, algo: {groups: 8, group_size: 8}}}
    """
    summary = learn(tmp_path, recipe)
    evaluations = [record for record in read_metrics(tmp_path / "run") if record["stage"] == "evaluation"]
    assert [record["eval/good"] for record in evaluations] == [True, False, False]
    assert evaluations[0]["eval/success"] > 0.2 > 0.1 > evaluations[2]["eval/success"]
    assert summary["checkpoint"]["step"] == 0
    assert summary["validation"] == {"best": evaluations[0]["eval/success"], "reported": evaluations[0]["eval/success"]}
    assert summary["success"]["after"] == summary["success"]["before"]
    shipped, kept = (
        load_file(folder / "model.safetensors") for folder in (tiny_folder(), tmp_path / "run" / "checkpoint")
    )
    assert all(equal(shipped[name], kept[name]) for name in shipped)
