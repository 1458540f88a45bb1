"""Seconds and memory of the learner, compared with the bare model and with padded passes.

python -m benchmarks.learner [rounds=7] [models=tiny,15M]

bare:   forward, cross-entropy, backward and AdamW on the same packed tokens, prepared beforehand
padded: sequences right-padded to the longest of a micro-batch, with the forward pass of transformers and the head on
        trained tokens only
Rounds alternate, and each ratio compares runs of the same round: median (minimum to maximum). One thread. Target:
learner / bare <= 1.10.
"""

import asyncio
import ctypes
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from transformers import AutoModelForImageTextToText

from agents.chat.conversation import Conversation
from agents.chat.types import Completion, TokenSequence
from agents.engines.factory import make_engine
from agents.models import families
from agents.models.load import LoadedModel, load_model, wrap
from agents.models.tiny import build_config, build_processor
from agents.models.vlm import Packed
from agents.policies.jobs import Job, JobRunner
from agents.policies.model import VLMPolicy
from training.algorithm.groups import Trajectory
from training.config.algo import AlgoConfig
from training.config.compose import load
from training.config.learner import LearnerConfig
from training.learner.learner import Learner
from training.rollout.collector import group_starts

ALGO = AlgoConfig(lr=1e-5, minibatch=1024)


def middling() -> LoadedModel:
    """Build a model of fifteen million parameters with random weights."""
    processor = build_processor()
    config = build_config(processor.tokenizer)
    config.text_config.update({"hidden_size": 384, "intermediate_size": 1152, "num_hidden_layers": 8})
    config.vision_config.update({"hidden_size": 192, "intermediate_size": 576, "num_hidden_layers": 6})
    torch.manual_seed(0)
    return wrap(AutoModelForImageTextToText.from_config(config, dtype=torch.float32).eval(), processor)


async def football(groups: int) -> list[Trajectory]:
    """Play football with the tiny model and return one trajectory per token sequence."""
    config = load(["env=football"])
    engine = await make_engine("tiny", config.engine)
    player = JobRunner(config.tasks, VLMPolicy(load_model("tiny").chat, engine))
    played = []
    for group in range(groups):
        played += await player.play(Job("football", group_starts(0, 0, 0, 0, group, 8), 1.0))
    player.close()
    await engine.close()
    return [advantaged(sequence, i) for i, sequence in enumerate(b for episode in played for b in episode.sequences)]


def ragged(model: LoadedModel, count: int) -> list[Trajectory]:
    """Return trajectories of two turns of 40 to 700 tokens with log-normal lengths, three in four with images."""
    rng = np.random.default_rng(0)
    made = []
    for i in range(count):
        game = Conversation(model.chat, -1)
        for turn in range(2):
            frame = rng.integers(0, 256, (84, 84, 3), dtype=np.uint8) if (i + turn) % 4 else None
            game.ask("go", "go " * int(min(300, rng.lognormal(4, 1))), frame)
            tokens = rng.integers(0, 200, int(min(200, rng.lognormal(3.5, 1)) + 1)).astype(np.int32)
            logprobs, versions = np.full(len(tokens), -6, np.float32), np.zeros(len(tokens), np.int32)
            game.answer(Completion(tokens, logprobs, True, versions))
        made.append(advantaged(game.sequences()[0], i))
    return made


def advantaged(sequence: TokenSequence, i: int) -> Trajectory:
    """Return a trajectory with advantage 1 for even `i` and -1 for odd `i`."""
    return Trajectory(sequence, np.where(sequence.loss_mask, (-1.0) ** i, 0).astype(np.float32))


class Bare:
    """The model, a loss and an optimiser. All other work is done beforehand."""

    def __init__(self, model: LoadedModel, passes: Sequence[Sequence[TokenSequence]]) -> None:
        self.vlm = model.vlm
        self.optimizer = torch.optim.AdamW(self.vlm.parameters(), lr=1e-5, fused=True)
        self.total = sum(int(sequence.loss_mask.sum()) for sequences in passes for sequence in sequences)
        self.passes = [self.laid_out(sequences) for sequences in passes]

    def laid_out(self, sequences: Sequence[TokenSequence]) -> tuple[Packed, dict[str, Tensor], Tensor]:
        """Return packed tokens, pixels and the indices of trained tokens."""
        with torch.no_grad():
            packed = self.vlm.pack(sequences)
        marked = torch.from_numpy(np.flatnonzero(np.concatenate([sequence.loss_mask for sequence in sequences])))
        frames = {id: f for sequence in sequences for id, f in zip(sequence.image_ids, sequence.images, strict=True)}
        shown = sum(len(sequence.images) for sequence in sequences)
        assert shown == len(frames), "frames are distinct here"
        pixels = self.vlm.chat.images.pixels(list(frames.values())) if frames else {}
        return packed, pixels, marked

    def step(self) -> None:
        """Run forward, backward and optimiser step."""
        for packed, pixels, marked in self.passes:
            features = families.encode(self.vlm.model, pixels) if pixels else None
            hidden = self.vlm.hidden(
                Packed(packed.tokens, packed.positions, packed.bounds, packed.placeholders, features), marked - 1
            )
            logits = self.vlm.model.lm_head(hidden)
            (functional.cross_entropy(logits, packed.tokens[0, marked], reduction="sum") / self.total).backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)


