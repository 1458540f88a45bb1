"""The log of a run survives a kill and goes on where the checkpoint was."""

import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from configs.errors import UserError
from render.records.video import write_video
from training import run
from training.config.compose import load
from training.config.run import trackers as names_of
from training.runs import trackers
from training.runs.metrics import MetricsLog, read_metrics


def write(folder: Path, numbers: range, keep_lines: int = 0) -> None:
    with MetricsLog(folder, keep_lines) as log:
        for number in numbers:
            log.write(number, {"stage": "fre", "success": number / 10})
        assert log.lines == keep_lines + len(numbers)


def test_metrics_log_writes_one_line_per_step(tmp_path: Path) -> None:
    write(tmp_path, range(1, 4))
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == read_metrics(tmp_path)
    assert read_metrics(tmp_path)[1] == {"total_step": 2, "stage": "fre", "success": 0.2}


def test_metrics_log_writes_lines_immediately(tmp_path: Path) -> None:
    with MetricsLog(tmp_path) as log:
        log.write(1, {"loss": 0.5})
        assert read_metrics(tmp_path) == [{"total_step": 1, "loss": 0.5}]


def test_metrics_log_of_a_resumed_run_keeps_the_lines_of_its_checkpoint(tmp_path: Path) -> None:
    write(tmp_path, range(1, 8))
    write(tmp_path, range(5, 9), keep_lines=4)
    assert [record["total_step"] for record in read_metrics(tmp_path)] == list(range(1, 9))


def test_metrics_log_of_a_new_run_keeps_no_lines(tmp_path: Path) -> None:
    write(tmp_path, range(1, 4))
    write(tmp_path, range(1, 3))
    assert len(read_metrics(tmp_path)) == 2


def test_read_metrics_skips_a_torn_last_line(tmp_path: Path) -> None:
    write(tmp_path, range(1, 4))
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"total_step": 4, "succ')
    assert len(read_metrics(tmp_path)) == 3
    write(tmp_path, range(4, 5), keep_lines=3)
    assert [record["total_step"] for record in read_metrics(tmp_path)] == [1, 2, 3, 4]


def test_read_metrics_without_a_file_is_empty(tmp_path: Path) -> None:
    assert read_metrics(tmp_path) == []


def test_metrics_log_writes_the_same_numbers_to_tensorboard(tmp_path: Path) -> None:
    write(tmp_path, range(1, 4))
    board = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert board.Tags()["scalars"] == ["success"]
    points = [(event.step, round(event.value, 6)) for event in board.Scalars("success")]
    assert points == [(1, 0.1), (2, 0.2), (3, 0.3)]


# -- track= --------------------------------------------------------------------------------------------------------


def test_track_accepts_known_trackers_only() -> None:
    assert load(["env=arithmetic"]).track == "tensorboard"
    named = {"tensorboard,wandb": ["tensorboard", "wandb"], "[wandb, tensorboard]": ["tensorboard", "wandb"]}
    for text, names in (named | {"wandb": ["wandb"], "none": []}).items():
        assert names_of(load(["env=arithmetic", f"track={text}"]).track) == names
    with pytest.raises(UserError, match=r"unknown tracker 'wanbd'; did you mean 'wandb'\? Known: none, tensorboard, "):
        load(["env=arithmetic", "track=tensorboard,wanbd"])
    with pytest.raises(UserError, match="track=none cannot be combined with other trackers, got 'none,wandb'"):
        load(["env=arithmetic", "track=none,wandb"])


def test_metrics_log_without_trackers_writes_only_the_file(tmp_path: Path) -> None:
    with MetricsLog(tmp_path, where="none") as log:
        log.write(1, {"loss": 0.5})
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]


def test_wandb_check_without_the_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)  # as Python marks what cannot be imported
    with pytest.raises(UserError, match=r"^track=wandb needs the package wandb: pip install -e '.\[wandb\]'$"):
        trackers.check("wandb")
    trackers.check("tensorboard")


