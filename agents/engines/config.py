"""How replies are generated: the settings of the engines, apart from them so that reading these imports nothing."""

import importlib.util
from dataclasses import dataclass, field

from configs.errors import suggest

KINDS = ("auto", "transformers", "vllm")
DTYPES = ("auto", "float32", "bfloat16")
TRANSFERS = ("shared", "nccl", "ipc")


@dataclass
class VLLMConfig:
    """The vLLM engine."""

    dtype: str = "auto"
    """Of weights and activations: float32, bfloat16, or auto: bfloat16 on a GPU, float32 on a CPU."""
    max_sequences: int = 256
    """Replies generated at one time; more wait."""
    gpu_memory: float = 0.85
    """Share of each GPU's memory that weights and KV cache may take together."""
    cpu_cache_gb: float = 1.0
    """KV cache on a CPU."""
    cpu_threads: int = 1
    """Threads of the engine on a CPU."""
    tensor_parallel: int = 1
    """GPUs that share one engine's weights."""
    eager: bool = False
    """No CUDA graphs: starts sooner, generates slower. A CPU is always eager."""
    sleep: int = 0
    """While a learner uses the same GPU: 0 stay; 1 give the KV cache away and keep the weights in host memory; 2 give
    both away, new weights come after waking. Nothing on a CPU."""
    transfer: str = "shared"
    """How new weights come: shared (a file in shared memory), nccl (between GPUs), ipc (a learner on the same GPU)."""

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        for key, allowed in (("dtype", DTYPES), ("transfer", TRANSFERS), ("sleep", (0, 1, 2))):
            if getattr(self, key) not in allowed:
                raise ValueError(f"{key} must be one of {', '.join(map(str, allowed))}, got {getattr(self, key)!r}")
        for key in ("max_sequences", "cpu_threads", "tensor_parallel"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key} must be at least 1, got {getattr(self, key)}")
        if not 0 < self.gpu_memory <= 1:
            raise ValueError(f"gpu_memory is a share, above 0 and at most 1, got {self.gpu_memory}")
        if self.cpu_cache_gb <= 0:
            raise ValueError(f"cpu_cache_gb must be above 0, got {self.cpu_cache_gb}")


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
