"""`python -m envs` lists all environments and tasks.

`sheet=FILE.png` also draws an image of every task, family and scenario. `size=` sets the side of these images in
pixels (default 224).
"""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import gymnasium
from PIL import Image

import envs  # noqa: F401  (registers the ids)
from configs.cli import command, parse_overrides
from configs.errors import UserError
from configs.files import load_yaml
from envs.sheet import LARGEST, sections
from envs.task import openenv
from envs.task.config import FOLDER, load_task, task_names, variants
from envs.task.suites import SUITES, Suite
from render.draw.contact_sheet import sheet


def ids() -> list[str]:
    """Return the registered kickoff ids, without that of other servers' envs."""
    return sorted(id for id in gymnasium.registry if id.startswith("kickoff/") and id != openenv.ID)


def suite_lines() -> list[str]:
    """Return the suites and their tasks, with the suites that a recipe redefines."""
    known: list[tuple[str, Suite]] = []
    recipes = {path.stem: load_yaml(path) for path in sorted((FOLDER.parent / "recipe").glob("*.yaml"))}
    for name, suite in SUITES.items():
        known.append((name, suite))
        for recipe, settings in recipes.items():
            if name in settings.get("suites", {}):
                known.append((f"{name} (recipe={recipe})", settings["suites"][name]))
    lines = []
    for name, suite in known:
        weights = suite if isinstance(suite, dict) else {}
        tasks = [f"{task} x{weights[task]:g}" if weights.get(task, 1) != 1 else task for task in suite]
        lines.append(textwrap.fill(f"  {name:<20} {', '.join(tasks)}", 120, subsequent_indent=" " * 23))
    return lines


def main(argv: Sequence[str]) -> None:
    """List ids, tasks and suites, and draw the contact sheet if requested."""
    overrides = parse_overrides(argv)
    for key in sorted(set(overrides) - {"sheet", "size"}):
        raise UserError(f"unknown override {key!r}; python -m envs [sheet=FILE.png] [size=224]")
    side = _side(overrides.get("size", "224"))
    target = Path(overrides.get("sheet", "sheet.png"))
    if target.suffix != ".png" or not target.resolve().parent.is_dir():
        raise UserError(f"sheet={target}: a .png file in a folder that exists is expected")
    print('Gymnasium ids (gymnasium.make and make_vec, after `import envs` or with "envs:" before the id):')
    for id in ids():
        entry = str(gymnasium.spec(id).entry_point)
        print(f"  {id:<26} {entry.partition(':')[0]}")
    print("\nFor PettingZoo: envs.football.parallel.FootballParallelEnv, several players or both sides")
    print("\nTasks (env=NAME, configs/env/NAME.yaml):")
    for name in sorted(set(task_names()) - variants()):
        config = load_task(name)
        print(f"  {name:<20} {config.description}")
    print("\nSuites (env=NAME selects all their tasks; recipe=tiny is the default recipe):")
    print("\n".join(suite_lines()))
    if "sheet" in overrides:
        drawn = list(sections(side))
        Image.fromarray(sheet(drawn)).save(target)
        print(f"\n{sum(len(section.tiles) for section in drawn)} images in {target}")


def _side(text: str) -> int:
    if not text.isdecimal() or not 84 <= int(text) <= LARGEST:
        raise UserError(f"size={text}: a whole number from 84 to {LARGEST} is expected")
    return int(text)


if __name__ == "__main__":
    command(main, lambda _: "Usage: python -m envs [sheet=FILE.png] [size=224]\n\n" + str(__doc__))
