"""Episodes go into their record, and into films, as they were played."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

import envs  # noqa: F401  (registers the ids)
from agents.chat.conversation import Conversation
from agents.chat.types import Completion, ContextFull
from agents.episodes.episode import Episode, Start
from agents.episodes.policy import TurnContext
from agents.episodes.runner import EpisodeRunner
from agents.models.load import load_chat
from agents.records.films import LAST_FRAMES, LEAST_FRAMES, film, films
from agents.records.record import as_record, prompts
from envs.task.config import TaskConfig, load_task
from envs.task.task import Task
from render.records.reading import read_episodes
from render.records.video import captioned
from render.records.writing import EpisodeWriter

FOOTBALL = Task("football", load_task("football"))
SUMS = Task("arithmetic", load_task("arithmetic"))


class Script:
    """Says its lines in turn; where none is left the context is full."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines

    def start_episode(self, task: Task) -> None:
        pass

    def with_temperature(self, temperature: float) -> Self:
        return self

    async def reply(self, context: TurnContext) -> str:
        if context.turn == len(self.lines):
            raise ContextFull("900 tokens, but the engine's context holds 800")
        return self.lines[context.turn]


def play(task: Task, *lines: str, seed: int = 3, **settings: Any) -> Episode:
    runner = EpisodeRunner(task)
    try:
        (episode,) = asyncio.run(runner.play([Start(seed, 0, 5)], Script(*lines), **settings))
    finally:
        runner.close()
    return episode


RUN = "<think>run</think><answer>right</answer>"


@pytest.fixture(scope="module")
def filmed() -> Episode:
    """Two turns of football: a good reply, and a bad one that ends it."""
    return play(FOOTBALL, RUN, "right!", film=1)


def test_an_episode_becomes_its_record(filmed: Episode, tmp_path: Path) -> None:
    told = as_record(filmed, FOOTBALL, "train", step=7, stage="mgt", advantages=[0.5, -1.0])
    assert [turn.prompt for turn in told.turns] == ["Play football."] * 2  # each turn opens a context of its own
    assert (told.task, told.seed, told.group, told.step, told.stage) == ("football", 3, 5, 7, "mgt")
    assert (told.policy, told.success, told.ended, told.problem) == ("train", False, "invalid", "")
    assert told.kind == filmed.kind == "breakaway"
    assert told.reward == 0.05 and told.rewards == {"outcome": 0.0, "format": 0.05}  # half of 0.1: one reply of two
    assert told.advantage == -0.25 and [turn.advantage for turn in told.turns] == [0.5, -1.0]
    first, second = told.turns
    assert (first.reply, first.thinking, first.action, first.valid) == (RUN, "run", "right", True)
    assert (second.reply, second.thinking, second.action, second.valid) == ("right!", "", "", False)
    assert first.reward == 0.05 and second.rewards == {"outcome": 0.0, "format": 0.0}
    assert first.text == filmed.turns[0].caption != second.text
    with EpisodeWriter(tmp_path) as writer:
        writer.write(told)
    (read,) = read_episodes(tmp_path)
    for turn, played in zip(read.turns, filmed.turns, strict=True):
        assert turn.frame is not None and played.observation.image is not None
        assert np.array_equal(turn.frame, played.observation.image)


def test_a_record_tells_how_the_episode_ended() -> None:
    task = Task("football", TaskConfig(**{**vars(FOOTBALL.config), "max_turns": 2}))
    told = as_record(play(task, RUN, RUN), task, "before")
    assert (told.ended, told.pictured) == ("truncated", True)
    assert told.final_frame is not None and told.turns[1].frame is not None
    assert not np.array_equal(told.final_frame, told.turns[1].frame)
    assert told.final_text not in (told.turns[1].text, "")
    invalid = as_record(play(FOOTBALL, RUN, "right!"), FOOTBALL, "before")
    assert invalid.final_frame is None and invalid.final_text == ""  # the last reply changed nothing
    assert invalid.turns[1].problem == "not of the form <think>…</think><answer>…</answer>"
    full = as_record(play(FOOTBALL, RUN), FOOTBALL, "before")  # the context ends it before the second reply
    assert full.final_frame is not None
    answered = play(SUMS, "<think></think><answer>7</answer>")
    assert answered.final is None  # a question stays as it was


def test_a_record_compares_transcripts_with_the_truth() -> None:
    twins = Task("twins", TaskConfig(**{**vars(load_task("twins")), "think": "work"}))
    env = twins.make()
    env.reset(seed=3)
    truth = twins.transcript(env)
    assert truth is not None and "9" not in truth[0]
    misread = f"9{truth[1:]}"
    right, wrong = (
        as_record(play(twins, f"<think>{said}=1</think><answer>1</answer>"), twins, "x").turns[0]
        for said in (truth, misread)
    )
    assert (right.truth, right.transcript, right.misread) == (truth, 1.0, ())
    assert wrong.misread == ((truth[0], "9"),) and wrong.transcript == pytest.approx(1 - 1 / len(truth))


def test_a_cut_reply_says_so() -> None:
    episode = play(FOOTBALL, "<think>run and run")
    episode.turns = [replace(episode.turns[0], cut=True, reply_tokens=8)]
    assert as_record(episode, FOOTBALL, "x").turns[0].problem == "cut off after 8 tokens"


