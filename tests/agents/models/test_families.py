"""M-RoPE positions are those of the models' own `get_rope_index`."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.models import families
from agents.models.load import TEXT
from agents.models.tiny import build

IMAGE = 7


@pytest.fixture(scope="module", params=["qwen2_5_vl", "qwen3_vl"])
def model(request: pytest.FixtureRequest) -> torch.nn.Module:
    found: torch.nn.Module = build(0, request.param)[0]
    return found


LAYOUTS = [  # sequences of text lengths and images (rows, columns), in order
    [[5, (3, 3), 2]],
    [[1, (2, 5), 3, (4, 1), 1], [6], [2, (1, 1), 1]],
    [[1, (3, 3)], [1, (3, 3), 4], [3], [1, (2, 2), 1, (6, 2), 1, (2, 2), 9]],
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_positions_equal_those_of_the_model(model: torch.nn.Module, layout: list[list[int | tuple[int, int]]]) -> None:
    tokens, grids, expected = [], [], []
    for sequence in layout:
        kinds = [np.zeros(part) if isinstance(part, int) else np.full(part[0] * part[1], IMAGE) for part in sequence]
        mine = [part for part in sequence if isinstance(part, tuple)]
        tokens.append(np.concatenate(kinds).astype(np.int64))
        grids += mine
        ids = torch.from_numpy(tokens[-1])[None]
        if not mine:
            expected.append(torch.arange(len(tokens[-1])).expand(3, 1, -1))
            continue
        grid = torch.tensor([[1, 2 * rows, 2 * columns] for rows, columns in mine])  # in patches
        inner: Any = model.model
        indexed = inner.get_rope_index(ids, mm_token_type_ids=(ids == IMAGE).int(), image_grid_thw=grid)
        expected.append(indexed[0])
    bounds = (0, *np.cumsum([len(part) for part in tokens]).tolist())
    got = families.positions(bounds, np.flatnonzero(np.concatenate(tokens) == IMAGE), grids)
    np.testing.assert_array_equal(got, torch.cat(expected, dim=2)[:, 0].numpy())


@settings(deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3)), max_size=4), min_size=1))
def test_sequences_do_not_see_each_other(layout: list[list[tuple[int, int, int]]]) -> None:
    parts = []
    for sequence in layout:
        kinds = [np.zeros(1)] + [np.r_[np.full(rows * columns, IMAGE), np.zeros(t)] for rows, columns, t in sequence]
        tokens = np.concatenate(kinds)
        grids = [(rows, columns) for rows, columns, _ in sequence]
        parts.append((tokens, grids, families.positions((0, len(tokens)), np.flatnonzero(tokens == IMAGE), grids)))
    bounds = (0, *np.cumsum([len(tokens) for tokens, _, _ in parts]).tolist())
    joined = np.concatenate([tokens for tokens, _, _ in parts])
    grids = [grid for _, mine, _ in parts for grid in mine]
    together = families.positions(bounds, np.flatnonzero(joined == IMAGE), grids)
    np.testing.assert_array_equal(together, np.concatenate([alone for _, _, alone in parts], axis=1))


def test_parts_of_each_family_are_found() -> None:
    for family in ("idefics3", "qwen2_5_vl", "qwen3_vl", "llama", "qwen2", "qwen3"):
        model = build(0, family)[0]
        assert families.language_model(model).layers[0] is families.layers(model)[0]
        assert len(families.vision_layers(model)) == (0 if family in TEXT else 2)
        tower = sum(p.numel() for part in families.vision(model) for p in part.parameters())
        text = sum(p.numel() for p in families.language_model(model).parameters())
        head = model.lm_head.weight.numel() if family == "qwen3" else 0  # the others' are tied
        assert tower + text + head == sum(p.numel() for p in model.parameters())
