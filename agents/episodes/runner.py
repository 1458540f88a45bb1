"""Episode runner: plays many episodes concurrently.

Each episode continues as soon as its own reply arrives. The vLLM engine and servers return replies one by one. The
transformers engine returns all replies of a round together.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle, islice
from typing import Any, TypeVar
from zlib import crc32

import gymnasium
import numpy as np
from numpy.typing import NDArray

from agents.chat.types import ContextFull
from agents.episodes.episode import Ended, Episode, Start, Turn
from agents.episodes.places import Places
from agents.episodes.policy import Policy, TurnContext
from agents.episodes.process import look_ahead, verdict
from agents.episodes.remote import Rounds
from agents.episodes.table import Table, TooSlow, finish, within
from agents.seeds import mix
from envs.matches.seat import SeatEnv
from envs.task.splits import split_of_seed
from envs.task.task import Observation, Task, state_hash
from envs.task.transcript import accuracy

T = TypeVar("T")

FILM_FRAMES = 600
"""Approximate maximum number of frames of an episode's video, one minute. Longer turns are subsampled."""


async def gather_or_cancel(coroutines: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run coroutines concurrently and return their results in order. The first error cancels all and is raised."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


class EpisodeRunner:
    """Runner of one task's episodes. Envs are created on demand and reused."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self._free: dict[str | None, list[gymnasium.Env[Any, Any]]] = {None: [], "rgb_array_list": []}
        self._free_seats: dict[str | None, list[list[gymnasium.Env[Any, Any]]]] = {None: [], "rgb_array_list": []}
        self._rounds = Rounds()
        self._places = Places(task.config.episodes_at_once)

    def close(self) -> None:
        """Close the envs."""
        for envs in self._free.values():
            for env in envs:
                env.close()
            envs.clear()
        for matches in self._free_seats.values():
            for seats in matches:
                seats[0].close()  # the seats of a match share one env
            matches.clear()
        self._rounds.close()

    @contextmanager
    def _env(self, render_mode: str | None) -> Iterator[gymnasium.Env[Any, Any]]:
        """Lend an env to an episode. It is closed if its session may be needed elsewhere, or if the episode fails."""
        free = self._free[render_mode]
        env = free.pop() if free else self.task.make(render_mode)
        try:
            yield env
        except BaseException:
            env.close()  # a thread may still wait for its server
            raise
        if self._places.most is None:
            free.append(env)
        else:
            env.close()

    async def play(
        self,
        starts: Sequence[Start],
        policy: Policy,
        film: int = 0,
        blind: bool = False,
        done: Callable[[Episode], None] | None = None,
    ) -> list[Episode]:
        """Play an episode from each start, all concurrently.

        An episode has no turns if its first prompt does not fit the engine's context, or if its env could not start it.

        Args:
            starts: starts of the episodes.
            policy: policy that plays.
            film: number of episodes recorded as video, from the first; ignored for tasks without images.
            blind: control experiment; the image is replaced by the newest image of another episode.
            done: called with each episode when it ends.

        Returns:
            The episodes in the order of `starts`.
        """
        filmed = film if self.task.config.image else 0
        newest: list[Observation] = [Observation(None, "")] * len(starts)  # latest observation of each episode

        def make_look(index: int) -> Callable[[Observation], Awaitable[Observation]]:
            async def look(own: Observation) -> Observation:
                if not blind:
                    return own
                newest[index] = own
                await asyncio.sleep(0)  # let episodes with replies that arrived at the same time advance
                other = newest[(index + len(newest) // 2) % len(newest)]  # offset by half of the episodes
                # As many images as the text has places, so that the prompt keeps its form.
                borrowed = other.images and tuple(islice(cycle(other.images), len(own.images)))
                return own.showing(borrowed)

            return look

        async def played(index: int, start: Start) -> Episode:
            episode = None
            while episode is None:
                async with self._places.one():
                    episode = await self._play(start, policy, index < filmed, make_look(index))
            if done is not None:
                done(episode)
            return episode

        return await gather_or_cancel(played(index, start) for index, start in enumerate(starts))

    async def play_matches(
        self,
        starts: Sequence[Start],
        lineup: Sequence[Policy],
        names: Sequence[str],
        film: int = 0,
        done: Callable[[list[Episode]], None] | None = None,
    ) -> list[list[Episode]]:
        """Play a match from each start, all concurrently.

        Args:
            starts: starts of the matches. Each seat has its own sampling seed, derived from that of the start.
            lineup: policy of each seat.
            names: name of the policy of each seat, for the records.
            film: number of matches of which the first seat's episode is recorded as video.
            done: called with the episodes of each match when it ends.

        Returns:
            For each match, the episodes of its seats, in the order of the seats.
        """
        filmed = film if self.task.config.image else 0

        async def played(index: int, start: Start) -> list[Episode]:
            episodes = await self._play_match(start, lineup, index < filmed)
            match = f"{mix(start.seed, start.sampling_seed, *map(crc32, map(str.encode, names))):016x}"
            for place, episode in enumerate(episodes):
                episode.match, episode.player = match, names[place]
                episode.opponent = ",".join(name for other, name in enumerate(names) if other != place)
            if done is not None:
                done(episodes)
            return episodes

        return await gather_or_cancel(played(index, start) for index, start in enumerate(starts))

    async def _play_match(self, start: Start, lineup: Sequence[Policy], film: bool) -> list[Episode]:
        """Play one match: an episode of each seat, concurrently."""

        async def look(own: Observation) -> Observation:
            return own

        render_mode = "rgb_array_list" if film else None
        free = self._free_seats[render_mode]
        envs = free.pop() if free else self.task.make_seats(render_mode)
        first = envs[0].unwrapped
        assert isinstance(first, SeatEnv)
        table = Table(first.match)
        first.match.reset(start.seed)
        seats = []
        for place, (seat, env, policy) in enumerate(zip(first.match.seats, envs, lineup, strict=True)):
            own = replace(start, sampling_seed=mix(start.sampling_seed, place))
            seats.append(self._in_env(env, own, policy, film and not place, look, table, seat))
        try:
            episodes = [episode for episode in await gather_or_cancel(seats) if episode is not None]
        except BaseException:
            envs[0].close()
            raise
        free.append(envs)
        return episodes

    async def _play(
        self, start: Start, policy: Policy, film: bool, look: Callable[[Observation], Awaitable[Observation]]
    ) -> Episode | None:
        """Play one episode in an env of its own, as `_in_env`."""
        with self._env("rgb_array_list" if film else None) as env:
            return await self._in_env(env, start, policy, film, look)

    async def _in_env(
        self,
        env: gymnasium.Env[Any, Any],
        start: Start,
        policy: Policy,
        film: bool,
        look: Callable[[Observation], Awaitable[Observation]],
        table: Table | None = None,
        seat: str = "",
    ) -> Episode | None:
        """Play one episode in an env. `look` returns the observation shown to the policy.

        The episodes of the `seat`s of a match share a table. The result is None if the env's server has no session for
        the episode, and it should be tried again.
        """
        task, config = self.task, self.task.config
        episode = Episode(start)
        if table is not None:
            await table.turn(seat)
        observation, info = await self._rounds.run(env, env.reset, seed=start.seed)
        if info.get("full") and self._places.refused(str(info["failed"])):
            return None
        if info.get("failed"):
            episode.ended, episode.problem = Ended.ERROR, str(info["failed"])
            return episode
        self._places.started()
        episode.kind, episode.score = str(info.get("kind", "")), task.score(info)
        own = task.observe(env, observation, info)
        context = TurnContext(task, env, own, 0, start.sampling_seed, policy.start_episode(task), start.recorded)
        if film:
            episode.frames.extend(_video_frames(env, config.max_turns))
        for number in range(0 if table is not None and table.match.over else config.max_turns):
            context.turn, context.observation = number, await look(own)
            try:
                words = await within(config.reply_seconds, policy.reply(context))
            except ContextFull as full:
                episode.ended, episode.problem = Ended.CONTEXT, str(full)
                break
            except TooSlow as slow:
                episode.ended, episode.problem = Ended.TIMEOUT, str(slow)
                break
            reply = task.legal(env, task.parse(words))
            caption, state = str(info.get("text", "")), state_hash(observation, info)
            truth = task.transcript(env)
            turn = Turn(
                *(context.observation, caption, words, reply, 0.0, state, context.reply_tokens),
                transcript=None if truth is None else accuracy(reply.thinking, truth),
                truth=truth,
                cut=context.cut,
                distributions=context.distributions,
            )
            over = False
            ahead = look_ahead(task, env) if config.reward == "process" else None
            if reply.valid:
                if table is not None:
                    await table.choose(seat, reply.actions[0])
                outcome = await self._rounds.run(env, task.play, env, reply)
                turn = replace(turn, reward=outcome.reward)
                observation, info = outcome.observation, outcome.info
                failed = bool(info.get("failed"))
                episode.success = not failed and task.succeeded(outcome, episode.env_return + outcome.reward)
                episode.score = None if failed else task.score(info)
                own = task.observe(env, observation, info, outcome.feedback)
                over = outcome.terminated or outcome.truncated
                if failed:
                    episode.ended, episode.problem = Ended.ERROR, str(info["failed"])
                elif over:
                    episode.ended = Ended.COMPLETED if outcome.terminated else Ended.TRUNCATED
                elif config.end_when_lost and info.get("deadlock") and split_of_seed(start.seed) == "train":
                    over = True
            elif config.on_invalid == "end":
                over, episode.ended = True, Ended.INVALID
            elif config.feedback:
                own = replace(own, feedback=f"The reply was invalid: {reply.problem}.")
            if config.reward == "process":
                turn = replace(turn, process=verdict(task, env, ahead, reply))
            episode.turns.append(turn)
            if film:
                before = len(episode.frames) if number else 0
                episode.frames.extend(_video_frames(env, config.max_turns))
                episode.frames_a_turn.append(len(episode.frames) - before)
            if over:
                break
        if start.recorded and episode.turns and state_hash(observation, info) != episode.turns[-1].state_hash:
            episode.final, episode.final_text = own, str(info.get("text", ""))
        episode.ending = str(info.get("feedback", ""))
        finish(env, episode, table)
        if context.conversation is not None and context.conversation.chat is not None:
            episode.sequences = tuple(context.conversation.sequences())
        return episode


def _video_frames(env: gymnasium.Env[Any, Any], turns: int) -> list[NDArray[np.uint8]]:
    """Return every k-th of the newest frames, including the last, so that `turns` such lists fit a video."""
    frames: Any = env.render() or []
    every = -(-len(frames) // max(1, FILM_FRAMES // turns))
    return [frame for number, frame in enumerate(frames[::-1]) if number % every == 0][::-1]
