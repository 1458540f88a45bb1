"""Where a training step's time goes: env, render, tokenise, generate, learn, rest.

python benchmarks/step_time.py [steps=8] [key=value …]

Plays and learns real steps of the default run and times the calls below, each without what it calls of the others. The
target: everything but generate and learn stays under 10%.
"""

import dataclasses
import functools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line does, and before torch is there

import numpy as np

from agents.chat import Chat
from agents.conversation import Conversation
from agents.engines.transformers import TransformersEngine
from agents.models import load_model
from agents.policy import VLMPolicy
from envs.football.env import FootballEnv
from envs.task import Task
from render.football import PitchCamera
from training.checkpoint import Progress
from training.config import Config, load
from training.learner import Learner
from training.metrics import MetricsLog
from training.pipeline import Trainer, assign_advantages
from training.prepare import prepare
from training.progress import Display
from training.runfolder import RunFolder

PARTS: dict[str, list[tuple[type, str]]] = {
    "env": [(FootballEnv, "step"), (FootballEnv, "reset")],
    "render": [(PitchCamera, "draw")],
    "tokenise": [
        (Chat, "text"),
        (Conversation, "prompt"),
        (Conversation, "branches"),
        (Conversation, "ask"),
        (Task, "parse"),
        (Task, "words"),
    ],
    "generate": [(TransformersEngine, "generate"), (TransformersEngine, "load_weights")],
    "learn": [(Learner, "update")],
}


class Clock:
    """Exclusive times of nested calls."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self._inner = [0.0]

    def watch(self, part: str, cls: type, name: str) -> None:
        """Time a method from now on."""
        method: Callable[..., Any] = getattr(cls, name)

        @functools.wraps(method)
        def timed(*args: Any, **kwargs: Any) -> Any:
            self._inner.append(0.0)
            started = time.perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                whole = time.perf_counter() - started
                self.seconds[part] += whole - self._inner.pop()
                self._inner[-1] += whole

        setattr(cls, name, timed)


def main(argv: list[str]) -> None:
    """Print the table."""
    steps = next((int(word.removeprefix("steps=")) for word in argv if word.startswith("steps=")), 8)
    words = [word for word in argv if not word.startswith("steps=")]
    with tempfile.TemporaryDirectory() as out:
        measure(steps, load(["env=football", f"out={out}", *words]))


def measure(steps: int, config: Config) -> None:
    """Time some steps of the last stage."""
    name, stage = list(config.stages.items())[-1]
    clock = Clock()
    for part, methods in PARTS.items():
        for cls, method in methods:
            clock.watch(part, cls, method)
    model, other = prepare(config), load_model(config.model.path)  # the threads are set as in a run
    folder = RunFolder.create(config)
    policy = VLMPolicy(model.chat, TransformersEngine(other.vlm, model.chat.eos, config.engine))
    with MetricsLog(folder.path) as log, Display([(name, stage)]) as display:
        trainer = Trainer(config, folder, model, policy, log, display, Progress(), 1)
        learner = Learner(model.vlm, stage.algo, stage.steps)
        rows: list[dict[str, float]] = []
        for step in range(steps + 1):
            before = dict(clock.seconds)
            started = time.perf_counter()
            groups = trainer.collect(0, stage)
            trajectories = assign_advantages(groups, stage.algo)
            learner.update(trajectories, step, 0)
            trainer.load_engine(learner)
            trainer.progress.step += 1
            whole = time.perf_counter() - started
            row = {part: clock.seconds[part] - before[part] for part in PARTS}
            row["rest"] = whole - sum(row.values())
            if step:  # the first step compiles and makes the envs
                rows.append(row | {"step": whole})
    print(
        f"{steps} steps of {stage.algo.groups} x {stage.algo.group_size} episodes, {dataclasses.asdict(config.engine)}"
    )
    for part in [*PARTS, "rest"]:
        shares = [row[part] / row["step"] for row in rows]
        seconds = statistics.median(row[part] for row in rows)
        print(f"{part:>9}  {seconds:7.3f} s  {np.median(shares):6.1%}  ({min(shares):.1%} to {max(shares):.1%})")
    shares = [1 - (row["generate"] + row["learn"]) / row["step"] for row in rows]
    print(f"all but generate and learn: {np.median(shares):.1%} ({min(shares):.1%} to {max(shares):.1%})")


if __name__ == "__main__":
    main(sys.argv[1:])
