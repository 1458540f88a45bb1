from .cli import command, read_options
from .errors import UserError, suggest
from .help import short_help
from .schema import build, check, load_yaml, merge

__all__ = [
    "UserError",
    "build",
    "check",
    "command",
    "load_yaml",
    "merge",
    "read_options",
    "short_help",
    "suggest",
]
