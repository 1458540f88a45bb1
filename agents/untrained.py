"""Untrained weights of the embedded model's architecture: the start of its warm-up.

`python -m agents.untrained out=FOLDER` writes a folder that transformers and vLLM can load. Equal seeds give equal
weights. `python -m training.run recipe=warmup model=FOLDER` then clones the experts into it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.models.load import wrap
from agents.models.tiny import build
from configs.cli import command, parse_overrides, read_options
from configs.help import short_help
from configs.paths import check_new
from configs.schema import Settings
from configs.types import NonNegativeInt


@dataclass
class UntrainedOptions(Settings):
    """Options of the command."""

    out: str = "untrained"
    """Folder to write. It must not exist."""
    seed: NonNegativeInt = 0
    """Seed of the weights."""

    def __post_init__(self) -> None:
        """Check the values and the folder."""
        super().__post_init__()
        check_new(self.out)


def main(argv: Sequence[str]) -> None:
    """Write the model."""
    options = read_options(UntrainedOptions, parse_overrides(argv))
    wrap(*build(options.seed)).save(Path(options.out))
    print(f"written to {options.out}")


if __name__ == "__main__":
    command(main, lambda _: short_help("agents.untrained", str(__doc__), UntrainedOptions))
