"""Training and evaluation from Python: the same work as the command lines, with keyword arguments for overrides."""

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.loop import run as run_coroutine
from configs.cli import flatten
from training.config.compose import Composed, NoOptions, compose

if TYPE_CHECKING:
    from training.runs.run_folder import RunFolder

Env = str | Path | Sequence[str] | Mapping[str, float]
"""One task, suite or YAML file, several of them, or name → weight: what `env=` takes on the command line."""


def train(env: Env | None = None, **overrides: Any) -> dict[str, Any]:
    """Train a policy, as `python -m training.run env=ENV key=value …` does.

    Args:
        env: what to learn; None takes the recipe's tasks.
        **overrides: any key of the command line, as nested values (`algo={"lr": 1e-4}`) or with dotted keys
            (`**{"algo.lr": 1e-4}`); also `model`, `recipe`, `cluster`, `stages`, `seed`, `name` and `out`.

    Returns:
        What summary.json holds, and `path`, the run folder.

    Raises:
        UserError: an override does not fit, or the run folder exists already.
    """
    return start(compose(_overrides(env, overrides), NoOptions), time.perf_counter())


def resume(path: str | Path, **overrides: Any) -> dict[str, Any]:
    """Resume a run that was stopped, as `python -m training.run resume=PATH` does.

    Args:
        path: the run folder.
        **overrides: other machines: `cluster="ray"` or `cluster={"learners": 2}`.

    Returns:
        As `train`.

    Raises:
        UserError: there is no such run, it is finished, or an override would change it.
    """
    return start(compose(flatten({"resume": str(path), **overrides}), NoOptions), time.perf_counter())


def evaluate(policy: str | Path | Sequence[str], env: Env | None = None, **overrides: Any) -> list[dict[str, Any]]:
    """Measure policies on the same held-out starts, as `python -m training.evaluate policy=POLICY env=ENV …` does.

    Args:
        policy: one or several of random, idle, expert, tiny, a run or baseline folder, a model, or `api:MODEL`.
        env: what to play; None takes the tasks of the first trained policy.
        **overrides: any key of the command line, such as `episodes=64`, `temperature=0.0` or `save="FOLDER"`.

    Returns:
        A row for each policy and task, as in results.json: `task`, `policy`, `success` (mean, ci95, n), ….

    Raises:
        UserError: a policy cannot be found or cannot play a task, or an override does not fit.
    """
    from training.compare.command import EvaluateOptions, evaluate_policies

    names = [str(policy)] if isinstance(policy, str | Path) else [str(name) for name in policy]
    given = {"policy": ",".join(names), **_overrides(env, overrides)}
    return evaluate_policies(compose(given, EvaluateOptions)).rows


def start(composed: Composed[Any], started: float) -> dict[str, Any]:
    """Run what a config asks for and return what `train` does; `started` is on `time.perf_counter`'s clock."""
    summary, folder = run_coroutine(_run(composed, started))
    return {**summary, "path": str(folder.path)}


async def _run(composed: Composed[Any], started: float) -> "tuple[dict[str, Any], RunFolder]":
    from training.prepare import prepare, start_cluster  # after the config, so that a typo is reported at once
    from training.runs.run_folder import RunFolder
    from training.trainer import run

    config = composed.config
    folder = RunFolder.resume(config, composed.overrides) if config.resume else None
    config = folder.config if folder else config
    if folder is None:
        RunFolder.refuse_existing(config)
    chat = prepare(config)
    cluster = await start_cluster(config)
    try:
        folder = folder or RunFolder.create(config, composed.sources)
        with folder.locked():
            try:
                return await run(folder, cluster, chat, started), folder
            except BaseException:
                print(f"\nresume with: python -m training.run resume={folder.path}", file=sys.stderr)
                raise
    finally:
        await cluster.close()


def _overrides(env: Env | None, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return keyword arguments as overrides by dotted key."""
    given: dict[str, Any] = {}
    if env is not None:
        given["env"] = str(env) if isinstance(env, str | Path) else dict(env) if isinstance(env, Mapping) else list(env)
    return given | flatten(overrides)
