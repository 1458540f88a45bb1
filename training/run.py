"""The command line: `python -m training.run env=football` runs the pipeline; config → stages → report."""

import asyncio
import functools
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from configs.cli import command
from training.config.compose import load_with
from training.config.help import help_text
from training.config.run import Config

_STARTED = time.perf_counter()


@dataclass
class RunOptions:
    """What to do with the config."""

    plan: bool = False
    """Only print which part runs where, and what memory it will need; nothing is started."""


def main(argv: Sequence[str]) -> None:
    """Start a run, go on with one (`resume=runs/<name>`), or plan one (`plan=true`)."""
    config, options = load_with(argv, RunOptions)
    if options.plan:
        from training.plan.text import plan_text
        from training.prepare import check_sizes
        from training.runs.run_folder import RunFolder

        config = RunFolder.resume(config, argv).config if config.resume else config
        check_sizes(config)
        print(plan_text(config))
        return
    asyncio.run(_run(config, argv))


async def _run(config: Config, argv: Sequence[str]) -> None:
    from training.prepare import prepare, start
    from training.runs.run_folder import RunFolder
    from training.trainer import run  # after the config, so that a typo is told at once

    folder = RunFolder.resume(config, argv) if config.resume else None
    config = folder.config if folder else config
    if folder is None:
        RunFolder.refuse_existing(config)
    chat = prepare(config)
    cluster = await start(config)
    try:
        folder = folder or RunFolder.create(config)
        with folder.locked():
            try:
                await run(folder, cluster, chat, _STARTED)
            except BaseException:
                print(f"\ngo on with: python -m training.run resume={folder.path}", file=sys.stderr)
                raise
    finally:
        await cluster.close()


if __name__ == "__main__":
    command(main, functools.partial(help_text, extra=RunOptions))
