"""Settings of the engines. This module imports no engine."""

import importlib.util
from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le

from configs.schema import Settings
from configs.types import NonNegativeInt, PositiveFloat, PositiveInt

SERVER = "api:"
"""Start of the name of a policy on an OpenAI-compatible server; the name of its model follows."""

SHARE = 0.85
"""Fraction of a GPU's memory for a vLLM engine without `gpu_memory`, at most."""


@dataclass
class VLLMConfig(Settings):
    """Settings of the vLLM engine."""

    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Data type of weights and activations: float32, bfloat16, or auto (bfloat16 on a GPU, float32 on a CPU)."""
    max_sequences: PositiveInt = 256
    """Maximum number of replies generated at once. Further replies wait."""
    gpu_memory: Annotated[float, Gt(0), Le(1)] | None = None
    """Fraction of each GPU's memory for weights and KV cache together. null: 0.85, or less if the engine shares the GPU
    with a learner that needs more."""
    cpu_cache_gb: PositiveFloat = 1.0
    """KV cache size on a CPU, in GB."""
    cpu_threads: PositiveInt = 1
    """Number of engine threads on a CPU."""
    tensor_parallel: PositiveInt = 1
    """Number of GPUs that share one engine's weights."""
    eager: bool = False
    """Disable CUDA graphs: faster start, slower generation. Always on for a CPU."""
    sleep: Annotated[int, Ge(0), Le(2)] = 0
    """Sleep level while a learner uses the same GPU. 0: stay awake, or 2 if the engine shares the GPU with a learner.
    1: free the KV cache and move the weights to host memory. 2: free both; the learner sends new weights anyway. On a
    CPU, a sleeping engine keeps its memory."""
    transfer: Literal["shared", "nccl", "ipc"] = "shared"
    """Transfer of new weights: shared (file in shared memory), nccl (between GPUs) or ipc (learner on the same GPU)."""
    max_pixels: NonNegativeInt = 0
    """Maximum number of pixels of an image. Larger images are refused. vLLM reserves memory for the largest image of a
    Qwen model, so a small value leaves more for the KV cache. 0: the model's limit, 12.8 million for Qwen2.5-VL."""


@dataclass
class ServerConfig(Settings):
    """Settings of an OpenAI-compatible server. The API key is read from the environment and never stored."""

    url: str = ""
    """API address, such as http://localhost:8000/v1. Empty: $OPENAI_BASE_URL, else OpenAI's API."""
    key: str = "OPENAI_API_KEY"
    """Name of the environment variable with the API key. Not needed for a server without keys."""
    concurrency: PositiveInt = 16
    """Maximum number of concurrent requests."""
    timeout: PositiveFloat = 120.0
    """Request timeout in seconds."""
    retries: NonNegativeInt = 6
    """Number of retries of a failed request, with exponential backoff. A server's Retry-After is respected."""

    def __post_init__(self) -> None:
        """Check the values, the address and the name of the variable."""
        super().__post_init__()
        if self.url and not self.url.startswith(("http://", "https://")):
            raise ValueError(f"url must begin with http:// or https://, got {self.url!r}")
        if not self.key.isidentifier():  # probably the key itself, which must not be printed
            raise ValueError("key must be the name of an environment variable, such as OPENAI_API_KEY, not the key")


@dataclass
class EngineConfig(Settings):
    """Settings of generation."""

    kind: Literal["auto", "transformers", "vllm"] = "auto"
    """Engine: transformers, vllm, or auto (vllm if it is installed and there is a GPU, else transformers)."""
    max_context: NonNegativeInt = 0
    """Maximum number of tokens of a prompt and its reply together; 0: the model's own limit."""
    max_batch: PositiveInt = 64
    """Maximum batch size of the transformers engine. Larger batches are split."""
    threads: PositiveInt = 2
    """Number of batches that the transformers engine generates in parallel. It changes replies by rounding only."""
    vllm: VLLMConfig = field(default_factory=VLLMConfig)
    """Settings of the vLLM engine."""
    server: ServerConfig = field(default_factory=ServerConfig)
    """Settings of the server of policies and teachers api:MODEL."""

    @property
    def chosen(self) -> str:
        """Engine after resolving auto: transformers or vllm."""
        if self.kind != "auto":
            return self.kind
        import torch

        return "vllm" if torch.cuda.is_available() and importlib.util.find_spec("vllm") else "transformers"
