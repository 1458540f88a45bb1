"""Whole runs with a teacher: resume after Ctrl-C, equal weights from equal seeds, and a model on a server."""

import json
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agents.untrained import main as write_untrained
from configs.errors import UserError
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


class Seven(BaseHTTPRequestHandler):
    """A model that always replies 7."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        message = {"content": "<think></think><answer>7</answer>"}
        answer = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        pass


SERVED = """
evaluation: {episodes: 2, every: 0, videos: 0, records: 0}
algo: {lr: 1e-3, groups: 4, minibatch: 12}
stages:
  warm: {kind: sft, tasks: [arithmetic], steps: 3, teachers: {arithmetic: "api:seven"}}
  dagger: {kind: distill, tasks: [arithmetic], steps: 1, teachers: {arithmetic: "api:seven"}}
"""


def test_replies_of_a_model_on_a_server_are_learned(tmp_path: Path) -> None:
    (tmp_path / "served.yaml").write_text(SERVED)
    with ThreadingHTTPServer(("127.0.0.1", 0), Seven) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        url = f"engine.server.url=http://127.0.0.1:{server.server_address[1]}/v1"
        run.main(["env=arithmetic", f"recipe={tmp_path / 'served.yaml'}", f"out={tmp_path}", "name=served", url])
        server.shutdown()
    lines = read_metrics(tmp_path / "served")
    assert [(line["stage"], line["step"]) for line in lines] == [("warm", 1), ("warm", 2), ("warm", 3), ("dagger", 1)]
    assert lines[2]["nll"] < lines[0]["nll"]


@pytest.mark.parametrize(
    ("teacher", "problem"),
    [
        ("api:seven", "https://api.openai.com/v1 needs a key: set the environment variable OPENAI_API_KEY"),
        ("sums-*.jsonl", "there is no file 'sums-*.jsonl' in the working directory PATH"),
        ("empty.jsonl", "empty.jsonl has no demonstrations"),
    ],
)
def test_teachers_that_cannot_teach_are_refused_before_anything_is_written(
    teacher: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    (tmp_path / "served.yaml").write_text(SERVED)
    (tmp_path / "empty.jsonl").touch()
    overrides = ["stages=warm", f"stages.warm.teachers={{arithmetic: '{teacher}'}}", f"out={tmp_path / 'runs'}"]
    with pytest.raises(UserError) as caught:
        run.main(["env=arithmetic", "recipe=served.yaml", *overrides])
    assert str(caught.value).replace(str(tmp_path), "PATH") == f"stages.warm.teachers.arithmetic: {problem}"
    assert not (tmp_path / "runs").exists()
