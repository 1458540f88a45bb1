"""Child process of `envs.questions.worker`, run as a script with a handler file and a memory limit in megabytes."""

import faulthandler
import json
import os
import resource
import runpy
import signal
import sys
from typing import TextIO


def limit_memory(megabytes: int) -> None:
    """Limit the address space, so that excessive use raises MemoryError instead of exhausting the machine."""
    try:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    except (ValueError, OSError):  # not supported on every system
        pass


def serve(handler: str, megabytes: int, requests: TextIO, replies: TextIO) -> None:
    """Answer requests line by line until the parent closes the pipe.

    Args:
        handler: Path of the handler file.
        megabytes: Limit of the address space.
        requests: Stream of JSON lines to read.
        replies: Stream of JSON lines to write.
    """

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
        # If the parent dies while this hangs, nothing else ends it. This timer works even inside C code.
        faulthandler.dump_traceback_later(2 * message["seconds"] + 10, exit=True)
        try:
            reply(value=functions["handle"](message["request"]))
        except MemoryError:
            os._exit(1)
        except (Exception, RecursionError) as error:
            reply(error=str(error)[:300] or type(error).__name__)
        faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # discard the output of libraries
    serve(sys.argv[1], int(sys.argv[2]), sys.stdin, answers)
