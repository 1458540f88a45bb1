"""YAML files of settings. Unlike in plain PyYAML, 1e-5 is a number (YAML 1.2) and a date is text."""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from configs.errors import UserError

_FLOAT = "tag:yaml.org,2002:float"
_NUMBER = re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)[eE][-+]?[0-9]+$")
"""Numbers in scientific notation. PyYAML itself knows only those with a point and a sign, such as 1.0e-5."""


class _Loader(yaml.SafeLoader):
    """Loader that refuses duplicate keys and recursive values."""

    def get_single_data(self) -> Any:
        """Return the value of the document. Nested values are built first, which detects a value inside itself."""
        node = self.get_single_node()
        return None if node is None else self.construct_object(node, deep=True)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Return a mapping as a dictionary."""
        names = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in names:
                raise yaml.constructor.ConstructorError(None, None, f"duplicate key {key.value}", key.start_mark)
            names.add(key.value)
        return super().construct_mapping(node, deep=True)


class _Dumper(yaml.SafeDumper):
    """Dumper that quotes each text that would be read as another type."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        """Return a text as a node. Unusual line ends are escaped, since PyYAML would fold them into spaces."""
        return self.represent_scalar(
            "tag:yaml.org,2002:str", data, '"' if set(data) & set("\x85\u2028\u2029") else None
        )


_Dumper.add_representer(str, _Dumper.represent_str)

for _handler in (_Loader, _Dumper):
    _handler.add_implicit_resolver(_FLOAT, _NUMBER, list("-+0123456789."))
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag != "tag:yaml.org,2002:timestamp"]
    for first, pairs in _Loader.yaml_implicit_resolvers.items()
}


def parse_yaml(text: str) -> Any:
    """Return the value of a YAML text; raise yaml.YAMLError or ValueError if it is invalid."""
    return yaml.load(text, _Loader)


def to_yaml(settings: Any) -> str:
    """Return settings as YAML that `parse_yaml` reads back; raise yaml.YAMLError for a value of an unknown type."""
    return yaml.dump(settings, Dumper=_Dumper, allow_unicode=True, sort_keys=False)


def load_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file; raise UserError with the file and line if it is invalid."""
    try:
        settings = parse_yaml(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UserError(f"{path}:{mark.line + 1 if mark else 1}: {error.problem or 'not valid YAML'}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{path}: not a YAML file of settings: {' '.join(str(error).split())}") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or 'not a YAML file of settings'}") from None
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise UserError(f"{path}: a mapping (key: value) is expected")
    return settings
