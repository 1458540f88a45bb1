"""`python -m envs.check my_env.yaml` plays a task with random actions and reports what is wrong."""

import sys
from collections.abc import Iterator, Sequence
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from numpy.typing import NDArray

import envs  # noqa: F401  (registers the ids)
from configs.cli import command, parse_words
from configs.errors import UserError
from envs.task.config import load_task
from envs.task.openenv import task_name
from envs.task.task import Observation, Outcome, Task
from render.records.episode import Episode, Turn
from render.records.writing import EpisodeWriter

EPISODES = 20
"""Number of random episodes."""


class Finding(NamedTuple):
    """One line of the report."""

    kind: str
    """`ok`, `note` (works, but may need attention) or `wrong`."""
    text: str


class Pictures:
    """Statistics over all images of a task. Only the first image is kept."""

    def __init__(self) -> None:
        self.first: NDArray[np.uint8] | None = None
        self.shapes: set[tuple[int, ...]] = set()
        self.drawn = False
        """True if any image has more than one colour."""
        self.changes = False

    def add(self, image: NDArray[np.uint8] | None) -> None:
        """Add an image to the statistics."""
        if image is None:
            return
        self.first = image if self.first is None else self.first
        self.shapes.add(image.shape)
        self.drawn = self.drawn or bool(image.min() != image.max())
        self.changes = self.changes or not np.array_equal(image, self.first)


class Played(NamedTuple):
    """A random episode."""

    start: Observation
    outcomes: list[Outcome]
    """Outcomes of all turns, without their observations."""
    success: bool


def play(task: Task, env: gymnasium.Env[Any, Any], seed: int, pictures: Pictures) -> Played:
    """Play an episode with random valid replies.

    Args:
        task: Task to play.
        env: Environment of the task.
        seed: Seed of the environment and of the random actions.
        pictures: Statistics to update with every image.
    """
    rng = np.random.default_rng(seed)
    observation, info = env.reset(seed=seed)
    start = task.observe(env, observation, info)
    pictures.add(start.image)
    outcomes: list[Outcome] = []
    success = False
    for _ in range(task.config.max_turns):
        parts = task.config.action_parts
        answer = "+".join(str(rng.choice([name for name in part if name])) for part in parts) if parts[0] else "0"
        outcome = task.play(env, task.parse(f"<think></think><answer>{answer}</answer>"))
        outcomes.append(outcome._replace(observation=None))
        success = task.succeeded(outcome, sum(played.reward for played in outcomes))
        if outcome.terminated or outcome.truncated:
            break
        pictures.add(task.observe(env, outcome.observation, outcome.info, outcome.feedback).image)
    return Played(start, outcomes, success)


def same(one: Observation, other: Observation) -> bool:
    """Return True if two observations have the same image and text."""
    pictures = one.image is None or other.image is None or len(one.images) == len(other.images)
    same_pixels = all(map(np.array_equal, one.images, other.images))
    return pictures and same_pixels and one.text == other.text


def examine(task: Task) -> Iterator[Finding]:
    """Yield findings about a task, stopping at the first problem that prevents further checks."""
    config = task.config
    try:
        env = task.make()
    except ValueError as error:
        yield Finding("wrong", str(error))
        return
    text = isinstance(env.action_space, gymnasium.spaces.Text)
    yield Finding("ok", f"{config.id} can be created; its actions are {'text' if text else env.action_space}")
    pictures = Pictures()
    try:
        episodes = [play(task, env, seed, pictures) for seed in range(EPISODES)]
        again = play(task, env, 0, pictures)
        _record(task, episodes[0])
    except UserError as error:
        yield Finding("wrong", str(error))
        return
    except Exception as error:  # a third-party environment may raise anything
        yield Finding("wrong", f"the env fails under random actions: {type(error).__name__}: {error}")
        return
    finally:
        env.close()
    yield from _seeds(episodes, again)
    yield from _pictures(pictures)
    yield from _words(task, episodes[0])
    yield from _success(task, episodes)


def _record(task: Task, played: Played) -> None:
    """Write the record of an episode to a temporary folder, as evaluations and runs do."""
    turns = tuple(
        Turn("", "", "", "", True, outcome.reward, {}, str(outcome.info.get("text", "")), played.start.image, 0)
        for outcome in played.outcomes
    )
    last = played.outcomes[-1].info
    kind, score, total = str(last.get("kind", "")), task.score(last), sum(turn.reward for turn in turns)
    episode = Episode(
        task.name, 0, "random", -1, 0, played.success, "completed", total, {}, turns, kind=kind, score=score
    )
    with TemporaryDirectory() as folder, EpisodeWriter(folder) as writer:
        writer.write(episode)


