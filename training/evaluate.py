"""The command `python -m training.evaluate`. No module imports this file."""

from configs.cli import command
from training.compare.command import main, usage

if __name__ == "__main__":
    command(main, usage)
