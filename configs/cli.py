"""What every command line shares: --help, and one clear line instead of a traceback for what the user can mend."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

from configs.errors import UserError
from configs.schema import build, field_types, keys, merge, parse, type_at, unknown_key

T = TypeVar("T")


def command(main: Callable[[Sequence[str]], None], usage: Callable[[Sequence[str]], str]) -> NoReturn:
    """Run `main` on the command line's words and exit: 0 done, 2 a user's error, 130 interrupted.

    Args:
        main: what the command does. UserError and OSError (no such file, disk full) are the user's to mend and
            become one line on stderr; any other exception is a defect and keeps its traceback.
        usage: the text for --help, given the other words.
    """
    argv = sys.argv[1:]
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # waiting threads sleep: spinning starves shared cores
    try:
        if {"-h", "--help"} & set(argv):
            print(usage([word for word in argv if word not in ("-h", "--help")]))
        else:
            main(argv)
        sys.stdout.flush()
    except UserError as error:
        problem = str(error)
    except BrokenPipeError:  # whoever read our words has gone: `… | head`
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
    """Split a command line into names and overrides; an existing folder is a name even if it holds `=`.

    Args:
        words: the command line without the program's name.

    Returns:
        The words without `=`, and `{key: text}` of the `key=value` words in their order.

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
    """Return `{key: text}` of `key=value` words; UserError if a word is anything else."""
    names, overrides = parse_words(words)
    if names:
        raise UserError(f"{names[0]!r} is not of the form key=value (such as env=football); --help lists all keys")
    return overrides


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested values with dotted keys: `{"algo": {"lr": 1e-4}}` becomes `{"algo.lr": 1e-4}`."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) and value else {f"{prefix}{key}": value}
    return flat


def split(overrides: Mapping[str, Any], group: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the overrides of a group's keys, such as `env.k`, and all others."""
    own = {key: value for key, value in overrides.items() if key.startswith(f"{group}.")}
    return own, {key: value for key, value in overrides.items() if key not in own}


def nested(fields: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return overrides, dotted key → value, as nested settings; UserError unless each key exists and has its type."""
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
    """Return a dataclass with overrides over its defaults; UserError in one line."""
    options = build(cls, nested(field_types(cast(type, cls)), overrides))
    assert isinstance(options, cls)
    return options
