"""Success on held-out episodes: `python -m training.evaluate env=football policy=expert episodes=256 json=FILE`.

The checkpoint of a run is evaluated in the run's own envs, with the settings that it was trained with; words of the
command line change them (`env.max_turns=20`), and `env=` may name others.
"""

import asyncio
import dataclasses
import functools
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.experts import PLAYERS, scripted
from agents.policy import Policy, VLMPolicy
from envs.cli import command, nested
from envs.names import suggest
from envs.schema import ConfigError, build, kinds, merge
from envs.task_config import TaskConfig
from training.config import Config, load_with, read
from training.measure import held_out
from training.prepare import check_task, load, share_cores
from training.rollout import Player
from training.statistics import success_rate
from training.usage import help_text

SERVER = "api:"


@dataclass
class EvaluateOptions:
    """What to evaluate."""

    policy: str = "expert"
    """Who plays: random, idle, expert, tiny, a run such as runs/football, a model as model.path takes it, or api:MODEL,
    a model on an OpenAI-compatible server (engine.server)."""
    episodes: int = 256
    """Held-out episodes, of each env."""
    temperature: float = 1.0
    """Sampling temperature of a model; 0 is greedy."""
    blind: bool = False
    """Control: show every player the frame of another episode."""
    json: str = ""
    """File for the result; empty: only printed."""

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        if self.episodes < 1:
            raise ValueError(f"episodes must be at least 1, got {self.episodes}")
        if self.blind and self.episodes < 2:
            raise ValueError("blind needs at least 2 episodes: players are shown each other's frames")
        if self.json and not Path(self.json).resolve().parent.is_dir():
            raise ValueError(f"json: the folder of {self.json} does not exist")
        if self.temperature < 0:
            raise ValueError(f"temperature must not be negative, got {self.temperature}")


async def make_policy(name: str, config: Config) -> Policy:
    """A scripted player, a model on an engine of this machine, or one on a server; ConfigError where there is none."""
    if name in PLAYERS:
        return scripted(name)
    if name.startswith(SERVER):
        from agents.engines.api import ServerEngine

        return VLMPolicy(None, ServerEngine(name.removeprefix(SERVER), config.engine.server))
    if name != "tiny" and "/" not in name and not Path(name).is_dir():
        raise ConfigError(suggest("policy", name, [*PLAYERS, "tiny", "runs/<name>", f"{SERVER}<model>"]))
    from agents.engines import make_engine  # heavy: only where a model plays
    from agents.models import load_chat

    share_cores(config.engine)
    try:
        if config.engine.chosen == "vllm":
            return VLMPolicy(load_chat(name), await make_engine(name, config.engine))
        model = load("policy", name)
        return VLMPolicy(model.chat, await make_engine(name, config.engine, model))
    except (ValueError, RuntimeError) as error:
        raise error if isinstance(error, ConfigError) else ConfigError(f"policy: {error}") from error


def run_of(name: str) -> tuple[str, Path | None]:
    """The model that a policy's name means, and the config of the run that it comes from, if it is a run's."""
    folder = Path(name)
    if (folder / "config.yaml").is_file() and (folder / "checkpoint").is_dir():
        folder = folder / "checkpoint"
    for above in folder.parents[:2] if folder.is_dir() else ():
        if (above / "config.yaml").is_file() and (above / "metrics.jsonl").is_file():
            return str(folder), above / "config.yaml"
    return name, None


def tasks_of(config: Config, run: Config | None, argv: Sequence[str]) -> dict[str, TaskConfig]:
    """What is played: as the run played it where it did, with the changes that the words ask for."""
    words = {key: text for key, _, text in (word.partition("=") for word in argv)}
    if run is None or words.get("env", "").endswith(".yaml"):
        return {name: config.tasks[name] for name in config.envs}
    tasks = {}
    for name in config.envs if "env" in words else run.envs:
        if name not in run.tasks:
            tasks[name] = config.tasks[name]
            continue
        changed: dict[str, Any] = {}
        for prefix in ("env.", f"tasks.{name}."):
            own = [f"{key.removeprefix(prefix)}={text}" for key, text in words.items() if key.startswith(prefix)]
            changed = merge(changed, nested(kinds(TaskConfig), own))
        tasks[name] = build(TaskConfig, merge(dataclasses.asdict(run.tasks[name]), changed))
    return tasks


async def evaluate(policy: Policy, tasks: dict[str, TaskConfig], options: EvaluateOptions) -> list[dict[str, Any]]:
    """A result for each task."""
    player = Player(tasks, policy)
    results = []
    try:
        for name in tasks:
            episodes = await held_out(player, name, options.episodes, options.temperature, blind=options.blind)
            results.append(
                {
                    "task": name,
                    "policy": options.policy,
                    "temperature": options.temperature,
                    "blind": options.blind,
                    "success": success_rate(episodes),
                    "return": sum(episode.env_return for episode in episodes) / len(episodes),
                    "valid": sum(episode.valid for episode in episodes) / len(episodes),
                    "turns": sum(len(episode.turns) for episode in episodes) / len(episodes),
                }
            )
            print(line(results[-1]), flush=True)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    finally:
        player.close()
        if isinstance(policy, VLMPolicy):
            await policy.engine.close()
    return results


def line(result: dict[str, Any]) -> str:
    """A result as a sentence."""
    success = result["success"]
    low, high = success["ci95"]
    return (
        f"{result['task']}: {result['policy']} succeeds in {success['mean']:.1%} of {success['n']} held-out episodes "
        f"(95% interval {low:.1%} to {high:.1%}); {result['turns']:.1f} turns, {result['valid']:.1%} valid replies"
    )


def main(argv: Sequence[str]) -> None:
    """Evaluate one policy on one or several tasks; print the results, and write them where asked."""
    config, options = load_with(argv, EvaluateOptions)
    name, source = run_of(options.policy)
    tasks = tasks_of(config, read(source) if source else None, argv)
    for task, settings in tasks.items():
        check_task(task, settings, None)
    if source:
        print(f"settings of {', '.join(tasks)} from {source}", file=sys.stderr)

    async def play() -> list[dict[str, Any]]:
        return await evaluate(await make_policy(name, config), tasks, options)

    results = asyncio.run(play())
    if options.json:
        document = results[0] if len(results) == 1 else {"results": results}
        Path(options.json).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        print(f"written to {options.json}", file=sys.stderr)


if __name__ == "__main__":
    command(main, functools.partial(help_text, extra=EvaluateOptions, module="training.evaluate"))
