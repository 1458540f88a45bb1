"""What a kill leaves of a folder: all of a file or none of it."""

import shutil
from pathlib import Path

import pytest

from render.records.files import write_whole
from training.runs.folder import finished, remove_whole


def test_write_whole_that_fails_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    write_whole(path, "old")
    with pytest.raises(UnicodeEncodeError):  # half of the text can be written
        write_whole(path, "new \ud800")
    assert path.read_text() == "old"
    write_whole(path, "new")
    assert path.read_text() == "new" and [file.name for file in tmp_path.iterdir()] == ["summary.json"]


def test_remove_whole_that_is_killed_leaves_a_finished_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(path: Path, **_: object) -> None:
        if path.exists():
            next(path.iterdir()).unlink()
            raise KeyboardInterrupt

    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    for name in ("step-1", "step-2"):
        (checkpoints / name).touch()
    (tmp_path / "summary.json").touch()
    assert not finished(tmp_path)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(shutil, "rmtree", killed)
        remove_whole(checkpoints)
    assert finished(tmp_path)
    checkpoints.mkdir()  # another run's, in the same place
    remove_whole(checkpoints)
    remove_whole(checkpoints)  # nothing there is no mistake
    assert sorted(path.name for path in tmp_path.iterdir()) == ["summary.json"]