def settings(folder: Path, **own: str) -> dict[str, str]:
    """The environment of somebody whose W&B settings are only those."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    return kept | {"HOME": str(folder), "NETRC": str(folder / "none")} | own


CHECK = """
from configs.cli import command
from training.config.run import trackers as names_of
from training.runs import trackers
command(lambda _: trackers.check("wandb"), str)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "told"),
    [
        ({}, "track=wandb needs a key: set WANDB_API_KEY, run `wandb login`, "),
        (
            {"WANDB_API_KEY": "short"},
            "track=wandb: WANDB_API_KEY invalid: API key must have 40+ characters, has 5; fix this, ",
        ),
    ],
)
def test_wandb_check_without_a_good_key_has_a_one_line_error(key: dict[str, str], told: str, tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    words = [sys.executable, "-c", CHECK]
    done = subprocess.run(words, env=settings(tmp_path, **key), cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    *waited, error = done.stderr.splitlines()
    assert error == f"error: {told}or set WANDB_MODE=offline to keep the run on this machine"
    assert not [line for line in waited if "waiting for W&B" not in line]  # on a slow machine


def test_run_checks_wandb_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(UserError, match="track=wandb needs the package wandb"):
        run.main(["env=arithmetic", "track=wandb", f"out={tmp_path / 'runs'}"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_wandb_check_that_waits_says_so(tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        own = {"WANDB_BASE_URL": f"http://127.0.0.1:{silent.getsockname()[1]}", "WANDB_API_KEY": "a" * 40}
        words = [sys.executable, "-c", CHECK]
        with subprocess.Popen(words, env=settings(tmp_path, **own), stderr=subprocess.PIPE, text=True) as asking:
            assert asking.stderr is not None
            assert "track=wandb: waiting for W&B" in asking.stderr.readline()
            asking.kill()


def wandb_records(folder: Path) -> Iterator[Any]:
    """The records of a run that was kept offline: LevelDB's log, in blocks of 32 KiB, behind a head of 7 bytes."""
    from wandb.proto.wandb_internal_pb2 import Record  # type: ignore[attr-defined]

    (path,) = folder.glob("*.wandb")
    data, place, whole = path.read_bytes(), 7, b""
    while place + 7 <= len(data):
        if (left := 32768 - place % 32768) < 7:
            place += left
            continue
        _, length, kind = struct.unpack("<IHB", data[place : place + 7])
        whole += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield Record.FromString(whole)
            whole = b""


@pytest.mark.slow
def test_wandb_receives_metrics_config_and_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real thing, offline: and a run that goes on is the same run there."""
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_PROJECT", "goals")
    monkeypatch.setenv("WANDB_SILENT", "true")
    trackers.check("wandb")  # needs no key
    film = write_video(tmp_path / "film.mp4", [np.zeros((16, 16, 3), np.uint8)])
    folder = tmp_path / "first"
    folder.mkdir()
    try:
        for numbers, keep in ((range(1, 4), 0), (range(3, 6), 2)):
            with MetricsLog(folder, keep, "wandb", {"seed": 3, "stages": {"fre": {"steps": 5}}}) as log:
                for number in numbers:
                    log.write(number, {"stage": "fre", "success": number / 10})
                log.film("before", film)
    finally:
        wandb.teardown()
    assert not (folder / "tensorboard").exists()
    first, second = ([*wandb_records(found)] for found in sorted(folder.glob("wandb/offline-run-*")))
    seen = []
    for records in (first, second):
        (run,) = [record.run for record in records if record.WhichOneof("record_type") == "run"]
        config = {part.key: json.loads(part.value_json) for part in run.config.update}
        assert (run.project, run.display_name) == ("goals", "first")
        assert (config["seed"], config["stages"]) == (3, {"fre": {"steps": 5}})
        seen.append(run.run_id)
        rows = [
            {"/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
            for record in records
            if record.WhichOneof("record_type") == "history"
        ]
        points = {row["total_step"]: row["success"] for row in rows if "success" in row}
        assert points == pytest.approx({1: 0.1, 2: 0.2, 3: 0.3} if records is first else {3: 0.3, 4: 0.4, 5: 0.5})
        (video,) = [row for row in rows if "video/before/_type" in row]
        assert video["video/before/_type"] == "video-file"
        metrics = [record.metric for record in records if record.WhichOneof("record_type") == "metric"]
        assert [metric.step_metric for metric in metrics if metric.glob_name == "*"] == ["total_step"]
    assert seen[0] == seen[1] == (folder / "wandb.id").read_text().strip()