class Padded:
    """Right-padded micro-batches of similar length with the forward pass of transformers."""

    def __init__(self, model: LoadedModel, trajectories: Sequence[Trajectory], micro_batch: int) -> None:
        self.vlm = model.vlm
        self.model = self.vlm.model
        for part in self.model.modules():  # the standard attention for the padded batch
            if hasattr(part, "config") and hasattr(part.config, "_attn_implementation"):
                part.config._attn_implementation = "sdpa"
        families.layers(self.model)[-1].__dict__.pop("forward", None)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-5, fused=True)
        sequences = sorted((t.sequence for t in trajectories), key=lambda b: (len(b.images), len(b.tokens)))
        self.passes = [sequences[at : at + micro_batch] for at in range(0, len(sequences), micro_batch)]
        self.total = sum(int(sequence.loss_mask.sum()) for sequence in sequences)

    def step(self) -> None:
        """Run forward, backward and optimiser step."""
        for sequences in self.passes:
            tokens = np.full((len(sequences), max(len(b.tokens) for b in sequences)), self.vlm.chat.pad, dtype=np.int64)
            marked = np.zeros(tokens.shape, dtype=bool)
            for row, sequence in enumerate(sequences):
                tokens[row, : len(sequence.tokens)] = sequence.tokens
                marked[row, : len(sequence.tokens)] = sequence.loss_mask
            frames = [frame for sequence in sequences for frame in sequence.images]
            pixels = self.vlm.chat.images.pixels(frames)["pixel_values"] if frames else None
            rows, columns = (torch.from_numpy(axis) for axis in np.nonzero(marked))
            if pixels is not None:  # [images, tiles, 3, H, W], one tile each
                pixels = pixels.reshape(-1, 1, *pixels.shape[-3:])
            output = self.model.model(input_ids=torch.from_numpy(tokens), pixel_values=pixels, use_cache=False)
            logits = self.model.lm_head(output.last_hidden_state[rows, columns - 1])
            labels = torch.from_numpy(tokens)[rows, columns]
            (functional.cross_entropy(logits, labels, reduction="sum") / self.total).backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)


def memory(work: Callable[[], object]) -> float:
    """Return the peak MB that a call adds to the process (Linux)."""
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # free memory kept by malloc would hide new allocations
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    work()
    return (status("VmHWM") - before) / 1024


def status(key: str) -> int:
    """Return a field of /proc/self/status in KB."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1])


def compare(title: str, contestants: dict[str, Callable[[], Any]], rounds: int) -> None:
    """Print seconds and memory of each function, and the ratios of the first to the others.

    Args:
        title: First line of the output.
        contestants: Functions to measure, by name.
        rounds: Number of rounds.
    """
    for work in contestants.values():
        work()
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds):
        names = list(contestants)
        for name in names if number % 2 else reversed(names):
            started = time.process_time()  # CPU seconds of one thread: excludes other processes
            contestants[name]()
            seconds[name].append(time.process_time() - started)
    print(title)
    first = next(iter(contestants))
    for name, work in contestants.items():
        ratios = [a / b for a, b in zip(seconds[first], seconds[name], strict=True)]
        beside = f"{first} / {name} {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        print(f"  {name:>8} {statistics.median(seconds[name]):7.3f} s  {memory(work):6.0f} MB  {beside}")


def main(argv: list[str]) -> None:
    """Measure the models and print the tables."""
    words = dict(word.split("=") for word in argv)
    rounds = int(words.get("rounds", 7))
    torch.set_num_threads(1)
    sampled = asyncio.run(football(12))
    models: dict[str, Callable[[], LoadedModel]] = {"tiny": lambda: load_model("tiny"), "15M": middling}
    for size in words.get("models", "tiny,15M").split(","):
        make = models[size]
        for data in ("football", "ragged"):
            trajectories = sampled if data == "football" else ragged(make(), 48)
            trajectories = trajectories[: len(trajectories) if size == "tiny" else len(trajectories) // 6]
            seen: dict[
                str, TokenSequence
            ] = {}  # exclude trajectories with repeated images, which the learner encodes only once
            for trajectory in trajectories:
                if not any(id in other.image_ids for id in trajectory.sequence.image_ids for other in seen.values()):
                    seen[str(len(seen))] = trajectory.sequence
            trajectories = [t for t in trajectories if any(t.sequence is sequence for sequence in seen.values())]
            learner = Learner(make().vlm, LearnerConfig(threads=1))
            learner.begin_stage(ALGO, 1)
            order = learner._share(trajectories)
            bare = Bare(make(), [[t.sequence for t in order.members(part)] for part in order.passes])
            padded = Padded(make(), trajectories, 128 if data == "football" else 12)
            tokens = sum(len(t.sequence.tokens) for t in trajectories)
            parameters = sum(parameter.numel() for parameter in learner.parameters) / 1e6
            compare(
                f"{data}, {parameters:.1f}M parameters: {len(trajectories)} trajectories, {tokens} tokens, "
                f"{order.tokens:.0f} trained",
                {
                    "learner": lambda learner=learner, t=trajectories: learner.update(t, 0, 0),  # type: ignore[misc]
                    "bare": bare.step,
                    "padded": padded.step,
                },
                rounds,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
