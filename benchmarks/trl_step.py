"""A training step compared with TRL's GRPOTrainer: same model, prompts, images, group size and reply lengths.

    pip install -e ".[bench]"        # TRL, with the installed torch and transformers
    python -m benchmarks.trl_step [short] [rules] [ragged] [rounds=5] [threads=1] [batch=0]

A step has 16 questions with an image x 8 replies, and one optimiser update. TRL runs in its own loop with suitable
settings and the fastest batch size (or the given one). After each of its steps, one step of Kickoff runs, so that each
ratio compares the same round. With one thread, times are CPU seconds, which other load hardly affects. With more
threads, they are wall-clock seconds. Peak memory is measured in separate processes with one side each and the same
batch size.
"""

# ruff: noqa: E402  (the number of threads must be set in the environment before torch is imported)

import os
import sys

THREADS = next((int(word.removeprefix("threads=")) for word in sys.argv if word.startswith("threads=")), 1)
os.environ |= {"OMP_NUM_THREADS": str(THREADS), "OMP_WAIT_POLICY": "PASSIVE"}
os.environ |= {"TRL_EXPERIMENTAL_SILENCE": "1", "HF_HUB_OFFLINE": "1"}

import asyncio
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import mean, median
from typing import Any

import torch

from agents.models.load import load_chat
from benchmarks import trl_ours, trl_theirs
from benchmarks.clock import Clock
from benchmarks.trl_case import CASES, Case, questions, write_model, write_questions

STEP, PART = (time.process_time, time.thread_time) if THREADS == 1 else (time.perf_counter, time.perf_counter)
"""Clock functions of a whole step and of its parts, in seconds."""
WARM = 1
"""Number of warm-up rounds."""


def main(argv: list[str]) -> None:
    """Print a table for each case."""
    warnings.simplefilter("ignore")
    names = [word for word in argv if word in CASES] or list(CASES)
    rounds = next((int(word.removeprefix("rounds=")) for word in argv if word.startswith("rounds=")), 5)
    batch = next((int(word.removeprefix("batch=")) for word in argv if word.startswith("batch=")), 0)
    side = next((word.removeprefix("alone=") for word in argv if word.startswith("alone=")), "")
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            if side:
                memory_of(side, CASES[name], batch, Path(folder))
            else:
                compare(name, rounds, batch, Path(folder))


def prepare(case: Case, folder: Path) -> tuple[Callable[[], trl_ours.Ours], Callable[[int], Any]]:
    """Return functions that build Kickoff's side, and TRL's side for a batch size."""
    model = folder / "model"
    write_model(case, model)
    task = write_questions(case, folder / "questions")

    def ours() -> trl_ours.Ours:
        return trl_ours.Ours(case, task, model, THREADS)

    def theirs(batch: int) -> Any:
        return trl_theirs.trainer(case, questions(task), model, load_chat(str(model)).forbidden, batch)

    return ours, theirs


def compare(name: str, rounds: int, batch: int, folder: Path) -> None:
    """Measure one case and print its table.

    Args:
        name: Name of the case.
        rounds: Number of measured rounds.
        batch: TRL's batch size, or 0 for the fastest.
        folder: Folder for temporary files.
    """
    case = CASES[name]
    make_ours, make_theirs = prepare(case, folder)
    ours = make_ours()
    batch = batch or quickest(make_theirs)
    trainer = make_theirs(batch)
    theirs_clock, ours_clock = Clock(PART), Clock(PART)
    trl_theirs.watch(theirs_clock, trainer)
    trl_ours.watch(ours_clock)
    rows: list[dict[str, dict[str, float]]] = []
    begun = 0.0
    lengths: list[float] = []
    loop = asyncio.new_event_loop()

    def after(step: int) -> None:
        nonlocal begun
        theirs = theirs_clock.take() | {"step": STEP() - begun}
        if step:
            lengths.append(trl_theirs.length(trainer))
        ours_clock.take()
        torch.set_num_threads(1)  # Kickoff's engine and learner create their own threads
        begun = STEP()
        loop.run_until_complete(ours.step(step))
        rows.append({"theirs": theirs, "ours": ours_clock.take() | {"step": STEP() - begun}})
        theirs_clock.take()
        torch.set_num_threads(THREADS)
        begun = STEP()

    trl_theirs.run(trainer, rounds + WARM, after)
    assert trl_theirs.prompts(trainer) <= ours.prompts, "the two sides were not asked the same"
    memory = [alone(name, side, batch) for side in ("theirs", "ours")]
    print_table(case, rows[1 + WARM :], batch, (mean(lengths), mean(ours.lengths)), memory)


