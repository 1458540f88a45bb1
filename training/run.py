"""The command `python -m training.run`: starts, resumes or plans a run."""

import functools
import time
from collections.abc import Sequence
from dataclasses import dataclass

from configs.cli import command, parse_overrides
from configs.schema import Settings
from training.api import start
from training.config.compose import compose
from training.config.help import help_text
from training.config.recipe import file_schema

_STARTED = time.perf_counter()


@dataclass
class RunOptions(Settings):
    """Options of the command."""

    plan: bool = False
    """Print the placement and the memory estimate of the run, and start nothing."""


def main(argv: Sequence[str]) -> None:
    """Start a run, resume one (`resume=runs/NAME`), plan one (`plan=true`), or print a schema (`--schema GROUP`)."""
    if argv[:1] == ["--schema"]:
        print(file_schema(" ".join(argv[1:])))
        return
    composed = compose(parse_overrides(argv), RunOptions)
    config = composed.config
    if composed.options.plan:
        from training.plan.sharing import this_gpu
        from training.plan.text import plan_text
        from training.prepare import check_sizes
        from training.runs.run_folder import RunFolder

        config = RunFolder.resume(config, composed.overrides).config if config.resume else config
        check_sizes(config)
        print(plan_text(config, this_gpu()))
        return
    start(composed, _STARTED)


if __name__ == "__main__":
    command(main, functools.partial(help_text, extra=RunOptions))
