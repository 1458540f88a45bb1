import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from render.watch import bind, entry
from tests.render.watch_fixture import SUMMARY, get, make_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "my <run>")


def test_the_command_serves_until_it_is_stopped(run: Path) -> None:
    words = [sys.executable, "-m", "render.watch", str(run), "port=0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        found = re.fullmatch(
            rf"watching {re.escape(str(run))} at (http://127\.0\.0\.1:\d+)/ \(Ctrl-C to stop\)\n", line
        )
        assert found, line
        assert get(found[1], "/api/run")["task"] == "football"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert (process.stdout.read(), process.stderr.read()) == ("", "stopped\n")


def test_a_port_in_use_gives_the_next_one() -> None:
    with bind(0) as first:
        port = first.getsockname()[1]
        with bind(port) as second:
            assert port < second.getsockname()[1] < port + 50
            assert second.getsockname()[0] == "127.0.0.1"
            with socket.create_connection(second.getsockname(), timeout=5) as connection:
                assert connection.getpeername() == second.getsockname()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["runs/fotball"], "runs/fotball does not exist; did you mean runs/football?"),
        (["football"], "football does not exist; did you mean runs/football?"),
        (["runs/zzz"], "runs/zzz does not exist; available: runs/football"),
        (["else/where"], "else/where does not exist; a run folder looks like runs/football "
                         "(python -m training.run env=football creates it)"),
        (["runs"], "runs is not a run folder: it has none of config.yaml, baseline.yaml, results.json, metrics.jsonl, "
                   "summary.json and no episodes"),
        (["runs/football/summary.json"], "runs/football/summary.json is a file; give its folder: runs/football"),
        (["runs/football", "prot=1"], "unknown key 'prot'; did you mean port=?"),
        (["runs/football", "zzz=1"], "unknown key 'zzz'; the keys are port= and open="),
        (["runs/football", "port=x"], "port=x: not a port number; give 0 (any free port) to 65535"),
        (["runs/football", "open=1"], "open=1: not a boolean; give true or false"),
        (["runs/football", "--port"], "unknown option '--port'; write keys as in port=8765"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "football").mkdir(parents=True)
    (tmp_path / "runs" / "football" / "summary.json").write_text(json.dumps(SUMMARY))
    assert entry(words) == 2
    assert capsys.readouterr().err == f"error: {message}\n"


def test_without_a_folder_it_lists_the_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert entry([]) == 0
    assert "There are no runs in runs/ yet" in capsys.readouterr().out
    for number, name in enumerate(("old", "new")):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "config.yaml").touch()
        os.utime(tmp_path / "runs" / name, (number, number))
    assert entry([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == ["  python -m render.watch runs/new", "  python -m render.watch runs/old"]
    assert entry(["--help"]) == 0
    assert "port=N" in capsys.readouterr().out
