import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from configs.errors import UserError
from render.watch import bind, main
from tests.render.watch_fixture import SUMMARY, get, make_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "my <run>")


@pytest.mark.slow
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
        assert process.wait(20) == 130
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
        (["football"], "football is not there; did you mean runs/football?"),
        (["runs"], "runs holds no run: none of config.yaml, baseline.yaml, results.json, metrics.jsonl, summary.json, "
                   "and no episodes"),
        (["runs/football/summary.json"], "runs/football/summary.json is a file; give its folder: runs/football"),
        (["runs/football", "prot=1"], "unknown key prot; did you mean port?"),
        (["runs/football", "zzz=1"], "unknown key zzz; --help lists all keys"),
        (["runs/football", "port=x"], "port=x: a whole number from 0 to 65535 is expected"),
        (["runs/football", "port=70000"], "port=70000: a whole number from 0 to 65535 is expected"),
        (["runs/football", "open=1"], "open=1: true or false is expected"),
        (["runs/football", "--port"], "unknown option '--port'; keys are given like port=8765"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "football").mkdir(parents=True)
    (tmp_path / "runs" / "football" / "summary.json").write_text(json.dumps(SUMMARY))
    with pytest.raises(UserError) as caught:
        main(words)
    assert str(caught.value) == message


@pytest.mark.slow
def test_a_run_that_is_not_there_yet_is_awaited(tmp_path: Path) -> None:
    make_run(tmp_path / "runs" / "football")
    words = [sys.executable, "-m", "render.watch", "runs/footbal", "runs/later", "port=0"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        assert lines[:2] == [
            "runs/footbal has no run yet: waiting for one (there is runs/football)\n",
            "runs/later has no run yet: waiting for one\n",
        ]
        url = lines[2].split()[4].rstrip("/")
        assert get(url, "/api/run")["waiting"] is True
        (tmp_path / "runs" / "later").mkdir()
        assert get(url, "/api/run")["waiting"] is True
        (tmp_path / "runs" / "later" / "config.yaml").write_text("seed: 3\n")
        run = get(url, "/api/run")
        assert (run["waiting"], run["config"]) == (False, "# later\nseed: 3\n")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130


def test_without_a_folder_it_lists_the_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    main([])
    assert "There are no runs in runs/ yet" in capsys.readouterr().out
    for number, name in enumerate(("old", "new")):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "config.yaml").touch()
        os.utime(tmp_path / "runs" / name, (number, number))
    main([])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == ["  python -m render.watch runs/new", "  python -m render.watch runs/old"]


@pytest.mark.slow
def test_command_help_and_mistake_have_their_exit_status(tmp_path: Path) -> None:
    def watch(word: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "render.watch", word]
        return subprocess.run(words, capture_output=True, text=True, timeout=120)

    (tmp_path / "notes.txt").touch()
    shown, refused = watch("--help"), watch(str(tmp_path))
    assert shown.returncode == 0 and "port=N" in shown.stdout and shown.stderr == ""
    assert refused.returncode == 2 and refused.stdout == ""
    assert refused.stderr.startswith(f"error: {tmp_path} holds no run:") and refused.stderr.count("\n") == 1
