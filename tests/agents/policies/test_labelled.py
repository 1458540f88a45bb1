"""Labelled episodes: sequences hold the teacher's replies, whichever reply was played."""

import asyncio

import numpy as np
import pytest

import envs  # noqa: F401  (registers the ids)
from agents.chat.types import NO_TOKENS, Completion, Prompt
from agents.engines.config import EngineConfig
from agents.engines.factory import make_engine
from agents.episodes.episode import Episode, Start
from agents.episodes.runner import EpisodeRunner
from agents.models.load import LoadedModel, load_model
from agents.policies.jobs import Job, JobRunner, Teaching
from agents.policies.labelled import LabelledPolicy
from agents.policies.model import VLMPolicy
from agents.policies.scripted import scripted
from envs.task.config import TaskConfig, load_task
from envs.task.task import Task

STARTS = tuple(Start(seed, seed) for seed in range(6))


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model("tiny")


def play(model: LoadedModel, config: TaskConfig, teaching: Teaching | None) -> list[Episode]:
    async def played() -> list[Episode]:
        engine = await make_engine("tiny", EngineConfig("transformers"), model)
        player = JobRunner({"task": config}, VLMPolicy(model.chat, engine))
        try:
            return await player.play(Job("task", STARTS, 1.0, teaching=teaching))
        finally:
            player.close()
            await engine.close()

    return asyncio.run(played())


def sokoban(**settings: object) -> TaskConfig:
    config = load_task("sokoban", {"env.actions_per_reply": 1, "env.max_turns": 6, "env.think": "word"})
    for key, value in settings.items():
        setattr(config, key, value)
    return config


def labels(model: LoadedModel, episode: Episode) -> list[str]:
    return [model.chat.text(sequence.tokens[sequence.loss_mask]) for sequence in episode.sequences]


def test_demonstrations_without_noise_are_the_experts_replies(model: LoadedModel) -> None:
    for episode in play(model, sokoban(), Teaching("expert", demonstrate=True)):
        assert labels(model, episode) == [turn.words for turn in episode.turns]
        assert all((sequence.policy_version == -1).all() for sequence in episode.sequences)


def test_noise_changes_what_is_played_but_not_what_is_taught(model: LoadedModel) -> None:
    episodes = play(model, sokoban(), Teaching("expert", demonstrate=True, noise=0.5))
    pairs = [
        (label, turn.words)
        for episode in episodes
        for label, turn in zip(labels(model, episode), episode.turns, strict=True)
    ]
    differing = np.mean([label != words for label, words in pairs])
    assert 0.15 < differing < 0.65  # half of the turns are random, and a quarter of those agree
    assert all("<think>push" in label or "<think>walk" in label or "<think>lost" in label for label, _ in pairs)


class Oracle:
    """A server's engine that names a move, except for every third question."""

    version, max_context = 0, None

    def __init__(self) -> None:
        self.asked: list[Prompt] = []

    async def generate(self, prompt: Prompt, temperature: float) -> Completion:
        self.asked.append(prompt)
        reply = "no move" if len(self.asked) % 3 == 0 else "<think></think><answer>up</answer>"
        return Completion(NO_TOKENS, NO_TOKENS.astype(np.float32), True, NO_TOKENS, reply, 3)


@pytest.mark.parametrize("demonstrate", [True, False])
def test_labels_of_a_model_on_a_server(model: LoadedModel, demonstrate: bool) -> None:
    """Invalid replies are not learned, and its history holds what was played."""
    config = load_task("sokoban_text", {"env.max_turns": 4, "env.history": 1, "env.on_invalid": "skip"})
    config.max_reply_tokens = 12
    oracle = Oracle()

    async def played() -> list[Episode]:
        engine = await make_engine("tiny", EngineConfig("transformers"), model)
        actor = None if demonstrate else VLMPolicy(model.chat, engine, 1.5)
        runner = EpisodeRunner(Task("task", config))
        try:
            return await runner.play(STARTS, LabelledPolicy(model.chat, VLMPolicy(None, oracle), actor))  # type: ignore[arg-type]
        finally:
            runner.close()
            await engine.close()

    episodes = asyncio.run(played())
    turns = [turn for episode in episodes for turn in episode.turns]
    assert len(oracle.asked) == len(turns) > len(STARTS)
    learned = [label for episode in episodes for label in labels(model, episode)]
    assert set(learned) == {"<think></think><answer>up</answer>"} and 0 < len(learned) < len(turns)
    if demonstrate:
        assert sum(turn.reply.valid for turn in turns) == len(learned)
    words = {turn.words for turn in turns}
    said = [message.text for prompt in oracle.asked for message in prompt.messages if message.role == "assistant"]
    assert said and set(said) <= words
    assert {len(prompt.messages) for prompt in oracle.asked} == {1, 3}


def test_labels_on_the_policys_states_are_the_experts(model: LoadedModel) -> None:
    plain = play(model, sokoban(), None)
    taught = play(model, sokoban(), Teaching("expert", demonstrate=False))
    for one, other in zip(plain, taught, strict=True):
        assert [turn.words for turn in one.turns] == [turn.words for turn in other.turns]  # the policy plays as usual
        assert len(other.sequences) == len(other.turns)
    assert any(
        label != turn.words
        for episode in taught
        for label, turn in zip(labels(model, episode), episode.turns, strict=True)
    )


@pytest.mark.parametrize("history", [0, 1, -1])
def test_a_label_stands_after_the_context_that_was_played(model: LoadedModel, history: int) -> None:
    config = sokoban(history=history)
    plain, taught = play(model, config, None), play(model, config, Teaching("expert", demonstrate=False))
    for one, other in zip(plain, taught, strict=True):
        for number, sequence in enumerate(other.sequences):
            context = sequence.tokens[: int(np.flatnonzero(sequence.loss_mask)[0])]
            assert (sequence.turn[sequence.loss_mask] == number).all()
            whole = one.sequences[0 if history == -1 else number].tokens
            assert context.tolist() == whole[: len(context)].tolist()
            assert len(sequence.images) == min(number, 99 if history == -1 else history) + 1


def test_a_policy_without_tokens_cannot_be_taught() -> None:
    player = JobRunner({"task": sokoban()}, scripted("random"))
    with pytest.raises(TypeError, match="only a model with a chat template"):
        asyncio.run(player.play(Job("task", STARTS, 1.0, teaching=Teaching("expert", demonstrate=True))))
