"""A GRPO step in TRL itself on Sokoban, with the embedded model and images in every turn."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agents.episodes.episode import Start
from agents.episodes.policy import TurnContext
from agents.episodes.rewards import rewards_of
from agents.episodes.runner import EpisodeRunner
from envs.task.config import load_task
from envs.task.task import Task
from tests.envs.adapters.library_fixture import ROOT, digest, run_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
MODEL = ROOT / "agents" / "weights" / "tiny"
SETTINGS = {"env.rules": "false", "env.max_turns": "3", "env.on_invalid": "skip", "env.feedback": "true"}
QWEN = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{% if message.role == 'tool' %}"
    "{% for part in message.content if part.type == 'text' %}{{ part.text }}{% endfor %}{% else %}"
    "{% for part in message.content %}{% if part.type == 'image' %}<|image_pad|>{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""The chat template of Qwen2.5-VL in short: it drops the images of tools."""


class Replies:
    """A policy that repeats replies."""

    def __init__(self, replies: list[str]) -> None:
        self.replies = replies

    def start_episode(self, task: Task) -> None:
        return None

    async def reply(self, context: TurnContext) -> str:
        return self.replies[context.turn]

    def with_temperature(self, temperature: float) -> "Replies":
        return self


def replayed(sample: dict[str, Any]) -> dict[str, Any]:
    """The same sample, played by our runner with the same replies."""
    task = Task("sokoban", load_task("sokoban", SETTINGS))
    runner = EpisodeRunner(task)
    (episode,) = asyncio.run(runner.play([Start(sample["seed"], 0)], Replies(sample["replies"])))
    runner.close()
    shown = [
        {
            "text": task.words(turn.observation, first=number == 0),
            "images": [digest(image.tobytes()) for image in turn.observation.images],
        }
        for number, turn in enumerate(episode.turns)
    ]
    reward = rewards_of(episode, task.config).parts["outcome"]
    replies = [turn.words for turn in episode.turns]
    return {"seed": sample["seed"], "replies": replies, "seen": shown, "reward": reward}


def test_one_step_of_grpo_sees_our_images_and_trains(tmp_path: Path) -> None:
    given = {
        "model": str(MODEL), "folder": str(tmp_path), "env": "sokoban", "settings": SETTINGS, "starts": 4, "group": 4,
        "template": QWEN, "own_template": (MODEL / "chat_template.jinja").read_text(),
    }  # fmt: skip
    found = run_in("trl==1.16.0", "trl_program.py", given)
    samples = found["samples"]
    assert len(samples) == 16 and [replayed(sample) for sample in samples] == samples
    assert {len(sample["replies"]) for sample in samples} >= {1, 3}
    turns = sum(len(sample["replies"]) for sample in samples)
    assert found["images"] == sum(found["num_images"]) == turns
    assert found["image_tokens"] == [9 * number for number in found["num_images"]]
    assert sorted(found["trained"]) == sorted("".join(sample["replies"]) for sample in samples)  # the replies alone
    assert 0.0 < sum(sample["reward"] for sample in samples) < 16 and found["changed"] > 0
    assert found["template"] == (
        "<|im_start|>user\n<|image_pad|>Play.<|im_end|>\n<|im_start|>assistant\ngo<|im_end|>\n"
        "<|im_start|>user\n<|image_pad|>Next.<|im_end|>\n<|im_start|>assistant\n"
    )
