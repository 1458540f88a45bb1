"""Every task that ships can be played."""

import pytest

from agents.chat import Chat
from agents.episodes import Arena, Ended, Start
from agents.experts import scripted
from agents.tiny import build_processor
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
def test_what_the_expert_says_fits_into_a_reply(name: str) -> None:
    """It is what the embedded model is warmed up with."""
    task = Task(name, load([f"env={name}"]).tasks[name])
    chat = Chat(build_processor())
    episodes = Arena(task).play([Start(seed, sampling_seed=seed) for seed in range(4)], scripted("expert"))
    lengths = [len(chat.reply(turn.words)) for episode in episodes for turn in episode.turns]
    assert 0 < max(lengths) <= task.config.max_reply_tokens
    assert all(episode.valid == 1 for episode in episodes)
    assert any(episode.success for episode in episodes)
