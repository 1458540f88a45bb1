from .cli import command, parse_overrides, read_options
from .errors import UserError, suggest
from .help import short_help
from .imports import load_object
from .schema import build, check, load_yaml, merge

__all__ = [
    "UserError",
    "build",
    "check",
    "command",
    "load_object",
    "load_yaml",
    "merge",
    "parse_overrides",
    "read_options",
    "short_help",
    "suggest",
]
