"""What a task's YAML may say beside its settings: that it is like another; its score; what doing nothing is."""

import asyncio
import re
from pathlib import Path

import pytest

from agents.episodes.episode import Start
from agents.episodes.runner import EpisodeRunner
from agents.policies.scripted import scripted
from configs.cli import parse_overrides
from configs.errors import UserError
from envs.task.config import TaskConfig, load_task
from envs.task.task import Task


def write(folder: Path, **files: str) -> str:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return str(folder / f"{next(iter(files))}.yaml")


def test_a_task_like_another_says_only_what_differs(tmp_path: Path) -> None:
    mine = load_task(write(tmp_path, mine="like: football\nkwargs: {scenario: 5_vs_5}\nmax_turns: 9"))
    other = load_task("football")
    assert (mine.kwargs["scenario"], mine.max_turns) == ("5_vs_5", 9)
    assert mine.kwargs == other.kwargs | {"scenario": "5_vs_5"} and mine.actions == other.actions
    third = load_task(write(tmp_path, third="like: mine.yaml\nmax_turns: 2"))
    assert (third.kwargs, third.max_turns) == (mine.kwargs, 2)


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ({"a": "like: a.yaml"}, "a.yaml: like: a is like a; a task cannot inherit from itself"),
        ({"a": "like: b.yaml", "b": "like: a.yaml"}, "like: a is like b is like a; a task cannot inherit from itself"),
        ({"a": "like: footbal"}, "a.yaml: like: unknown env 'footbal'; did you mean 'football'?"),
        ({"a": "like: gone.yaml"}, "gone.yaml: No such file or directory"),
        ({"a": "like: b.yaml", "b": "max_turn: 3"}, "b.yaml: unknown key max_turn; did you mean max_turns?"),
        ({"a": "like: [football]"}, "like=['football']: text is expected"),
    ],
)
def test_like_with_a_wrong_task_is_one_line(files: dict[str, str], line: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=re.escape(line)) as caught:
        load_task(write(tmp_path, **files))
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"unknown key env\.like"):
        load_task("football", {"env.like": "sokoban"})


def play(config: TaskConfig, player: str, seeds: range) -> list[tuple[str, float | None]]:
    starts = [Start(seed, seed) for seed in seeds]
    episodes = asyncio.run(EpisodeRunner(Task("plan", config)).play(starts, scripted(player)))
    return [(episode.kind, episode.score) for episode in episodes]


def test_kind_and_score_of_an_episode() -> None:
    words = ["kwargs.room=[7,7]", "kwargs.boxes=2", "kwargs.observation=text", "image=false", "caption=true"]
    config = load_task("sokoban_plan", parse_overrides([f"env.{word}" for word in [*words, "score=score"]]))
    assert play(config, "expert", range(3)) == [("7x7, 2 boxes", 100.0)] * 3
    assert all(score is not None and score < 60 for _, score in play(config, "idle", range(3)))
    config.score = ""
    assert play(config, "expert", range(1)) == [("7x7, 2 boxes", None)]
    config.score = "marks"
    with pytest.raises(ValueError, match=r"task plan: score: kickoff/Sokoban-v0 has no number 'marks' in its info"):
        play(config, "expert", range(1))


def test_doing_nothing_may_have_a_name_of_its_own() -> None:
    config = load_task("sokoban")
    config.idle = "left"
    (episode,) = asyncio.run(EpisodeRunner(Task("sokoban", config)).play([Start(1, 1)], scripted("idle")))
    assert {turn.reply.answer for turn in episode.turns} == {"left"}
