"""Objects are found by their import path; what is wrong is one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from configs.errors import UserError
from configs.imports import is_import_path, load_object

ROOT = Path(__file__).parents[2]


def test_load_object_returns_the_object_itself() -> None:
    assert load_object("configs.errors:UserError") is UserError
    assert load_object("pathlib:Path.cwd") == Path.cwd


@pytest.mark.parametrize("text", ["a:b", "a.b:c", "a.b:c.d", "_x:y1"])
def test_is_import_path_of_module_and_name_is_true(text: str) -> None:
    assert is_import_path(text)


@pytest.mark.parametrize("text", ["", "a", "a.b", ":b", "a:", "a:b:c", "a..b:c", "a-b:c", "a b:c", "C:/x", "1a:b"])
def test_is_import_path_of_anything_else_is_false(text: str) -> None:
    assert not is_import_path(text)
    with pytest.raises(UserError) as caught:
        load_object(text)
    assert str(caught.value) == f"{text!r} is not an import path; it has the form module:name"


def test_load_object_of_a_users_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_losses.py").write_text("def mine():\n    return 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert load_object("own_losses:mine")() == 3
    with pytest.raises(UserError) as caught:
        load_object("own_losses:min")
    assert str(caught.value) == "own_losses:min: module own_losses has no min"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("import no_such_module_of_anyone\n", "No module named 'no_such_module_of_anyone'"),
        ("def mine(:\n", "SyntaxError: invalid syntax (broken_losses.py, line 1)"),
        ("x = 1\nvalue = x / 0\n", "ZeroDivisionError: division by zero at "),
    ],
)
def test_load_object_of_a_module_that_fails_is_one_line(
    content: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_losses.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError) as caught:
        load_object("broken_losses:mine")
    message = str(caught.value)
    assert message.startswith("broken_losses:mine: broken_losses cannot be imported (")
    assert problem in message and "\n" not in message and "PYTHONPATH" not in message


def test_load_object_of_a_missing_module_names_pythonpath() -> None:
    with pytest.raises(UserError) as caught:
        load_object("no_such_module:fn")
    assert str(caught.value) == (
        "no_such_module:fn: no_such_module cannot be imported (No module named 'no_such_module'); "
        "is its folder on PYTHONPATH?"
    )


@pytest.mark.parametrize("name", ["envs", "agents", "training"])
def test_a_package_in_the_working_directory_that_hides_ours_is_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    program = "import sys; from configs.cli import command; command(lambda words: print('ran'), lambda words: '')"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    done = subprocess.run([sys.executable, "-P", "-c", program], env=environment, capture_output=True, text=True)
    line = (
        f"error: {tmp_path / name} hides Kickoff's package {name!r} ({ROOT / name}); rename that folder, "
        "or run the command in another folder\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "", line)


@pytest.mark.parametrize(
    ("name", "words"),
    [("envs", ["training.evaluate", "env=sokoban"]), ("agents", ["training.run"]), ("envs", ["agents.play"])],
)
def test_python_m_with_a_hidden_package_is_one_line(name: str, words: list[str], tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", *words]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {tmp_path / name} hides Kickoff's package {name!r}")
    assert done.stderr.count("\n") == 1
