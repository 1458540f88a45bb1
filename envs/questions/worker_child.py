"""The other side of `envs.questions.worker`: run as a script, with a handler file and a memory bound in megabytes."""

import faulthandler
import json
import os
import resource
import runpy
import signal
import sys
from typing import TextIO


def limit_memory(megabytes: int) -> None:
    """A MemoryError instead of a machine without memory."""
    try:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    except (ValueError, OSError):  # not every system allows it
        pass


def serve(handler: str, megabytes: int, requests: TextIO, replies: TextIO) -> None:
    """Answer line by line until the parent closes the pipe."""

    def reply(**line: object) -> None:
        replies.write(json.dumps(line) + "\n")
        replies.flush()

    limit_memory(megabytes)
    try:
        functions = runpy.run_path(handler)
        functions["prepare"]()
    except Exception as error:
        reply(error=f"{type(error).__name__}: {error}")
        return
    reply(value="ready")
    for line in requests:
        message = json.loads(line)
        # Should the parent be gone while this hangs, nobody else would end it: works even inside C code.
        faulthandler.dump_traceback_later(2 * message["seconds"] + 10, exit=True)
        try:
            reply(value=functions["handle"](message["request"]))
        except MemoryError:
            os._exit(1)
        except (Exception, RecursionError) as error:
            reply(error=str(error)[:300] or type(error).__name__)
        faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what libraries print goes nowhere
    serve(sys.argv[1], int(sys.argv[2]), sys.stdin, answers)
