"""Games for the adapters: our observations and rewards, two seats, and one line for every mistake."""

import base64
from typing import Any

import pytest

from configs.errors import UserError
from envs.adapters.game import open_game
from envs.task.splits import TEST_FIRST
from tests.envs.adapters.library_fixture import our_episodes
from tests.envs.adapters.seen import seen

TWO = {"env.kwargs.control": [1, 1], "env.kwargs.image_size": [48, 72]}


def answer(text: str) -> str:
    return f"<think></think><answer>{text}</answer>"


def test_episodes_are_ours() -> None:
    game = open_game("sokoban")
    for episode in our_episodes("sokoban", range(TEST_FIRST, TEST_FIRST + 2)):
        views = game.reset(seed=episode["seed"])
        shown, rewards = [], []
        for reply in episode["replies"]:
            shown.append(seen(views[0].content))
            views = game.step([reply])
            rewards.append(views[0].reward)
        assert views[0].done and shown == episode["seen"] and sum(rewards) == episode["reward"]
    (first,) = game.reset(split="test", index=0)
    (same,) = game.reset(seed=TEST_FIRST)
    assert first.content == same.content and first.facts["seed"] == TEST_FIRST
    game.close()


def test_two_seats_see_their_own_side_and_end_together() -> None:
    game = open_game("football", TWO | {"env.max_turns": 3, "env.feedback": "true"})
    assert game.seats == 2
    left, right = game.reset(seed=5)
    assert (left.facts["seat"], right.facts["seat"]) == ("left_1", "right_1")
    assert seen(left.content)["images"] != seen(right.content)["images"]
    assert seen(left.content)["text"] == seen(right.content)["text"]
    for turn in (1, 2, 3):
        left, right = game.step([answer("right"), answer("idle")])
        assert (left.facts["turn"], left.facts["valid"], left.done) == (turn, True, left.facts["ended"] != "")
        assert left.done == right.done
    assert left.facts["ended"] == "truncated" and (left.reward, right.reward) == (0.0, 0.0)
    with pytest.raises(UserError, match=r"no match is in progress \(truncated\); send reset first"):
        game.step([answer("right"), answer("idle")])
    again = game.reset(seed=5)
    assert again[0].facts["seed"] == 5 and "turn" not in again[0].facts


def test_an_invalid_reply_ends_a_match_or_is_idle() -> None:
    game = open_game("football", TWO)
    game.reset(seed=5)
    left, right = game.step(["right", answer("idle")])
    assert left.done and right.done and (left.facts["valid"], right.facts["valid"]) == (False, True)
    assert left.facts["ended"] == "invalid" and left.reward == right.reward == 0.0
    game, other = open_game("football", TWO | {"env.on_invalid": "skip"}), open_game("football", TWO)
    game.reset(seed=5), other.reset(seed=5)
    skipped, idle = game.step(["right", answer("left")]), other.step([answer("idle"), answer("left")])
    assert [view.content for view in skipped] == [view.content for view in idle]
    assert not skipped[0].facts["valid"]


def test_images_are_png_files_in_front_of_the_text() -> None:
    (view,) = open_game("football").reset(seed=1)
    image, text = view.content
    assert base64.b64decode(image["image_url"]["url"].partition(",")[2]).startswith(b"\x89PNG")
    assert text["text"].startswith("Play football.") and "<answer>" in text["text"]  # with the rules


@pytest.mark.parametrize(
    ("name", "settings", "start"),
    [
        ("sokban", {}, None),
        ("sokoban", {"env.max_turn": 1}, None),
        ("sokoban", {"env.kwargs.control": [1, 1]}, None),
        ("football", TWO | {"env.kwargs.observation": "raw"}, None),
        ("football", TWO | {"env.reward": "process"}, None),
        ("football", TWO, {"seed": -1}),
        ("sokoban", {}, {"sed": 1}),
        ("sokoban", {}, {"split": "test", "index": 10**6}),
    ],
)
def test_mistakes_are_one_line(name: str, settings: dict[str, Any], start: dict[str, Any] | None) -> None:
    with pytest.raises(UserError) as error:
        open_game(name, settings).reset(**(start or {}))
    assert str(error.value) and "\n" not in str(error.value)
