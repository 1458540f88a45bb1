"""What every registered env keeps: Gymnasium's contract, seeds, pictures, batches, an expert."""

import copy
import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import SyncVectorEnv
from gymnasium.wrappers.vector import DictInfoToList

import envs
from envs.__main__ import ids

SMALL: dict[str, dict[str, Any]] = {
    "kickoff/Sokoban-v0": {"room": (6, 6), "boxes": 1, "image_size": (84, 84), "max_steps": 40},
    "kickoff/Reasoning-v0": {"tasks": ["chain_sum", "gcd"]},
    "kickoff/Geometry-v0": {"image_size": (84, 84)},
    "kickoff/Visual-v0": {"image_size": (84, 84)},
    "kickoff/Football-v0": {"scenario": "academy_3_vs_1_with_keeper", "image_size": (64, 96), "start_noise": 0.1},
}
"""Keywords that make an env quick; the others are taken as they come."""
KEYS = {"success", "kind", "text", "legal_actions", "state_hash"}

NO_KINDS = {"kickoff/Arithmetic-v0", "kickoff/Algebra-v0"}

every_id = pytest.mark.parametrize("id", ids())
assert envs  # registers the ids


def make(id: str, **kwargs: Any) -> gymnasium.Env[Any, Any]:
    return gymnasium.make(id, **SMALL.get(id, {}), **kwargs)


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    return np.array_equal(one, other) if isinstance(one, np.ndarray) else bool(one == other)


def play(env: gymnasium.Env[Any, Any], seed: int, steps: int = 60) -> list[Any]:
    """Everything an env gives for random actions; episodes start anew when they end."""
    rng = np.random.default_rng(seed)
    given: list[Any] = [env.reset(seed=seed)]
    if isinstance(env.action_space, gymnasium.spaces.Text):
        steps //= 3  # every one of them is a question of its own
    for _ in range(steps):
        if isinstance(env.action_space, gymnasium.spaces.Text):
            action: Any = str(rng.integers(100))
        else:
            action = int(rng.integers(env.action_space.n))  # type: ignore[attr-defined]
        given.append(env.step(action))
        if given[-1][2] or given[-1][3]:
            given.append(env.reset())
    return given


