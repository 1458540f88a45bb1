"""Command lines as overrides: what is split where, and one line for each mistake."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from configs.cli import command, flatten, nested, parse_overrides, parse_words, read_options, split
from configs.errors import UserError
from configs.schema import field_types

ROOT = Path(__file__).parents[2]


@dataclass
class Algo:
    lr: float = 1e-4
    loss: str = "grpo"


@dataclass
class Settings:
    algo: Algo = field(default_factory=Algo)
    steps: int = 10
    name: str = ""
    size: tuple[int, int] = (84, 84)
    weights: dict[str, float] = field(default_factory=dict)
    anything: Any = None

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}")


FIELDS = field_types(Settings)


def refused(overrides: dict[str, Any]) -> str:
    """The message, which is one line, with which overrides are refused."""
    with pytest.raises(UserError) as caught:
        read_options(Settings, overrides)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_parse_words_splits_names_from_overrides_in_their_order() -> None:
    words = ["runs/a", "algo.lr=1", "runs/b", "name=x=y", "anything="]
    assert parse_words(words) == (["runs/a", "runs/b"], {"algo.lr": "1", "name": "x=y", "anything": ""})
    assert list(parse_words(["b=1", "a=2"])[1]) == ["b", "a"]
    assert parse_words([]) == ([], {})


def test_parse_words_takes_an_existing_folder_with_an_equals_sign_as_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lr=1").mkdir()
    assert parse_words(["lr=1", "lr=2"]) == (["lr=1"], {"lr": "2"})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["=1"], "'=1' is not of the form key=value (such as env=football); --help lists all keys"),
        (["seed=1", "seed=2"], "seed is given twice: '1' and '2'"),
        (["seed=1", "seed=1"], "seed is given twice: '1' and '1'"),
    ],
)
def test_parse_words_of_a_wrong_word_is_one_line(words: list[str], message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_words(words)
    assert str(caught.value) == message


def test_parse_overrides_refuses_a_word_without_an_equals_sign() -> None:
    assert parse_overrides(["env=football", "algo.lr=1"]) == {"env": "football", "algo.lr": "1"}
    with pytest.raises(UserError, match=r"^'football' is not of the form key=value \(such as env=football\); --help"):
        parse_overrides(["seed=1", "football"])


def test_flatten_gives_dotted_keys_and_keeps_what_is_no_group() -> None:
    values = {"algo": {"lr": 1e-4, "deep": {"er": [1, 2]}}, "env.k": 3, "weights": {}, "name": None}
    assert flatten(values) == {"algo.lr": 1e-4, "algo.deep.er": [1, 2], "env.k": 3, "weights": {}, "name": None}


def test_split_takes_the_keys_of_a_group_only() -> None:
    overrides = {"env": "football", "env.max_turns": "5", "environment.x": "1", "env.kwargs.a": "2"}
    own, others = split(overrides, "env")
    assert own == {"env.max_turns": "5", "env.kwargs.a": "2"}
    assert others == {"env": "football", "environment.x": "1"}


def test_nested_reads_each_text_by_the_type_of_its_key() -> None:
    overrides = {
        "algo.lr": "1", "algo.loss": "007", "steps": "3", "name": "true", "size": "[1, 2]", "weights.a": "2",
        "anything": "[x, {y: 1}]",
    }  # fmt: skip
    expected = {
        "algo": {"lr": 1.0, "loss": "007"}, "steps": 3, "name": "true", "size": (1, 2), "weights": {"a": 2.0},
        "anything": ["x", {"y": 1}],
    }  # fmt: skip
    assert nested(FIELDS, overrides) == expected


def test_nested_takes_values_that_have_their_type_already() -> None:
    assert nested(FIELDS, {"algo.lr": 1, "size": (1, 2), "algo": {"loss": "x"}}) == {
        "algo": {"lr": 1.0, "loss": "x"},
        "size": (1, 2),
    }
    assert read_options(Settings, {"algo": {"loss": "x"}}).algo == Algo(loss="x")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"algo.lrr": "1"}, "unknown key algo.lrr; did you mean algo.lr?"),
        ({"lr": "1"}, "unknown key lr; did you mean algo.lr?"),
        ({"algo.lr.x": "1"}, "unknown key algo.lr.x; did you mean algo.lr?"),
        ({"step": "1"}, "unknown key step; did you mean steps?"),
        ({"xyzzy": "1"}, "unknown key xyzzy; --help lists all keys"),
        ({"algo": {"los": "x"}}, "unknown key algo.los; did you mean algo.loss?"),
        ({"steps": "many"}, "steps=many: a whole number is expected"),
        ({"steps": 1.5}, "steps=1.5: a whole number is expected"),
        ({"steps": True}, "steps=true: a whole number is expected"),
        ({"algo.lr": "nan"}, "algo.lr=nan: a number is expected"),
        ({"size": "[1]"}, "size=[1]: a list [a whole number, a whole number] is expected"),
        ({"weights.a": "x"}, "weights.a=x: a number is expected"),
        ({"anything": "[1"}, "anything=[1: a value in YAML is expected"),
        ({"steps": "0"}, "steps must be at least 1, got 0"),
    ],
    ids=str,
)
def test_read_options_of_a_wrong_override_is_one_line(overrides: dict[str, Any], message: str) -> None:
    assert refused(overrides) == message


def run_command(
    main: Any, words: Sequence[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[Any, str, str]:
    """Exit status, stdout and stderr of a command."""
    monkeypatch.setattr("sys.argv", ["program", *words])
    with pytest.raises(SystemExit) as caught:
        command(main, lambda others: f"usage with {list(others)}")
    return (caught.value.code, *capsys.readouterr())


def raises(error: BaseException) -> Any:
    def main(words: Sequence[str]) -> None:
        raise error

    return main


def test_command_exit_status_and_text_tell_what_happened(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def outcome(main: Any, *words: str) -> tuple[Any, str, str]:
        return run_command(main, words, monkeypatch, capsys)

    assert outcome(lambda words: print("ran", *words), "a=1") == (0, "ran a=1\n", "")
    assert outcome(raises(ValueError()), "a=1", "--help") == (0, "usage with ['a=1']\n", "")
    assert outcome(raises(UserError("two\n  lines"))) == (2, "", "error: two lines\n")
    missing = FileNotFoundError(2, "No such file or directory", "x.yaml")
    assert outcome(raises(missing)) == (2, "", "error: No such file or directory: x.yaml\n")
    assert outcome(raises(OSError("disk full"))) == (2, "", "error: disk full\n")
    assert outcome(raises(KeyboardInterrupt())) == (130, "", "stopped\n")
    monkeypatch.setattr("sys.argv", ["program"])
    with pytest.raises(ZeroDivisionError):  # a defect keeps its traceback
        command(raises(ZeroDivisionError()), str)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_command_prints_characters_that_the_output_lacks(encoding: str) -> None:
    """Both streams. Half of a surrogate pair, as in the name of a file that is not UTF-8, has no encoding at all."""
    shown = "a · b 50–60 … → é \\udc80"
    program = (
        "import sys\nfrom configs.cli import command\n"
        f"def main(words):\n    print('{shown}')\n    print('{shown}', file=sys.stderr)\n"
        "command(main, lambda words: '')"
    )
    variables = os.environ | {"PYTHONIOENCODING": f"{encoding}:strict"}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=variables, capture_output=True, check=False)
    wanted = {
        "ascii": "a - b 50-60 ... -> ? ?",
        "latin-1": "a · b 50-60 ... -> é ?",
        "utf-8": "a · b 50–60 … → é ?",
    }[encoding]
    assert (done.returncode, done.stdout.decode(encoding)) == (0, f"{wanted}\n")
    assert done.stderr.decode(encoding) == f"{wanted}\n"
