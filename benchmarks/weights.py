"""Time of a weight update of a vLLM engine, compared with a plain copy of the same bytes.

    python -m benchmarks.weights [REPEATS]

Runs on a CPU with the embedded model and an untrained model of the same kind with 41 million parameters. An update is
everything between two replies: pause, drop the caches, write the weights to shared memory, load them, check the version
and continue. Its parts are measured in the same runs. The copy is `Tensor.copy_` from the learner's weights to memory
that was written before.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import asyncio
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForImageTextToText

from agents.engines.config import EngineConfig
from agents.engines.transfer import SharedSender
from agents.engines.vllm import VLLMEngine
from agents.models.load import wrap
from agents.models.tiny import build_config, build_processor

SIZES: dict[str, dict[str, int]] = {
    "embedded": {},
    "41M": {
        "hidden_size": 512,
        "intermediate_size": 1536,
        "num_hidden_layers": 12,
        "num_attention_heads": 8,
        "num_key_value_heads": 8,
        "head_dim": 64,
    },
}
PARTS = ("begin_update", "write", "receive", "end_update")


async def measure(name: str, repeats: int) -> None:
    """Measure one model and print its part of the table."""
    processor = build_processor()
    config = build_config(processor.tokenizer)
    for key, value in SIZES[name].items():
        setattr(config.text_config, key, value)
    model = AutoModelForImageTextToText.from_config(config, dtype=torch.float32)
    weights = dict(model.named_parameters())
    size = sum(weight.nbytes for weight in weights.values()) / 1e9
    copies = {key: torch.zeros_like(weight, requires_grad=False) for key, weight in weights.items()}
    with tempfile.TemporaryDirectory() as folder:
        wrap(model, processor).save(Path(folder))
        engine = await VLLMEngine.start(folder, EngineConfig("vllm", max_context=1024))
    parts: dict[str, list[float]] = defaultdict(list)
    copied, updated = [], []
    for repeat in range(repeats + 1):  # the first repeat is a warm-up and is not counted
        started = time.perf_counter()
        with torch.no_grad():
            for key, weight in weights.items():
                copies[key].copy_(weight)
        between = time.perf_counter()
        with watched(engine, parts):
            await engine.load_weights(weights.items(), repeat + 1)
        ended = time.perf_counter()
        copied.append(between - started)
        updated.append(ended - between)
    await engine.close()
    ratios = [update / copy for update, copy in zip(updated[1:], copied[1:], strict=True)]
    print(f"{name}: {size * 1000:.1f} MB, {repeats} updates of {len(weights)} tensors")
    print(f"  update {spread([seconds * 1000 for seconds in updated[1:]])} ms, "
          f"{spread([seconds / size for seconds in updated[1:]])} s/GB")  # fmt: skip
    print(f"  copy   {spread([seconds * 1000 for seconds in copied[1:]])} ms, "
          f"{spread([seconds / size for seconds in copied[1:]])} s/GB")  # fmt: skip
    print(f"  ratio  {spread(ratios)}")
    shares = ", ".join(f"{part} {statistics.median(parts[part][1:]) * 1000:.1f} ms" for part in PARTS)
    print(f"  parts  {shares}", flush=True)


class watched:  # noqa: N801  (reads as a verb)
    """Context that measures the parts of an update.

    Args:
        engine: Engine to measure.
        parts: Seconds by part, to which the context appends.
    """

    def __init__(self, engine: VLLMEngine, parts: dict[str, list[float]]) -> None:
        self.engine: Any = engine
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self.parts = parts

    def __enter__(self) -> None:
        for part in ("begin_update", "receive", "end_update"):
            setattr(self.engine, part, self._timed(part, getattr(type(self.engine), part)))
        write = SharedSender.next

        def timed(sender: SharedSender) -> str | None:
            started = time.perf_counter()
            try:
                return write(sender)
            finally:
                self.seconds["write"] += time.perf_counter() - started

        SharedSender.next = timed  # type: ignore[method-assign]
        self.write = write

    def _timed(self, part: str, method: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def timed(*arguments: Any) -> None:
            started = time.perf_counter()
            await method(self.engine, *arguments)
            self.seconds[part] += time.perf_counter() - started

        return timed

    def __exit__(self, *error: object) -> None:
        SharedSender.next = self.write  # type: ignore[method-assign]
        for part in ("begin_update", "receive", "end_update"):
            delattr(self.engine, part)
        for part in PARTS:
            self.parts[part].append(self.seconds[part])


def spread(numbers: list[float]) -> str:
    """Return median, minimum and maximum as text."""
    return f"{statistics.median(numbers):.3g} ({min(numbers):.3g} to {max(numbers):.3g})"


def main() -> None:
    """Measure all models."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    for name in SIZES:
        asyncio.run(measure(name, repeats))


if __name__ == "__main__":
    main()
