"""Episode records: prompts, replies, observations and rewards of every turn, and their files.

A folder holds `episodes.jsonl`, one episode per line, and `frames/<frame_id>.png`, each distinct
frame once. Frames are written before the line that names them, and each line is a single write. A killed process
leaves at most a torn last line, which readers skip. Text is stored and returned unchanged.

A line (schema 3): {"schema": 3, "task", "seed", "policy", "step", "group", "success", "ended", "reward", "rewards",
"turns": [{"prompt", "reply", "thinking", "action", "valid", "reward", "rewards", "text", "frame", "reply_tokens",
"advantage"}], "kind", "stage", "advantage", "score", "problem"}. "frame" is the PNG file name without its suffix, or
null. The other fields of `Episode` and `Turn` are written only where they differ from their defaults: they are new
in schema 3, except "more_frames". Schema 1 lacks "kind", "stage", "advantage", "score" and "problem". Readers fill in
the defaults of missing fields.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from render.draw.canvas import Frame

SCHEMA: Final = 3
"""Schema version of written records. Readers reject newer versions."""
FILE: Final = "episodes.jsonl"
FRAMES: Final = "frames"
ENDED: Final = ("completed", "truncated", "invalid", "context", "timeout", "error")

FRAME_NAME: Final = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}")  # 16 before version 0.1


@dataclass(frozen=True)
class Turn:
    """One turn: observation, reply and reward."""

    prompt: str
    """Prompt of the turn."""
    reply: str
    """Full reply of the model."""
    thinking: str
    """Text inside `<think>`. Empty if the reply is invalid."""
    action: str
    """Name of the action. Empty if the reply is invalid."""
    valid: bool
    """True if the reply had the required format and a known action."""
    reward: float
    """Total reward of the turn."""
    rewards: dict[str, float]
    """Reward parts by name."""
    text: str
    """Text observation (a caption)."""
    frame: Frame | None
    """uint8 [H, W, 3]: image given to the model. None in text tasks."""
    reply_tokens: int
    """Number of tokens in the reply."""
    advantage: float | None = None
    """Advantage of the turn. None outside training."""
    more_frames: tuple[Frame, ...] = ()
    """Images after `frame`, if the turn has several."""
    problem: str = ""
    """Reason why the reply is invalid."""
    actions: tuple[str, ...] = ()
    """Names of the actions of a reply with several. Empty for a single action, which is `action`."""
    truth: str | None = None
    """True transcript of the observation. None if the task asks for none."""
    transcript: float | None = None
    """Accuracy of the reply's transcript, from 0 to 1. None if the task asks for none."""
    misread: tuple[tuple[str, str], ...] = ()
    """(true, stated) units in which the transcript differs from the truth. A missing or surplus unit has ""."""
    tokens: tuple[str, ...] = ()
    """Texts of the reply's tokens [R], which join to `reply`. The end token has "". Empty: not recorded."""
    logprobs: tuple[float, ...] = ()
    """[R] log-probs of the tokens under the distributions that they were sampled from."""
    entropies: tuple[float, ...] = ()
    """[R] entropies of these distributions in nats. Empty if the engine does not give them."""
    answers: tuple[tuple[str, float], ...] = ()
    """Likely answers and their probabilities: the reply's own, then others in falling order. A text that ends in "…"
    is the part up to the first token that differs from the reply's answer. Empty: not recorded."""


@dataclass(frozen=True)
class Episode:
    """One episode from reset to its end."""

    task: str
    """Name of the task."""
    seed: int
    """Seed of `env.reset`."""
    policy: str
    """Label of the policy: "before", "after", "train", "expert", …"""
    step: int
    """Training step, counted across stages. -1 outside training."""
    group: int
    """Group number. Episodes of one group start from the same state."""
    success: bool
    """True if the episode reached its goal."""
    ended: str
    """"completed", "truncated", "invalid", "context" (the next turn did not fit the model's context), "timeout" (a
    reply in a match took too long) or "error" (the env failed)."""
    reward: float
    """Sum of the rewards over the turns (the return)."""
    rewards: dict[str, float]
    """Sums of the reward parts over the turns, by name."""
    turns: tuple[Turn, ...]
    """Turns in order. Empty if the first prompt did not fit the context, or if the env could not start."""
    kind: str = ""
    """Scenario, size or family if the task has several."""
    stage: str = ""
    """Training stage. Empty outside training."""
    advantage: float | None = None
    """Mean advantage over the turns. None outside training."""
    score: float | None = None
    """Benchmark score if the task has one."""
    problem: str = ""
    """Description of what did not fit the context, or of the env's failure."""
    final_frame: Frame | None = None
    """uint8 [H, W, 3]: image after the last reply. None if the reply changed nothing, and in text tasks."""
    final_text: str = ""
    """Text of the state after the last reply."""
    ending: str = ""
    """The env's feedback on the last action, such as "The ball went out: their goal kick."."""
    pictured: bool = True
    """False if the frames were not kept."""
    seat: str = ""
    """Seat in the match. Empty for a task without seats."""
    match: str = ""
    """Identifier of the match, which is equal for the episodes of all its seats. Empty if the env plays the others."""
    result: str = ""
    """Result of the match for the seat: win, draw or loss. Empty for a task without seats."""
    opponent: str = ""
    """Names of the policies of the other seats, separated by commas."""

    def __post_init__(self) -> None:
        """Raise ValueError unless `ended` is known to readers."""
        if self.ended not in ENDED:
            raise ValueError(f"ended={self.ended!r}: it must be one of {', '.join(ENDED)}")
