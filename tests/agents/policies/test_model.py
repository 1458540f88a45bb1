"""A model plays many episodes at once, and each of them as if it were alone."""

import asyncio
import pickle
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import envs  # noqa: F401  (registers the ids)
from agents.chat.conversation import Conversation
from agents.chat.types import ContextFull, TokenSequence
from agents.engines.base import Engine
from agents.engines.config import EngineConfig
from agents.engines.factory import make_engine
from agents.episodes.episode import Ended, Episode, Start
from agents.episodes.policy import TurnContext
from agents.episodes.runner import EpisodeRunner
from agents.models.load import LoadedModel, load_model
from agents.policies.model import VLMPolicy
from agents.seeds import mix
from configs.cli import parse_overrides
from envs.task.config import TaskConfig, load_task
from envs.task.task import Task

STARTS = [Start(100 + i, mix(5, i)) for i in range(6)]


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model("tiny")


def football(*words: str) -> TaskConfig:
    return load_task("football", parse_overrides(["env.max_turns=12", *words]))


def play(
    model: LoadedModel, config: TaskConfig, blind: bool = False, temperature: float = 1.0, **engine: Any
) -> list[Episode]:
    async def played() -> list[Episode]:
        policy = VLMPolicy(model.chat, await make_engine("tiny", EngineConfig("transformers", **engine), model), 0.5)
        try:
            return await EpisodeRunner(Task("football", config)).play(
                STARTS, policy.with_temperature(temperature), blind=blind
            )
        finally:
            await policy.engine.close()

    return asyncio.run(played())


