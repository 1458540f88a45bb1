"""The command `python -m training.baseline`."""

from configs.cli import command
from training.baseline.train import main, usage

if __name__ == "__main__":
    command(main, usage)
