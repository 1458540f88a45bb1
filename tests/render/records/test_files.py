"""Files appear whole or not at all, and a folder's lock is seen from other processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import Timeout

from render.records.files import LOCK, folder_lock, in_use, reset_modes, whole, write_whole

HOLD = (
    "import sys\n"
    "from pathlib import Path\n"
    "from render.records.files import folder_lock\n"
    "with folder_lock(Path(sys.argv[1])):\n"
    "    print('held', flush=True)\n"
    "    sys.stdin.readline()\n"
)
"""Holds a folder's lock until it gets a line."""


def test_whole_replaces_the_file_at_the_end_of_the_block(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    with whole(path) as part:
        assert part.suffix == ".csv" and part.parent == tmp_path and part != path
        part.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("written", [True, False])
def test_whole_leaves_the_old_file_on_an_exception(written: bool, tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), whole(path) as part:
        if written:
            part.write_text("ne")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_whole_on_an_exception_makes_no_new_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"), whole(tmp_path / "new.json") as part:
        part.write_text("half")
        raise ValueError("no")
    assert list(tmp_path.iterdir()) == []


def test_write_whole_writes_text_as_utf_8_and_bytes_as_they_are(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.txt", "é\n×")
    assert (tmp_path / "a.txt").read_bytes() == "é\n×".encode()
    write_whole(tmp_path / "a.txt", b"\x00\r\n")
    assert (tmp_path / "a.txt").read_bytes() == b"\x00\r\n"


def test_write_whole_leaves_the_old_file_if_the_new_one_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "\ud800")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inside").touch()
    with pytest.raises(OSError):  # the kind differs by system
        write_whole(tmp_path / "folder", "text")
    assert path.read_text() == "old" and sorted(p.name for p in tmp_path.iterdir()) == ["a.txt", "folder"]


def test_in_use_sees_the_lock_of_another_process_until_it_ends(tmp_path: Path) -> None:
    assert not in_use(tmp_path) and list(tmp_path.iterdir()) == []
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin is not None and holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert in_use(tmp_path)
        with pytest.raises(Timeout), folder_lock(tmp_path):
            pass
        holder.stdin.write("end\n")
        holder.stdin.flush()
        assert holder.wait(30) == 0
    assert not in_use(tmp_path)
    with folder_lock(tmp_path):
        assert in_use(tmp_path)


def test_in_use_after_a_killed_process_is_false(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        holder.kill()
        holder.wait(30)
    assert (tmp_path / LOCK).exists() and not in_use(tmp_path)


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077])
def test_reset_modes_gives_files_the_mode_of_a_new_file(tmp_path: Path, umask: int) -> None:
    (tmp_path / "weights").touch(mode=0o600)
    (tmp_path / "inner").mkdir(mode=0o700)
    before = os.umask(umask)
    try:
        reset_modes(tmp_path)
    finally:
        os.umask(before)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inner", "weights"]
    assert (tmp_path / "weights").stat().st_mode & 0o777 == 0o666 & ~umask
    assert (tmp_path / "inner").stat().st_mode & 0o777 == 0o700
