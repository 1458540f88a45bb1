"""Success on held-out episodes: `python -m training.evaluate env=football policy=expert episodes=256 json=FILE`."""

import functools
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.episodes import Arena, Episode
from agents.experts import PLAYERS, scripted
from agents.policy import Policy, VLMPolicy
from envs.cli import command
from envs.names import suggest
from envs.schema import ConfigError
from envs.task import Task
from training.config import Config, load_with
from training.prepare import check_task, load, share_cores
from training.rollout import TEST_FIRST, held_out_starts
from training.statistics import success_rate
from training.usage import help_text


@dataclass
class EvaluateOptions:
    """What to evaluate."""

    policy: str = "expert"
    """Who plays: random, idle, expert, tiny, or a model folder such as runs/<name>/checkpoint."""
    episodes: int = 256
    """Held-out episodes."""
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


def held_out(arena: Arena, policy: Policy, episodes: int, film: int = 0, blind: bool = False) -> list[Episode]:
    """Play the first `episodes` of the test split, which training never draws."""
    return arena.play(held_out_starts(TEST_FIRST, episodes), policy, film=film, blind=blind)


def make_policy(name: str, config: Config, temperature: float) -> Policy:
    """A scripted player, the embedded model, or the model in a folder."""
    if name in PLAYERS:
        return scripted(name)
    if name != "tiny" and not Path(name).is_dir():
        if "/" in name:
            raise ConfigError(f"policy: model folder {name!r} does not exist")
        raise ConfigError(suggest("policy", name, [*PLAYERS, "tiny", "runs/<name>/checkpoint"]))
    from agents.engines.transformers import TransformersEngine  # heavy: only where a model plays

    share_cores(config.engine)
    model = load("policy", name)
    return VLMPolicy(model.chat, TransformersEngine(model.vlm, model.chat.eos, config.engine), temperature)


def main(argv: Sequence[str]) -> None:
    """Evaluate one policy on one task; print the result, and write it where asked."""
    config, options = load_with(argv, EvaluateOptions)
    check_task(config.env, config.tasks[config.env], None)
    policy = make_policy(options.policy, config, options.temperature)
    task = Task(config.env, config.tasks[config.env])
    try:
        episodes = held_out(Arena(task), policy, options.episodes, blind=options.blind)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    result: dict[str, Any] = {
        "task": config.env,
        "policy": options.policy,
        "temperature": options.temperature,
        "blind": options.blind,
        "success": success_rate(episodes),
        "return": sum(episode.env_return for episode in episodes) / len(episodes),
        "valid": sum(episode.valid for episode in episodes) / len(episodes),
        "turns": sum(len(episode.turns) for episode in episodes) / len(episodes),
    }
    success = result["success"]
    low, high = success["ci95"]
    print(
        f"{config.env}: {options.policy} succeeds in {success['mean']:.1%} of {success['n']} held-out episodes "
        f"(95% interval {low:.1%} to {high:.1%}); {result['turns']:.1f} turns, {result['valid']:.1%} valid replies"
    )
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        print(f"written to {options.json}", file=sys.stderr)


if __name__ == "__main__":
    command(main, functools.partial(help_text, extra=EvaluateOptions, module="training.evaluate"))
