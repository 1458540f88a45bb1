"""The route test: forced transcripts, and the states that the answers follow."""

import asyncio
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import envs  # noqa: F401  (registers the ids)
from agents.chat.template import Chat
from agents.chat.types import Completion, Prompt
from agents.engines.config import EngineConfig
from agents.engines.transformers import TransformersEngine
from agents.episodes.episode import Start
from agents.models.load import load_model
from agents.models.tiny import build_chat
from envs.task.config import load_task
from envs.task.task import Task
from training.evaluation.route import route

STARTS = [Start(seed, seed) for seed in range(40)]


class Scripted:
    """Engine that continues a forced transcript: with its sum, with the sum of the prompt, or with a wrong sum."""

    max_context = None

    def __init__(self, chat: Chat, source: str) -> None:
        self.chat, self.source = chat, source

    async def generate(self, prompt: Prompt, temperature: float) -> Completion:
        """Return the rest of the reply."""
        assert temperature == 0.0
        text = self.chat.prompt_text(prompt.tokens)
        asked, given = text.split("Solve\n")[1].split("<end")[0], text.split("<think>")[1]
        sums = {"transcript": given, "observation": asked}
        answer = str(eval(sums[self.source]) % 7) if self.source in sums else "9"
        tokens = self.chat.reply(f"=1</think><answer>{answer}</answer>")
        return Completion(tokens, np.zeros(len(tokens), np.float32), True, np.zeros(len(tokens), np.int32))


def sums(**settings: Any) -> Task:
    return Task("twins_text", replace(load_task("twins_text"), **({"think": "work"} | settings)))


@pytest.mark.parametrize("source", ["transcript", "observation", "neither"])
def test_route_names_the_state_that_the_answers_follow(source: str) -> None:
    chat = build_chat()
    found = asyncio.run(route(sums(), chat, Scripted(chat, source), STARTS))  # type: ignore[arg-type]
    pairs = found.pop("pairs")
    assert found == {name: float(name == source) for name in ("transcript", "observation", "neither")}
    assert 25 <= pairs <= 39  # of the 39 pairs, those with the same answer are left out


def test_route_needs_transcripts_and_different_answers() -> None:
    chat = build_chat()
    engine: Any = Scripted(chat, "transcript")
    with pytest.raises(ValueError, match=r"^task twins_text: the route test needs think=transcript or think=work$"):
        asyncio.run(route(sums(think="word"), chat, engine, STARTS))
    with pytest.raises(ValueError, match=r"^task twins_text: all 2 starts have the same expert answer$"):
        asyncio.run(route(sums(), chat, engine, [Start(3, 0), Start(3, 1)]))


def test_route_on_real_weights_gives_fractions_that_sum_to_1() -> None:
    """The embedded model has not learned transcripts: its answers show only that forced replies can be continued."""
    model = load_model("tiny")
    engine = TransformersEngine(model.vlm, model.chat.eos, EngineConfig())

    async def twice() -> list[dict[str, float]]:
        return [await route(sums(think="transcript"), model.chat, engine, STARTS[:12]) for _ in range(2)]

    one, again = asyncio.run(twice())
    assert one == again  # replies are greedy
    pairs = one.pop("pairs")
    assert 6 <= pairs <= 11 and sum(one.values()) == pytest.approx(1)
    assert all((fraction * pairs).is_integer() for fraction in one.values())
