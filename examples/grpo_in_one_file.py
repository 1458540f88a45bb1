"""GRPO in one file: a vision-language model learns to play football from pixels.

    python examples/grpo_in_one_file.py
    python examples/grpo_in_one_file.py env=arithmetic steps=5

Read it from top to bottom: settings, an episode, rewards and advantages, the update, the loop. It uses Kickoff's
environments, model and engine. It does not use the trainer, the collector, the learner or the cluster.

Differences from `python -m training.run`:

1. One stage and one task. There is no text-only stage before, and no mixture of tasks.
2. The learning rate is constant, without warm-up or decay.
3. A minibatch is one forward pass. The learner splits it into packed passes of limited size, over several GPUs.
4. Episodes are played, then learned from. The trainer can overlap the two (`algo.max_staleness`).
5. The task's reward is success. Its own reward function, if it has one, is ignored.
6. Every prompt must fit the model's context.
7. Nothing is written: no checkpoints, records or metrics. The last weights are evaluated, not the last good ones.

With the same seed and settings, an update equals the trainer's: tests/examples/test_grpo_in_one_file.py.
Success on 128 held-out episodes of football rises from 0.31 to 0.82 in 20 steps (seed 0).

Shapes: G episodes in a group, K turns in an episode, T tokens in a sequence, N trained tokens in a minibatch.
"""

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

import envs  # noqa: F401  (registers the environments)
from agents.chat import Chat, Conversation, TokenSequence
from agents.engines import Engine, EngineConfig, make_engine
from agents.episodes import TEST_FIRST, Start, held_out_starts
from agents.models import VLM, load_model
from agents.models.load import best_device
from agents.seeds import mix
from configs import command, parse_overrides, read_options
from envs.task import Task, load_task
from training.rollout.collector import group_starts


@dataclass
class Settings:
    """Settings, each of which can be given as `key=value`."""

    env: str = "football"
    """Task, a file of configs/env."""
    seed: int = 0
    steps: int = 20
    groups: int = 16
    """Groups played per step. All episodes of a group begin in the same state."""
    group_size: int = 8
    """Episodes per group (G)."""
    temperature: float = 1.0
    """Sampling temperature of the episodes."""
    minibatch: int = 128
    """Token sequences per optimiser update."""
    lr: float = 3e-4
    clip_low: float = 0.2
    clip_high: float = 0.28
    max_grad_norm: float = 0.2
    test_episodes: int = 128
    """Held-out episodes played before and after training."""


# -- 1. An episode ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Episode:
    """One episode, as tokens and as a result."""

    sequences: list[TokenSequence]
    """The replies with their prompts. T tokens each, and a mask [T] of the tokens that were sampled."""
    success: bool
    valid: float
    """Fraction of the replies that were valid."""


async def play(task: Task, start: Start, chat: Chat, engine: Engine, temperature: float) -> Episode:
    """Play one episode. Many run at once, so that the engine generates their replies in one batch."""
    env = task.make()
    observation, info = env.reset(seed=start.seed)
    conversation = Conversation(chat, task.config.history)
    feedback, env_return, success = "", 0.0, False
    valid: list[bool] = []
    for turn in range(task.config.max_turns):
        # The observation becomes a user turn: text, and an image [H, W, 3].
        seen = task.observe(env, observation, info, feedback)
        conversation.ask(task.words(seen, first=False), task.words(seen, first=True), seen.image)
        # The engine samples a reply. Its randomness depends on the seed only, not on the other episodes.
        prompt = conversation.prompt(mix(start.sampling_seed, turn), task.config.max_reply_tokens)
        completion = await engine.generate(prompt, temperature)  # tokens and their log-probs
        conversation.answer(completion)
        # <think>…</think><answer>shot</answer> is the action `shot`. Any other form is invalid.
        reply = task.parse(chat.text(completion.tokens))
        valid.append(reply.valid)
        if not reply.valid:
            if task.config.on_invalid == "end":
                break
            feedback = f"The reply was invalid: {reply.problem}."
            continue
        outcome = task.play(env, reply)
        observation, info, feedback = outcome.observation, outcome.info, outcome.feedback
        env_return += outcome.reward
        success = task.succeeded(outcome, env_return)
        if outcome.terminated or outcome.truncated:
            break
    env.close()
    return Episode(conversation.sequences(), success, sum(valid) / len(valid))


async def play_groups(settings: Settings, step: int, task: Task, chat: Chat, engine: Engine) -> list[list[Episode]]:
    """Play the groups of one step: `groups` lists of G episodes. The starts are those of the trainer."""
    groups = [
        group_starts(settings.seed, stage=0, step=step, task=0, group=group, size=settings.group_size)
        for group in range(settings.groups)
    ]
    played = await asyncio.gather(
        *(play(task, start, chat, engine, settings.temperature) for starts in groups for start in starts)
    )
    return [list(played[at : at + settings.group_size]) for at in range(0, len(played), settings.group_size)]


# -- 2. Rewards and advantages ----------------------------------------------------------------------------------------


def rewards_of(group: Sequence[Episode], task: Task) -> NDArray[np.float64]:
    """Return the rewards [G] of a group: 1 for success, plus a small reward for valid replies."""
    return np.array([episode.success + task.config.format_reward * episode.valid for episode in group])


