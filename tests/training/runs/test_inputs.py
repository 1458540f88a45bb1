"""What a config only names must be the same when a run is resumed."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from configs.cli import parse_overrides
from configs.errors import UserError
from training.baseline.config import from_overrides
from training.baseline.folder import BaselineFolder
from training.config.compose import load
from training.runs import inputs
from training.runs.run_folder import RunFolder

LEVEL = "######\n#@$.##\n######\n"


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a file of every kind."""
    write(tmp_path / "sums.jsonl", '{"problem": "1+1?", "answer": "2"}\n')
    write(tmp_path / "pictures" / "a.png", b"a picture")
    write(tmp_path / "named.jsonl", '{"problem": "?", "answer": "2", "images": ["pictures/a.png", "gone.png"]}\n')
    write(tmp_path / "levels" / "easy" / "1.txt", LEVEL)
    write(tmp_path / "one_level.txt", LEVEL)
    write(tmp_path / "inputs_losses.py", "def mine(): ...\n")
    write(tmp_path / "inputs_package" / "__init__.py", "")
    write(tmp_path / "inputs_package" / "rewards.py", "from inputs_package.parts import part\n")
    write(tmp_path / "inputs_package" / "parts.py", "def part(episode): return 1.0\n")
    write(tmp_path / "model" / "config.json", "{}")
    write(tmp_path / "model" / "model.safetensors", b"weights")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


WORDS = {
    "sums.jsonl": ["env=questions", "env.kwargs.path=sums.jsonl"],
    "pictures/a.png": ["env=picture_questions", "env.kwargs.path=sums.jsonl", "env.kwargs.folder=pictures"],
    "levels/easy/1.txt": ["env=sokoban", "env.kwargs.levels=levels"],
    "one_level.txt": ["env=sokoban", "env.kwargs.levels=one_level.txt"],
    "inputs_losses.py": ["env=arithmetic", "algo.loss=inputs_losses:mine"],
    "inputs_package/parts.py": ["env=arithmetic", "env.reward=inputs_package.rewards:part"],
    "model/config.json": ["env=arithmetic", "model.path=model"],
    "model/model.safetensors": ["env=arithmetic", "model.path=model"],
}
"""File → a run that names it."""
NAMED = {
    "sums.jsonl": "tasks.questions.kwargs.path=sums.jsonl",
    "pictures/a.png": "tasks.picture_questions.kwargs.folder=pictures",
    "levels/easy/1.txt": "tasks.sokoban.kwargs.levels=levels",
    "one_level.txt": "tasks.sokoban.kwargs.levels=one_level.txt",
    "inputs_losses.py": "algo.loss=inputs_losses:mine",
    "inputs_package/parts.py": "tasks.arithmetic.reward=inputs_package.rewards:part",
    "model/config.json": "model.path=model",
    "model/model.safetensors": "model.path=model",
}


def resume(*words: str) -> RunFolder:
    argv = ["resume=runs/a", *words]
    return RunFolder.resume(load(argv), parse_overrides(argv))


def flip(path: Path) -> None:
    """Change a byte, but not the size."""
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(bytes(content))


CHANGES: list[Callable[[Path], object]] = [
    flip,
    lambda path: path.write_bytes(path.read_bytes() + b"\n"),
    Path.unlink,
    lambda path: path.rename(path.with_name(f"other_{path.name}")),
]


