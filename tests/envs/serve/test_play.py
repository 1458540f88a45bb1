"""Episodes over real sockets: the same as in training, deterministic, and isolated from each other."""

import asyncio
import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from agents.episodes.policy import TurnContext
from agents.episodes.rewards import rewards_of
from agents.episodes.runner import EpisodeRunner
from agents.episodes.starts import TEST_FIRST, held_out_start
from envs.serve.protocol import Observation
from envs.task.config import load_task
from envs.task.task import Task
from tests.envs.serve.serve_fixture import ask, opened, problem, reply, serving

REPLIES = {
    "sokoban": ["up, left", "jump", "down"],
    "football": ["right", "sprint", "shot"],
    "geometry": ["12"],
    "visual": ["3"],
    "reasoning": ["7"],
}
"""Replies of an episode. The second one of Sokoban is invalid."""


@pytest.fixture(scope="module")
def place() -> Iterator[str]:
    with serving(*REPLIES, overrides={"env.on_invalid": "skip", "env.max_turns": "3"}) as (place, _):
        yield place


class Scripted:
    """A policy that gives its replies in order."""

    def __init__(self, replies: list[str]) -> None:
        self.replies = replies
        self.seen: list[Any] = []

    def start_episode(self, task: Task) -> None:
        return None

    async def reply(self, context: TurnContext) -> str:
        self.seen.append(context.observation)
        return reply(self.replies[context.turn])["message"]

    def with_temperature(self, temperature: float) -> "Scripted":
        return self


def played(place: str, task: str, index: int = 3) -> list[dict[str, Any]]:
    """The data of all observations of a scripted episode from the test split."""
    with opened(place) as socket:
        data = [ask(socket, "reset", task=task, split="test", index=index, episode_id="e")["data"]]
        for answer in REPLIES[task]:
            if not data[-1]["done"]:
                data.append(ask(socket, "step", **reply(answer))["data"])
    return data


@pytest.mark.parametrize("name", REPLIES)
def test_an_episode_is_that_of_the_runner(place: str, name: str) -> None:
    config = load_task(name, {"env.rules": "true", "env.on_invalid": "skip", "env.max_turns": "3"})
    runner, policy = EpisodeRunner(Task(name, config)), Scripted(REPLIES[name])
    (episode,) = asyncio.run(runner.play([held_out_start(TEST_FIRST, 3)], policy))
    runner.close()
    data = played(place, name)
    assert [turn["reward"] for turn in data] == [
        None,
        *(parts["outcome"] for parts in rewards_of(episode, config).turns),
    ]
    assert [turn["metadata"]["valid"] for turn in data[1:]] == [turn.reply.valid for turn in episode.turns]
    assert [turn["metadata"]["env_reward"] for turn in data[1:]] == [turn.reward for turn in episode.turns]
    assert data[-1]["done"] and data[-1]["metadata"]["ended"] == episode.ended
    for number, (turn, seen) in enumerate(zip(data, policy.seen, strict=False)):
        found = turn["observation"]
        Observation.model_validate(found | {"done": turn["done"], "reward": turn["reward"]})
        assert found["text"] == runner.task.words(seen, first=number == 0)
        urls = [part["image_url"]["url"] for part in found["content"] if part["type"] == "image_url"]
        assert len(urls) == len(seen.images)
        for url, image in zip(urls, seen.images, strict=True):
            kind, _, code = url.partition(";base64,")
            assert kind == "data:image/png" and found["image"]["mime"] == "image/png"
            assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(code)))), image)
        if urls:
            assert urls[0].endswith(found["image"]["data"])
        assert "".join(part.get("text", "") for part in found["content"]) == found["text"]


@pytest.mark.parametrize("name", REPLIES)
def test_a_seed_determines_the_episode(place: str, name: str) -> None:
    assert played(place, name) == played(place, name)
    assert played(place, name)[0]["observation"] != played(place, name, 4)[0]["observation"]


def test_sessions_do_not_disturb_each_other(place: str) -> None:
    alone = played(place, "sokoban")
    with opened(place) as first, opened(place) as second:
        mine = [ask(first, "reset", task="sokoban", split="test", index=3, episode_id="e")["data"]]
        ask(second, "reset", task="sokoban", seed=9)
        for answer in REPLIES["sokoban"]:
            mine.append(ask(first, "step", **reply(answer))["data"])
            ask(second, "step", **reply("right"))
    assert mine == alone


