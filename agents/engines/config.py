"""Engines generate tokens for prompts; all of them speak this small interface."""

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from agents.engines.vllm_config import VLLMConfig
from configs.errors import suggest

if TYPE_CHECKING:
    import torch

    from agents.models.load import LoadedModel

KINDS = ("auto", "transformers", "vllm")


@dataclass
class ServerConfig:
    """An OpenAI-compatible server: how it is asked. Its key comes from the environment and is kept nowhere."""

    url: str = ""
    """Where its API is, such as http://localhost:8000/v1; empty: $OPENAI_BASE_URL, else OpenAI's own."""
    key: str = "OPENAI_API_KEY"
    """Name of the environment variable that holds the key; a server without keys needs none."""
    concurrency: int = 16
    """Requests under way at once."""
    timeout: float = 120.0
    """Seconds after which a request has failed."""
    retries: int = 6
    """Times that a failed request is sent again, after waits that double; a server's Retry-After is heeded."""

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        if self.concurrency < 1:
            raise ValueError(f"concurrency must be at least 1, got {self.concurrency}")
        if not self.timeout > 0:
            raise ValueError(f"timeout must be greater than 0, got {self.timeout}")
        if self.retries < 0:
            raise ValueError(f"retries must not be negative, got {self.retries}")
        if self.url and not self.url.startswith(("http://", "https://")):
            raise ValueError(f"url must begin with http:// or https://, got {self.url!r}")
        if not self.key.isidentifier():  # somebody's key by mistake: it must not be shown
            raise ValueError("key must be the name of an environment variable, such as OPENAI_API_KEY, not the key")


@dataclass
class EngineConfig:
    """How replies are generated."""

    kind: str = "auto"
    """Which engine generates: transformers, vllm, or auto: vllm where it is installed and there is a GPU, else
    transformers."""
    max_context: int = 0
    """Tokens that a prompt and its reply may have together; 0: as many as the model allows."""
    max_batch: int = 64
    """Sequences in one batch of the transformers engine; more are generated in several batches."""
    threads: int = 2
    """Batches generated side by side by the transformers engine; replies depend on it by rounding only."""
    vllm: VLLMConfig = field(default_factory=VLLMConfig)
    """The vLLM engine."""
    server: ServerConfig = field(default_factory=ServerConfig)
    """The server that policy=api:MODEL evaluates."""

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        if self.kind not in KINDS:
            raise ValueError(suggest("kind", self.kind, KINDS))
        for key in ("max_batch", "threads"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key} must be at least 1, got {getattr(self, key)}")
        if self.max_context < 0:
            raise ValueError(f"max_context must not be negative, got {self.max_context}")

    @property
    def chosen(self) -> str:
        """The kind, decided: transformers or vllm."""
        if self.kind != "auto":
            return self.kind
        import torch

        return "vllm" if torch.cuda.is_available() and importlib.util.find_spec("vllm") else "transformers"


@dataclass(frozen=True)
class Message:
    """One message of a conversation, in words: what an OpenAI-compatible server is sent."""

    role: Literal["user", "assistant"]
    text: str
    image: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Prompt:
    """A context to go on from."""

    tokens: NDArray[np.int32]
    """[T], expanded, as the model sees it: one image placeholder for every visual token."""
    collapsed: NDArray[np.int32]
    """[C], one placeholder an image: for engines that expand images themselves (vLLM)."""
    images: tuple[NDArray[np.uint8], ...]
    """Frames [H, W, 3] in the order of their placeholders."""
    image_ids: tuple[str, ...]
    """A hash of each frame, in the same order."""
    seed: int
    """Seeds the sampling of this reply, whatever else is in the batch."""
    max_tokens: int
    """Longest reply, in tokens."""
    messages: tuple[Message, ...] = ()
    """The same in words."""


@dataclass(frozen=True)
class Completion:
    """A sampled reply."""

    tokens: NDArray[np.int32]
    """[R], the end token included where it was sampled."""
    logprobs: NDArray[np.float32]
    """[R], of each sampled token under the distribution that it was sampled from."""
    finished: bool
    """Whether the end token came before the limit."""
    versions: NDArray[np.int32]
    """[R], the version of the weights that sampled each token."""
    text: str | None = None
    """The reply in words, from an engine that gives no tokens."""
    count: int = 0
    """Tokens of such a reply, as its server counts them; 0 where it does not say."""


class ContextFull(Exception):  # noqa: N818  (how an episode may end, no fault)
    """A prompt and its reply do not fit the engine's context; the text says by how much."""


class EngineDead(RuntimeError):  # noqa: N818  (what has happened to it)
    """The process that generates has died: only another engine helps."""


class Engine(Protocol):
    """Generates replies, and takes new weights."""

    version: int
    """Of the newest weights loaded."""
    max_context: int | None
    """Prompt and reply together may have so many tokens; None: no limit is known."""

    async def generate(self, prompt: Prompt, temperature: float) -> Completion:
        """The reply to a prompt; temperature 0 is greedy. Many calls run at once.

        Raises:
            ContextFull: a server says that it is too long; of other engines `max_context` is asked before.
            EngineDead: the engine's process has died.
        """
        ...

    async def load_weights(self, weights: Iterable[tuple[str, "torch.Tensor"]], version: int) -> None:
        """Take new weights: full tensors by their transformers names."""
        ...

    async def sleep(self) -> None:
        """Give the device's memory away while a learner on it works."""
        ...

    async def wake(self) -> None:
        """Take the memory back."""
        ...

    async def close(self) -> None:
        """Stop for good."""
        ...


async def make_engine(path: str, config: EngineConfig, model: "LoadedModel | None" = None) -> Engine:
    """The engine that a config asks for, with the weights of `path` (as `ModelConfig.path`).

    The transformers engine generates with `model`, where one is given, instead of a copy of its own.
    """
    if config.chosen == "vllm":
        from agents.engines.vllm import VLLMEngine

        return await VLLMEngine.start(path, config)
    from agents.engines.transformers import TransformersEngine
    from agents.models.load import best_device, load_model

    model = model or load_model(path)
    model.vlm.to(best_device())
    engine = TransformersEngine(model.vlm, model.chat.eos, config)
    engine.max_context = min(filter(None, (config.max_context, engine.max_context)), default=None)
    return engine
