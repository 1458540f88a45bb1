"""Settings of the engines. This module imports no engine."""

import importlib.util
from dataclasses import dataclass, field

from configs.errors import suggest

KINDS = ("auto", "transformers", "vllm")
DTYPES = ("auto", "float32", "bfloat16")
TRANSFERS = ("shared", "nccl", "ipc")


@dataclass
class VLLMConfig:
    """Settings of the vLLM engine."""

    dtype: str = "auto"
    """Data type of weights and activations: float32, bfloat16, or auto (bfloat16 on a GPU, float32 on a CPU)."""
    max_sequences: int = 256
    """Maximum number of replies generated at once. Further replies wait."""
    gpu_memory: float = 0.85
    """Fraction of each GPU's memory for weights and KV cache together."""
    cpu_cache_gb: float = 1.0
    """KV cache size on a CPU, in GB."""
    cpu_threads: int = 1
    """Number of engine threads on a CPU."""
    tensor_parallel: int = 1
    """Number of GPUs that share one engine's weights."""
    eager: bool = False
    """Disable CUDA graphs: faster start, slower generation. Always on for a CPU."""
    sleep: int = 0
    """Sleep level while a learner uses the same GPU. 0: stay awake. 1: free the KV cache and move the weights to host
    memory. 2: free both; new weights must be loaded after waking. No effect on a CPU."""
    transfer: str = "shared"
    """Transfer of new weights: shared (file in shared memory), nccl (between GPUs) or ipc (learner on the same GPU)."""

    def __post_init__(self) -> None:
        """Reject invalid values."""
        for key, allowed in (("dtype", DTYPES), ("transfer", TRANSFERS), ("sleep", (0, 1, 2))):
            if getattr(self, key) not in allowed:
                raise ValueError(f"{key} must be one of {', '.join(map(str, allowed))}, got {getattr(self, key)!r}")
        for key in ("max_sequences", "cpu_threads", "tensor_parallel"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key} must be at least 1, got {getattr(self, key)}")
        if not 0 < self.gpu_memory <= 1:
            raise ValueError(f"gpu_memory must be above 0 and at most 1, got {self.gpu_memory}")
        if self.cpu_cache_gb <= 0:
            raise ValueError(f"cpu_cache_gb must be above 0, got {self.cpu_cache_gb}")


@dataclass
class ServerConfig:
    """Settings of an OpenAI-compatible server. The API key is read from the environment and never stored."""

    url: str = ""
    """API address, such as http://localhost:8000/v1. Empty: $OPENAI_BASE_URL, else OpenAI's API."""
    key: str = "OPENAI_API_KEY"
    """Name of the environment variable with the API key. Not needed for a server without keys."""
    concurrency: int = 16
    """Maximum number of concurrent requests."""
    timeout: float = 120.0
    """Request timeout in seconds."""
    retries: int = 6
    """Number of retries of a failed request, with exponential backoff. A server's Retry-After is respected."""

    def __post_init__(self) -> None:
        """Reject invalid values."""
        if self.concurrency < 1:
            raise ValueError(f"concurrency must be at least 1, got {self.concurrency}")
        if not self.timeout > 0:
            raise ValueError(f"timeout must be greater than 0, got {self.timeout}")
        if self.retries < 0:
            raise ValueError(f"retries must not be negative, got {self.retries}")
        if self.url and not self.url.startswith(("http://", "https://")):
            raise ValueError(f"url must begin with http:// or https://, got {self.url!r}")
        if not self.key.isidentifier():  # probably the key itself, which must not be printed
            raise ValueError("key must be the name of an environment variable, such as OPENAI_API_KEY, not the key")


@dataclass
class EngineConfig:
    """Settings of generation."""

    kind: str = "auto"
    """Engine: transformers, vllm, or auto (vllm if it is installed and there is a GPU, else transformers)."""
    max_context: int = 0
    """Maximum number of tokens of a prompt and its reply together; 0: the model's own limit."""
    max_batch: int = 64
    """Maximum batch size of the transformers engine. Larger batches are split."""
    threads: int = 2
    """Number of batches that the transformers engine generates in parallel. It changes replies by rounding only."""
    vllm: VLLMConfig = field(default_factory=VLLMConfig)
    """Settings of the vLLM engine."""
    server: ServerConfig = field(default_factory=ServerConfig)
    """Settings of the server that policy=api:MODEL evaluates."""

    def __post_init__(self) -> None:
        """Reject invalid values."""
        if self.kind not in KINDS:
            raise ValueError(suggest("kind", self.kind, KINDS))
        for key in ("max_batch", "threads"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key} must be at least 1, got {getattr(self, key)}")
        if self.max_context < 0:
            raise ValueError(f"max_context must not be negative, got {self.max_context}")

    @property
    def chosen(self) -> str:
        """Engine after resolving auto: transformers or vllm."""
        if self.kind != "auto":
            return self.kind
        import torch

        return "vllm" if torch.cuda.is_available() and importlib.util.find_spec("vllm") else "transformers"
