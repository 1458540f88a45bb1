"""The command line: `python -m training.run env=football` runs the pipeline; config → stages → report."""

import sys
import time
from collections.abc import Sequence

from envs.cli import command
from training.config import load
from training.usage import help_text

_STARTED = time.perf_counter()


def main(argv: Sequence[str]) -> None:
    """Start a run, or go on with one (`resume=runs/<name>`)."""
    config = load(argv)
    from training.pipeline import run  # after the config, so that a typo is told at once
    from training.prepare import prepare
    from training.runfolder import RunFolder

    if config.resume:
        folder = RunFolder.resume(config, argv)
        model = prepare(folder.config)
    else:
        RunFolder.refuse_existing(config)
        model = prepare(config)
        folder = RunFolder.create(config)
    try:
        run(folder, model, _STARTED)
    except KeyboardInterrupt:
        print(f"\ngo on with: python -m training.run resume={folder.path}", file=sys.stderr)
        raise


if __name__ == "__main__":
    command(main, help_text)
