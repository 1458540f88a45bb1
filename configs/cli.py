"""Command line: --help, `key=value` overrides, and one-line errors for mistakes of the user."""

import codecs
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

from configs.errors import UserError
from configs.imports import check_packages
from configs.schema import build, field_types, keys, merge, parse, type_at, unknown_key

T = TypeVar("T")


PLAIN = {
    "–": "-", "—": "-", "·": "-", "…": "...", "×": "x", "→": "->", "≥": ">=", "≤": "<=", "−": "-", "’": "'", "─": "-",
    "━": "=",
}  # fmt: skip
"""ASCII forms of characters that an output's encoding may lack. Any other is printed as a question mark."""


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Return the ASCII form of characters that cannot be encoded, and the position after them."""
    assert isinstance(error, UnicodeEncodeError)
    return "".join(PLAIN.get(char, "?") for char in error.object[error.start : error.end]), error.end


codecs.register_error("plain", _plain)


def command(main: Callable[[Sequence[str]], None], usage: Callable[[Sequence[str]], str]) -> NoReturn:
    """Run `main` with the command-line arguments and exit: 0 done, 2 user error, 130 interrupted.

    Args:
        main: function of the command. UserError and OSError (no such file, disk full) become one line on stderr. Any
            other exception is a bug and keeps its traceback.
        usage: returns the --help text, given the other arguments.
    """
    argv = sys.argv[1:]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not in a notebook
            stream.reconfigure(errors="plain")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # waiting threads sleep: spinning would slow down shared cores
    try:
        check_packages("envs", "agents", "training")
        if {"-h", "--help"} & set(argv):
            print(usage([word for word in argv if word not in ("-h", "--help")]))
        else:
            main(argv)
        sys.stdout.flush()
    except UserError as error:
        problem = str(error)
    except BrokenPipeError:  # the reader of our output has exited: `… | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as error:
        problem = f"{error.strerror}: {error.filename}" if error.filename else str(error)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)
    else:
        sys.exit(0)
    print("error:", " ".join(problem.split()), file=sys.stderr)
    sys.exit(2)


def parse_words(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Split command-line arguments into names and overrides. An existing folder is a name even if it contains `=`.

    Args:
        words: command-line arguments without the program's name.

    Returns:
        The arguments without `=`, and `{key: text}` of the `key=value` arguments in order.

    Raises:
        UserError: a key is empty or is given twice.
    """
    names: list[str] = []
    overrides: dict[str, str] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or Path(word).is_dir():
            names.append(word)
        elif not key:
            raise UserError(f"{word!r} is not of the form key=value (such as env=football); --help lists all keys")
        elif key in overrides:
            raise UserError(f"{key} is given twice: {overrides[key]!r} and {text!r}")
        else:
            overrides[key] = text
    return names, overrides


def parse_overrides(words: Sequence[str]) -> dict[str, str]:
    """Return `{key: text}` of `key=value` arguments; raise UserError for any other argument."""
    names, overrides = parse_words(words)
    if names:
        raise UserError(f"{names[0]!r} is not of the form key=value (such as env=football); --help lists all keys")
    return overrides


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested values with dotted keys: `{"algo": {"lr": 1e-4}}` becomes `{"algo.lr": 1e-4}`.

    Raises:
        UserError: a key is given twice, nested and dotted.
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        for full, item in (
            flatten(value, f"{name}.") if isinstance(value, Mapping) and value else {name: value}
        ).items():
            if full in flat:
                raise UserError(f"{full} is given twice: {flat[full]!r} and {item!r}")
            flat[full] = item
    return flat


def split(overrides: Mapping[str, Any], group: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the overrides of a group's keys, such as `env.k`, and all others."""
    own = {key: value for key, value in overrides.items() if key.startswith(f"{group}.")}
    return own, {key: value for key, value in overrides.items() if key not in own}


def nested(fields: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return overrides, dotted key → value, as nested settings; raise UserError for unknown keys and wrong types."""
    settings: dict[str, Any] = {}
    for key, value in overrides.items():
        path = key.split(".")
        try:
            value = parse(type_at(fields, path), value, key)
        except KeyError:
            raise unknown_key(key, keys(fields)) from None
        for part in reversed(path):
            value = {part: value}
        settings = merge(settings, value)
    return settings


def read_options(cls: type[T], overrides: Mapping[str, Any]) -> T:
    """Return a dataclass with overrides applied to its defaults; raise a one-line UserError if they are invalid."""
    options = build(cls, nested(field_types(cast(type, cls)), overrides))
    assert isinstance(options, cls)
    return options
