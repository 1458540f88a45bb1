"""Episodes are played many at once, each as if it were alone."""

import asyncio
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pytest

import envs  # noqa: F401  (registers the ids)
from agents.episodes.episode import Ended, Episode, Start
from agents.episodes.policy import Policy, TurnContext
from agents.episodes.runner import EpisodeRunner
from agents.policies.scripted import scripted
from envs.task.config import TaskConfig, load_task
from envs.task.task import Task

SUMS = TaskConfig(id="kickoff/Arithmetic-v0", image=False, caption=True)
STARTS = [Start(7 * i, sampling_seed=i, group=i // 2) for i in range(6)]
FILM = {"scenario": "academy_empty_goal", "observation": "pixels", "image_size": [40, 60], "render_size": [64, 96]}


def football(max_turns: int = 6, on_invalid: Any = "end", **kwargs: object) -> TaskConfig:
    actions = load_task("football").actions
    settings = {**FILM, **kwargs}
    return TaskConfig(
        id="kickoff/Football-v0", kwargs=settings, actions=actions, max_turns=max_turns, on_invalid=on_invalid
    )


class Script:
    """Says its lines in turn, the same ones to everybody, and keeps what it was shown."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        self.shown: list[list[tuple[int, np.ndarray | None]]] = []

    def start_episode(self, task: Task) -> None:
        pass

    def with_temperature(self, temperature: float) -> Self:
        return self

    async def reply(self, context: TurnContext) -> str:
        await asyncio.sleep(0)  # the others' turn
        while len(self.shown) <= context.turn:
            self.shown.append([])
        self.shown[context.turn].append((context.seed, context.observation.image))
        return self.line(context)

    def line(self, context: TurnContext) -> str:
        return self.lines[min(context.turn, len(self.lines) - 1)]


def play(runner: EpisodeRunner, starts: Sequence[Start], policy: Policy, **settings: Any) -> list[Episode]:
    return asyncio.run(runner.play(starts, policy, **settings))


def do(action: str) -> str:
    return f"<think></think><answer>{action}</answer>"


def story(episode: Episode) -> list[object]:
    """Everything that must be the same when an episode is played again."""
    turns = [(t.caption, t.words, t.reply, t.reward, t.state_hash) for t in episode.turns]
    pixels = [None if t.observation.image is None else t.observation.image.tobytes() for t in episode.turns]
    return [episode.ended, episode.success, turns, pixels]


@pytest.mark.parametrize("config", [SUMS, football()], ids=["sums", "football"])
@pytest.mark.parametrize("player", ["random", "expert"])
def test_the_same_seeds_give_the_same_episodes(config: TaskConfig, player: str) -> None:
    runner = EpisodeRunner(Task("t", config))
    first = [story(episode) for episode in play(runner, STARTS, scripted(player))]
    again = [story(episode) for episode in play(runner, STARTS, scripted(player))]  # the same envs, used again
    backwards = [story(episode) for episode in play(EpisodeRunner(Task("t", config)), STARTS[::-1], scripted(player))]
    alone = [story(play(EpisodeRunner(Task("t", config)), [start], scripted(player))[0]) for start in STARTS[:2]]
    assert first == again == backwards[::-1]
    assert first[:2] == alone
    assert first[0] != first[1]


def test_question_is_one_turn_and_success_is_its_reward() -> None:
    (right, wrong) = (
        play(EpisodeRunner(Task("t", SUMS)), STARTS[:2], scripted("expert")),
        play(EpisodeRunner(Task("t", SUMS)), STARTS[:2], Script(do("1"))),
    )
    for episode, success in [(right[0], True), (wrong[0], False)]:
        assert (episode.success, episode.env_return, episode.valid) == (success, float(success), 1.0)
        assert episode.ended is Ended.COMPLETED
        assert len(episode.turns) == 1
        assert episode.start == STARTS[0]
        assert len(episode.turns[0].state_hash) == 16
    assert right[0].turns[0].state_hash == wrong[0].turns[0].state_hash != right[1].turns[0].state_hash


def test_an_invalid_reply_ends_the_episode() -> None:
    episodes = play(EpisodeRunner(Task("t", football())), STARTS, Script(do("right"), "oops", do("right")))
    for episode in episodes:
        assert episode.ended is Ended.INVALID and not episode.success
        assert [turn.reply.valid for turn in episode.turns] == [True, False]
        assert episode.valid == 0.5
        assert episode.turns[1].words == "oops" and episode.turns[1].reward == 0.0


def test_skipped_invalid_reply_costs_a_turn_and_changes_nothing() -> None:
    lines = Script(do("right"), "oops", do("flight"), do("right"))
    episodes = play(EpisodeRunner(Task("t", football(4, "skip"))), STARTS, lines)
    for episode in episodes:
        assert episode.ended is Ended.TRUNCATED
        assert [turn.reply.valid for turn in episode.turns] == [True, False, False, True]
        hashes = [turn.state_hash for turn in episode.turns]
        assert hashes[1] == hashes[2] == hashes[3] != hashes[0]
        images: list[Any] = [turn.observation.image for turn in episode.turns]
        assert np.array_equal(images[1], images[3]) and not np.array_equal(images[0], images[1])


def test_the_turn_limit_cuts_an_episode_off() -> None:
    (episode,) = play(EpisodeRunner(Task("t", football(3))), STARTS[:1], scripted("idle"))
    assert (len(episode.turns), episode.ended, episode.success) == (3, Ended.TRUNCATED, False)


def test_an_episode_that_is_over_asks_no_more() -> None:
    script = Script(do("shot"), do("right"))
    episodes = play(EpisodeRunner(Task("t", football(40, scenario="academy_empty_goal_close"))), STARTS, script)
    assert {episode.ended for episode in episodes} == {Ended.COMPLETED}
    for number, asked in enumerate(script.shown):
        assert [seed for seed, _ in asked] == [e.start.sampling_seed for e in episodes if len(e.turns) > number]
    rewards = [turn.reward for episode in episodes for turn in episode.turns]
    assert sum(rewards) == sum(episode.success for episode in episodes) == sum(e.env_return for e in episodes)


@pytest.mark.parametrize("count", [6, 5, 2])
@pytest.mark.parametrize("on_invalid", ["end", "skip"])
def test_a_blind_player_never_sees_its_own_game(count: int, on_invalid: str) -> None:
    """Also where some games are over before others, or stand still."""
    config = football(8, on_invalid)
    starts = STARTS[:count]

    class Uneven(Script):
        def line(self, context: TurnContext) -> str:
            return do("right") if context.turn < 2 * context.seed + 1 else "oops"

    seeing, blind = Uneven(), Uneven()
    runner = EpisodeRunner(Task("t", config))
    open_eyed = play(runner, starts, seeing)
    blindfold = play(runner, starts, blind, blind=True)
    # A player that does not look plays the same game either way, so the frames of the first are those of the second.
    assert [[t.state_hash for t in e.turns] for e in open_eyed] == [[t.state_hash for t in e.turns] for e in blindfold]
    own = {start.sampling_seed: set[bytes]() for start in starts}
    for asked in seeing.shown:
        for seed, image in asked:
            assert image is not None
            own[seed].add(image.tobytes())
    assert len(set[bytes]().union(*own.values())) == sum(len(frames) for frames in own.values())  # no two look alike
    for asked in blind.shown:
        for seed, image in asked:
            assert image is not None
            other = starts[(seed + count // 2) % count].sampling_seed
            assert (image.tobytes() in own[other], image.tobytes() in own[seed]) == (True, False)
    for turn, asked in enumerate(blind.shown):  # and what is recorded is what was shown
        for seed, image in asked:
            assert blindfold[seed].turns[turn].observation.image is image


def test_filmed_episodes_keep_their_frames() -> None:
    runner = EpisodeRunner(Task("t", football(3)))
    plain = play(runner, STARTS, scripted("idle"))
    episodes = play(runner, STARTS, scripted("idle"), film=2)
    assert [story(episode) for episode in plain] == [story(episode) for episode in episodes]  # filming changes nothing
    assert [len(episode.frames) for episode in episodes] == [4, 4, 0, 0, 0, 0]  # the start, and a frame a step
    assert [episode.frames_a_turn for episode in episodes[:3]] == [[2, 1, 1], [2, 1, 1], []]
    assert {frame.shape for frame in episodes[0].frames} == {(64, 96, 3)}
    (skipping,) = play(EpisodeRunner(Task("t", football(2, frame_skip=4))), STARTS[:1], scripted("idle"), film=1)
    assert skipping.frames_a_turn == [5, 4] and len(skipping.frames) == 9
    assert not play(EpisodeRunner(Task("t", SUMS)), STARTS, scripted("idle"), film=2)[0].frames


def test_third_party_env_is_played_from_its_render() -> None:
    """One TaskConfig, no code: CartPole has neither pictures, words, success nor an expert."""
    cart = TaskConfig(id="CartPole-v1", actions=["left", "right"], max_turns=4, reward="return")
    script = Script(do("left"))
    episodes = play(EpisodeRunner(Task("cart", cart)), STARTS, script, film=1)
    for episode in episodes:
        assert (episode.ended, episode.env_return, episode.success) == (Ended.TRUNCATED, 4.0, False)
        images: list[Any] = [turn.observation.image for turn in episode.turns]
        assert all(image is not None and image.shape == (400, 600, 3) for image in images)
        assert not np.array_equal(images[0], images[3])
    assert episodes[0].frames_a_turn == [2, 1, 1, 1]
    shown: Any = episodes[0].turns[0].observation.image
    assert np.array_equal(episodes[0].frames[0], shown)
