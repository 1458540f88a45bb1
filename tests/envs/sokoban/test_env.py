"""`kickoff/Sokoban-v0`: rules and rewards by hand, sentences, levels from files, many at once."""

from typing import Any

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import SyncVectorEnv
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.sokoban import rules
from envs.sokoban.board import read_board, text_of
from envs.sokoban.env import SokobanEnv
from envs.sokoban.generate import band, generate
from envs.sokoban.levels import PRESETS
from envs.sokoban.vector import SokobanVectorEnv
from envs.task.splits import TEST_FIRST, VALIDATION_FIRST
from render.sokoban import TILES

UP, DOWN, LEFT, RIGHT = range(4)

CORRIDOR = "######\n#@$. #\n######\n######\n######"
ROOM = "#######\n#@ .  #\n# $$  #\n# .   #\n#     #\n#     #\n#######"


def env_of(levels: str, **kwargs: Any) -> SokobanEnv:
    env = SokobanEnv(levels=levels, observation="text", **kwargs)
    env.reset(seed=0)
    return env


def walk(env: SokobanEnv, actions: list[int]) -> tuple[list[float], dict[str, Any]]:
    """The rewards, and the last info."""
    rewards = []
    for action in actions:
        _, reward, _, _, info = env.step(action)
        rewards.append(reward)
    return rewards, info


@pytest.mark.parametrize(
    "kwargs",
    [
        {"room": (6, 6), "boxes": 1, "image_size": (84, 84)},
        {"observation": "text", "actions": 9},
        {"preset": "Sokoban-huge-v0", "difficulty": 0.0},
    ],
)
def test_env_passes_gymnasiums_checker(kwargs: dict[str, Any]) -> None:
    check_env(SokobanEnv(**kwargs), skip_render_check=True)


def test_a_push_onto_the_last_target_solves() -> None:
    env = env_of(CORRIDOR, room=(5, 6))
    text, reward, terminated, truncated, info = env.step(RIGHT)
    assert text == "######\n# @* #\n######\n######\n######"
    assert reward == 10.9  # -0.1 + 1 + 10
    assert terminated and not truncated and info["success"]
    assert info["feedback"] == "You pushed a box right onto a target."
    assert (info["optimal_pushes"], info["optimal_moves"], info["score"]) == (1, 1, 100.0)


def test_rewards_equal_those_by_hand() -> None:
    env = env_of(ROOM)
    # right, down pushes the left box onto the target below it (+1 - 0.1); down pushes it off again (-1 - 0.1)
    rewards, info = walk(env, [RIGHT, DOWN, DOWN])
    assert rewards == [-0.1, 0.9, -1.1]
    assert info["feedback"] == "You pushed a box down off its target."
    # the best sum was 0.8; the optimal plan: 10 + 2 - 0.1 · moves
    assert info["score"] == pytest.approx(100 + 5 * (0.8 - (12 - 0.1 * info["optimal_moves"])))


def test_the_score_counts_fifty_actions() -> None:
    env = env_of(CORRIDOR, room=(5, 6), max_steps=200)
    _, info = walk(env, [UP] * 50)
    assert info["score"] == pytest.approx(100 + 5 * (0 - 10.9))  # the best sum is 0, that of no action
    _, _, terminated, _, info = env.step(RIGHT)
    assert terminated and info["score"] == pytest.approx(45.5)
    env.reset(seed=0)
    _, info = walk(env, [UP] * 49 + [RIGHT])
    assert info["score"] == pytest.approx(100 + 5 * (10.9 - 4.9 - 10.9))  # 75.5


def test_the_optimal_plan_scores_100() -> None:
    env = SokobanEnv(observation="text")
    for seed in range(5):
        _, info = env.reset(seed=seed)
        total, moves = 0.0, 0
        terminated = False
        while not terminated:
            _, reward, terminated, _, info = env.step(env.expert_action())
            total, moves = total + reward, moves + 1
        assert moves == info["optimal_moves"]
        assert total == pytest.approx(14 - 0.1 * moves)
        assert info["score"] == 100.0 or moves > 50


