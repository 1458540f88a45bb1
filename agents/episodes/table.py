"""Table: the episodes of a match's seats wait for each other here."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

import gymnasium

from agents.episodes.episode import Ended, Episode
from envs.matches.match import Match
from envs.matches.seat import SeatEnv

T = TypeVar("T")

LOST = {Ended.INVALID, Ended.CONTEXT, Ended.TIMEOUT}
"""Endings by which a seat loses."""


class TooSlow(Exception):  # noqa: N818  (named for the reply)
    """A reply took too long."""


async def within(seconds: float | None, reply: Awaitable[T]) -> T:
    """Return a reply. Raise TooSlow if it takes longer than `seconds`; None is no limit."""
    if seconds is None:
        return await reply
    try:
        return await asyncio.wait_for(reply, seconds)
    except TimeoutError:
        raise TooSlow(f"no reply within {seconds:g} s") from None


class Table:
    """Meeting point of the episodes of one match, each of which plays one seat as a coroutine.

    Args:
        match: Match to play. It is reset by the first `start`.
    """

    def __init__(self, match: Match) -> None:
        self.match = match
        self._waiting: dict[str, asyncio.Future[None]] = {}

    async def turn(self, seat: str) -> None:
        """Return when it is a seat's turn, or when the match is over."""
        while not self.match.ready(seat):
            self._waiting[seat] = asyncio.get_running_loop().create_future()
            await self._waiting[seat]

    async def choose(self, seat: str, action: Any) -> None:
        """Choose an action, and return at the seat's next turn or when the match is over."""
        self.match.choose(seat, action)
        self._wake()
        await self.turn(seat)

    def leave(self, seat: str, *, out_of_turns: bool) -> None:
        """Leave the match, as in `Match.leave`."""
        self.match.leave(seat, out_of_turns=out_of_turns)
        self._wake()

    def _wake(self) -> None:
        for seat in [seat for seat in self.match.seats if seat in self._waiting and self.match.ready(seat)]:
            future = self._waiting.pop(seat)
            if not future.done():  # cancelled
                future.set_result(None)


def finish(env: gymnasium.Env[Any, Any], episode: Episode, table: Table | None) -> None:
    """Complete the episode of a seat, and end or leave its match.

    Args:
        env: Environment of the episode. Nothing is done if it is no seat.
        episode: Finished episode.
        table: Table of the match, or None if the env plays the other seats.
    """
    seat = env.unwrapped
    if not isinstance(seat, SeatEnv):
        return
    if not episode.turns and seat.match.over and not seat.match.truncated and episode.ended not in LOST:
        episode.ended = Ended.COMPLETED  # another seat left before the first turn of this one
    (table or seat.match).leave(seat.seat, out_of_turns=episode.ended not in LOST)
    episode.seat, episode.result = seat.seat, seat.match.result(seat.seat) or ""
    episode.success = episode.result == "win"
