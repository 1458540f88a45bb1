"""`python -m envs` lists all environments and tasks. `sheet=FILE.png` also draws an image of every task."""

import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import gymnasium

import envs  # noqa: F401  (registers the ids)
from configs.cli import command, parse_overrides
from configs.errors import UserError
from envs.task.config import load_task, task_names, variants
from envs.task.suites import SUITES
from envs.task.task import Task
from render.draw.contact_sheet import Row, sheet

SIZES = ((84, 84), (224, 224), (336, 336))
"""Image sizes in pixels, (height, width): the tiny model's, a small one and a medium one."""


def ids() -> list[str]:
    """Return the registered kickoff ids."""
    return sorted(id for id in gymnasium.registry if id.startswith("kickoff/"))


def row(name: str) -> Row:
    """Return the contact-sheet row of a task: its image at each of `SIZES`, and its text."""
    config = load_task(name)
    pictures = []
    words = ""
    for size in SIZES:
        if "image_size" in config.kwargs:  # the environment draws at any size
            config.kwargs["image_size"] = list(size)
        else:
            config.image_size = size
        task = Task(name, config)
        env = task.make()
        observation, info = env.reset(seed=1)
        seen = task.observe(env, observation, info)
        words = task.words(seen, first=True)
        if seen.image is not None:
            pictures.append(seen.image)
        env.close()
    return Row(f"{name}   {config.id}", pictures, words)


def main(argv: Sequence[str]) -> None:
    """List ids, tasks and suites, and draw the contact sheet if requested."""
    overrides = parse_overrides(argv)
    for key in set(overrides) - {"sheet"}:
        raise UserError(f"unknown override {key!r}; python -m envs [sheet=FILE.png]")
    print('Gymnasium ids (gymnasium.make and make_vec, after `import envs` or with "envs:" before the id):')
    for id in ids():
        entry = str(gymnasium.spec(id).entry_point)
        print(f"  {id:<26} {entry.partition(':')[0]}")
    print("\nFor PettingZoo: envs.football.parallel.FootballParallelEnv, several players or both sides")
    print("\nTasks (env=NAME, configs/env/NAME.yaml):")
    for name in sorted(set(task_names()) - variants()):
        config = load_task(name)
        print(f"  {name:<20} {config.description}")
    print("\nSuites (env=NAME selects all their tasks; each task can also be selected alone):")
    for name, suite in SUITES.items():
        print(textwrap.fill(f"  {name:<20} {', '.join(suite)}", 120, subsequent_indent=" " * 23))
    if "sheet" not in overrides:
        return
    target = Path(overrides["sheet"])
    if target.suffix != ".png" or not target.resolve().parent.is_dir():
        raise UserError(f"sheet must be a .png file in a folder that exists, got {overrides['sheet']!r}")
    rows = []
    for name in task_names():
        try:
            rows.append(row(name))
        except ValueError as error:  # a missing extra or a missing file
            print(f"{name}: not drawn: {error}", file=sys.stderr)
    from PIL import Image

    Image.fromarray(sheet(rows)).save(target)
    print(f"\n{len(rows)} tasks drawn in {target}")


if __name__ == "__main__":
    command(main, lambda _: "Usage: python -m envs [sheet=FILE.png]\n\n" + str(__doc__))