def advantages_of(rewards: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much better than its group each episode was: (reward - mean) / std, [G]; zeros if all are equal."""
    if np.ptp(rewards) < 1e-8:
        return np.zeros_like(rewards)
    normalised: NDArray[np.float64] = (rewards - rewards.mean()) / rewards.std()
    return normalised


# -- 3. The update ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sample:
    """A token sequence and the advantage of its episode."""

    sequence: TokenSequence
    advantage: float


def samples_of(groups: Sequence[Sequence[Episode]], task: Task) -> list[Sample]:
    """Return what is learned from. Every turn of an episode has the episode's advantage."""
    samples = []
    for group in groups:
        advantages = advantages_of(rewards_of(group, task))
        if not advantages.any():
            continue  # all succeeded, or all failed: nothing to compare
        for episode, advantage in zip(group, advantages, strict=True):
            samples += [Sample(sequence, float(advantage)) for sequence in episode.sequences]
    return samples


def loss_of(vlm: VLM, batch: Sequence[Sample], settings: Settings) -> torch.Tensor:
    """Return the clipped loss, the mean over all sampled tokens (DAPO, arXiv 2503.14476)."""
    sequences = [sample.sequence for sample in batch]
    masks = [sequence.loss_mask for sequence in sequences]  # [T] each, N true in all
    engine_logprobs = np.concatenate([s.engine_logprobs[mask] for s, mask in zip(sequences, masks, strict=True)])
    advantages = np.concatenate([np.full(mask.sum(), s.advantage) for s, mask in zip(batch, masks, strict=True)])
    old = torch.from_numpy(engine_logprobs).to(vlm.device)  # [N], when the tokens were sampled
    advantage = torch.from_numpy(advantages.astype(np.float32)).to(vlm.device)  # [N]
    policy, _ = vlm(sequences, settings.temperature)  # [N], under the weights in training, with gradient
    ratio = (policy - old).exp()  # [N], 1 in the first update after the rollout
    clipped = ratio.clamp(1 - settings.clip_low, 1 + settings.clip_high)
    return -torch.minimum(ratio * advantage, clipped * advantage).mean()


def learn(
    vlm: VLM, optimizer: torch.optim.Optimizer, samples: Sequence[Sample], settings: Settings, step: int
) -> list[float]:
    """Go through the samples once, in shuffled minibatches of equal size. Return the gradient's norm in each update."""
    order = np.random.default_rng(mix(settings.seed, step)).permutation(len(samples))
    norms = []
    parts = np.array_split(order, max(1, math.ceil(len(samples) / settings.minibatch)))
    for batch in ([samples[i] for i in part] for part in parts if len(part)):
        loss_of(vlm, batch, settings).backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(vlm.parameters(), settings.max_grad_norm)))
        optimizer.step()
        optimizer.zero_grad()
    return norms


def make_optimizer(vlm: VLM, settings: Settings) -> torch.optim.Optimizer:
    """Return AdamW. The large epsilon tames the first updates of a small model."""
    return torch.optim.AdamW(vlm.parameters(), settings.lr, betas=(0.9, 0.99), eps=1e-4, weight_decay=0.0)


# -- 4. The loop ------------------------------------------------------------------------------------------------------


async def evaluate(task: Task, chat: Chat, engine: Engine, episodes: int) -> str:
    """Return the success on test episodes, which training never plays, with its standard error."""
    starts = held_out_starts(TEST_FIRST, episodes)
    played = await asyncio.gather(*(play(task, start, chat, engine, temperature=1.0) for start in starts))
    success = float(np.mean([episode.success for episode in played]))
    return f"{success:.2f} ± {math.sqrt(success * (1 - success) / episodes):.2f}"


async def train(settings: Settings) -> None:
    """Train the embedded model on one task."""
    task = Task(settings.env, load_task(settings.env))
    model = load_model("tiny")  # one million parameters, cloned from experts to a moderate success rate
    vlm, chat = model.vlm.to(best_device()), model.chat
    engine = await make_engine("tiny", EngineConfig(kind="transformers"))  # samples with its own copy of the weights
    optimizer = make_optimizer(vlm, settings)
    print(f"{settings.env}: success before {await evaluate(task, chat, engine, settings.test_episodes)}", flush=True)
    for step in range(settings.steps):
        started = time.perf_counter()
        groups = await play_groups(settings, step, task, chat, engine)
        samples = samples_of(groups, task)
        norms = learn(vlm, optimizer, samples, settings, step)
        await engine.load_weights(vlm.model.named_parameters(), version=step + 1)
        success = np.mean([episode.success for group in groups for episode in group])
        seconds = time.perf_counter() - started
        print(f"step {step + 1:>3}/{settings.steps} · success {success:.2f}", end=" · ")
        print(f"{len(samples)} samples in {len(norms)} updates · {seconds:.0f} s", flush=True)
    print(f"{settings.env}: success after {await evaluate(task, chat, engine, settings.test_episodes)}")
    await engine.close()


def main(words: Sequence[str]) -> None:
    """Train with the `key=value` words of the command line."""
    asyncio.run(train(read_options(Settings, parse_overrides(words))))


if __name__ == "__main__":
    command(main, lambda words: __doc__ or "")