@pytest.mark.slow
def test_where_the_solver_meets_its_limit() -> None:
    row = "#           #\n"
    level = "#############\n" + row + "#  $ $ $ $  #\n#@          #\n#  $ $ $ $  #\n" + row * 3
    level += "# ........  #\n" + row * 3 + "#############"
    env = SokobanEnv(levels=level, room=(13, 13), observation="text")
    _, info = env.reset(seed=0)
    assert info["optimal_moves"] == -1 and np.isnan(info["score"]) and info["optimal_pushes"] > 30
    assert len(env.expert_plan(1000)) > info["optimal_pushes"]  # by the fewest pushes


def test_expert_thought_names_push_walk_or_lost() -> None:
    env = env_of("#######\n#     #\n#  @$.#\n#     #\n#######", room=(5, 7), actions=9)
    assert (env.expert_plan(50), env.expert_action(), env.expert_thought()) == ([4], 4, "push")
    env.step(3)
    assert (env.expert_plan(50), env.expert_plan(1), env.expert_thought()) == ([4, 4], [4], "walk")
    lost = env_of("######\n#$   #\n# @. #\n#    #\n######", room=(5, 6))
    assert (lost.expert_action(), lost.expert_thought()) == (0, "lost")
    assert lost.expert_thought("work") == "$---/-@.-/----:lost"


def test_plan_up_to_the_next_push_includes_further_pushes_in_its_direction() -> None:
    level = "#######\n#@$ . #\n#  $ .#\n#     #\n#######"
    whole, pushwise = (env_of(level, room=(5, 7), plan=plan) for plan in ("whole", "push"))
    down, left, right = 1, 2, 3
    assert whole.expert_plan(50) == [right, right, left, down, right, right]
    assert (pushwise.expert_plan(50), pushwise.expert_plan(1)) == ([right, right], [right])
    for action in (right, right):
        pushwise.step(action)
    assert pushwise.expert_plan(50) == [left, down, right, right]
    with pytest.raises(ValueError, match="unknown plan 'half'"):
        env_of(level, room=(5, 7), plan="half")


def test_expert_thought_as_transcript_and_plan() -> None:
    env = env_of("######\n#    #\n#@$ .#\n#  # #\n######", room=(5, 6))
    assert env.expert_thought("transcript") == "----/@$-./--#-"
    assert env.expert_thought("work") == "----/@$-./--#-:right"
    env = env_of("######\n# @  #\n# $. #\n#    #\n######", room=(5, 6))
    assert env.expert_thought("work") == "-@--/-$.-/----:left down right"
    env.step(2)
    assert env.expert_thought("work") == "@---/-$.-/----:down right"
    with pytest.raises(KeyError):
        env.expert_thought("picture")