def test_outside_training_there_are_no_advantages(filmed: Episode) -> None:
    told = as_record(filmed, FOOTBALL, "before")
    assert (told.step, told.stage, told.advantage) == (-1, "", None)
    assert [turn.advantage for turn in told.turns] == [None, None]


def test_an_episode_that_ends_by_its_context(tmp_path: Path) -> None:
    problem = "900 tokens, but the engine's context holds 800"
    later = play(FOOTBALL, RUN)
    told = as_record(later, FOOTBALL, "before")
    assert (told.ended, told.problem, len(told.turns)) == ("context", problem, 1)
    at_once = play(FOOTBALL)
    none = as_record(at_once, FOOTBALL, "train", advantages=[])
    assert (none.ended, none.problem, none.turns) == ("context", problem, ())
    assert (none.reward, none.rewards, none.advantage) == (0.0, {}, 0.0)
    with EpisodeWriter(tmp_path) as writer:
        writer.write(told)
        writer.write(none)
    assert [one.ended for one in read_episodes(tmp_path)] == ["context", "context"]


def test_other_numbers_of_advantages_are_refused(filmed: Episode) -> None:
    with pytest.raises(ValueError, match="zip"):
        as_record(filmed, FOOTBALL, "x", advantages=[0.5])


@pytest.mark.parametrize("history", [0, 1, -1])
def test_prompts_come_from_the_tokens(history: int) -> None:
    """Of each turn what the model read in it, also where its context holds earlier turns."""
    chat = load_chat("tiny")
    game = Conversation(chat, history)
    episode = play(FOOTBALL, RUN, RUN)
    frame = np.zeros((84, 84, 3), np.uint8)
    for number in range(2):
        game.ask(f"later {number}", f"first {number}", frame if number else None)
        tokens = chat.reply("<think></think><answer>left</answer>")
        game.prompt(0, 9)
        game.answer(Completion(tokens, np.zeros(len(tokens), np.float32), True, np.zeros(len(tokens), np.int32)))
    episode.sequences = tuple(game.sequences())
    first, second = prompts(episode, chat, FOOTBALL)
    assert first == "<|im_start|>User: first 0<end_of_utterance>\nAssistant:"
    assert "<image>" in second and ("first 1" if history == 0 else "later 1") in second and "left" not in second


def test_prompts_without_tokens_are_the_tasks_text() -> None:
    chatty = TaskConfig(**{**vars(SUMS.config), "instructions": "Solve.", "history": -1, "max_turns": 2})
    task = Task("arithmetic", TaskConfig(**{**vars(chatty), "on_invalid": "skip"}))
    episode = play(task, "well", "<think></think><answer>1</answer>")
    first, second = prompts(episode, load_chat("tiny"), task)
    question = episode.turns[0].observation.text
    assert first == f"Solve.\n{question}" and "Solve." not in second and second.endswith(question)


def test_video_captions_show_thinking_and_action(filmed: Episode) -> None:
    frames = list(film(filmed, "before"))
    assert filmed.frames_a_turn == [len(filmed.frames), 0]  # the invalid reply moved nothing, and is shown all the same
    assert len(frames) == len(filmed.frames) + LEAST_FRAMES + LAST_FRAMES
    assert len({frame.shape for frame in frames}) == 1
    title = "before · held-out episode 6"  # it is start 5
    said = captioned(filmed.frames[0], title, ["plays: right", "thinks: run"], rows=2)
    assert np.array_equal(frames[0], said)
    invalid = captioned(filmed.frames[-1], title, ["invalid: right!", ""], rows=2)
    assert np.array_equal(frames[-LAST_FRAMES - 1], invalid)
    assert np.array_equal(frames[-1], captioned(filmed.frames[-1], title, ["no success (invalid)"], rows=2))
    assert len(list(films([filmed, play(FOOTBALL, RUN, "!"), filmed], "before"))) == 2 * len(frames)  # one was not


def test_long_video_leaves_frames_out() -> None:
    whole = play(FOOTBALL, *[RUN] * 3, film=1)
    assert whole.frames_a_turn == [6, 5, 5]  # the start's; 5 steps of a decision
    long = Task("football", TaskConfig(**{**vars(FOOTBALL.config), "max_turns": 300}))
    some = play(long, *[RUN] * 3, film=1)
    assert some.frames_a_turn == [3, 2, 2] and len(some.frames) == 7  # 600 / 300
    ends = [0, 5, 10, 15]  # the start, then where each turn ended
    for kept, number in zip([0, 2, 4, 6], ends, strict=True):
        assert np.array_equal(some.frames[kept], whole.frames[number])


@pytest.mark.slow
def test_video_of_many_turns_is_short_and_lazy() -> None:
    some = play(FOOTBALL, RUN, film=1)
    long = replace(some, turns=some.turns * 300, frames_a_turn=[len(some.frames)] + [0] * 299)
    frames = film(long, "before")
    assert next(frames).shape == next(frames).shape and not isinstance(frames, list)
    shown = 2 + sum(1 for _ in frames)
    assert shown == len(some.frames) + 299 * 2 + LAST_FRAMES  # 600 / 300 a turn, though 5 can be read better