def test_a_seed_and_a_start_of_a_split_are_the_same_episode(place: str) -> None:
    with opened(place) as socket:
        named = ask(socket, "reset", task="football", split="validation", index=5, episode_id="e")
        assert named["data"]["metadata"] | {"kind": ""} == {
            "episode_id": "e", "task": "football", "split": "validation", "index": 5, "seed": 2**30 + 5, "kind": "",
            "max_turns": 3,
        }  # fmt: skip
        assert ask(socket, "reset", task="football", seed=2**30 + 5, episode_id="e") == named


def test_a_seed_selects_the_task_if_none_is_named(place: str) -> None:
    with opened(place) as socket:
        tasks = [ask(socket, "reset", seed=seed)["data"]["metadata"]["task"] for seed in range(6)]
    assert tasks == [*REPLIES, "sokoban"]


def test_without_a_seed_the_start_is_a_training_one_by_chance(place: str) -> None:
    with opened(place) as socket:
        found = [ask(socket, "reset", task="reasoning")["data"]["metadata"] for _ in range(3)]
    assert all(facts["split"] == "train" and 0 <= facts["seed"] < 2**30 for facts in found)
    assert len({facts["seed"] for facts in found}) == 3


def test_the_state_counts_the_steps(place: str) -> None:
    with opened(place) as socket:
        assert ask(socket, "state") == {"type": "state", "data": {"episode_id": None, "step_count": 0}}
        ask(socket, "reset", task="sokoban", seed=1, episode_id="mine")
        ask(socket, "step", **reply("up"))
        state = ask(socket, "state")["data"]
    assert (state["episode_id"], state["step_count"], state["seed"], state["ended"]) == ("mine", 1, 1, "")


def test_steps_outside_an_episode_are_errors(place: str) -> None:
    with opened(place) as socket:
        code = "EXECUTION_ERROR"
        assert problem(ask(socket, "step", **reply("up"))) == (code, "no episode is in progress; send reset first")
        ask(socket, "reset", task="reasoning", seed=1)
        assert ask(socket, "step", **reply("7"))["data"]["done"]
        over = (code, "the episode is over (completed); send reset first")
        assert problem(ask(socket, "step", **reply("7"))) == over


def test_the_client_of_the_page_plays(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[3] / "docs" / "serve.md").read_text()
    (program,) = re.findall(r"^```py\n(.*?)^```", page, re.M | re.S)
    with serving("sokoban") as (place, _):
        exec(program.replace("127.0.0.1:8000", place), {})
    assert capsys.readouterr().out in ("reward 0.0\n", "reward 1.0\n")


def test_legal_actions_are_names(place: str) -> None:
    with opened(place) as socket:
        legal = {
            name: ask(socket, "reset", task=name, seed=1)["data"]["observation"]["legal_actions"] for name in REPLIES
        }
    assert set(legal["sokoban"]) <= {"up", "down", "left", "right"} and legal["sokoban"]
    assert "short_pass" in legal["football"]
    assert legal["geometry"] == legal["visual"] == legal["reasoning"] == []


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"sede": 1}, "unknown field 'sede'; did you mean 'seed'? Known: episode_id, index, seed, split, task"),
        ({"seed": -1}, "seed: Input should be greater than or equal to 0"),
        ({"seed": 1.5}, "seed: Input should be a valid integer"),
        ({"seed": True}, "seed: Input should be a valid integer"),
        ({"task": "sokban"}, "unknown task 'sokban'; did you mean 'sokoban'? Known: "),
        ({"split": "dev"}, "split: Input should be 'train', 'validation' or 'test'"),
        ({"split": "test", "index": 1000}, "index=1000: test has the indices 0 to 999"),
        ({"split": "test", "seed": 1}, "give either seed, or split and index"),
        ({"episode_id": "x" * 256}, "episode_id: String should have at most 255 characters"),
    ],
)
def test_a_wrong_reset_is_one_clear_line(place: str, data: dict[str, Any], expected: str) -> None:
    with opened(place) as socket:
        code, text = problem(ask(socket, "reset", **data))
        assert code == "VALIDATION_ERROR" and text.startswith(expected) and "\n" not in text
        assert ask(socket, "reset", task="reasoning", seed=1)["type"] == "observation"  # the session goes on


def test_a_wrong_reset_keeps_the_episode(place: str) -> None:
    with opened(place) as socket:
        ask(socket, "reset", task="sokoban", seed=1)
        ask(socket, "reset", task="nothing")
        assert ask(socket, "step", **reply("up"))["data"]["metadata"]["turn"] == 1
