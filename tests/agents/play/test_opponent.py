"""A person against another policy in a task with two seats."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agents.episodes.policy import TurnContext
from agents.episodes.runner import EpisodeRunner
from agents.episodes.starts import TEST_FIRST, held_out_starts
from agents.play.opponent import check_opponent, load_opponent
from agents.play.person import SeenTask
from agents.play.session import main, match
from agents.policies.scripted import ExpertPolicy
from configs.errors import UserError
from envs.task.config import load_task


class PerfectPerson(ExpertPolicy):
    """Plays as the expert, in the place of a person."""

    def __init__(self, task: SeenTask) -> None:
        self.task = task
        self.seats: list[str] = []

    def answer(self, context: TurnContext) -> str:
        self.seats.append(context.env.unwrapped.seat)  # type: ignore[attr-defined]
        return super().answer(context)


@pytest.mark.parametrize("opponent", ["random", "tiny"])
def test_person_plays_both_seats_in_turn_against_an_opponent(opponent: str) -> None:
    task = SeenTask("tictactoe", load_task("tictactoe"))
    person: Any = PerfectPerson(task)

    async def play() -> list[Any]:
        other = await load_opponent(opponent)
        runner = EpisodeRunner(task)
        starts = held_out_starts(TEST_FIRST, 4)
        try:
            return [(start, await match(runner, person, start, other)) for start in starts]
        finally:
            runner.close()
            await other.close()

    played = asyncio.run(play())
    assert [episode.seat for _, episode in played] == ["cross", "circle"] * 2
    assert all(episode.start == start and episode.opponent == opponent for start, episode in played)
    assert {episode.result for _, episode in played} <= {"win", "draw"} and set(person.seats) <= {"cross", "circle"}
    assert task.own_seat == "circle"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["env=sokoban", "opponent=expert"], "opponent=expert needs a task with two seats"),
        (
            ["env=tictactoe", "opponent=expertt"],
            "opponent=expertt: it must be random, expert, expert:P, tiny, or a run",
        ),
    ],
)
def test_unknown_opponent_is_refused_before_a_window_opens(tmp_path: Path, words: list[str], line: str) -> None:
    with pytest.raises(UserError, match=line):
        main([*words, f"out={tmp_path}"])


def test_opponent_with_the_experts_name_needs_an_expert() -> None:
    task = SeenTask("tictactoe", load_task("tictactoe", {"env.expert": ""}))
    with pytest.raises(UserError, match=r"^opponent=expert:0\.5: tictactoe has no expert$"):
        check_opponent("expert:0.5", task)
