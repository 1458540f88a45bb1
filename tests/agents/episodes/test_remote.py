"""Episodes on servers: played at the same time, in equal rounds, and ended one by one if their server fails."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import gymnasium
import pytest
from websockets.sync.client import connect

from agents.episodes import places
from agents.episodes.episode import Ended, Start
from agents.episodes.policy import TurnContext
from agents.episodes.remote import Rounds
from agents.episodes.runner import EpisodeRunner
from agents.policies.scripted import RandomPolicy, ScriptedPolicy
from envs.openenv import session
from envs.task.config import TaskConfig
from envs.task.task import Task
from tests.envs.openenv.server_fixture import Answer, server, slowly, told
from tests.envs.serve.serve_fixture import serving, until

STARTS = [Start(seed, seed) for seed in range(8)]


class Says(ScriptedPolicy):
    """Says its name."""

    def answer(self, context: TurnContext) -> str:
        return "x"


def task(address: str, **settings: Any) -> Task:
    kwargs = {"timeout": 60, "connect_timeout": 60} | settings.pop("kwargs", {})
    return Task("served", TaskConfig(f"openenv:{address}", "", kwargs, image=False, caption=True, **settings))


class Waiting(gymnasium.Env[Any, Any]):
    remote = True


def test_calls_that_arrive_together_run_and_return_together() -> None:
    env, order = Waiting(), []

    def wait(name: str, seconds: float) -> str:
        time.sleep(seconds)
        return name

    async def call(rounds: Rounds, name: str, seconds: float) -> str:
        found = await rounds.run(env, wait, name, seconds)
        order.append(name)
        return found

    async def main() -> list[str]:
        rounds = Rounds()
        first = [asyncio.ensure_future(call(rounds, name, 0.4 - 0.1 * k)) for k, name in enumerate("abc")]
        await asyncio.sleep(0.05)
        second = asyncio.ensure_future(call(rounds, "d", 0))  # another round, which does not wait for the first
        found = await asyncio.gather(*first, second)
        rounds.close()
        return found

    begin = time.monotonic()
    assert asyncio.run(main()) == ["a", "b", "c", "d"]
    assert order == ["d", "a", "b", "c"] and time.monotonic() - begin < 0.85  # one after the other: 0.9 s


def test_errors_reach_their_own_caller_and_local_envs_are_called_at_once() -> None:
    async def main() -> list[Any]:
        rounds = Rounds()
        calls = [rounds.run(Waiting(), int, "3"), rounds.run(Waiting(), int, "three")]
        found = await asyncio.gather(*calls, return_exceptions=True)
        thread = await rounds.run(gymnasium.Env(), threading.get_ident)
        rounds.close()
        return [*found, thread]

    three, error, thread = asyncio.run(main())
    assert three == 3 and isinstance(error, ValueError) and thread == threading.get_ident()


def test_slow_steps_of_many_episodes_overlap() -> None:
    with server(slowly(0.5, Answer())) as address:
        runner = EpisodeRunner(task(address, max_turns=3))
        begin = time.monotonic()
        episodes = asyncio.run(runner.play(STARTS, Says()))
        assert time.monotonic() - begin < 0.5 * 3 * len(STARTS) / 2
        runner.close()
    assert [(episode.ended, episode.env_return) for episode in episodes] == [(Ended.COMPLETED, 0.75)] * 8


def failing(seeds: set[int], nonsense: Any, at: str) -> Callable[[dict[str, Any]], Any]:
    """A server that answers the resets or the steps of some seeds with nonsense."""
    seed_of: dict[int, int] = {}

    def answer(message: dict[str, Any]) -> Any:
        if message["type"] == "reset":
            seed_of[threading.get_ident()] = message["data"]["seed"]
        bad = seed_of[threading.get_ident()] in seeds and message["type"] == at
        return nonsense if bad else told({"text": "a"}, reward=1, done=message["type"] == "step")

    return answer


@pytest.mark.parametrize("at", ["reset", "step"])
def test_only_the_episodes_of_the_failure_end(at: str, caplog: pytest.LogCaptureFixture) -> None:
    session.warned.clear()
    with server(failing({2, 5}, "?", at)) as address, caplog.at_level(logging.WARNING):
        runner = EpisodeRunner(task(address, max_turns=3, success="return > 0"))
        episodes = asyncio.run(runner.play(STARTS, Says()))
        runner.close()
    assert [episode.start.seed for episode in episodes if episode.ended is Ended.ERROR] == [2, 5]
    for episode in episodes:
        bad = episode.ended is Ended.ERROR
        assert episode.success is not bad and len(episode.turns) == (0 if bad and at == "reset" else 1)
        assert episode.problem == (f"{address}: no JSON: '?'" if bad else "")
    assert len([record for record in caplog.records if record.name == session.__name__]) == 1


def test_a_server_that_dies_in_the_middle_ends_its_episodes() -> None:
    stack = server(Answer())
    address = stack.__enter__()

    class Kills(Says):
        def answer(self, context: TurnContext) -> str:
            if context.turn == 1 and context.seed == 0:
                stack.__exit__(None, None, None)
            return "x"

    runner = EpisodeRunner(task(address, max_turns=3, kwargs={"connect_timeout": 5}))
    episodes = asyncio.run(runner.play(STARTS, Kills()))
    assert {episode.ended for episode in episodes} == {Ended.ERROR}
    assert [len(episode.turns) for episode in episodes] == [2] * 8
    assert [len(one.turns) for one in asyncio.run(runner.play(STARTS[:2], Says()))] == [0, 0]
    with server(Answer(), port=int(address.rpartition(":")[2])):
        assert [one.ended for one in asyncio.run(runner.play(STARTS, Says()))] == [Ended.COMPLETED] * 8
        runner.close()


@pytest.mark.parametrize("most", [None, 2])
def test_a_server_with_few_sessions_plays_all_episodes(most: int | None, caplog: pytest.LogCaptureFixture) -> None:
    with server(slowly(0.02, Answer()), sessions=2) as address:
        runner = EpisodeRunner(task(address, max_turns=3, episodes_at_once=most))
        for _ in range(2):
            episodes = asyncio.run(runner.play(STARTS, Says()))
            assert [episode.ended for episode in episodes] == [Ended.COMPLETED] * 8
        other = EpisodeRunner(task(address, max_turns=3))  # the first one keeps no session
        assert [one.ended for one in asyncio.run(other.play(STARTS, Says()))] == [Ended.COMPLETED] * 8
        other.close()
        runner.close()
    assert not [record for record in caplog.records if not record.name.startswith("websockets")]


def test_a_server_that_others_use_fails_after_some_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "PATIENCE", 2)
    with server(Answer(), sessions=1) as address:
        with connect(address.replace("http", "ws") + "/ws") as other:
            other.send('{"type": "reset", "data": {}}')
            other.recv()
            runner = EpisodeRunner(task(address, max_turns=3))
            (episode,) = asyncio.run(runner.play(STARTS[:1], Says()))
            assert episode.problem == f"{address}: all sessions are in use (full)" and not episode.turns
        assert until(lambda: asyncio.run(runner.play(STARTS[:1], Says()))[0].ended is Ended.COMPLETED)
        runner.close()


def test_cancelled_episodes_leave_no_session() -> None:
    with serving("sokoban") as (place, service):
        runner = EpisodeRunner(task(f"http://{place}", max_turns=8))

        class Waits(Says):
            async def reply(self, context: TurnContext) -> str:
                if context.turn == 1:
                    raise RuntimeError("stop")
                return "<think></think><answer>up</answer>"

        with pytest.raises(RuntimeError, match="stop"):
            asyncio.run(runner.play(STARTS, Waits()))
        assert until(lambda: service.sessions == 0)
        runner.close()


def test_a_policy_without_names_plays_what_is_legal() -> None:
    answer = Answer(legal_actions=["left", "right"])
    with server(answer) as address:
        runner = EpisodeRunner(task(address, max_turns=3))
        asyncio.run(runner.play(STARTS, RandomPolicy()))
        runner.close()
    said = {message["data"]["message"] for message in answer.log if message["type"] == "step"}
    assert said == {"left", "right"} and json.dumps(answer.log)
