"""Time of the parts of a training step: env, render, tokenise, record, generate, learn, publish, rest.

python -m benchmarks.step_time [steps=8] [key=value …]

Runs real training steps of the default run and measures the exclusive time of the calls below. Generation counts while
at least one batch of the engine is in progress. Target: less than 10% for everything except generate and learn.
"""

import asyncio
import functools
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in the command line, and before torch is imported

import numpy as np

from agents.chat.conversation import Conversation
from agents.chat.template import Chat
from agents.engines.transformers import TransformersEngine
from benchmarks.clock import Clock
from envs.football.env import FootballEnv
from envs.task.task import Task
from render.football.camera import PitchCamera
from training.algorithm.groups import with_advantages
from training.config.compose import load
from training.config.run import Config
from training.learner.learner import Learner
from training.prepare import prepare, start_cluster
from training.rollout.collector import Collector
from training.rollout.mixture import Mixture
from training.runs.group_records import GroupRecords

PARTS: dict[str, list[tuple[type, str]]] = {
    "env": [(FootballEnv, "step"), (FootballEnv, "reset")],
    "render": [(PitchCamera, "draw")],
    "tokenise": [
        (Chat, "text"),
        (Conversation, "prompt"),
        (Conversation, "sequences"),
        (Conversation, "ask"),
        (Task, "parse"),
        (Task, "words"),
    ],
    "record": [(GroupRecords, "write")],
    "learn": [(Learner, "update")],
}
SHOWN = [*PARTS, "generate", "publish", "rest"]


class Spans:
    """Seconds with at least one call of a method in progress, over all threads.

    Args:
        cls: Class with the method.
        name: Name of the method.
    """

    def __init__(self, cls: type, name: str) -> None:
        method = getattr(cls, name)
        self._spans: list[tuple[float, float]] = []

        @functools.wraps(method)
        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                self._spans.append((started, time.perf_counter()))

        setattr(cls, name, timed)

    def take(self) -> float:
        """Return the seconds since the last call."""
        total, until = 0.0, 0.0
        for begin, end in sorted(self._spans):
            total += max(0.0, end - max(begin, until))
            until = max(until, end)
        self._spans.clear()
        return total


def main(argv: list[str]) -> None:
    """Measure the steps and print the table."""
    steps = next((int(word.removeprefix("steps=")) for word in argv if word.startswith("steps=")), 8)
    words = [word for word in argv if not word.startswith("steps=")]
    with tempfile.TemporaryDirectory() as out:
        asyncio.run(measure(steps, load(["env=football", f"out={out}", *words])))


async def measure(steps: int, config: Config) -> None:
    """Measure and print some steps of the last stage."""
    stage = list(config.stages.values())[-1]
    clock = Clock()
    for part, methods in PARTS.items():
        for cls, method in methods:
            clock.watch(part, cls, method)
    generating = Spans(TransformersEngine, "_generate")
    chat = prepare(config)  # sets the threads as in a run
    groups = GroupRecords(Path(config.out), config.evaluation.record_groups, config.tasks, chat)
    cluster = await start_cluster(config)
    await cluster.begin_stage(stage.algo, stage.steps)
    mixture = Mixture(stage.weights, stage.algo.groups, stage.learning_progress)
    collector = Collector(
        cluster.play,
        {task: config.tasks[task] for task in stage.weights},
        mixture.allocate,
        seed=config.seed,
        stage=0,
        steps=steps + 1,
        group_size=stage.algo.group_size,
    )
    rows: list[dict[str, float]] = []
    for step in range(steps + 1):
        clock.take()
        generating.take()
        begun = time.perf_counter()
        collected = await collector.collect(step, step)
        judged = with_advantages(collected.played, stage.algo)
        await cluster.update([one for group in judged for one in group.trajectories()], step, 0)
        learned = time.perf_counter()
        await cluster.publish(step + 1)
        published = time.perf_counter()
        groups.write(step + 1, "mgt", judged)
        row = dict.fromkeys(PARTS, 0.0) | clock.take()
        row |= {"generate": generating.take(), "publish": published - learned}
        row["step"] = time.perf_counter() - begun
        row["rest"] = row["step"] - sum(seconds for part, seconds in row.items() if part != "step")
        if step:  # the first step compiles and creates the envs
            rows.append(row)
    await cluster.close()
    print(f"{steps} steps of {stage.algo.groups} x {stage.algo.group_size} episodes, threads={config.engine.threads}")
    for part in SHOWN:
        shares = [row[part] / row["step"] for row in rows]
        seconds = statistics.median(row[part] for row in rows)
        print(f"{part:>9}  {seconds:7.3f} s  {np.median(shares):6.1%}  ({min(shares):.1%} to {max(shares):.1%})")
    print(f"     step  {statistics.median(row['step'] for row in rows):7.3f} s")
    shares = [1 - (row["generate"] + row["learn"]) / row["step"] for row in rows]
    print(f"all but generate and learn: {np.median(shares):.1%} ({min(shares):.1%} to {max(shares):.1%})")


if __name__ == "__main__":
    main(sys.argv[1:])
