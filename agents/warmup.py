"""Warm-up: clone the experts into the untrained tiny model, up to a deliberately moderate level.

`python -m agents.warmup out=FOLDER` builds the weights that ship in the package. Equal seeds give equal weights on one
kind of machine, since rounding differs between kinds. The warm-up stops at the first check with a success rate of
`target` on the game. Reinforcement learning then has a start to improve on and room for improvement.
"""

import asyncio
import math
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import torch

from agents.chat.conversation import Conversation
from agents.chat.template import Chat
from agents.chat.types import Completion, TokenSequence
from agents.engines.config import EngineConfig
from agents.engines.transformers import TransformersEngine
from agents.episodes.episode import Start
from agents.episodes.policy import TurnContext
from agents.episodes.runner import EpisodeRunner
from agents.models.load import LoadedModel, load_model, wrap
from agents.models.tiny import build
from agents.models.vlm import VLM
from agents.policies.model import VLMPolicy
from agents.policies.scripted import ExpertPolicy, RandomPolicy, ScriptedPolicy, has_expert
from agents.seeds import mix
from configs.cli import command, parse_overrides, read_options
from configs.errors import UserError
from configs.help import short_help
from configs.schema import Settings
from configs.types import Fraction, NonNegativeInt, PositiveFloat, PositiveInt
from envs.task.config import load_task
from envs.task.task import Task

TASKS = {"football": 128, "sokoban": 64, "arithmetic": 12, "algebra": 24}
TASKS |= {"tiny_visual": 32, "tiny_geometry": 24, "tiny_reasoning": 24}
TASKS |= {"frozen_lake": 8, "cliff_walking": 8, "minigrid": 8, "freeway": 8}


@dataclass
class WarmupConfig(Settings):
    """Settings of the warm-up."""

    out: str = "tiny"
    """Folder for the model."""
    model: str = ""
    """Model folder or `tiny` to continue from. Empty: untrained weights."""
    seed: NonNegativeInt = 0
    """Seed of the untrained weights, the demonstrations and their order."""
    game: str = "football"
    """Task that ends the warm-up when its success rate reaches `target`."""
    target: Fraction = 0.3
    """Success rate (temperature 1) on `game` at which the warm-up ends."""
    tasks: dict[str, PositiveInt] = field(default_factory=lambda: dict(TASKS))
    """Tasks to learn, with the decisions of each per step. For an env without an expert, random play teaches the reply
    format and the action names."""
    decisions: PositiveInt = 16000
    """Decisions demonstrated for each task with an expert; half of it for other tasks."""
    steps: PositiveInt = 800
    """Maximum number of steps, over which the learning rate decays to 0."""
    lr: PositiveFloat = 2e-3
    """Peak learning rate."""
    every: PositiveInt = 20
    """Steps between two checks."""
    episodes: PositiveInt = 256
    """Number of episodes per check."""

    def __post_init__(self) -> None:
        """Check the values, the game and the folder."""
        super().__post_init__()
        if self.game not in self.tasks:
            raise ValueError(f"game must be one of tasks ({', '.join(self.tasks)}), got {self.game!r}")
        if not Path(self.out).resolve().parent.is_dir():
            raise ValueError(f"out: the folder of {self.out} does not exist")
        if Path(self.out).is_file():
            raise ValueError(f"out: {self.out} is a file; it should name a folder")


@dataclass
class Demonstrator:
    """Policy that replaces a fraction of its actions by random ones, but records its own answers as demonstrations."""

    chat: Chat
    player: ScriptedPolicy
    noise: float
    shown: list[TokenSequence] = field(default_factory=list)

    def start_episode(self, task: Task) -> None:
        """Do nothing: the policy keeps no conversation."""

    def with_temperature(self, temperature: float) -> Self:
        """Return self: the temperature has no effect."""
        return self

    async def reply(self, context: TurnContext) -> str:
        """Record the policy's reply, and return it or a random one."""
        await asyncio.sleep(0)  # interleave the turns of all episodes, so that their demonstrations are mixed
        words = self.player.words(context)
        self.shown.append(demonstration(self.chat, context, words))
        if (
            context.task.config.actions
            and np.random.default_rng(mix(context.seed, context.turn, 1)).random() < self.noise
        ):
            return RandomPolicy().words(context)
        return words


def demonstration(chat: Chat, context: TurnContext, words: str) -> TokenSequence:
    """Return one turn as a token sequence to learn.

    Args:
        chat: chat template of the model.
        context: turn to demonstrate.
        words: reply to learn, as text.
    """
    conversation = Conversation(chat, history=0)
    text = context.task.words(context.observation, first=True)
    conversation.ask(text, text, context.observation.image, context.observation.more)
    tokens = chat.reply(words)
    versions = np.full(len(tokens), -1, dtype=np.int32)  # not sampled by any weights
    conversation.answer(Completion(tokens, np.zeros(len(tokens), dtype=np.float32), finished=True, versions=versions))
    return conversation.sequences()[0]


