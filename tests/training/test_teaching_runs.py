"""Whole runs with a teacher: resume after Ctrl-C in a stage of each kind, and equal weights from equal seeds."""

import signal
from pathlib import Path
from typing import Any

import pytest

from agents.untrained import main as write_untrained
from training import run
from training.runs.checkpoint import RunState, newest, read_progress
from training.runs.metrics import MetricsLog, read_metrics

pytestmark = pytest.mark.slow

RECIPE = """
checkpoint_every: 2
evaluation: {episodes: 2, every: 0, videos: 0, records: 0}
algo: {lr: 1e-3, groups: 4, group_size: 3, minibatch: 12, temperature: 1.5}
stages:
  warm: {kind: sft, tasks: {twins_text: 1, arithmetic: 2}, demonstrations: 70, swap: 0.5, steps: 6}
  dagger: {kind: distill, tasks: [sokoban, arithmetic], steps: 4}
  fre: {tasks: [env], steps: 2}
tasks:
  twins_text: {think: work}
"""
STAGES = [("warm", 6), ("dagger", 4), ("fre", 2)]


def words(folder: Path, name: str) -> list[str]:
    (folder / "taught.yaml").write_text(RECIPE)
    return ["env=arithmetic", f"recipe={folder / 'taught.yaml'}", f"out={folder}", f"name={name}"]


def numbers(folder: Path) -> list[dict[str, Any]]:
    """Return the metric lines without the times."""
    return [{k: v for k, v in record.items() if not k.startswith("time/")} for record in read_metrics(folder)]


def weights(folder: Path) -> bytes:
    return (folder / "checkpoint" / "model.safetensors").read_bytes()


def interrupt(monkeypatch: pytest.MonkeyPatch, folder: Path, stage: str, step: int, *overrides: str) -> RunState:
    """Send SIGINT to a run as it logs a step; return the state in its newest checkpoint."""
    write = MetricsLog.write

    def write_and_interrupt(log: MetricsLog, total_step: int, record: dict[str, Any]) -> None:
        write(log, total_step, record)
        if (record["stage"], record["step"]) == (stage, step):
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(MetricsLog, "write", write_and_interrupt)
        run.main(overrides)
    checkpoint = newest(folder / "checkpoints")
    assert checkpoint is not None
    return read_progress(checkpoint)


def test_run_interrupted_in_sft_and_in_distill_gives_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, whole = tmp_path / "interrupted", tmp_path / "whole"
    state = interrupt(monkeypatch, folder, "warm", 3, *words(tmp_path, "interrupted"))
    assert (state.stage, state.step) == (0, 2)  # at once, with the checkpoint of the step before
    state = interrupt(monkeypatch, folder, "dagger", 3, f"resume={folder}")
    assert (state.stage, state.step) == (1, 2)
    run.main([f"resume={folder}"])
    run.main(words(tmp_path, "whole"))
    lines = numbers(whole)
    expected = [(name, number) for name, steps in STAGES for number in range(1, steps + 1)]
    assert [(line["stage"], line["step"]) for line in lines] == expected
    assert lines == numbers(folder)
    assert weights(whole) == weights(folder)
    assert lines[5]["nll"] < lines[0]["nll"]  # the first stage has learned


def test_warmup_with_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    untrained = tmp_path / "untrained"
    write_untrained([f"out={untrained}"])
    short = ["env=arithmetic", "evaluation.episodes=1", "evaluation.every=0", "evaluation.records=0"]
    short += ["stages.warmup.demonstrations=3", "stages.warmup.steps=2", "algo.minibatch=40"]
    short += [f"out={tmp_path}", f"model={untrained}"]
    for name in ("one", "again"):
        run.main(["recipe=warmup", *short, f"name={name}"])
    assert weights(tmp_path / "one") == weights(tmp_path / "again")
    assert weights(tmp_path / "one") != (untrained / "model.safetensors").read_bytes()
