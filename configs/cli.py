"""What every command line shares: --help, and one clear line instead of a traceback for what the user can mend."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar, cast

from configs.errors import UserError
from configs.schema import build, keys, kind_at, kinds, merge, parse, unknown_key

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


def nested(fields: Mapping[str, Any], words: Sequence[str]) -> dict[str, Any]:
    """`a.b=text` words → {a: {b: value}}, each checked against the kind of its key; UserError in one line."""
    settings: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not key:
            raise UserError(f"{word!r} is not of the form key=value; --help lists all keys")
        path = key.split(".")
        try:
            value = parse(kind_at(fields, path), text, key)
        except KeyError:
            raise unknown_key(key, keys(fields)) from None
        for part in reversed(path):
            value = {part: value}
        settings = merge(settings, value)
    return settings


def read_options(cls: type[T], words: Sequence[str]) -> T:
    """The dataclass that the words of a command line ask for, over its defaults; UserError in one line."""
    options = build(cls, nested(kinds(cast(type, cls)), words))
    assert isinstance(options, cls)
    return options
