"""The log of a run survives a kill and goes on where the checkpoint was."""

import json
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from training.metrics import MetricsLog, read_metrics


def write(folder: Path, numbers: range, keep_lines: int = 0) -> None:
    with MetricsLog(folder, keep_lines) as log:
        for number in numbers:
            log.write(number, {"stage": "fre", "success": number / 10})
        assert log.lines == keep_lines + len(numbers)


def test_a_line_a_step(tmp_path: Path) -> None:
    write(tmp_path, range(1, 4))
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == read_metrics(tmp_path)
    assert read_metrics(tmp_path)[1] == {"total_step": 2, "stage": "fre", "success": 0.2}


def test_lines_are_there_at_once(tmp_path: Path) -> None:
    with MetricsLog(tmp_path) as log:
        log.write(1, {"loss": 0.5})
        assert read_metrics(tmp_path) == [{"total_step": 1, "loss": 0.5}]


def test_a_resumed_run_keeps_the_lines_of_its_checkpoint(tmp_path: Path) -> None:
    write(tmp_path, range(1, 8))
    write(tmp_path, range(5, 9), keep_lines=4)
    assert [record["total_step"] for record in read_metrics(tmp_path)] == list(range(1, 9))


def test_a_new_log_keeps_none(tmp_path: Path) -> None:
    write(tmp_path, range(1, 4))
    write(tmp_path, range(1, 3))
    assert len(read_metrics(tmp_path)) == 2


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, range(1, 4))
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"total_step": 4, "succ')
    assert len(read_metrics(tmp_path)) == 3
    write(tmp_path, range(4, 5), keep_lines=3)
    assert [record["total_step"] for record in read_metrics(tmp_path)] == [1, 2, 3, 4]


def test_no_metrics_yet(tmp_path: Path) -> None:
    assert read_metrics(tmp_path) == []


def test_tensorboard_has_the_same_numbers(tmp_path: Path) -> None:
    write(tmp_path, range(1, 4))
    board = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert board.Tags()["scalars"] == ["success"]
    points = [(event.step, round(event.value, 6)) for event in board.Scalars("success")]
    assert points == [(1, 0.1), (2, 0.2), (3, 0.3)]
