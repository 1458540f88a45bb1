"""`python -m agents.play`."""

from agents.play.session import main, usage
from configs.cli import command

if __name__ == "__main__":
    command(main, usage)