@pytest.mark.slow
@every_id
def test_every_id_passes_gymnasiums_checker(id: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(make(id).unwrapped)


@pytest.mark.slow
@every_id
def test_a_seed_decides_everything(id: str) -> None:
    one, again, other = (play(make(id), seed) for seed in (3, 3, 4))
    assert all(equal(a, b) for turn, same in zip(one, again, strict=True) for a, b in zip(turn, same, strict=True))
    assert not equal(one[0][1]["text"], other[0][1]["text"]) or one[0][1]["state_hash"] != other[0][1]["state_hash"]


@every_id
def test_info_has_the_common_keys_with_their_types(id: str) -> None:
    env = make(id)
    for turn in play(env, 5):
        info = turn[-1]
        assert KEYS <= info.keys()
        assert type(info["success"]) is bool
        assert isinstance(info["text"], str) and info["text"]
        assert isinstance(info["kind"], str) and (info["kind"] or id in NO_KINDS)
        assert isinstance(info["state_hash"], str) and len(info["state_hash"]) >= 16
        if isinstance(env.action_space, gymnasium.spaces.Discrete):
            assert info["legal_actions"] and set(info["legal_actions"]) <= set(range(int(env.action_space.n)))
            assert isinstance(info["feedback"], str)
        else:
            assert info["legal_actions"] == []


@every_id
def test_the_class_says_what_it_is(id: str) -> None:
    doc = "".join(str(cls.__doc__) for cls in type(make(id).unwrapped).__mro__ if cls.__module__.startswith("envs"))
    for section in ("Action Space", "Observation Space", "Rewards", "Starting State", "Episode End", "Arguments"):
        assert f"## {section}" in doc, section
    assert "## Version History" in doc


@pytest.mark.parametrize("id", sorted(set(ids()) - {"kickoff/Questions-v0"}))  # a file is as hard as it is
def test_difficulty_is_checked(id: str) -> None:
    for difficulty in (0.0, 1.0):
        make(id, difficulty=difficulty).reset(seed=0)
    with pytest.raises(ValueError, match=r"difficulty must be .* got 1\.5"):
        make(id, difficulty=1.5)


@every_id
def test_every_id_renders_images(id: str) -> None:
    if "ansi" in make(id).metadata["render_modes"]:
        env = make(id, render_mode="ansi")
        _, info = env.reset(seed=0)
        assert env.render() in info["text"]
    env = make(id, render_mode="rgb_array")
    env.reset(seed=0)
    frame: Any = env.render()
    assert frame.dtype == np.uint8 and frame.ndim == 3 and frame.shape[2] == 3 and frame.std() > 1
    with pytest.raises(ValueError, match="render_mode"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        make(id, render_mode="hologram")


@every_id
def test_the_expert_is_right_and_changes_nothing(id: str) -> None:
    env = make(id)
    wins = 0
    for seed in range(6):
        _, info = env.reset(seed=seed)
        over = False
        while not over:
            expert: Any = env.unwrapped
            action = expert.expert_action()
            assert isinstance(expert.expert_thought(), str)
            assert expert.expert_action() == action
            _, _, terminated, truncated, info = env.step(action)
            over = terminated or truncated
        wins += info["success"]
    assert wins >= (4 if "Football" in id else 6)


@pytest.mark.slow
@every_id
def test_many_at_once_are_as_one_by_one(id: str) -> None:
    kwargs = SMALL.get(id, {})
    batch = gymnasium.make_vec(id, num_envs=3, vectorization_mode="vector_entry_point", **kwargs)
    singles = SyncVectorEnv([lambda: gymnasium.make(id, **kwargs)] * 3)
    assert batch.observation_space == singles.observation_space
    assert batch.action_space == singles.action_space
    rng = np.random.default_rng(0)
    one: Any = batch.reset(seed=7)
    other: Any = singles.reset(seed=7)
    for _ in range(15 if isinstance(batch.single_action_space, gymnasium.spaces.Text) else 50):
        assert equal_batches(one[0], other[0])
        for got, expected in zip(one[1:-1], other[1:-1], strict=True):
            np.testing.assert_array_equal(got, expected)
        assert one[-1].keys() == other[-1].keys()
        for key, values in one[-1].items():
            expected_values = other[-1][key]
            assert [str(value) for value in values] == [str(value) for value in expected_values], key
            assert isinstance(values, np.ndarray), key
            assert (values.dtype, values.shape) == (expected_values.dtype, expected_values.shape), key
            assert [type(value) for value in values] == [type(value) for value in expected_values], key
        actions: Any = (
            tuple(str(number) for number in rng.integers(0, 100, 3))
            if isinstance(batch.single_action_space, gymnasium.spaces.Text)
            else rng.integers(0, batch.single_action_space.n, 3)  # type: ignore[attr-defined]
        )
        one, other = batch.step(actions), singles.step(actions)
    batch.close()


@every_id
def test_a_registration_is_saved_as_json(id: str) -> None:
    for spec in (gymnasium.spec(id), make(id).spec, gymnasium.make_vec(id, num_envs=2, **SMALL.get(id, {})).spec):
        assert spec is not None
        saved = spec.to_json()
        again = gymnasium.envs.registration.EnvSpec.from_json(saved)
        assert again.id == id and again.to_json() == saved
        assert again.vector_entry_point == gymnasium.spec(id).vector_entry_point
    again = gymnasium.envs.registration.EnvSpec.from_json(gymnasium.spec(id).to_json())
    gymnasium.make(again, **SMALL.get(id, {})).reset(seed=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("id", "more"),
    [
        *((id, {}) for id in ids()),
        ("kickoff/Sokoban-v0", {"observation": "text"}),
        ("kickoff/Football-v0", {"observation": "text"}),
        ("kickoff/Football-v0", {"observation": "raw"}),
        ("kickoff/Questions-v0", {"image_size": (60, 80)}),
    ],
)
def test_async_vectors_give_what_single_envs_give(id: str, more: dict[str, Any]) -> None:
    """With the default shared memory, which has texts as numbers."""
    kwargs = SMALL.get(id, {}) | more
    many = gymnasium.make_vec(id, num_envs=2, vectorization_mode="async", **kwargs)
    singles = SyncVectorEnv([lambda: gymnasium.make(id, **kwargs)] * 2)
    try:
        one: Any = many.reset(seed=3)
        other: Any = singles.reset(seed=3)
        text = isinstance(many.single_action_space, gymnasium.spaces.Text)
        many.action_space.seed(0)
        first, changed = copy.deepcopy(one[0]), False
        for step in range(8):
            assert equal_batches(one[0], other[0])
            for got, expected in zip(one[1:-1], other[1:-1], strict=True):
                np.testing.assert_array_equal(got, expected)
            assert list(one[-1]["state_hash"]) == list(other[-1]["state_hash"])
            actions: Any = ("½ °", "−3") if text and step % 2 else many.action_space.sample()
            one, other = many.step(actions), singles.step(actions)
            changed |= not equal_batches(first, one[0])
        assert changed
    finally:
        many.close()


@every_id
def test_infos_of_vectors_can_be_split(id: str) -> None:
    many = gymnasium.make_vec(id, num_envs=2, vectorization_mode="vector_entry_point", **SMALL.get(id, {}))
    _, infos = many.reset(seed=3)
    _, split = DictInfoToList(many).reset(seed=3)
    assert [info["state_hash"] for info in split] == list(infos["state_hash"])
    assert all(KEYS <= info.keys() and isinstance(info["text"], str) for info in split)


def equal_batches(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal_batches(one[key], other[key]) for key in one)
    return np.array_equal(np.asarray(one), np.asarray(other))