@pytest.mark.parametrize("file", WORDS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_input_is_refused_or_accepted(
    file: str, change: Callable[[Path], object], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    RunFolder.create(load([*WORDS[file], "name=a"]))
    resume()
    change(home / file)
    with pytest.raises(UserError) as refused:
        resume()
    said = str(refused.value)
    assert said.startswith("resume=runs/a: since the run began, ") and "\n" not in said
    assert NAMED[file] in said and said.endswith("; restore the old content, or add resume_changed=true")
    assert capsys.readouterr().err == ""
    assert resume("resume_changed=true").config.tasks
    assert NAMED[file] in capsys.readouterr().err


@pytest.mark.parametrize("change", CHANGES)
def test_images_that_a_question_file_names_are_compared(change: Callable[[Path], object], home: Path) -> None:
    RunFolder.create(load(["env=picture_questions", "env.kwargs.path=named.jsonl", "name=a"]))
    resume()
    write(home / "pictures" / "other.png", "not named")
    resume()
    change(home / "pictures" / "a.png")
    with pytest.raises(UserError, match=r"kwargs\.path=named\.jsonl has changed"):
        resume()


def test_new_times_and_hidden_files_change_nothing(home: Path) -> None:
    words = ["env.kwargs.path=sums.jsonl", "env.kwargs.folder=pictures", "env.reward=inputs_package.rewards:part"]
    RunFolder.create(load(["env=picture_questions", *words, "name=a"]))
    os.utime(home / "sums.jsonl", (1, 1))
    write(home / "inputs_package" / "__pycache__" / "parts.pyc", "compiled")
    write(home / "pictures" / ".DS_Store", "a file manager's")
    write(home / "unnamed.jsonl", "another file")
    resume()


def test_several_changes_are_named(home: Path) -> None:
    RunFolder.create(load([*WORDS["sums.jsonl"], "model.path=model", "name=a"]))
    flip(home / "model" / "config.json")
    (home / "sums.jsonl").unlink()
    with pytest.raises(UserError) as refused:
        resume()
    assert "model.path=model has changed and tasks.questions.kwargs.path=sums.jsonl is gone" in str(refused.value)


def test_a_run_of_an_older_version_resumes(home: Path) -> None:
    folder = RunFolder.create(load([*WORDS["sums.jsonl"], "name=a"]))
    (folder.path / inputs.FILE).unlink()
    flip(home / "sums.jsonl")
    assert resume().path == folder.path


def test_a_damaged_file_of_fingerprints_is_one_line(home: Path) -> None:
    folder = RunFolder.create(load([*WORDS["sums.jsonl"], "name=a"]))
    for content in ("{", "[]"):
        (folder.path / inputs.FILE).write_text(content)
        with pytest.raises(UserError, match=r"inputs\.json is damaged; remove it to resume without a comparison"):
            resume()


def test_a_baseline_compares_its_task(home: Path) -> None:
    BaselineFolder.create(*from_overrides(parse_overrides([*WORDS["levels/easy/1.txt"], "name=a"])))
    again: dict[str, Any] = {"resume": "runs/a"}
    BaselineFolder.resume(again, Path("runs/a"))
    flip(home / "levels" / "easy" / "1.txt")
    with pytest.raises(UserError, match=r"env\.kwargs\.levels=levels has changed; .* resume_changed=true"):
        BaselineFolder.resume(again, Path("runs/a"))
    BaselineFolder.resume(again | {"resume_changed": "true"}, Path("runs/a"), accept_changes=True)


def test_only_own_things_are_named(home: Path) -> None:
    """Installed packages, Kickoff's functions, models of the hub and texts are left out."""
    write(home / "train" / "x", "a folder named as a split")
    words = ["env=questions", "env.kwargs.path=sums.jsonl", "env.kwargs.split=train", "model.path=some/model"]
    settings = {"tasks": {"a": {"reward": "json:loads", "id": "minigrid:MiniGrid-Empty-8x8-v0"}}}
    assert inputs.fingerprints(settings) == {}
    RunFolder.create(load([*words, "algo.loss=training.algorithm.losses:policy_loss", "name=a"]))
    assert (home / "runs" / "a" / inputs.FILE).read_text().count(": ") == 1
    assert sys.modules.get("inputs_package") is None  # named modules are not imported


def test_large_files_are_sampled(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "WHOLE", 100)
    monkeypatch.setattr(inputs, "SAMPLE", 10)
    whole = bytes(range(200))
    seen = {inputs.fingerprint(write(home / "large", whole))}
    for place, counts in ((0, True), (9, True), (50, False), (105, True), (199, True)):
        changed = bytearray(whole)
        changed[place] ^= 1
        assert (inputs.fingerprint(write(home / "large", bytes(changed))) not in seen) == counts, place
    assert inputs.fingerprint(write(home / "large", whole[:-1])) not in seen
    monkeypatch.setattr(inputs, "FOLDER", 20)
    for name in "ab":
        write(home / "many" / name, "0123456789" * 2)
    before = inputs.fingerprint(home / "many")
    flip(home / "many" / "b")  # beyond the bytes that are read
    assert inputs.fingerprint(home / "many") == before
    flip(home / "many" / "a")
    assert inputs.fingerprint(home / "many") != before