async def in_step(engine: Engine, model: LoadedModel, config: TaskConfig, blind: bool) -> list[list[TokenSequence]]:
    """The reference: all episodes turn by turn, one batch of replies a turn."""
    task = Task("football", config)
    envs_ = [task.make() for _ in STARTS]
    seen = []
    for env, start in zip(envs_, STARTS, strict=True):
        observation, info = env.reset(seed=start.seed)
        seen.append(task.observe(env, observation, info))
    conversations = [Conversation(model.chat, config.history) for _ in STARTS]
    going = list(range(len(STARTS)))
    for turn in range(config.max_turns):
        for i in going:
            image = seen[(i + len(seen) // 2) % len(seen)].image if blind else seen[i].image
            shown = replace(seen[i], image=image)
            conversations[i].ask(task.words(shown, first=False), task.words(shown, first=True), shown.image)
        prompts = [conversations[i].prompt(mix(STARTS[i].sampling_seed, turn), config.max_reply_tokens) for i in going]
        completions = await asyncio.gather(*(engine.generate(prompt, 1.0) for prompt in prompts))
        still = []
        for i, completion in zip(going, completions, strict=True):
            conversations[i].answer(completion)
            reply = task.parse(model.chat.text(completion.tokens))
            if reply.valid:
                outcome = task.play(envs_[i], reply)
                if not (outcome.terminated or outcome.truncated):
                    seen[i] = task.observe(envs_[i], outcome.observation, outcome.info, outcome.feedback)
                    still.append(i)
            else:
                still.append(i)  # on_invalid=skip
        going = still
    return [conversation.sequences() for conversation in conversations]


def same(one: Sequence[TokenSequence], other: Sequence[TokenSequence]) -> bool:
    return len(one) == len(other) and all(
        np.array_equal(a.tokens, b.tokens)
        and np.array_equal(a.loss_mask, b.loss_mask)
        and np.array_equal(a.engine_logprobs, b.engine_logprobs)
        and a.image_ids == b.image_ids
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.slow
@pytest.mark.parametrize("blind", [False, True])
@pytest.mark.parametrize("history", [0, 1])
def test_concurrent_episodes_equal_those_played_in_lockstep(model: LoadedModel, history: int, blind: bool) -> None:
    config = football(f"env.history={history}", "env.on_invalid=skip")
    assert not config.feedback

    async def reference() -> list[list[TokenSequence]]:
        engine = await make_engine("tiny", EngineConfig("transformers"), model)
        try:
            return await in_step(engine, model, config, blind)
        finally:
            await engine.close()

    expected = asyncio.run(reference())
    episodes = play(model, config, blind)
    assert all(same(episode.sequences, sequences) for episode, sequences in zip(episodes, expected, strict=True))
    turns = [len(episode.turns) for episode in episodes]
    assert len(set(turns)) > 1 or history  # some were over before others; with a history the tiny model is lost
    assert min(turns) > 2


@pytest.mark.slow
def test_temperature_changes_replies_and_reply_tokens_are_counted(model: LoadedModel) -> None:
    greedy, again, sampled = (play(model, football(), temperature=t) for t in (0.0, 0.0, 1.0))
    words = [[[turn.words for turn in episode.turns] for episode in played] for played in (greedy, again, sampled)]
    assert words[0] == words[1] != words[2]
    for episode in greedy + sampled:
        for number, (turn, sequence) in enumerate(zip(episode.turns, episode.sequences, strict=True)):
            reply = sequence.tokens[sequence.loss_mask]
            assert turn.reply_tokens == len(reply) and model.chat.text(reply) == turn.words
            assert set(sequence.turn.tolist()) == {number}
            assert sequence.images[0] is turn.observation.image


def test_an_episode_is_small_when_pickled(model: LoadedModel) -> None:
    episode = max(play(model, football("env.history=-1")), key=lambda episode: len(episode.turns))
    frames = sum(turn.observation.image.nbytes for turn in episode.turns if turn.observation.image is not None)
    (sequence,) = episode.sequences
    assert len(sequence.images) == len(episode.turns) > 1
    data = pickle.dumps(episode)
    assert len(data) < frames + 20 * len(sequence.tokens) + 2000 * len(episode.turns)  # each frame once
    (copied,) = pickle.loads(data).sequences
    assert same([copied], [sequence])


@pytest.mark.slow
def test_an_episode_ends_before_the_turn_that_does_not_fit(model: LoadedModel) -> None:
    config = football("env.history=-1", "env.on_invalid=skip")
    free = play(model, config)
    length = len(free[0].sequences[0].tokens)
    limit = 2 * length // 3
    for episode, whole in zip(play(model, config, max_context=limit), free, strict=True):
        (sequence,) = episode.sequences
        turns = len(episode.turns)
        assert len(sequence.tokens) <= limit and same([sequence], [whole.sequences[0]]) == (turns == len(whole.turns))
        assert np.array_equal(sequence.tokens, whole.sequences[0].tokens[: len(sequence.tokens)])
        if turns < len(whole.turns):
            assert episode.ended is Ended.CONTEXT
            following = np.flatnonzero((whole.sequences[0].turn == turns) & whole.sequences[0].loss_mask)[0]
            assert following + config.max_reply_tokens > limit
    for lost in play(model, config, max_context=12):
        assert (lost.turns, lost.sequences, lost.ended, lost.success) == ([], (), Ended.CONTEXT, False)
        assert re.match(r"a prompt of \d+ tokens and a reply of up to 8 exceed the context of 12$", lost.problem)


def test_context_full_can_be_pickled() -> None:
    assert str(pickle.loads(pickle.dumps(ContextFull("10 tokens")))) == "10 tokens"


def test_episode_continues_as_soon_as_its_own_reply_is_there() -> None:
    log: list[tuple[int, int]] = []
    others = asyncio.Event()

    class Uneven:
        """The first player thinks until the others' games are over."""

        def start_episode(self, task: Task) -> None: ...

        def with_temperature(self, temperature: float) -> "Uneven":
            return self

        async def reply(self, context: TurnContext) -> str:
            if context.seed == 0:
                await asyncio.wait_for(others.wait(), 60)
            log.append((context.seed, context.turn))
            if len(log) == 8:
                others.set()
            return "<think></think><answer>left</answer>"

    cart = TaskConfig(
        id="CartPole-v1", image=False, caption=True, actions=["left", "right"], max_turns=4, reward="return"
    )
    runner = EpisodeRunner(Task("cart", cart))
    asyncio.run(runner.play([Start(i, i) for i in range(3)], Uneven()))
    assert sorted(log[:8]) == [(player, turn) for player in (1, 2) for turn in range(4)]
    assert log[8:] == [(0, turn) for turn in range(4)]


def test_an_error_in_one_episode_ends_all() -> None:
    left = []

    class Fails:
        def start_episode(self, task: Task) -> None: ...

        def with_temperature(self, temperature: float) -> "Fails":
            return self

        async def reply(self, context: TurnContext) -> str:
            if context.seed == 1:
                raise RuntimeError("the engine is broken")
            try:
                await asyncio.sleep(60)
            finally:
                left.append(context.seed)
            return ""

    with pytest.raises(RuntimeError, match="the engine is broken"):
        asyncio.run(EpisodeRunner(Task("football", football())).play([Start(i, i) for i in range(3)], Fails()))
    assert sorted(left) == [0, 2]
