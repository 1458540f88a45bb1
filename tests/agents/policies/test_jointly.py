"""Joint rounds of policies on engines of different speed."""

import asyncio
from functools import partial

import pytest

from agents.policies.jointly import JointRounds


def test_replies_return_together_and_in_order_whatever_their_speed() -> None:
    async def play() -> list[list[str]]:
        rounds, started, log = JointRounds(), [], []

        async def reply(name: str, seconds: float) -> str:
            started.append(name)
            await asyncio.sleep(seconds)
            return name

        async def seat(name: str, seconds: float) -> None:
            for turn in range(3):
                log.append(await rounds.run(partial(reply, f"{name}{turn}", seconds)))

        await asyncio.gather(seat("slow", 0.05), seat("fast", 0.0))
        return [started, log]

    order = ["slow0", "fast0", "slow1", "fast1", "slow2", "fast2"]
    assert asyncio.run(play()) == [order, order]


def test_error_of_one_reply_reaches_its_caller_only() -> None:
    async def play() -> tuple[object, ...]:
        rounds = JointRounds()

        async def good() -> str:
            return "fine"

        async def bad() -> str:
            raise ValueError("no reply")

        return tuple(await asyncio.gather(rounds.run(good), rounds.run(bad), return_exceptions=True))

    first, second = asyncio.run(play())
    assert first == "fine" and isinstance(second, ValueError)


def test_cancelled_call_does_not_stop_the_round() -> None:
    async def play() -> str:
        rounds = JointRounds()

        async def good() -> str:
            return "fine"

        lost = asyncio.ensure_future(rounds.run(good))
        kept = asyncio.ensure_future(rounds.run(good))
        await asyncio.sleep(0)
        lost.cancel()
        with pytest.raises(asyncio.CancelledError):
            await lost
        return await kept

    assert asyncio.run(play()) == "fine"
