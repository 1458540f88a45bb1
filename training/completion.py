"""Tab completion: `eval "$(python -m training.completion bash)"` in ~/.bashrc, or with `zsh` in ~/.zshrc.

Then `python -m training.run env=<TAB>` offers the tasks and `algo.<TAB>` the keys. It imports no large package.
"""

import ast
import importlib.util
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from configs.cli import command
from configs.errors import UserError
from configs.schema import field_types, keys
from envs.task.config import TaskConfig
from envs.task.suites import SUITES
from training.config.algo import AlgoConfig
from training.config.recipe import group_file, names
from training.config.run import DEFAULTS, Config
from training.config.stages import StageConfig

COMMANDS = (
    "agents.demonstrate", "agents.play", "agents.pretrained", "agents.untrained", "envs", "envs.check", "render.watch",
    "training.baseline", "training.completion", "training.evaluate", "training.run",
)  # fmt: skip
KEPT_APART = {
    "agents.play": "agents.play.session",
    "training.baseline": "training.baseline.config",
    "training.evaluate": "training.compare.command",
}
"""Command → module with its keys, for commands that keep them in another module than `main`."""
SHELLS = {
    "bash": r"""
_kickoff() {
    local line=${COMP_LINE:0:COMP_POINT} IFS=$'\n'
    local word=${line##* }
    [[ $line == *" -m "* ]] || return
    COMPREPLY=($("${COMP_WORDS[0]}" -m training.completion "$line" 2>/dev/null))
    COMPREPLY=("${COMPREPLY[@]#"${word%"${word##*=}"}"}")  # bash starts a new word after =
}
complete -o default -o nospace -F _kickoff python python3
""",
    "zsh": r"""
_kickoff() {
    local -a found
    [[ $LBUFFER == *" -m "* ]] && found=(${(f)"$(${words[1]} -m training.completion $LBUFFER 2>/dev/null)"})
    if (( $#found )); then compadd -S '' -- $found; else _default; fi
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
compdef _kickoff python python3
""",
}


def offers(line: str) -> list[str]:
    """Return the completions of the last word of a command line."""
    *before, word = line.split(" ")
    module = before[before.index("-m") + 1] if "-m" in before[:-1] else ""
    if before[-1:] == ["-m"]:
        return [name for name in COMMANDS if name.startswith(word)]
    key, equals, value = word.partition("=")
    known = keys_of(module, before) if module in COMMANDS else {}
    if equals:
        first, comma, last = value.rpartition(",")
        return [f"{key}={first}{comma}{name}" for name in known.get(key, ()) if name.startswith(last)]
    ends = {name: name.find(".", len(word)) + 1 for name in known if name.startswith(word)}
    return sorted({name[:end] if end else f"{name}=" for name, end in ends.items()})


def keys_of(module: str, words: Sequence[str]) -> dict[str, Sequence[str]]:
    """Return key → values of a command. The values are empty unless the key has a fixed set of them."""
    found = importlib.util.find_spec(KEPT_APART.get(module, module))
    if found is None or found.origin is None or found.submodule_search_locations:
        return {}
    known: dict[str, Sequence[str]] = {}
    source = ast.parse(Path(found.origin).read_text("utf-8"))  # parsed, not imported: some modules need torch
    for node in ast.walk(source):
        if isinstance(node, ast.ClassDef) and "Settings" in map(ast.unparse, node.bases):
            for field in node.body:
                if isinstance(field, ast.AnnAssign):
                    kind, parts = ast.unparse(field.annotation), ast.walk(field.annotation)
                    literal = [str(part.value) for part in parts if isinstance(part, ast.Constant)]
                    fixed = literal if kind.startswith("Literal[") else ()
                    known[ast.unparse(field.target)] = choices(bool) if kind == "bool" else fixed
    if any(isinstance(node, ast.Call) and ast.unparse(node.func) == "compose" for node in ast.walk(source)):
        recipe = next((word[7:] for word in words if word.startswith("recipe=")), DEFAULTS["recipe"])
        fields = {key: kind for key, kind in field_types(Config).items() if key not in ("envs", "tasks", "stages")}
        fields |= {f"stages.{stage}": StageConfig for stage in group_file("recipe", recipe).get("stages", {})}
        known |= {key: choices(kind) for key, kind in keys(fields | {"algo": AlgoConfig}).items()}
        known |= {group: names(group) for group in DEFAULTS}
    if "env" in known:
        known |= {key: choices(kind) for key, kind in keys({"env": TaskConfig}).items()}
        known["env"] = [*names("env"), *SUITES]
    if "policy" in known:
        known["policy"] = ("random", "idle", "expert", "tiny", "human", "runs/", "api:")
    return known


def choices(kind: Any) -> Sequence[str]:
    """Return the values of a type with a fixed set of them; empty for any other type."""
    if typing.get_origin(kind) is typing.Literal:
        return [str(choice) for choice in typing.get_args(kind)]
    return ("true", "false") if kind is bool else ()


def main(argv: Sequence[str]) -> None:
    """Print the completion script of a shell, or the completions of a command line for such a script."""
    if len(argv) == 1 and argv[0] in SHELLS:
        print(SHELLS[argv[0]].strip())
    elif len(argv) == 1 and " " in argv[0]:
        print("\n".join(offers(argv[0])))
    else:
        raise UserError(f"expected one argument, {' or '.join(SHELLS)}, got {' '.join(argv)!r}")


if __name__ == "__main__":
    command(main, lambda _: "Usage: python -m training.completion bash|zsh\n\n" + str(__doc__))
