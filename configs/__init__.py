"""Reading YAML files and key=value words into dataclasses."""
