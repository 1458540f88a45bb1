"""A run's folder with a bit of everything, and the server of a page, for the tests of both."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import numpy as np

from render.records.episode import Episode, Turn
from render.records.video import write_video
from render.records.writing import EpisodeWriter
from render.viewer.run import Watched
from render.viewer.server import server
from render.watch import bind

HOSTILE = (
    "</script><img src=x onerror=\"document.title='taken over'\"><!-- <script> & \u2028 {{ 7 * 7 }} \x00 \U0001f3f3"
)


def picture(value: int) -> np.ndarray:
    return np.full((8, 8, 3), value, np.uint8)


def episode(
    policy: str, seed: int, success: bool, reply: str = "<think>a</think><answer>Right</answer>", **more: Any
) -> Episode:
    turns = tuple(
        Turn("Play.", reply, "a", "Right", index < 2, 0.1, {"format": 0.1}, "words", picture(index % 2), 9)
        for index in range(3)
    )
    values: dict[str, Any] = {"step": -1, "group": 0, "kind": "6x6", "reward": 0.3, "rewards": {"format": 0.3}}
    ended = "completed" if success else "truncated"
    return Episode(
        task="football", seed=seed, policy=policy, success=success, ended=ended, **values | {"turns": turns} | more
    )


SUMMARY = {
    "task": "football", "seed": 3, "seconds": 498.2, "peak_memory_mb": 2210,
    "stages": [{"name": "fre", "steps": 2, "seconds": 330.0}],
    "success": {
        "expert": {"mean": 0.97, "n": 256},
        "after": {"mean": 0.913, "ci95": [0.87, 0.94], "n": 256},
        "before": {"mean": 0.42, "ci95": [0.36, 0.48], "n": 256, "greedy": 0.45, "blind": 0.11},
        "after_fre": {"mean": 0.4, "n": 256},
    },
    "others": {"arithmetic": {"before": {"mean": 0.3}, "after": {"mean": 0.495, "ci95": [0.4, 0.6]}}},
    "checkpoint": {"step": 4, "path": "checkpoint"}, "more": {"x": 1},
}  # fmt: skip
METRICS = [
    {"total_step": 1, "stage": "fre", "success": 0.2, "reward": float("nan"), "success/sums": 0.4},
    {"total_step": 2, "stage": "fre", "success": 0.3, "grad_norm": 1.23456789},
    {
        "total_step": 2,
        "stage": "evaluation",
        "eval/success": 0.25,
        "eval/low": 0.2,
        "eval/high": 0.3,
        "eval/blind": 0.1,
    },
    {"total_step": 3, "stage": "mgt", "success": 0.5, "time/tokens_per_second": 100.5},
    {"total_step": 4, "stage": "mgt", "success": 0.6},
]


def make_run(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text(json.dumps(SUMMARY))
    (folder / "config.yaml").write_text(f"seed: 3\nenvs: [football]\n# {HOSTILE}\n".translate({0: "", 0x2028: ""}))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in METRICS))
    for policy in ("before", "after"):
        with EpisodeWriter(folder / "episodes" / policy) as writer:
            writer.write(episode(policy, 9000, policy == "after", HOSTILE))
            writer.write(episode(policy, 9001, True, score=2.5 if policy == "after" else None))
        write_video(folder / "videos" / f"{policy}.mp4", [picture(0).repeat(4, 0).repeat(4, 1)] * 3)
    return folder


@contextmanager
def serving(*folders: Path, port: int = 0) -> Iterator[str]:
    """A real server's address, while it runs in a thread."""
    listening = bind(port)
    running = server(Watched(folders))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        running.should_exit = True
        thread.join()
        listening.close()


def get(url: str, path: str) -> Any:
    answer = httpx2.get(url + path)
    assert answer.status_code == 200, answer.text
    return answer.json()
