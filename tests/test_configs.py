"""Every task that ships can be played."""

import asyncio

import pytest

from agents.episodes.episode import Ended, Start
from agents.episodes.runner import EpisodeRunner
from agents.models.tiny import build_chat
from agents.policies.scripted import scripted
from envs.task.task import Task
from training.config.compose import load
from training.config.recipe import group_file, names

LONG = {"football_match"}
"""A whole match; who wins it is another test's."""
NO_EXPERT = {"cliff_walking", "freeway", "frozen_lake", "minigrid"}
"""Other people's envs."""


@pytest.mark.parametrize("name", names("env"))
def test_every_env_config_plays(name: str) -> None:
    config = load([f"env={name}"]).tasks[name]
    if name in LONG:
        config.max_turns = 20
    task = Task(name, config)
    (episode,) = asyncio.run(EpisodeRunner(task).play([Start(seed=1, sampling_seed=2)], scripted("random")))
    assert 1 <= len(episode.turns) <= config.max_turns
    assert episode.valid == 1 and episode.ended in (Ended.COMPLETED, Ended.TRUNCATED)
    for turn in episode.turns:
        assert turn.state_hash
        assert turn.caption or name in NO_EXPERT
        assert (turn.observation.image is not None) == config.image
        assert task.words(turn.observation, first=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(names("env")) - NO_EXPERT))
def test_the_expert_succeeds_in_well_formed_replies(name: str) -> None:
    config = load([f"env={name}"]).tasks[name]
    if name in LONG:
        config.max_turns = 20
    if config.id in ("kickoff/Football-v0", "kickoff/Sokoban-v0"):
        config.kwargs["image_size"] = [84, 84]  # the expert does not look
    task = Task(name, config)
    starts = [Start(seed, sampling_seed=seed) for seed in range(1 if name in LONG else 4)]
    episodes = asyncio.run(EpisodeRunner(task).play(starts, scripted("expert")))
    assert all(episode.valid == 1 for episode in episodes)
    assert any(episode.success for episode in episodes) or name in LONG
    if name in group_file("recipe", "warmup")["stages"]["warmup"]["tasks"]:  # the embedded model is warmed up with it
        chat = build_chat()
        lengths = [len(chat.reply(turn.words)) for episode in episodes for turn in episode.turns]
        assert 0 < max(lengths) <= task.config.max_reply_tokens
