"""A learner rank as a plain object, without Ray."""

from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("ray")

from agents.engines.config import VLLMConfig
from training.cluster.ray.actors import LearnerRank


def test_send_closes_the_connection_to_engines_of_which_one_was_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[tuple[str, int]] = []

    class Sender:
        def __init__(self, *arguments: Any) -> None:
            self.number = sum(event == "open" for event, _ in events)
            events.append(("open", self.number))

        def send(self, version: int) -> None:
            events.append(("send", self.number))

        def close(self) -> None:
            events.append(("close", self.number))

    monkeypatch.setattr("agents.engines.transfer.DirectSender", Sender)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # the rank sets it
    rank = LearnerRank(0, 1, gpu=False)
    rank.learner = SimpleNamespace(weights=list)
    first, second, new = (SimpleNamespace(_actor_id=number) for number in range(3))
    for version, engines in enumerate(([first, second], [first, second], [first, new])):
        rank.send(engines, VLLMConfig(transfer="nccl"), ("127.0.0.1", 1), version)
    assert events == [("open", 0), ("send", 0), ("send", 0), ("close", 0), ("open", 1), ("send", 1)]
