"""Data classes of episodes: starts, turns and results."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from agents.chat.types import Distributions, TokenSequence
from agents.episodes.footage import PackedFrames
from envs.task.reply import Reply
from envs.task.task import Observation


class Ended(StrEnum):
    """Reason for the end of an episode."""

    COMPLETED = "completed"
    """The env ended the episode."""
    TRUNCATED = "truncated"
    """The episode reached its limit of turns or time."""
    INVALID = "invalid"
    """An invalid reply ended the episode."""
    CONTEXT = "context"
    """The next turn did not fit the engine's context."""
    TIMEOUT = "timeout"
    """A reply in a match took longer than the task's `reply_seconds`."""
    ERROR = "error"
    """The env failed (`info["failed"]`), such as an env on a server that does not answer. Training leaves it out."""


@dataclass(frozen=True)
class Start:
    """Start of one episode: the env's seed, and the seed of all sampling."""

    seed: int
    sampling_seed: int
    group: int = 0
    recorded: bool = True
    """True to keep what only records need: token distributions and the observation after the last reply."""


@dataclass(frozen=True)
class Turn:
    """Record of one turn."""

    observation: Observation
    caption: str
    """The env's text for the state, including when the policy does not see it."""
    words: str
    """The reply."""
    reply: Reply
    reward: float
    """Env reward of the turn."""
    state_hash: str
    """Hash of the state before the reply."""
    reply_tokens: int = 0
    """Reply length in tokens; 0 for policies without tokens."""
    transcript: float | None = None
    """Accuracy of the reply's transcript, from 0 to 1, or None if the task asks for none."""
    cut: bool = False
    """True if the reply was cut off at the task's `max_reply_tokens`."""
    process: float = 0.0
    """Verdict of the env's solver or expert on the reply, if the task has `reward: process`."""
    truth: str | None = None
    """True transcript of the state before the reply, or None if the task asks for none."""
    distributions: Distributions | None = None
    """Distributions of the reply's tokens, if the start is `recorded` and the engine gives them."""


@dataclass
class Episode:
    """Record of one episode. Plain data that pickles small, since images are shared with the token sequences."""

    start: Start
    turns: list[Turn] = field(default_factory=list)
    ended: Ended = Ended.TRUNCATED
    success: bool = False
    kind: str = ""
    """Name of the variant played, defined by the env: a scenario, a size or a family."""
    score: float | None = None
    """The benchmark's own score, or None if the task has no score."""
    sequences: tuple[TokenSequence, ...] = ()
    """Token sequences that contain every reply once, in its sampling context. Empty for policies without tokens."""
    frames: PackedFrames = field(default_factory=PackedFrames)
    """Frames of the video, if it was recorded."""
    frames_a_turn: list[int] = field(default_factory=list)
    """Number of `frames` of each turn. The first count includes the frames of the start."""
    problem: str = ""
    """Message about the exceeded context or the env's failure, if that ended the episode."""
    final: Observation | None = None
    """Observation after the last reply, if the start is `recorded`. None if the reply did not change the state."""
    final_text: str = ""
    """The env's text for that state."""
    ending: str = ""
    """The env's feedback on the last action, `info["feedback"]`."""
    pictured: bool = True
    """False after `drop_images`."""
    seat: str = ""
    """Seat in the match, or empty for a task without seats."""
    match: str = ""
    """Identifier of the match, which is equal for the episodes of all its seats. Empty if the env plays the others."""
    result: str = ""
    """Result of the match for the seat: win, draw or loss. Empty for a task without seats."""
    player: str = ""
    """Name of the policy in a match of several policies."""
    opponent: str = ""
    """Names of the policies of the other seats, separated by commas. Empty for a task without seats."""

    @property
    def valid(self) -> float:
        """Fraction of valid replies."""
        return sum(turn.reply.valid for turn in self.turns) / max(1, len(self.turns))

    @property
    def transcript(self) -> float | None:
        """Mean accuracy of the transcripts, or None if the task asks for none."""
        stated = [turn.transcript for turn in self.turns if turn.transcript is not None]
        return sum(stated) / len(stated) if stated else None

    def drop_images(self) -> None:
        """Free the images, for a record of the outcome alone. The frames of a video stay."""
        self.turns = [replace(turn, observation=turn.observation.showing(())) for turn in self.turns]
        self.sequences = tuple(replace(sequence, images=()) for sequence in self.sequences)
        self.final, self.pictured = None, False

    @property
    def env_return(self) -> float:
        """Sum of the env rewards."""
        return sum(turn.reward for turn in self.turns)
