"""What vLLM is told; apart from the engine so that reading it imports nothing."""

from dataclasses import dataclass

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
