"""Plays episodes: many at once, turn by turn, one batch of replies a turn."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from agents.conversation import Conversation
from agents.policy import Policy, Seat
from envs.reply import Reply
from envs.task import Observation, Task, state_hash


class Ended(StrEnum):
    """How an episode ended."""

    COMPLETED = "completed"
    """The env ended it."""
    TRUNCATED = "truncated"
    """It ran out of turns or time."""
    INVALID = "invalid"
    """An invalid reply ended it."""


@dataclass(frozen=True)
class Start:
    """One episode to play: the env's seed, and the seed of everything that is sampled."""

    seed: int
    sampling_seed: int
    group: int = 0


@dataclass(frozen=True)
class Turn:
    """One turn as it happened."""

    observation: Observation
    caption: str
    """The env's own words for the state, whether the player was shown them or not."""
    words: str
    """The reply."""
    reply: Reply
    reward: float
    """The env's reward."""
    state_hash: str
    """Of the state in which the reply was given."""


@dataclass
class Episode:
    """One episode as it happened."""

    start: Start
    turns: list[Turn] = field(default_factory=list)
    ended: Ended = Ended.TRUNCATED
    success: bool = False
    conversation: Conversation | None = None
    frames: list[NDArray[np.uint8]] = field(default_factory=list)
    """Every frame of the film, if it was filmed."""
    frames_a_turn: list[int] = field(default_factory=list)
    """How many of `frames` each turn took; the first count includes the start's."""

    @property
    def valid(self) -> float:
        """The share of valid replies."""
        return sum(turn.reply.valid for turn in self.turns) / max(1, len(self.turns))

    @property
    def env_return(self) -> float:
        """The env's rewards, summed."""
        return sum(turn.reward for turn in self.turns)


class Arena:
    """The envs of one task, made once and used again."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self._envs: dict[str | None, list[gymnasium.Env[Any, Any]]] = {None: [], "rgb_array_list": []}

    def close(self) -> None:
        """Close the envs."""
        for envs in self._envs.values():
            for env in envs:
                env.close()
            envs.clear()

    def _env(self, index: int, render_mode: str | None) -> gymnasium.Env[Any, Any]:
        envs = self._envs[render_mode]
        while len(envs) <= index:
            envs.append(self.task.make(render_mode))
        return envs[index]

    def play(self, starts: Sequence[Start], policy: Policy, film: int = 0, blind: bool = False) -> list[Episode]:
        """Play an episode from each start.

        The first `film` of them are filmed, if the env has pictures. `blind` is a control: every player is shown the
        frame of another episode's newest turn in place of its own, so that what it sees tells it nothing.
        """
        config = self.task.config
        filmed = film if config.image else 0
        episodes = [Episode(start) for start in starts]
        envs, seats, captions, hashes = [], [], [], []
        seen: list[Observation] = []  # each player's own newest observation
        for index, episode in enumerate(episodes):
            env = self._env(index, "rgb_array_list" if index < filmed else None)
            observation, info = env.reset(seed=episode.start.seed)
            seat = Seat(self.task, env, self.task.observe(env, observation, info), 0, episode.start.sampling_seed)
            seat.conversation = episode.conversation = policy.sit(self.task)
            if index < filmed:
                episode.frames += _film(env)
            envs.append(env)
            seats.append(seat)
            seen.append(seat.observation)
            captions.append(str(info.get("text", "")))
            hashes.append(state_hash(observation, info))
        going = list(range(len(starts)))
        for turn in range(config.max_turns):
            for i in going:  # blind: the frame of the player half a table away
                other = seen[(i + len(seen) // 2) % len(seen)] if blind else seen[i]
                seats[i].observation = replace(seen[i], image=other.image)
            replies = policy.reply([seats[i] for i in going])
            still = []
            for i, words in zip(going, replies, strict=True):
                episode, seat = episodes[i], seats[i]
                reply = self.task.parse(words)
                turn_played = Turn(seat.observation, captions[i], words, reply, 0.0, hashes[i])
                over = False
                if reply.valid:
                    outcome = self.task.play(envs[i], reply)
                    turn_played = replace(turn_played, reward=outcome.reward)
                    episode.success = self.task.succeeded(outcome, episode.env_return + outcome.reward)
                    over = outcome.terminated or outcome.truncated
                    if over:
                        episode.ended = Ended.COMPLETED if outcome.terminated else Ended.TRUNCATED
                    else:
                        seen[i] = self.task.observe(envs[i], outcome.observation, outcome.info, outcome.feedback)
                        captions[i] = str(outcome.info.get("text", ""))
                        hashes[i] = state_hash(outcome.observation, outcome.info)
                elif config.on_invalid == "end":
                    over, episode.ended = True, Ended.INVALID
                elif config.feedback:
                    seen[i] = replace(seen[i], feedback=f"The reply was invalid: {reply.problem}.")
                episode.turns.append(turn_played)
                if i < filmed:
                    before = len(episode.frames)
                    episode.frames += _film(envs[i])
                    episode.frames_a_turn.append(len(episode.frames) - (before if turn else 0))
                seat.turn = turn + 1
                if not over:
                    still.append(i)
            going = still
            if not going:
                break
        return episodes


def _film(env: gymnasium.Env[Any, Any]) -> list[NDArray[np.uint8]]:
    frames: Any = env.render()
    return list(frames) if frames is not None else []
