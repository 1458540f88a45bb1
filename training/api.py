"""Training and evaluation from Python, with overrides as keyword arguments."""

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
"""Value of `env=`: a task, a suite or a YAML file, a sequence of them, or a mapping name → weight."""


def train(env: Env | None = None, **overrides: Any) -> dict[str, Any]:
    """Train a policy, like `python -m training.run env=ENV key=value …`.

    Args:
        env: Tasks to train on. None uses the tasks of the recipe.
        **overrides: Any key of the command, as nested values (`algo={"lr": 1e-4}`) or as dotted keys
            (`**{"algo.lr": 1e-4}`). This includes `model`, `recipe`, `cluster`, `stages`, `seed`, `name` and `out`.

    Returns:
        The contents of summary.json, and `path`, the run folder.

    Raises:
        UserError: an override is invalid, or the run folder already exists.
    """
    return start(compose(_overrides(env, overrides), NoOptions, "argument"), time.perf_counter())


def resume(path: str | Path, **overrides: Any) -> dict[str, Any]:
    """Resume an interrupted run, like `python -m training.run resume=PATH`.

    Args:
        path: Run folder.
        **overrides: Cluster settings, such as `cluster="ray"` or `cluster={"learners": 2}`, and `resume_changed=True`.

    Returns:
        The contents of summary.json, and `path`, the run folder.

    Raises:
        UserError: the run does not exist or is finished, an override would change its config, or something that the
            config names has changed.
    """
    return start(compose(flatten({"resume": str(path), **overrides}), NoOptions, "argument"), time.perf_counter())


def evaluate(policy: str | Path | Sequence[str], env: Env | None = None, **overrides: Any) -> list[dict[str, Any]]:
    """Measure policies on the same held-out episodes, like `python -m training.evaluate policy=POLICY env=ENV …`.

    Args:
        policy: One or more of random, idle, expert, tiny, a run or baseline folder, a model, and `api:MODEL`.
        env: Tasks to play. None uses the tasks of the first trained policy.
        **overrides: Any key of the command, such as `episodes=64`, `temperature=0.0` or `save="FOLDER"`.

    Returns:
        One row per policy and task, as in results.json: `task`, `policy`, `success` (mean, ci95, n), ….

    Raises:
        UserError: a policy does not exist or cannot play a task, or an override is invalid.
    """
    from training.compare.command import EvaluateOptions, evaluate_policies

    names = [str(policy)] if isinstance(policy, str | Path) else [str(name) for name in policy]
    given = {"policy": ",".join(names), **_overrides(env, overrides)}
    return evaluate_policies(compose(given, EvaluateOptions)).rows


def start(composed: Composed[Any], started: float) -> dict[str, Any]:
    """Start or resume the run of a config and return the same as `train`.

    Args:
        composed: Config with its overrides and their sources.
        started: Start time in seconds, from `time.perf_counter()`.
    """
    summary, folder = run_coroutine(_run(composed, started))
    return {**summary, "path": str(folder.path)}


async def _run(composed: Composed[Any], started: float) -> "tuple[dict[str, Any], RunFolder]":
    from training.runs import facts
    from training.runs.run_folder import RunFolder

    config = composed.config
    folder = RunFolder.resume(config, composed.overrides) if config.resume else None
    config = folder.config if folder else config
    from training.plan.shapes import num_parameters
    from training.prepare import prepare, start_cluster  # slow to import: a finished run is refused before
    from training.trainer import run

    chat = prepare(config)
    if folder is None:
        RunFolder.refuse_existing(config)  # last: a mistake in the settings is the more useful message
    cluster = await start_cluster(config)
    try:
        if folder is None:
            folder = RunFolder.create(config, composed.sources)
            device = facts.device() if config.cluster.kind == "local" else f"{config.cluster.gpus} GPUs (Ray)"
            facts.write(folder.path, "training.run", composed.overrides, device, num_parameters(config.model.path))
        with folder.locked():
            print(f"watch it: python -m render.watch {folder.path}", file=sys.stderr)
            try:
                return await run(folder, cluster, chat, started), folder
            except BaseException:
                print(f"\nresume with: python -m training.run resume={folder.path}", file=sys.stderr)
                raise
    finally:
        await cluster.close()


def _overrides(env: Env | None, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments as dotted key → value."""
    given: dict[str, Any] = {}
    if env is not None:
        given["env"] = str(env) if isinstance(env, str | Path) else dict(env) if isinstance(env, Mapping) else list(env)
    return given | flatten(overrides)
