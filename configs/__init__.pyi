from .cli import command, parse_overrides, read_options
from .errors import UserError, suggest
from .files import load_yaml
from .help import json_schema, short_help
from .imports import load_object
from .schema import Settings, build, check, merge

__all__ = [
    "Settings",
    "UserError",
    "build",
    "check",
    "command",
    "json_schema",
    "load_object",
    "load_yaml",
    "merge",
    "parse_overrides",
    "read_options",
    "short_help",
    "suggest",
]