def _seeds(episodes: Sequence[Played], again: Played) -> Iterator[Finding]:
    first = episodes[0]
    if not same(first.start, again.start):
        yield Finding("wrong", "reset(seed=0) gives two different starts: a group of episodes needs the same start")
    elif [o.reward for o in first.outcomes] != [o.reward for o in again.outcomes]:
        yield Finding(
            "wrong", "the same seed and actions give different rewards: the env must draw from self.np_random only"
        )
    else:
        yield Finding("ok", "the same seed and actions give the same episode")
    if all(same(first.start, other.start) for other in episodes[1:]):
        yield Finding("note", f"{EPISODES} seeds give the same start: held-out and training starts coincide")


def _pictures(pictures: Pictures) -> Iterator[Finding]:
    if pictures.first is None:
        return
    shape = pictures.first.shape
    if len(pictures.shapes) > 1:
        shapes = sorted(pictures.shapes)
        yield Finding("wrong", f"images differ in shape: {shapes}; set image_size=[height, width]")
    elif not pictures.drawn:
        yield Finding("wrong", "every image has a single colour: render() draws nothing")
    elif not pictures.changes:
        yield Finding("wrong", "the image never changes: it does not show the effect of actions")
    else:
        yield Finding("ok", f"images of {shape[0]}x{shape[1]}")
    if min(shape[:2]) < 28:
        yield Finding("note", f"{shape[0]}x{shape[1]} is small: vision models use 14-pixel patches; set image_size")
    if shape[:2] != (84, 84):
        yield Finding("note", "the embedded tiny model takes image_size=[84, 84] only")


def _words(task: Task, played: Played) -> Iterator[Finding]:
    text = task.words(played.start, first=True)
    if not text:
        yield Finding("note", "the prompt is empty: set instructions to the goal")
    if task.config.caption and "text" not in played.outcomes[0].info:
        shown = played.start.text[:60]
        yield Finding("note", f"the env has no info['text']; the caption is the raw observation: {shown}")
    if len(text) > 2000:
        yield Finding("note", f"the first turn has {len(text)} characters; long prompts cost memory and time")


def _success(task: Task, episodes: Sequence[Played]) -> Iterator[Finding]:
    rule = task.config.success
    outcomes = [outcome for played in episodes for outcome in played.outcomes]
    if rule == "info" and not any("success" in outcome.info for outcome in outcomes):
        yield Finding(
            "wrong", "success=info, but info has no 'success': set it to terminated or a bound such as 'return >= 1'"
        )
        return
    share = sum(played.success for played in episodes) / len(episodes)
    ended = sum(played.outcomes[-1].terminated for played in episodes)
    turns = sum(len(played.outcomes) for played in episodes) / len(episodes)
    rewards = [outcome.reward for outcome in outcomes]
    yield Finding(
        "ok",
        f"{len(episodes)} random episodes: {share:.0%} succeed, {ended} ended by the env, {turns:.1f} of "
        f"{task.config.max_turns} turns, rewards from {min(rewards):g} to {max(rewards):g}",
    )
    if share == 1 and task.config.actions:
        yield Finding(
            "note", "random actions always succeed: there is nothing to learn, or the success rule is too weak"
        )


def main(argv: Sequence[str]) -> None:
    """Check the named tasks and exit with status 1 if anything is wrong."""
    names, overrides = parse_words(argv)
    if not names:
        raise UserError("which task? python -m envs.check my_env.yaml (or a name of configs/env) [env.key=value …]")
    wrong = 0
    for name in names:
        task = Task(task_name(name), load_task(name, overrides))
        print(f"{name}:")
        for finding in examine(task):
            print(f"  {finding.kind:<5}  {' '.join(finding.text.split())}")
            wrong += finding.kind == "wrong"
    if wrong:
        print(f"{wrong} problem{'s' if wrong > 1 else ''} to fix", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    command(main, lambda _: "Usage: python -m envs.check NAME|FILE.yaml … [env.key=value …]\n\n" + str(__doc__))
