"""A run folder as training leaves it, made by the real writer: stages, groups with advantages, the same seeds twice."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from render.records.episode import Episode, Turn
from render.records.files import folder_lock
from render.records.writing import EpisodeWriter

HOSTILE = (
    "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
    "</script><!-- \u2028 \x00 \u202egnorw\u202c שלום 🙂 &lt;b&gt; ]]>"
)
"""What must be seen as it stands here."""
LONG = "a very long reply " * 11_112
"""200 kB of it."""
STEPS = 12
STAGES = (("fre", 1, 4), ("mgt", 5, STEPS))
ACTIONS = ("up", "right", "down", "left")


def picture(seed: int, turn: int) -> NDArray[np.uint8]:
    """A board of 8 × 8 squares, 64 × 64 pixels, with a mark that moves a square a turn."""
    board = np.full((8, 8, 3), (24, 92, 58), np.uint8)
    board[::2, ::2] = board[1::2, 1::2] = (30, 108, 68)
    board[seed % 8, (seed // 8 + turn) % 8] = (250, 214, 80)
    board[(seed * 3) % 8, 6] = (235, 240, 238)
    return board.repeat(8, 0).repeat(8, 1)


def turns(seed: int, count: int, success: bool, advantage: float | None, salt: int = 0) -> tuple[Turn, ...]:
    """`count` turns; the third is invalid where the seed is a multiple of five; the last one wins, or does not."""
    made = []
    for index in range(count):
        action = ACTIONS[(seed + index + (salt if index >= 2 else 0)) % 4]
        valid = not (seed % 5 == 0 and index == 2)
        parts = {"outcome": float(success and index == count - 1), "format": 0.1 if valid else 0.0}
        made.append(
            Turn(
                prompt=f"Sokoban {seed}: push the box onto the goal.",
                reply=f"<think>go {action}</think><answer>{action}</answer>" if valid else "I would push the box",
                thinking=f"go {action}" if valid else "",
                action=action if valid else "",
                valid=valid,
                reward=sum(parts.values()),
                rewards=parts,
                text=f"you are at ({index}, {seed % 8})",
                frame=picture(seed, index),
                reply_tokens=9,
                advantage=advantage,
            )
        )
    return tuple(made)


def episode(label: str, seed: int, success: bool, **changes: Any) -> Episode:
    """One game of Sokoban; what differs is given by name, `count` turns and `salt` (other moves from turn 3 on)."""
    count, salt = changes.pop("count", 4), changes.pop("salt", 0)
    advantage = changes.get("advantage")
    played = changes.pop("turns", None)
    played = turns(seed, count, success, advantage, salt) if played is None else played
    values: dict[str, Any] = {
        "task": "sokoban",
        "seed": seed,
        "policy": label,
        "step": -1,
        "group": 0,
        "success": success,
        "ended": "completed" if success else "truncated",
        "reward": round(sum(turn.reward for turn in played), 6),
        "rewards": {"outcome": float(success)},
        "turns": played,
        "kind": "6x6, 1 box" if seed % 2 else "10x10, 4 boxes",
    }
    return Episode(**values | changes)


def question(seed: int, reply: str, text: str) -> Episode:
    """A question in text alone, answered wrongly."""
    turn = Turn(text, reply, text, reply, True, 0.1, {"format": 0.1}, text, None, 40_000)
    changes: dict[str, Any] = {"task": "arithmetic", "kind": text[:40], "ended": "completed", "group": seed}
    return episode("after", seed, False, turns=(turn,), step=STEPS, **changes)


def training_group(step: int) -> list[Episode]:
    """The four episodes of a step's group; two succeed, with an advantage of +1, two fail, with −1."""
    stage = next(name for name, first, last in STAGES if first <= step <= last)
    made = []
    for index in range(4):
        success = index % 2 == 0
        values: dict[str, Any] = {"step": step, "stage": stage, "group": 0, "advantage": 1.0 if success else -1.0}
        made.append(episode("train", 1000 + step, success, count=3 + index, salt=index, **values))
    return made


def metrics(step: int) -> dict[str, Any]:
    """A line of metrics.jsonl."""
    stage = next(name for name, first, last in STAGES if first <= step <= last)
    share = step / STEPS
    return {
        "total_step": step, "stage": stage, "step": step, "success": 0.1 + 0.7 * share, "reward": 0.2 + 0.7 * share,
        "valid": 0.9 + 0.1 * share, "response_length": 16 - 8 * share, "entropy": 0.4 - 0.3 * share,
        "policy_kl": 0.0004 * step, "grad_norm": 0.5, "time/tokens_per_second": 5000.0 + step,
    }  # fmt: skip


def evaluation(step: int, success: float) -> dict[str, Any]:
    """A line of metrics.jsonl with a held-out point."""
    return {"total_step": step, "stage": "evaluation", "step": step, "eval/success": success,
            "eval/low": success - 0.1, "eval/high": success + 0.1}  # fmt: skip


def append_metrics(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Add lines to metrics.jsonl."""
    with open(folder / "metrics.jsonl", "a") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def write_run(folder: Path, ended: bool = True) -> Path:
    """The whole folder: 8 episodes before, 8 after (on the same seeds), two hostile ones, 48 of training.

    Before RL seeds 0 and 1 are solved, after it seeds 1 to 6: one both, one only before, five only after, one neither.
    """
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("env: sokoban\nseed: 0\n# <script>document.title='taken'</script>\n")
    append_metrics(folder, [metrics(step) for step in range(1, STEPS + 1)])
    append_metrics(folder, [evaluation(step, 0.2 + 0.05 * step) for step in (4, 8, 12)])
    with EpisodeWriter(folder / "episodes" / "before") as writer:
        for seed in range(8):
            writer.write(episode("before", seed, seed in (0, 1), step=0, group=seed))
    with EpisodeWriter(folder / "episodes" / "after") as writer:
        for seed in range(8):
            writer.write(episode("after", seed, 1 <= seed <= 6, step=STEPS, group=seed, salt=seed % 3))
        writer.write(question(100, LONG, HOSTILE))
        writer.write(question(101, HOSTILE, "What is 7 + 6?"))
    with EpisodeWriter(folder / "episodes" / "train") as writer:
        for step in range(1, STEPS + 1):
            for one in training_group(step):
                writer.write(one)
    if ended:
        (folder / "summary.json").write_text(json.dumps(summary()))
    return folder


def summary() -> dict[str, Any]:
    """A summary.json."""
    success = {"before": (0.25, 0.2, 0.31), "after": (0.75, 0.69, 0.8), "random": (0.05, 0.02, 0.09),
               "idle": (0.0, 0.0, 0.02), "expert": (1.0, 0.98, 1.0)}  # fmt: skip
    return {
        "task": "sokoban", "seed": 0, "seconds": 61.0,
        "stages": [{"name": name, "steps": last - first + 1, "seconds": 9.0} for name, first, last in STAGES],
        "success": {name: {"mean": mean, "ci95": [low, high], "n": 256} for name, (mean, low, high) in success.items()},
        "others": {}, "checkpoint": {"step": STEPS, "path": "checkpoint"},
    }  # fmt: skip


@contextmanager
def going_on(folder: Path) -> Iterator[None]:
    """Hold the lock that a run holds while it goes on."""
    with folder_lock(folder):
        yield