def quickest(make: Callable[[int], Any]) -> int:
    """Return TRL's batch size with the shortest step, as the better of two steps."""
    best: dict[int, float] = {}
    for batch in trl_theirs.BATCHES:
        ends: list[float] = []
        trl_theirs.run(make(batch), 3, lambda _, ends=ends: ends.append(STEP()))  # type: ignore[misc]
        best[batch] = min(end - start for start, end in pairwise(ends[1:]))
    return min(best, key=lambda batch: best[batch])


def print_table(
    case: Case,
    rows: list[dict[str, dict[str, float]]],
    batch: int,
    lengths: tuple[float, float],
    memory: list[tuple[int, int]],
) -> None:
    """Print the ratio and the contribution of each part to the saved time.

    Args:
        case: Workload.
        rows: Seconds by side and part, for each round.
        batch: TRL's batch size.
        lengths: Mean reply lengths in tokens, TRL's and Kickoff's.
        memory: MB before the steps and at the peak, for TRL and Kickoff.
    """
    ratios = sorted(row["theirs"]["step"] / row["ours"]["step"] for row in rows)
    print(f"\n{case.title}: {case.groups} x {case.group_size}, {THREADS} thread(s), TRL's batch {batch}")
    print(f"mean reply {lengths[0]:.1f} tokens theirs, {lengths[1]:.1f} ours")
    print(f"ratio {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}, {len(ratios)} rounds)")
    parts = list(dict.fromkeys(part for row in rows for side in row.values() for part in side if part != "step"))
    print(f"{'seconds (median)':>22} {'TRL':>8} {'ours':>8}  share of what is saved")
    sides = ("theirs", "ours")
    step = {side: median(row[side]["step"] for row in rows) for side in sides}
    table = {part: {side: median(row[side].get(part, 0.0) for row in rows) for side in sides} for part in parts}
    table["rest"] = {
        side: median(row[side]["step"] - sum(row[side].get(part, 0.0) for part in parts) for row in rows)
        for side in sides
    }
    saved = step["theirs"] - step["ours"]
    for part, value in {**table, "step": step}.items():
        share = (value["theirs"] - value["ours"]) / saved
        print(f"{part:>22} {value['theirs']:8.3f} {value['ours']:8.3f}  {share:6.0%}")
    for label, (loaded, peak) in zip(("TRL", "ours"), memory, strict=True):
        print(
            f"memory, {label} alone: {peak} MB at most, {peak - loaded} MB more than before the first step", flush=True
        )


def alone(name: str, side: str, batch: int) -> tuple[int, int]:
    """Return the MB before the steps and at the peak, of a process with only one side.

    Args:
        name: Name of the case.
        side: "theirs" or "ours".
        batch: TRL's batch size.
    """
    words = [sys.executable, __file__, name, f"alone={side}", f"threads={THREADS}", f"batch={batch}"]
    text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    loaded, peak = text.split()[-2:]
    return int(loaded), int(peak)


def memory_of(side: str, case: Case, batch: int, folder: Path) -> None:
    """Run three steps of one side and print the MB before them and at the peak.

    Args:
        side: "theirs" or "ours".
        case: Workload.
        batch: TRL's batch size.
        folder: Folder for temporary files.
    """
    make_ours, make_theirs = prepare(case, folder)
    ours = make_ours() if side == "ours" else None
    trainer = make_theirs(batch) if side == "theirs" else None
    Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM
    before = megabytes("VmRSS")
    if ours is not None:
        for step in range(3):
            asyncio.run(ours.step(step))
    else:
        trl_theirs.run(trainer, 3, lambda _: None)
    print(before, megabytes("VmHWM"))


def megabytes(field: str) -> int:
    """Return a field of /proc/self/status in MB (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) // 1024


if __name__ == "__main__":
    main(sys.argv[1:])
