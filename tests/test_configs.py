"""Every task that ships can be played."""

import pytest

from agents.episodes import Arena, Ended, Start
from agents.experts import scripted
from envs.task import Task
from training.config import load, names


@pytest.mark.parametrize("name", names("env"))
def test_every_env_config_plays(name: str) -> None:
    config = load([f"env={name}"]).tasks[name]
    task = Task(name, config)
    (episode,) = Arena(task).play([Start(seed=1, sampling_seed=2)], scripted("random"))
    assert 1 <= len(episode.turns) <= config.max_turns
    assert episode.valid == 1 and episode.ended in (Ended.COMPLETED, Ended.TRUNCATED)
    for turn in episode.turns:
        assert turn.caption and turn.state_hash
        assert (turn.observation.image is not None) == config.image
        assert (turn.observation.text != "") == config.caption


@pytest.mark.parametrize("name", names("env"))
def test_every_env_config_has_an_expert_that_mostly_succeeds(name: str) -> None:
    task = Task(name, load([f"env={name}"]).tasks[name])
    episodes = Arena(task).play([Start(seed, sampling_seed=seed) for seed in range(16)], scripted("expert"))
    assert sum(episode.success for episode in episodes) >= 12
    assert all(episode.valid == 1 for episode in episodes)
    # What an expert says must fit into what a player may say.
    assert all(len(turn.words) < 20 * task.config.max_reply_tokens for e in episodes for turn in e.turns)
