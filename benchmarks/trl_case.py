"""Workloads of `benchmarks/trl_step.py`: questions with one image and a group of replies to each."""

import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from agents.models.load import load_model
from envs.task.task import Task
from training.config.compose import load

QUESTIONS = 64


@dataclass(frozen=True)
class Case:
    """Workload of one optimiser update."""

    title: str
    max_tokens: int
    prompt: str = "short"
    """Text next to the image: `short` (two words), `caption` (the state as text) or `rules` (also the game's rules)."""
    ragged: bool = False
    """True for replies of any length up to `max_tokens` instead of action names."""
    groups: int = 16
    group_size: int = 8
    lr: float = 1e-6
    """Learning rate, small enough to keep the reply lengths constant."""

    @property
    def replies(self) -> int:
        """Number of replies per update."""
        return self.groups * self.group_size


CASES = {
    "short": Case("a football frame and two words, replies of 7 tokens", max_tokens=8),
    "rules": Case("a football frame, the rules and a caption, replies of up to 8 tokens", max_tokens=8, prompt="rules"),
    "ragged": Case(
        "a football frame and a caption, replies of 1 to 64 tokens", max_tokens=64, prompt="caption", ragged=True
    ),
}


@dataclass(frozen=True)
class Question:
    """One football frame with its question."""

    words: str
    image: NDArray[np.uint8]


def write_questions(case: Case, folder: Path) -> Task:
    """Write first frames of football as a file of questions with images, and return its task."""
    settings = load(["env=football"]).tasks["football"]
    env = gymnasium.make(settings.id, **settings.kwargs)
    folder.mkdir()
    rows = []
    for seed in range(QUESTIONS):
        frame, info = env.reset(seed=seed)
        Image.fromarray(frame).save(folder / f"{seed}.png")
        words = [settings.instructions]
        words += [settings.rules_text] if case.prompt == "rules" else []
        words += [info["text"]] if case.prompt != "short" else []
        rows.append({"problem": "\n".join(words), "answer": "shot", "image": f"{seed}.png"})
    env.close()
    (folder / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = load(["env=picture_questions"]).tasks["picture_questions"]
    task.kwargs |= {"path": str(folder / "questions.jsonl"), "image_size": [84, 84]}
    task.instructions, task.max_reply_tokens = "", case.max_tokens
    return Task("questions", task)


def questions(task: Task) -> list[Question]:
    """Return the questions of a task for the seeds from 0."""
    env = task.make()
    asked = []
    for seed in range(QUESTIONS):
        shown = task.observe(env, *env.reset(seed=seed))
        assert shown.image is not None
        asked.append(Question(task.words(shown, first=True), shown.image))
    env.close()
    return asked


def noise(count: int) -> list[float]:
    """Return arbitrary rewards that give every group nonzero advantages."""
    return [zlib.crc32(b"%d" % i) % 1000 / 1000 for i in range(count)]


def write_model(case: Case, folder: Path) -> None:
    """Write the embedded model, or for ragged replies a random one that ends replies after about 25 tokens.

    The first channel of the random model is the same for every token and passes through all layers. A larger value in
    the embedding of the end token therefore adds a constant to its logit.
    """
    model: Any = load_model("tiny")
    if case.ragged:
        torch.manual_seed(0)
        with torch.no_grad():
            for parameter in model.vlm.model.parameters():
                if parameter.dim() > 1:
                    parameter.normal_(std=0.08)
            embedding = model.vlm.model.get_input_embeddings().weight
            embedding[:, 0] = 3.0
            embedding[model.chat.eos, 0] += 8.6
    model.save(folder)
