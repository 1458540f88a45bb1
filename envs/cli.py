"""What every command line shares: --help, and one clear line instead of a traceback for what the user can mend."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from envs.schema import ConfigError


def command(main: Callable[[Sequence[str]], None], usage: Callable[[Sequence[str]], str]) -> NoReturn:
    """Run `main` on the command line's words and exit: 0 done, 2 a user's error, 130 interrupted.

    Args:
        main: what the command does. ConfigError and OSError (no such file, disk full) are the user's to mend and
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
    except ConfigError as error:
        problem = str(error)
    except OSError as error:
        problem = f"{error.strerror}: {error.filename}" if error.filename else str(error)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)
    else:
        sys.exit(0)
    print("error:", " ".join(problem.split()), file=sys.stderr)
    sys.exit(2)
