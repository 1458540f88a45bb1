"""The command `python -m training.evaluate`; nothing imports this file."""

from configs.cli import command
from training.compare.command import main, usage

if __name__ == "__main__":
    command(main, usage)
