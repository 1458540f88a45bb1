"""The learner's half of a weight transfer, without an engine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from agents.engines import transfer
from agents.engines.transfer import EngineCalls, SharedSender, Source, buffer_size

WEIGHTS = {f"layers.{i}.weight": torch.full((4, 8), float(i)) for i in range(5)}  # 128 bytes each


def files(sender: SharedSender) -> Iterator[Path]:
    while (path := sender.next()) is not None:
        yield Path(path)


def test_files_hold_about_a_chunk_each_and_go_one_by_one() -> None:
    sizes, seen, before = [], {}, None
    with SharedSender(WEIGHTS.items(), chunk=200) as sender:
        for path in files(sender):
            assert before is None or not before.exists()
            tensors = load_file(path)
            sizes.append(len(tensors))
            seen.update(tensors)
            before = path
    assert before is not None and not before.exists()
    assert sizes == [2, 2, 1]  # 128 < 200 <= 256
    assert list(seen) == list(WEIGHTS)
    assert all(torch.equal(seen[name], WEIGHTS[name]) for name in WEIGHTS)


def test_tied_weights_are_sent_once_and_without_gradients() -> None:
    embedding = torch.nn.Parameter(torch.arange(6.0).reshape(2, 3))
    with SharedSender([("embed", embedding), ("head", embedding), ("turned", embedding.t())]) as sender:
        tensors = load_file(str(sender.next()))
    assert sorted(tensors) == ["embed", "turned"]
    assert tensors["turned"].tolist() == [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]


def test_a_transfer_that_fails_leaves_no_file() -> None:
    with pytest.raises(ZeroDivisionError), SharedSender(WEIGHTS.items(), chunk=1) as sender:
        path = Path(str(sender.next()))
        assert path.exists()
        raise ZeroDivisionError
    assert not path.exists()


def test_without_room_in_shared_memory_files_are_temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(transfer, "SHARED", tmp_path / "none")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with SharedSender(WEIGHTS.items()) as sender:
        assert Path(str(sender.next())).parent == tmp_path


def test_every_engine_has_its_own_ranks() -> None:
    """Rank 0 is the learner's; two GPUs an engine: 1 and 2, 3 and 4, 5 and 6."""
    calls: list[tuple[str, list[tuple[Any, ...]]]] = []
    client = EngineCalls(lambda method, arguments: calls.append((method, arguments)), engines=3, tensor_parallel=2)
    client.version = 7
    client.init_weight_transfer_engine({"rank_offset": 1, "world_size": 7})
    client.init_weight_transfer_engine({"packed": True})
    client.start_weight_update()
    client.update_weights({"names": ["a"]})
    client.finish_weight_update()
    assert calls == [
        ("init_transfer", [({"rank_offset": rank, "world_size": 7},) for rank in (1, 3, 5)]),
        ("init_transfer", [({"packed": True},)] * 3),
        ("begin_update", [()] * 3),
        ("receive", [({"names": ["a"]},)] * 3),
        ("end_update", [(7,)] * 3),
    ]


def test_a_source_describes_what_it_yields() -> None:
    passes = []

    def weights() -> Iterator[tuple[str, Tensor]]:
        passes.append(1)
        yield from WEIGHTS.items()

    source = Source(weights, torch.bfloat16)
    for _ in range(2):
        described = source.metadata()
    assert described == [(name, torch.bfloat16, (4, 8)) for name in WEIGHTS]
    assert len(passes) == 1
    assert [(name, tensor.dtype) for name, tensor in source] == [(name, torch.bfloat16) for name in WEIGHTS]


def test_buffer_size_holds_the_largest_weight() -> None:
    """The embeddings of Qwen2.5-VL-7B do not fit into vLLM's default of 1 GiB, and it splits no weight."""
    embeddings = torch.empty(152064, 3584, device="meta")
    source = Source(lambda: [("norm", embeddings[0]), ("embed", embeddings)], torch.bfloat16)
    assert buffer_size(source) == 152064 * 3584 * 2 == 1_089_994_752 > 2**30
    assert buffer_size(Source(WEIGHTS.items, torch.bfloat16)) == 2**30
