"""The process reward: verdicts of Sokoban's solver and of experts, by hand."""

import asyncio
from typing import Any

import gymnasium
import pytest

import envs  # noqa: F401  (registers the ids)
from agents.episodes.episode import Ended, Episode, Start
from agents.episodes.policy import Policy
from agents.episodes.process import look_ahead
from agents.episodes.rewards import rewards_of
from agents.episodes.runner import EpisodeRunner
from agents.episodes.task_check import check_task
from agents.policies.scripted import ScriptedPolicy, scripted
from configs.errors import UserError
from envs.task.config import TaskConfig
from envs.task.splits import TEST_FIRST, VALIDATION_FIRST
from envs.task.task import Task

CORRIDOR = "########\n#@  $. #\n#      #\n########\n########"
CORNER = "######\n#    #\n# $@ #\n#  . #\n######"


class Replies(ScriptedPolicy):
    """Gives its answers in turn, then the last one again."""

    def __init__(self, *answers: str) -> None:
        self.answers = answers

    def answer(self, context: Any) -> str:
        return self.answers[min(context.turn, len(self.answers) - 1)]


def sokoban(level: str, **settings: Any) -> TaskConfig:
    return TaskConfig(
        id="kickoff/Sokoban-v0", kwargs={"levels": level, "room": [5, 6], "observation": "text"}, image=False,
        actions=["up", "down", "left", "right"],
        **{"caption": True, "max_turns": 6, "on_invalid": "skip", "reward": "process", **settings},
    )  # fmt: skip


def play(config: TaskConfig, policy: Policy, seed: int = 0) -> Episode:
    return asyncio.run(EpisodeRunner(Task("t", config)).play([Start(seed, 0)], policy))[0]


def verdicts(config: TaskConfig, *answers: str) -> list[float]:
    return [turn.process for turn in play(config, Replies(*answers)).turns]


def test_sokoban_verdicts_are_changes_of_the_fewest_moves() -> None:
    # Three moves to the right solve the level.
    assert verdicts(sokoban(CORRIDOR), "right") == pytest.approx([1 / 3] * 3)
    # A wall changes nothing. From the lower row, four moves are left, and three again after the way back.
    assert verdicts(sokoban(CORRIDOR), "up", "down", "up", "right") == pytest.approx([0, -1 / 3, 1 / 3, *[1 / 3] * 3])


def test_several_moves_in_a_reply_have_one_verdict() -> None:
    plan = sokoban(CORRIDOR, actions_per_reply=4)
    assert verdicts(plan, "down, up, right", "right, right") == pytest.approx([1 / 3, 2 / 3])


def test_an_unsolvable_position_costs_1_once() -> None:
    # Pushed to the left wall, the box cannot come back to the target. The push that solves would be from above.
    assert verdicts(sokoban(CORNER, max_turns=3), "left", "right", "up") == [-1, 0, 0]


def test_an_invalid_reply_costs_1() -> None:
    assert verdicts(sokoban(CORRIDOR, max_turns=2), "jump", "right") == pytest.approx([-1, 1 / 3])


def test_rewards_are_the_verdicts_plus_success_in_the_last_turn() -> None:
    config = sokoban(CORRIDOR, format_reward=0.3)
    rewards = rewards_of(play(config, Replies("right")), config)
    assert [parts["process"] for parts in rewards.turns] == pytest.approx([1 / 3] * 3)
    assert rewards.turn_totals == pytest.approx([1 / 3 + 0.1, 1 / 3 + 0.1, 1 / 3 + 1.1])
    assert rewards.parts == pytest.approx({"outcome": 1.0, "process": 1.0, "format": 0.3})
    lost = rewards_of(play(sokoban(CORNER), Replies("left")), sokoban(CORNER, format_reward=0.0))
    assert lost.parts == {"outcome": 0.0, "process": -1.0, "format": 0.0}


def test_no_verdict_is_asked_unless_the_task_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(self: object) -> float:
        raise AssertionError("the solver was asked")

    monkeypatch.setattr("envs.sokoban.env.SokobanEnv.expert_progress", asked)
    assert verdicts(sokoban(CORRIDOR, reward="success"), "right") == [0, 0, 0]


def test_other_envs_compare_the_reply_with_the_expert() -> None:
    sums = TaskConfig(id="kickoff/Arithmetic-v0", image=False, caption=True, reward="process")
    assert [turn.process for turn in play(sums, scripted("expert")).turns] == [1.0]
    assert [turn.process for turn in play(sums, Replies("no")).turns] == [0.0]
    academy = {"scenario": "academy_empty_goal", "observation": "text"}
    actions: list[str | list[str]] = [f"a{number}" for number in range(19)]
    football = TaskConfig(
        id="kickoff/Football-v0", kwargs=academy, image=False, caption=True, actions=actions, max_turns=4,
        reward="process",
    )  # fmt: skip
    assert {turn.process for turn in play(football, scripted("expert")).turns} == {1 / 4}
    assert {turn.process for turn in play(football, Replies("a0")).turns} <= {0.0, 1 / 4}


def test_an_env_without_an_expert_is_a_one_line_error() -> None:
    config = TaskConfig(id="CartPole-v1", image=False, caption=True, actions=["left", "right"], reward="process")
    config.success = "terminated"
    with pytest.raises(UserError, match=r"tasks.t.reward=process: CartPole-v1 has no expert_action\(\)"):
        look_ahead(Task("t", config), gymnasium.make("CartPole-v1"))
    with pytest.raises(UserError, match=r"tasks.t.reward=process"):
        check_task("t", config, None)


@pytest.mark.parametrize(("seed", "turns"), [(0, 1), (VALIDATION_FIRST, 6), (TEST_FIRST, 6)])
def test_lost_episodes_end_in_training_only(seed: int, turns: int) -> None:
    episode = play(sokoban(CORNER, reward="success", end_when_lost=True), Replies("left", "up"), seed)
    assert (len(episode.turns), episode.ended, episode.success) == (turns, Ended.TRUNCATED, False)
    assert len(play(sokoban(CORNER, reward="success"), Replies("left", "up"), seed).turns) == 6


def test_a_narrow_setting_fails_before_it_is_played() -> None:
    narrow = TaskConfig(
        id="kickoff/Visual-v0", kwargs={"families": ["tangle"], "image_size": [84, 84]}, difficulty=0.0
    )  # fmt: skip
    with pytest.raises(UserError, match=r"families=tangle, difficulty=0\.0: 1000 draws gave no validation item"):
        check_task("narrow", narrow, None)