async def demonstrate(chat: Chat, task: Task, decisions: int, seed: int, noise: float = 0.15) -> list[TokenSequence]:
    """Return turns of a task as token sequences: the expert's, or half as many random ones without an expert.

    Args:
        chat: chat template of the model.
        task: task to play.
        decisions: number of turns.
        seed: seed of the starts and of sampling.
        noise: fraction of turns in which a random action is played.
    """
    able = has_expert(task)
    demonstrator = Demonstrator(chat, ExpertPolicy() if able else RandomPolicy(), noise)
    decisions = decisions if able else decisions // 2
    episode = 0
    with closing(EpisodeRunner(task)) as runner:
        while len(demonstrator.shown) < decisions:
            starts = [Start(mix(seed, episode + i) % 2**30, mix(seed, episode + i, 2)) for i in range(64)]
            await runner.play(starts, demonstrator)
            episode += 64
    return demonstrator.shown[:decisions]


class Cloner:
    """Supervised learning from demonstrations with AdamW, learning-rate warm-up and cosine decay."""

    def __init__(self, vlm: VLM, shown: Sequence[tuple[list[TokenSequence], int]], config: WarmupConfig) -> None:
        """Create the optimizer.

        Args:
            vlm: model to train.
            shown: demonstrations of each task, and how many of them are in a step.
            config: settings of the warm-up.
        """
        self.vlm = vlm
        self.shown = shown
        self.config = config
        self.optimizer = torch.optim.AdamW(vlm.model.parameters(), lr=config.lr, betas=(0.9, 0.95), weight_decay=0.01)
        self.step = 0

    def train(self, steps: int) -> float:
        """Train for some more steps and return their mean loss in nats per token."""
        losses = []
        for _ in range(steps):
            rng = np.random.default_rng(mix(self.config.seed, self.step))
            batches = [[task[i] for i in rng.integers(0, len(task), count)] for task, count in self.shown]
            tokens = sum(int(sequence.loss_mask.sum()) for batch in batches for sequence in batch)
            loss = 0.0
            for batch in batches:
                part = -self.vlm(batch, temperature=1.0)[0].sum() / tokens
                part.backward()
                loss += float(part.detach())
            torch.nn.utils.clip_grad_norm_(self.vlm.model.parameters(), 1.0)
            progress = self.step / self.config.steps
            for group in self.optimizer.param_groups:
                warm = min(1.0, (self.step + 1) / 20)
                group["lr"] = self.config.lr * warm * 0.5 * (1 + math.cos(math.pi * progress))
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            self.step += 1
            losses.append(loss)
        return float(np.mean(losses))


def main(argv: Sequence[str]) -> None:
    """Build the model, clone the experts, check it and save it."""
    config = read_options(WarmupConfig, parse_overrides(argv))
    torch.set_num_threads(1)
    started = time.perf_counter()
    model = load_model(config.model) if config.model else wrap(*build(config.seed))
    tasks = {name: Task(name, load_task(name)) for name in config.tasks}
    try:
        for task in tasks.values():  # fail now instead of after minutes
            has_expert(task)
    except ValueError as error:
        raise UserError(str(error)) from error
    asyncio.run(warm_up(config, model, tasks, started))


async def warm_up(config: WarmupConfig, model: LoadedModel, tasks: Mapping[str, Task], started: float) -> None:
    """Demonstrate, clone until the game's success rate reaches the target, check every task, and save the model.

    Args:
        config: settings of the warm-up.
        model: model to train.
        tasks: tasks to learn, by name.
        started: start time from `time.perf_counter`, in seconds.
    """
    shown = []
    for number, (name, task) in enumerate(tasks.items()):
        sequences = await demonstrate(model.chat, task, config.decisions, mix(config.seed, number))
        shown.append((sequences, config.tasks[name]))
        print(f"{len(sequences)} demonstrations of {name}, {time.perf_counter() - started:.0f} s", flush=True)
    cloner = Cloner(model.vlm, shown, config)
    policy = VLMPolicy(model.chat, TransformersEngine(model.vlm, model.chat.eos, EngineConfig()))
    starts = [Start(2**30 + i, mix(config.seed, i)) for i in range(config.episodes)]
    success = 0.0
    with closing(EpisodeRunner(tasks[config.game])) as runner:
        while success < config.target and cloner.step < config.steps:
            loss = cloner.train(config.every)
            success = float(np.mean([episode.success for episode in await runner.play(starts, policy)]))
            seconds = time.perf_counter() - started
            print(f"step {cloner.step}: loss {loss:.3f}, {config.game} {success:.0%}, {seconds:.0f} s", flush=True)
    if success < config.target:
        print(f"{config.game} did not reach {config.target:.0%} in {config.steps} steps", file=sys.stderr)
    for name, task in tasks.items():
        with closing(EpisodeRunner(task)) as runner:
            episodes = await runner.play(starts, policy)
        won, valid = (float(np.mean([getattr(one, key) for one in episodes])) for key in ("success", "valid"))
        print(f"{name}: {won:.0%} success, {valid:.0%} valid replies", flush=True)
    await policy.engine.close()
    model.save(Path(config.out))
    print(f"written to {config.out}")


if __name__ == "__main__":
    command(main, lambda _: short_help("agents.warmup", str(__doc__), WarmupConfig))
