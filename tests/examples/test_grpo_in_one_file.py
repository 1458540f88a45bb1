"""The example equals the trainer: the same episodes, rewards, advantages and weights as Collector and Learner."""

import asyncio
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from agents.engines import Engine, EngineConfig, make_engine
from agents.models import VLM, LoadedModel, load_model
from agents.policies import JobRunner, VLMPolicy
from envs.task import Task, load_task
from training.algorithm import Group, with_advantages
from training.config import AlgoConfig, LearnerConfig
from training.learner import Learner
from training.rollout import Collector

PATH = Path(__file__).resolve().parents[2] / "examples" / "grpo_in_one_file.py"
STEPS = 2


@pytest.fixture(scope="module")
def example() -> Iterator[ModuleType]:
    """The example as a module."""
    spec = importlib.util.spec_from_file_location("grpo_in_one_file", PATH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@contextmanager
def one_thread() -> Iterator[None]:
    """Both sides add in the same order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def weights_of(vlm: VLM) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in vlm.model.named_parameters()}


async def by_the_example(example: ModuleType, settings: Any) -> tuple[list[Any], dict[str, Tensor]]:
    """The groups of each step as (sequences, rewards, advantages), and the weights at the end."""
    task, model = Task(settings.env, load_task(settings.env)), load_model("tiny")
    engine: Engine = await make_engine("tiny", EngineConfig(kind="transformers"))
    optimizer = example.make_optimizer(model.vlm, settings)
    found = []
    for step in range(STEPS):
        groups = await example.play_groups(settings, step, task, model.chat, engine)
        for group in groups:
            rewards = example.rewards_of(group, task)
            sequences = [sequence for episode in group for sequence in episode.sequences]
            found.append((sequences, rewards, example.advantages_of(rewards)))
        example.learn(model.vlm, optimizer, example.samples_of(groups, task), settings, step)
        await engine.load_weights(model.vlm.model.named_parameters(), version=step + 1)
    await engine.close()
    return found, weights_of(model.vlm)


async def by_the_trainer(settings: Any) -> tuple[list[Any], dict[str, Tensor]]:
    """The same with the parts of the trainer."""
    algo = AlgoConfig(
        groups=settings.groups,
        group_size=settings.group_size,
        temperature=settings.temperature,
        minibatch=settings.minibatch,
        lr=settings.lr,
        warmup_updates=0,
        clip_low=settings.clip_low,
        clip_high=settings.clip_high,
        max_grad_norm=settings.max_grad_norm,
    )
    tasks = {settings.env: load_task(settings.env)}
    model: LoadedModel = load_model("tiny")
    engine: Engine = await make_engine("tiny", EngineConfig(kind="transformers"))
    learner = Learner(model.vlm, LearnerConfig(threads=1))
    learner.begin_stage(algo, STEPS)
    player = JobRunner(tasks, VLMPolicy(model.chat, engine))
    shares = {settings.env: settings.groups}
    collector = Collector(
        player.play,
        tasks,
        lambda step: shares,
        seed=settings.seed,
        stage=0,
        steps=STEPS,
        group_size=settings.group_size,
        temperature=settings.temperature,
    )
    found: list[Any] = []
    for step in range(STEPS):
        played = (await collector.collect(step, version=step)).played
        played.sort(key=lambda group: group.episodes[0].start.group)  # the groups without a difference in their places
        groups: list[Group] = with_advantages(played, algo)
        for group in groups:
            sequences = [sequence for episode in group.episodes for sequence in episode.sequences]
            assert group.advantages is not None
            of_episode = [turns[0] for turns in group.advantages]
            assert all((turns == turns[0]).all() for turns in group.advantages)
            found.append((sequences, [rewards.total for rewards in group.rewards], of_episode))
        learner.update([one for group in groups for one in group.trajectories()], step, settings.seed)
        await engine.load_weights(learner.weights(), version=step + 1)
    player.close()
    learner.close()
    await engine.close()
    return found, weights_of(model.vlm)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("env", "minibatch"),
    [("arithmetic", 256), ("football", 256), ("football", 40)],
    ids=["text", "images", "several updates"],
)
def test_an_update_of_the_example_equals_the_trainers(example: ModuleType, env: str, minibatch: int) -> None:
    settings = example.Settings(env=env, groups=3, group_size=4, minibatch=minibatch, lr=1e-3, seed=5)
    with one_thread():
        own, weights = asyncio.run(by_the_example(example, settings))
        trainers, expected = asyncio.run(by_the_trainer(settings))
    assert len(own) == len(trainers) == STEPS * settings.groups
    for (sequences, rewards, advantages), same in zip(own, trainers, strict=True):
        assert len(sequences) == len(same[0])
        for one, other in zip(sequences, same[0], strict=True):
            np.testing.assert_array_equal(one.tokens, other.tokens)
            np.testing.assert_array_equal(one.loss_mask, other.loss_mask)
            np.testing.assert_array_equal(one.policy_version, other.policy_version)
            assert one.image_ids == other.image_ids
        np.testing.assert_allclose(rewards, same[1], rtol=0, atol=1e-12)
        np.testing.assert_allclose(advantages, same[2], rtol=0, atol=1e-12)
    assert any(np.any(advantages) for _, _, advantages in own)
    before = weights_of(load_model("tiny").vlm)
    assert max(float((weights[name] - before[name]).abs().max()) for name in weights) > 1e-4  # it did learn
    assert weights.keys() == expected.keys()
    for name, weight in weights.items():
        torch.testing.assert_close(weight, expected[name], rtol=0, atol=1e-5, msg=name)
