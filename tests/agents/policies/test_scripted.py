"""ScriptedPolicy players answer in words, as a model does."""

import asyncio

import numpy as np
import pytest

import envs  # noqa: F401  (registers the ids)
from agents.episodes.episode import Episode, Start
from agents.episodes.runner import EpisodeRunner
from agents.policies.scripted import scripted
from envs.task.config import TaskConfig
from envs.task.task import Task

SUMS = TaskConfig(id="kickoff/Arithmetic-v0", image=False, caption=True)
BIG_SUMS = TaskConfig(id="kickoff/Arithmetic-v0", image=False, caption=True, kwargs={"digits": 12})
CART = TaskConfig(id="CartPole-v1", image=False, caption=True, actions=["left", "right"], max_turns=5)


def play(config: TaskConfig, player: str, episodes: int = 40, seed: int = 0) -> list[Episode]:
    starts = [Start(seed + i, sampling_seed=100 + seed + i) for i in range(episodes)]
    return asyncio.run(EpisodeRunner(Task("mine", config)).play(starts, scripted(player)))


def test_the_expert_is_always_right_and_shows_its_work() -> None:
    episodes = play(SUMS, "expert")
    assert [episode.success for episode in episodes] == [True] * 40
    turn = episodes[0].turns[0]
    left, right = turn.caption.rstrip("=").split("+")
    assert turn.reply.answer == str(int(left) + int(right))
    assert turn.reply.thinking.startswith(f"{left[-1]}+{right[-1]}=")
    assert turn.words == f"<think>{turn.reply.thinking}</think><answer>{turn.reply.answer}</answer>"


def test_idle_policy_of_a_question_answers_zero() -> None:
    assert {episode.turns[0].words for episode in play(SUMS, "idle")} == {"<think></think><answer>0</answer>"}


def test_the_random_player_guesses_numbers_of_the_right_length() -> None:
    for config in (SUMS, BIG_SUMS):
        for episode, right in zip(play(config, "random"), play(config, "expert"), strict=True):
            assert episode.valid == 1
            assert len(episode.turns[0].reply.answer) == len(right.turns[0].reply.answer)
    assert sum(episode.success for episode in play(SUMS, "random", 400)) < 40  # about one in ninety


def test_random_replies_depend_on_the_sampling_seed_and_the_turn() -> None:
    def actions(seed: int) -> list[list[str]]:
        return [[turn.reply.answer for turn in episode.turns] for episode in play(CART, "random", 20, seed)]

    assert actions(0) == actions(0) != actions(1)
    drawn = np.array(actions(0)).ravel()
    assert len(drawn) == 100 and 25 < (drawn == "left").sum() < 75
    assert len({tuple(row) for row in actions(0)}) > 5


def test_idle_is_the_first_action() -> None:
    assert {turn.reply.actions for episode in play(CART, "idle", 3) for turn in episode.turns} == {(0,)}


def test_an_env_may_have_no_expert() -> None:
    with pytest.raises(ValueError, match=r"task mine has no expert: CartPole-v1 has no expert_action\(\)"):
        play(CART, "expert")


def test_unknown_scripted_policy_is_one_line_with_a_suggestion() -> None:
    with pytest.raises(ValueError, match="unknown policy 'randm'; did you mean 'random'"):
        scripted("randm")