SENTENCES = {
    "You moved right.": ("#####\n#@ .#\n# $ #\n#   #\n#####", [RIGHT]),
    "You pushed a box right.": ("######\n#@$ .#\n#    #\n######\n######", [RIGHT]),
    "You pushed a box right from one target onto another.": ("######\n#@*. #\n# $  #\n#    #\n######", [RIGHT]),
    "A wall is in the way: nothing moved.": (CORRIDOR, [UP]),
    "The box is against a wall: nothing moved.": ("######\n# .@$#\n#    #\n######\n######", [RIGHT]),
    "The box is against another box: nothing moved.": ("#######\n#     #\n#@$$  #\n# ..  #\n#######", [RIGHT]),
    "You pushed a box right. Dead-lock: a box can no longer reach a target.": (
        "######\n#@$ ##\n#  . #\n#    #\n######",
        [RIGHT],
    ),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_feedback_names_each_event(sentence: str) -> None:
    level, actions = SENTENCES[sentence]
    env = SokobanEnv(levels=level, observation="text", room=(6, 7))
    assert env.reset(seed=0)[1]["feedback"] == ""
    _, info = walk(env, actions)
    assert info["feedback"] == sentence
    assert info["deadlock"] == ("Dead-lock" in sentence or "against a wall" in sentence)


def test_nine_actions_push_move_and_wait() -> None:
    level = "#######\n#     #\n# @$ .#\n#     #\n#######"
    env = env_of(level, actions=9, room=(5, 7))
    assert walk(env, [0])[1]["feedback"] == "You waited."
    assert walk(env, [8])[1]["feedback"] == "A box is in the way: nothing moved."  # move right does not push
    assert walk(env, [7])[1]["feedback"] == "You moved left."
    assert walk(env, [4])[1]["feedback"] == "You moved right."  # push right moves where there is no box
    info = walk(env, [4])[1]
    assert info["feedback"] == "You pushed a box right."
    assert info["legal_actions"] == [0, 1, 2, 3, 4, 5, 6, 7]  # all but move right, where the box is
    with pytest.raises(ValueError, match="action must be one of 0 to 8, got 9"):
        env.step(9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.lists(st.integers(0, 3), max_size=60))
def test_pushes_of_the_nine_are_the_four_and_laws_hold(seed: int, actions: list[int]) -> None:
    four = SokobanEnv((7, 7), 2, observation="text", max_steps=1000)
    nine = SokobanEnv((7, 7), 2, observation="text", max_steps=1000, actions=9)
    text, info = four.reset(seed=seed)
    assert nine.reset(seed=seed)[0] == text
    for action in actions:
        before, legal = text, info["legal_actions"]
        text, reward, terminated, _, info = four.step(action)
        assert nine.step(action + 1)[:2] == (text, reward)
        assert (text != before) == (action in legal)
        assert text.count("$") + text.count("*") == 2 == text.count(".") + text.count("*") + text.count("+")
        assert terminated == info["success"] == (text.count("*") == 2)
        fresh = read_board(text)  # what is kept step by step is what a fresh start finds
        boards, state = fresh[None].copy(), np.zeros((1, rules.FIELDS), np.int64)
        rules.start(boards, state, np.zeros((1, fresh.size), np.uint8), 0, rules.SALTS)
        assert info["state_hash"] == f"{int(state[0, rules.HASH]) & (1 << 64) - 1:016x}"
        assert info["deadlock"] >= bool(state[0, rules.DEADLOCK])
        if terminated:
            break


def test_episode_ends_by_solution_or_limit() -> None:
    env = env_of(CORRIDOR, room=(5, 6), max_steps=2)
    assert env.step(UP)[2:4] == (False, False)
    assert env.step(UP)[2:4] == (False, True)
    corner = "######\n#@$ ##\n#  . #\n#    #\n######"
    assert env_of(corner, room=(5, 6)).step(RIGHT)[2:4] == (False, False)
    assert env_of(corner, room=(5, 6), end_on_deadlock=True).step(RIGHT)[2:4] == (True, False)


def test_presets_equal_those_of_gym_sokoban() -> None:
    assert PRESETS["Sokoban-large-v1"] == ((13, 11), 4)
    text, _ = SokobanEnv(preset="Sokoban-large-v1", observation="text", difficulty=0.0).reset(seed=0)
    assert len(text.split("\n")) == 13 and len(text.split("\n")[0]) == 11
    assert text.count("$") == 4


MISTAKES: dict[str, dict[str, Any]] = {
    "room must be 6 to 13": {"room": (5, 6)},
    "room must be two whole numbers": {"room": 10},
    "boxes must be 1 to 5, got 6": {"boxes": 6},
    "boxes must be 1 to 5, got 1.5": {"boxes": 1.5},
    "unknown preset 'Sokoban-smal-v0'; did you mean 'Sokoban-small-v0'": {"preset": "Sokoban-smal-v0"},
    "unknown observation 'pixel'; did you mean 'pixels'": {"observation": "pixel"},
    "actions must be 4": {"actions": 5},
    "difficulty must be between 0 and 1": {"difficulty": 1.5},
    "max_steps must be a whole number of at least 1": {"max_steps": 0},
    "too small for 10x10 tiles": {"image_size": (39, 160)},
    "no such file or folder": {"levels": "no/such/levels"},
    "a map must have one player": {"levels": "#####\n#$. #\n#   #\n#   #\n#####"},
    "as many targets as boxes": {"levels": "#####\n#@$ #\n#   #\n#   #\n#####"},
    "must be walls": {"levels": "#####\n#@$. \n#   #\n#   #\n#####"},
    "levels must be a path": {"levels": 3},
    "in_order=true needs given levels": {"in_order": True},
    "in_order must be true or false": {"levels": ROOM, "in_order": "yes"},
    "such as 3x, got '0.5x'": {"max_steps": "0.5x"},
    "such as 3x, got '3'": {"max_steps": "3"},
    "off target, in this one all": {"levels": "######\n#@*  #\n#    #\n#    #\n######"},
    "unknown render_mode": {"render_mode": "rgb"},
}


@pytest.mark.parametrize("message", MISTAKES)
def test_wrong_arguments_are_one_line(message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SokobanEnv(**MISTAKES[message])


@given(st.integers(0, 10**9))
@settings(max_examples=20, deadline=None)
def test_maps_are_read_as_they_are_written(seed: int) -> None:
    board = generate((8, 7), 2, 0.3, seed).board
    assert (read_board(text_of(board)) == board).all()


def test_levels_stay_the_same() -> None:
    """Frozen: a seed gives this level on every machine, and in every version."""
    assert text_of(generate((6, 6), 1, 0.5, 0).board) == FROZEN_6
    hashes = []
    for seed, (room, boxes, difficulty) in enumerate([((10, 10), 4, 0.5), ((7, 7), 2, 0.0), ((13, 13), 5, 1.0)]):
        env = SokobanEnv(room, boxes, difficulty=difficulty, observation="text")
        hashes.append(env.reset(seed=seed)[1]["state_hash"])
    assert hashes == FROZEN
    env = SokobanEnv((6, 6), 1, observation="text")
    assert [env.reset(seed=seed)[0] for seed in (VALIDATION_FIRST, TEST_FIRST)] == FROZEN_HELD_OUT


FROZEN_6 = "######\n#    #\n#. $@#\n######\n######\n######"
FROZEN_HELD_OUT = ["######\n#    #\n# $  #\n#@  .#\n######\n######", "######\n######\n######\n#    #\n#@$ .#\n######"]
FROZEN: list[str] = ["771b165bdbf27596", "8893f1f4b951aebf", "dc5360b8eb9d62a4"]


@pytest.mark.parametrize("difficulty", [0.0, 0.5, 1.0])
def test_new_levels_are_in_their_band(difficulty: float) -> None:
    low, high = band((10, 10), 4, difficulty)
    inside = 0
    for seed in range(10):
        level = generate((10, 10), 4, difficulty, seed)
        text = text_of(level.board)
        assert text.count("$") == 4 and text.count("*") == 0  # every box has to move
        inside += low <= level.pushes <= high
    assert inside >= 8


@pytest.mark.parametrize("observation", ["pixels", "text"])
def test_many_at_once_are_as_one_by_one(observation: str) -> None:
    kwargs: dict[str, Any] = {
        "room": (6, 6), "boxes": 1, "image_size": (60, 80), "observation": observation, "max_steps": 9
    }  # fmt: skip
    many = SokobanVectorEnv(3, **kwargs)
    singles = SyncVectorEnv([lambda: SokobanEnv(**kwargs)] * 3)
    rng = np.random.default_rng(0)
    one: Any = many.reset(seed=5)
    other: Any = singles.reset(seed=5)
    for _ in range(60):
        assert one[-1].keys() == other[-1].keys()
        for key, told in one[-1].items():
            assert told.dtype == other[-1][key].dtype and told.tolist() == other[-1][key].tolist(), key
        if observation == "pixels":
            assert np.array_equal(one[0], other[0])
        else:
            assert tuple(one[0]) == tuple(other[0])
        for mine, theirs in zip(one[1:-1], other[1:-1], strict=True):
            assert np.array_equal(mine, theirs)
        actions = rng.integers(0, 4, 3)
        one, other = many.step(actions), singles.step(actions)
    with pytest.raises(ValueError, match="got 4 for env 1"):
        many.step(np.array([0, 4, 0]))


def test_frames_are_fresh() -> None:
    env = SokobanEnv((6, 6), 1, image_size=(84, 84), render_mode="rgb_array_list", render_size=(60, 60))
    first, info = env.reset(seed=0)
    kept = first.copy()
    second = env.step(info["legal_actions"][0])[0]
    assert np.array_equal(first, kept) and not np.array_equal(first, second)
    first[:] = 0
    assert env.games.view is not None and env.games.view.frames.any()
    assert [frame.shape for frame in env.render()] == [(60, 60, 3)] * 2
    assert env.render() == []


def test_tiles_are_in_the_order_of_the_codes() -> None:
    names = {"wall": "#", "floor": " ", "target": ".", "box_on_target": "*", "box": "$", "player": "@"}
    names["player_on_target"] = "+"
    for code, name in enumerate(TILES):
        assert text_of(np.array([[code, 7]], np.uint8)) == names[name]
