"""Rounds that run one after another."""

import asyncio

import pytest

from agents.rounds import SerialRounds


def test_results_are_returned_in_order_and_callers_that_call_again_share_the_next_round() -> None:
    async def play() -> tuple[list[list[int]], list[int]]:
        rounds_seen: list[list[int]] = []
        returned: list[int] = []

        async def answer(calls: list[int]) -> list[int]:
            rounds_seen.append(calls)
            await asyncio.sleep(0)
            return [10 * call for call in calls]

        rounds = SerialRounds(answer)

        async def caller(first: int) -> None:
            for call in (first, first + 1):
                returned.append(await rounds.run(call))

        await asyncio.gather(caller(1), caller(5), caller(3))
        return rounds_seen, returned

    assert asyncio.run(play()) == ([[1, 5, 3], [2, 6, 4]], [10, 50, 30, 20, 60, 40])


def test_an_exception_reaches_its_caller_only_and_a_cancelled_call_is_left_out() -> None:
    async def play() -> tuple[list[list[int]], list[object]]:
        rounds_seen: list[list[int]] = []

        async def answer(calls: list[int]) -> list[int | BaseException]:
            rounds_seen.append(calls)
            return [ValueError("odd") if call % 2 else call for call in calls]

        rounds = SerialRounds(answer)
        tasks = [asyncio.ensure_future(rounds.run(call)) for call in (1, 2, 4)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        return rounds_seen, [str(one) for one in await asyncio.gather(*tasks, return_exceptions=True)]

    assert asyncio.run(play()) == ([[1, 4]], ["odd", "", "4"])


def test_a_pause_has_priority_over_the_next_round_and_no_round_runs_inside() -> None:
    async def play() -> list[str]:
        log: list[str] = []

        async def answer(calls: list[str]) -> list[str]:
            log.extend(f"start {call}" for call in calls)
            await asyncio.sleep(0.01)
            log.extend(f"end {call}" for call in calls)
            return calls

        rounds = SerialRounds(answer)
        first = asyncio.ensure_future(rounds.run("a"))
        while not log:
            await asyncio.sleep(0)
        second = asyncio.ensure_future(rounds.run("b"))
        async with rounds.pause():
            log.append("pause")
            await asyncio.sleep(0.01)
            log.append("resume")
        await asyncio.gather(first, second)
        await rounds.finish()
        return log

    assert asyncio.run(play()) == ["start a", "end a", "pause", "resume", "start b", "end b"]


def test_an_exception_inside_a_pause_starts_the_waiting_round() -> None:
    async def play() -> int:
        async def answer(calls: list[int]) -> list[int]:
            return calls

        rounds = SerialRounds(answer)
        with pytest.raises(KeyError):
            async with rounds.pause():
                waiting = asyncio.ensure_future(rounds.run(7))
                await asyncio.sleep(0)
                raise KeyError
        return await waiting

    assert asyncio.run(play()) == 7
