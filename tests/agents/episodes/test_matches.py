"""Matches played by policies: one episode per seat, and seats that lose by rule."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from agents.chat.types import ContextFull
from agents.episodes.episode import Ended, Episode, Start
from agents.episodes.policy import TurnContext
from agents.episodes.rewards import rewards_of
from agents.episodes.runner import EpisodeRunner
from agents.policies.scripted import ScriptedPolicy, scripted
from envs.task.config import TaskConfig, load_task
from envs.task.task import Task

TICTACTOE = load_task("tictactoe")
NUMBERS = TaskConfig(
    id="pettingzoo:tests.envs.matches.game_fixture",
    seats=["a", "b", "c"],
    actions=["0", "1", "2"],
    image=False,
    caption=True,
    reward="result",
    max_turns=4,
)


class Scripted(ScriptedPolicy):
    """Answers in turn, or what a function of the context returns or raises."""

    def __init__(self, *answers: str | Callable[[TurnContext], str]) -> None:
        self.answers = answers

    async def reply(self, context: TurnContext) -> str:
        answer = self.answers[min(context.turn, len(self.answers) - 1)]
        text = answer if isinstance(answer, str) else answer(context)
        if text == "wait":
            await asyncio.sleep(5)
        return f"<think></think><answer>{text}</answer>"


def play(config: TaskConfig, *lineup: Any, starts: int = 1, film: int = 0) -> list[list[Episode]]:
    runner, names = EpisodeRunner(Task("game", config)), [f"policy {number}" for number in range(len(lineup))]
    try:
        return asyncio.run(
            runner.play_matches([Start(seed, seed, seed) for seed in range(starts)], lineup, names, film)
        )
    finally:
        runner.close()


def results(episodes: Sequence[Episode]) -> list[str]:
    return [episode.result for episode in episodes]


def full(context: TurnContext) -> str:
    raise ContextFull("too long")


def test_episode_of_each_seat_has_its_own_views_rewards_and_result() -> None:
    ((cross, circle),) = play(TICTACTOE, Scripted("1", "2", "3"), Scripted("5", "6"))
    assert (cross.seat, circle.seat, cross.kind) == ("cross", "circle", "cross")
    assert results([cross, circle]) == ["win", "loss"] and (cross.success, circle.success) == (True, False)
    assert [turn.reply.answer for turn in cross.turns] == ["1", "2", "3"]
    assert [turn.reply.answer for turn in circle.turns] == ["5", "6"]
    assert [turn.reward for turn in cross.turns] == [0, 0, 1] and [turn.reward for turn in circle.turns] == [0, -1]
    assert cross.ended is circle.ended is Ended.COMPLETED
    assert [turn.caption for turn in circle.turns] == ["o..\n...\n...", "oo.\n.x.\n..."]
    assert circle.turns[0].observation.text == "Play circle"
    assert cross.match == circle.match and len(cross.match) == 16
    assert (cross.player, cross.opponent, circle.player) == ("policy 0", "policy 1", "policy 1")
    assert rewards_of(cross, TICTACTOE).parts == {"outcome": 1.0, "format": pytest.approx(0.1)}
    assert [turn["outcome"] for turn in rewards_of(circle, TICTACTOE).turns] == [0.0, -1.0]


def test_matches_have_different_names_and_seats_different_sampling_seeds() -> None:
    played = play(TICTACTOE, scripted("random"), scripted("random"), starts=8)
    assert len({episodes[0].match for episodes in played}) == 8
    assert len({episode.start.sampling_seed for episodes in played for episode in episodes}) == 16
    again = play(TICTACTOE, scripted("random"), scripted("random"), starts=8)
    replies = [[[turn.words for turn in one.turns] for pair in part for one in pair] for part in (played, again)]
    assert replies[0] == replies[1] and len({tuple(one) for one in replies[0]}) > 8


@pytest.mark.parametrize(
    ("answer", "ended", "problem"),
    [("zero", Ended.INVALID, ""), ("1", Ended.INVALID, ""), (full, Ended.CONTEXT, "too long")],
)
def test_seat_that_cannot_play_loses_by_rule(answer: Any, ended: Ended, problem: str) -> None:
    ((cross, circle),) = play(TICTACTOE, Scripted("1"), Scripted(answer))
    assert results([cross, circle]) == ["win", "loss"]
    assert (circle.ended, circle.problem) == (ended, problem)
    assert cross.ended is Ended.COMPLETED and len(cross.turns) == 1
    assert cross.ending == "The other side left the match."
    assert rewards_of(circle, TICTACTOE).parts["outcome"] == -1.0


def test_illegal_action_is_recorded_as_an_invalid_reply() -> None:
    ((_, circle),) = play(TICTACTOE, Scripted("1"), Scripted("1"))
    assert (circle.turns[0].reply.valid, circle.turns[0].reply.problem) == (False, "1 is not legal now")


def test_seat_that_never_acts_wins_without_a_turn() -> None:
    ((cross, circle),) = play(TICTACTOE, Scripted("zero"), Scripted("1"))
    assert results([cross, circle]) == ["loss", "win"]
    assert circle.turns == [] and circle.ended is Ended.COMPLETED
    assert rewards_of(circle, TICTACTOE).total == 1.0


def test_reply_that_takes_too_long_loses() -> None:
    config = replace(TICTACTOE, reply_seconds=0.2)
    ((cross, circle),) = play(config, Scripted("1"), Scripted("wait"))
    assert results([cross, circle]) == ["win", "loss"]
    assert (circle.ended, circle.problem) == (Ended.TIMEOUT, "no reply within 0.2 s")


def test_simultaneous_match_of_three_continues_without_the_seat_that_left() -> None:
    ((first, second, third),) = play(NUMBERS, Scripted("2"), Scripted("1", "none"), Scripted("0"))
    assert results([first, second, third]) == ["win", "loss", "loss"]
    assert [len(episode.turns) for episode in (first, second, third)] == [4, 2, 4]
    assert second.ended is Ended.INVALID and first.env_return == 8.0


def test_limit_of_turns_ends_the_match_for_all_seats() -> None:
    (played,) = play(replace(NUMBERS, max_turns=2), Scripted("2"), Scripted("1"), Scripted("2"))
    assert results(played) == ["draw", "loss", "draw"]
    assert {(len(episode.turns), episode.ended) for episode in played} == {(2, Ended.TRUNCATED)}


def test_football_duel_is_played_by_two_experts_and_filmed_once() -> None:
    played = play(load_task("football_duel"), scripted("expert"), scripted("random"), starts=4, film=1)
    assert [len(left.turns) == len(right.turns) for left, right in played] == [True] * 4
    assert {tuple(results(episodes)) for episodes in played} <= {("win", "loss"), ("draw", "draw"), ("loss", "win")}
    assert sum(left.success for left, _ in played) >= 2
    assert [bool(episode.frames) for episodes in played for episode in episodes] == [True] + [False] * 7


def test_error_of_one_seat_ends_all_matches() -> None:
    def broken(context: TurnContext) -> str:
        raise RuntimeError("no server")

    with pytest.raises(RuntimeError, match="no server"):
        play(TICTACTOE, Scripted("1"), Scripted(broken), starts=3)


def test_single_policy_plays_the_seats_in_turn_against_the_tasks_opponent() -> None:
    runner = EpisodeRunner(Task("tictactoe", replace(TICTACTOE, opponent="expert")))
    episodes = asyncio.run(runner.play([Start(seed, seed) for seed in range(6)], scripted("expert")))
    runner.close()
    assert [episode.seat for episode in episodes] == ["cross", "circle"] * 3
    assert results(episodes) == ["draw"] * 6 and [episode.match for episode in episodes] == [""] * 6
    (lost,) = asyncio.run(runner.play([Start(0, 0)], Scripted("x")))
    assert (lost.result, lost.success, lost.ended) == ("loss", False, Ended.INVALID)
