"""Many games in one process give what single envs give."""

import copy
import pickle
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from numpy.typing import NDArray

from envs.vector import BatchEnv, LazyTexts


class Count(gymnasium.Env[Any, Any]):
    """Counts down from a drawn number; each action is a step down."""

    def __init__(self, render_mode: str | None = None) -> None:
        self.observation_space = gymnasium.spaces.Box(-10, 10, (1,), np.int64)
        self.action_space = gymnasium.spaces.Discrete(3)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.left = int(self.np_random.integers(2, 6))
        return np.array([self.left]), {"left": self.left, "text": f"{self.left} left"}

    def step(self, action: Any) -> Any:
        self.left -= int(action)
        info = {"left": self.left, "text": f"{self.left} left"}
        return np.array([self.left]), float(action), self.left == 0, self.left < 0, info


class ManyCounts(BatchEnv):
    """The same in a batch."""

    def __init__(self, num_envs: int, render_mode: str | None = None) -> None:
        single = Count()
        super().__init__(num_envs, single.observation_space, single.action_space, render_mode)
        self.left = np.zeros(num_envs, np.int64)

    def begin(self, index: int, generator: np.random.Generator) -> None:
        self.left[index] = generator.integers(2, 6)

    def play(
        self, actions: Any, going: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
        down = np.where(going, actions, 0)
        self.left -= down
        return down.astype(float), going & (self.left == 0), going & (self.left < 0)

    def look(self) -> NDArray[np.int64]:
        return self.left[:, None].copy()

    def tell(self) -> dict[str, Any]:
        return {"left": self.left.copy(), "text": [f"{left} left" for left in self.left]}


def test_a_batch_gives_what_single_envs_give() -> None:
    batch, singles = ManyCounts(5), SyncVectorEnv([Count] * 5)
    assert batch.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
    assert (batch.observation_space, batch.action_space) == (singles.observation_space, singles.action_space)
    rng = np.random.default_rng(0)
    one: Any = batch.reset(seed=3)
    other: Any = singles.reset(seed=3)
    ended = 0
    for _ in range(60):
        np.testing.assert_array_equal(one[0], other[0])
        for got, expected in zip(one[1:-1], other[1:-1], strict=True):
            np.testing.assert_array_equal(got, expected)
            assert got.dtype == expected.dtype
        assert one[-1].keys() == other[-1].keys()
        for key in one[-1]:
            assert list(one[-1][key]) == list(other[-1][key]), key
        if len(one) == 5:
            ended += int((one[2] | one[3]).sum())
        actions = rng.integers(0, 3, 5)
        one, other = batch.step(actions), singles.step(actions)
    assert ended > 20
    np.testing.assert_array_equal(batch.reset(seed=[9, 8, 7, 6, 5])[0], singles.reset(seed=[9, 8, 7, 6, 5])[0])


def test_seeds_and_counts_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="2 seeds for 3 envs"):
        ManyCounts(3).reset(seed=[1, 2])
    with pytest.raises(ValueError, match="num_envs must be at least 1, got 0"):
        ManyCounts(0)
    with pytest.raises(ValueError, match="render_mode rgb_array or None, got 'human'"):
        ManyCounts(1, "human")


class Words(list[str]):
    """Counts how often a text is computed."""

    asked = 0

    def __getitem__(self, index: Any) -> Any:
        self.asked += 1
        return super().__getitem__(index)


def test_lazy_texts_are_computed_once_and_behave_as_texts() -> None:
    words = Words(["a", "bc", "a"])
    texts = LazyTexts(words)
    assert words.asked == 0 and texts.shape == (3,) and texts.dtype == object
    assert (texts[1], type(texts[1]), texts[-2]) == ("bc", str, "bc") and words.asked == 1
    assert texts.tolist() == list(texts) == texts[:].tolist() == ["a", "bc", "a"] and words.asked == 3
    assert (texts == "a").tolist() == (np.asarray(texts) == "a").tolist() == [True, False, True]
    assert np.array_equal(texts, ["a", "bc", "a"]) and texts[np.array([0, 2])].tolist() == ["a", "a"]
    for copied in (pickle.loads(pickle.dumps(texts)), copy.deepcopy(texts)):
        assert [(value, type(value)) for value in copied] == [("a", str), ("bc", str), ("a", str)]
    with pytest.raises(IndexError):
        texts[3]
