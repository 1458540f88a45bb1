"""Episodes as plain data: starts, turns and how they ended."""

from dataclasses import dataclass, field
from enum import StrEnum

from agents.chat.types import TokenSequence
from agents.episodes.footage import PackedFrames
from envs.task.reply import Reply
from envs.task.task import Observation


class Ended(StrEnum):
    """How an episode ended."""

    COMPLETED = "completed"
    """The env ended it."""
    TRUNCATED = "truncated"
    """It ran out of turns or time."""
    INVALID = "invalid"
    """An invalid reply ended it."""
    CONTEXT = "context"
    """The next turn would not have fitted the engine's context."""


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
    reply_tokens: int = 0
    """Length of the reply; 0 for players without tokens."""
    cut: bool = False
    """Whether the reply was cut off at the task's `max_reply_tokens`."""


@dataclass
class Episode:
    """One episode as it happened: plain data, small when pickled (frames are shared with the sequences)."""

    start: Start
    turns: list[Turn] = field(default_factory=list)
    ended: Ended = Ended.TRUNCATED
    success: bool = False
    kind: str = ""
    """The env's word for what is played: a scenario, a size, a family."""
    score: float | None = None
    """The benchmark's own score, where the task has one."""
    sequences: tuple[TokenSequence, ...] = ()
    """Every reply once, as tokens, in the context that it was sampled in; none for players without tokens."""
    frames: PackedFrames = field(default_factory=PackedFrames)
    """The frames of the film, if it was filmed."""
    frames_a_turn: list[int] = field(default_factory=list)
    """How many of `frames` each turn took; the first count includes the start's."""
    problem: str = ""
    """What did not fit the context, if that ended it."""

    @property
    def valid(self) -> float:
        """The share of valid replies."""
        return sum(turn.reply.valid for turn in self.turns) / max(1, len(self.turns))

    @property
    def env_return(self) -> float:
        """The env's rewards, summed."""
        return sum(turn.reward for turn in self.turns)
