"""Places of episodes: a limit that shrinks to what a server has."""

import asyncio

import pytest

from agents.episodes.places import PATIENCE, Places


def most_at_once(places: Places, episodes: int, sessions: int) -> tuple[int, int]:
    """The largest number of episodes that had a session at once, and the number of refusals."""
    playing, most, refusals = 0, 0, 0

    async def episode() -> None:
        nonlocal playing, most, refusals
        while True:
            async with places.one():
                await asyncio.sleep(0)
                if playing < sessions:
                    playing += 1
                    most = max(most, playing)
                    for _ in range(3):
                        await asyncio.sleep(0)
                    playing -= 1
                    return
                refusals += 1
                assert places.refused("full")

    async def main() -> None:
        await asyncio.gather(*(episode() for _ in range(episodes)))

    asyncio.run(main())
    return most, refusals


@pytest.mark.parametrize(
    ("limit", "sessions", "most", "refusals"), [(None, 99, 20, 0), (3, 99, 3, 0), (None, 4, 4, 16), (1, 1, 1, 0)]
)
def test_the_limit_shrinks_to_the_sessions(limit: int | None, sessions: int, most: int, refusals: int) -> None:
    places = Places(limit)
    assert most_at_once(places, 20, sessions) == (most, refusals)
    assert places.most == (4 if refusals else limit)
    assert most_at_once(places, 20, sessions) == (most, 0)  # in another event loop, and with what was learned


def test_one_that_is_alone_is_refused_only_a_few_times(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> list[bool]:
        places = Places(None)
        async with places.one():
            found = [places.refused("full") for _ in range(PATIENCE + 2)]
            places.started()
            return [*found, places.refused("full")]

    assert asyncio.run(main()) == [True] * PATIENCE + [False, False, True]
    assert [record.getMessage() for record in caplog.records] == ["full. The episodes end until a session is free."]


def test_one_that_is_cancelled_leaves_its_turn_to_the_next() -> None:
    async def main() -> str:
        places = Places(1)

        async def named(name: str) -> str:
            async with places.one():
                return name

        async with places.one():
            first, second = (asyncio.ensure_future(named(name)) for name in ("first", "second"))
            await asyncio.sleep(0)
        first.cancel()  # it was woken already
        return await asyncio.wait_for(second, 10)

    assert asyncio.run(main()) == "second"
