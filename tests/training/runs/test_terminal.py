"""Terminal output at several widths, and where the stream cannot encode all characters."""

import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from fcntl import ioctl
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from training.runs.display import Display
from training.runs.terminal import Row, Rows, duration, print_table

STATE = ["success 77% (held-out 62%)", "reward 0.87", "valid 100%", "1,236 tok/s"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time in seconds."""
    now = [0.0]
    monkeypatch.setattr("training.runs.terminal.time.monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (5400, "1 h 30 m"), (90_000, "25 h 00 m")],
)
def test_duration_is_short(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_row_at_any_width_has_count_and_time(clock: list[float]) -> None:
    row = Row("mgt", 60)
    assert row.text(80).startswith("mgt 0/60 · 0 s so far ") and row.text(80).endswith("────────────")
    clock[0] = 30
    row.update(1, STATE)  # 30 s with a validation
    assert row.text(24) == "mgt 1/60 · 30 min left"  # 59 steps of 30 s
    clock[0] = 50
    row.update(5, STATE)  # 5 s each since then: 55 of them
    clock[0] = 60  # of which 10 s are over
    lines = {
        22: "mgt 5/60 · 4 min left",
        40: "mgt 5/60 · 4 min left",
        50: "mgt 5/60 · 4 min left · success 77% (held-out 62%)",
        80: "mgt 5/60 · 4 min left · success 77% (held-out 62%) · reward 0.87 · valid 100%",
        100: "mgt 5/60 · 4 min left · success 77% (held-out 62%) · reward 0.87 · valid 100% · 1,236 tok/s",
        110: "mgt 5/60 · 4 min left · success 77% (held-out 62%) · reward 0.87 · valid 100% · 1,236 tok/s"
        "       ━───────────",
    }
    assert {width: row.text(width) for width in lines} == lines
    row.update(60, STATE)
    assert row.text(40).startswith("mgt 60/60 · 60 s")
    long = Row("runs/a-long-name-of-a-policy · sokoban_global_10x10_3", 256, 100)
    assert long.text(40) == "runs/a-long-name-o… 100/256 · 0 s so far" and cell_len(long.text(40)) == 40


def test_row_that_is_resumed_counts_only_new_steps(clock: list[float]) -> None:
    row = Row("mgt", 60, 40)
    clock[0] = 10
    row.update(41, [])
    clock[0] = 20
    row.update(42, [])
    assert row.text(40).startswith("mgt 42/60 · 3 min left")  # 18 of 10 s


def printed(width: int, columns: list[str], rows: list[list[str]], num_dim: int = 0) -> list[str]:
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False)
    print_table(console, columns, rows, "football · T=1", num_dim)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_table_that_does_not_fit_is_printed_row_by_row() -> None:
    columns, rows = ["policy", "success", "valid"], [["runs/a", "92% (83–97)", "100%"], ["tiny", "28% (19–40)", "99%"]]
    table = [
        "football · T=1",
        "",
        "policy      success  valid",
        "──────────────────────────",
        "runs/a  92% (83–97)   100%",
        "tiny    28% (19–40)    99%",
    ]
    assert printed(80, columns, rows) == printed(26, columns, rows) == table
    assert printed(24, columns, rows) == [
        "football · T=1", "", "runs/a", "  success 92% (83–97)", "  valid 100%", "tiny", "  success 28% (19–40)",
        "  valid 99%",
    ]  # fmt: skip
    assert printed(40, columns, rows)[2:] == table[2:]
    folded = printed(40, columns, [["runs/a-very-long-name-of-a-run", "92% (83–97)", "100%"]])
    assert folded[4:] == ["runs/a-very-long-nam  92% (83–97)   100%", "e-of-a-run"]
    assert printed(80, columns, rows, 1)[5:] == [table[3], table[5]]  # published results after a line


def test_rows_show_the_last_that_fit() -> None:
    console = Console(file=io.StringIO(), width=40, height=6)
    console.print(Rows([Row(f"p{number}", 9) for number in range(9)]))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert [line[:2] for line in lines] == ["p6", "p7", "p8"]


SUMMARY = {
    "task": "football", "seconds": 185.0, "peak_memory_mb": 1240.4,
    "success": {
        "before": {"mean": 0.723, "ci95": [0.665, 0.774], "n": 256, "greedy": 0.871, "blind": 0.156},
        "after": {"mean": 0.914, "ci95": [0.873, 0.943], "n": 256, "greedy": 0.941, "blind": 0.258},
        "random": {"mean": 0.0, "ci95": [0.0, 0.015], "n": 256},
    },
    "stages": [
        {"name": "fre", "effect": "arithmetic 62% → 75% (rises), football 72% → 73% (no clear change)"},
        {"name": "rest", "effect": ""},
    ],
}  # fmt: skip


def test_summary_is_apart_from_the_progress_and_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.html").touch()
    (tmp_path / "videos").mkdir()
    monkeypatch.chdir(tmp_path.parent)
    folder = Path(tmp_path.name)
    for width in (80, 40):
        monkeypatch.setenv("COLUMNS", str(width))
        Display().table(SUMMARY, folder)
        lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
        compare = [line for line in lines if line.startswith(("compare it", f"{folder} · "))]
        assert all(len(line) <= width for line in lines if line not in compare), lines
        text = "\n".join(lines)
        assert text.count("91.4% (87.3–94.3)") == 1 and text.count("report.html") == 1 and "3 min" in text
        assert lines[0] == ""
    assert "\nfre: arithmetic 62% → 75% (rises),\nfootball 72% → 73% (no clear change)\n\n" in text
    assert "after   91.4% (87.3–94.3)   94.1%  25.8%" in text
    assert "football · 256 held-out episodes each\nT=1\n" in text


SCRIPT = """
import sys, time
sys.argv = ["x"]
from configs.cli import command
from training.runs.display import Display
def main(words):
    with Display() as display:
        display.say("evaluating on held-out episodes: random")
        display.stage("mgt", 60, 0)
        record = {"success": 0.5, "reward": 0.6, "valid": 1.0, "time/tokens_per_second": 1234.0}
        for step in range(1, 61):
            display.step({"step": step, **record})
            time.sleep(0.01)
        display.table(%r, __import__("pathlib").Path("/nowhere/run"))
command(main, lambda words: "")
""" % (SUMMARY,)  # noqa: UP031


def in_terminal(width: int, **environment: str) -> str:
    """Run the script in a real terminal and return all that it wrote."""
    main, other = pty.openpty()
    ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    variables = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdout=other, stderr=other, stdin=other,
        env=variables | {"TERM": "xterm"} | environment,
    )  # fmt: skip
    os.close(other)
    text = b""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:  # the process has closed the terminal
            break
        if not part:
            break
        text += part
    os.close(main)
    assert process.wait(30) == 0, text.decode()
    return re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", text.decode())


@pytest.mark.slow
@pytest.mark.parametrize("width", [80, 40])
def test_progress_in_a_terminal_has_step_and_time(width: int) -> None:
    text = in_terminal(width)
    assert "mgt 60/60 · " in text and "91.4% (87.3–94.3)" in text
    assert ("valid 100%" in text) == (width == 80)  # left out where it does not fit
    assert "mgt 60/60" not in text.partition("91.4%")[2]  # nothing is said twice


@pytest.mark.slow
def test_progress_in_a_terminal_without_unicode_is_plain() -> None:
    text = in_terminal(80, PYTHONIOENCODING="ascii")
    assert text.isascii() and "?" not in text
    assert "mgt 60/60 - " in text and "91.4% (87.3-94.3)" in text and "-----" in text
