"""Worker extension: code that runs inside vLLM's own processes and is imported only there.

Importing it registers the `shared` weight transfer, so no plugin needs to be installed.
"""

from dataclasses import dataclass
from typing import Any, cast

import torch
from safetensors import safe_open
from torch import Tensor
from vllm.distributed.weight_transfer import WeightTransferEngineFactory
from vllm.model_executor.layers.vocab_parallel_embedding import ParallelLMHead
from vllm.model_executor.model_loader.reload import finalize_layerwise_reload, initialize_layerwise_reload


@dataclass(frozen=True)
class _Chunk:
    """Part of the weights: a safetensors file in shared memory."""

    path: str


class SharedTransfer:
    """vLLM's weight transfer interface for safetensors files in host memory.

    It does not derive from vLLM's base class: `update_weights` there synchronises an accelerator and fails on a CPU.
    """

    supports_draft_weight_update = False
    defers_processing = False

    def __init__(self, config: Any, vllm_config: Any, device: torch.device, model: torch.nn.Module) -> None:
        self.model: Any = model
        self.model_config = vllm_config.model_config
        self.device = device
        self._expected = {name for name, _ in model.named_parameters()}  # tied weights appear once
        self._loaded: set[str] | None = set()  # None: the model does not report loaded names

    def parse_init_info(self, info: dict[str, Any]) -> dict[str, Any]:
        """Return the info unchanged."""
        return info

    def init_transfer_engine(self, info: dict[str, Any]) -> None:
        """Do nothing: no connection is needed."""

    def reset_weight_update_target(self) -> None:
        """Do nothing: there is only one model."""

    def start_weight_update(self) -> None:
        """Prepare for weights under the checkpoint's names."""
        self._loaded = set()
        initialize_layerwise_reload(self.model)

    def update_weights(self, info: dict[str, Any]) -> None:
        """Load one file. vLLM may keep its tensors until a layer is complete, after the file is deleted."""
        with safe_open(_Chunk(**info).path, "pt", device="cpu") as file:
            loaded = self.model.load_weights((name, file.get_tensor(name)) for name in file.keys())
        self._loaded = None if loaded is None or self._loaded is None else self._loaded | loaded

    def finish_weight_update(self) -> None:
        """Activate the new weights; raise RuntimeError if some are missing, since old ones would remain."""
        finalize: Any = finalize_layerwise_reload
        finalize(self.model, self.model_config)
        if self.device.type == "cpu":  # a tied head keeps a packed copy of the embeddings
            for layer in self.model.modules():
                if isinstance(layer, ParallelLMHead):
                    layer.quant_method.process_weights_after_loading(layer)
        if self._loaded is not None and (missing := sorted(self._expected - self._loaded)):
            raise RuntimeError(
                f"a weight update missed {len(missing)} of {len(self._expected)} weights, such as {missing[0]}"
            )
        if self.device.type != "cpu":
            torch.accelerator.synchronize()

    def shutdown(self) -> None:
        """Do nothing: there are no resources to free."""


WeightTransferEngineFactory.register_engine("shared", cast(Any, SharedTransfer))


class WorkerExtension:
    """Methods added to vLLM's worker."""

    def forbid_tokens(self, ids: list[int]) -> None:
        """Exclude tokens from every distribution, before temperature and log-probs, so that they are never sampled.

        Masking logits is cheaper than `allowed_token_ids`, which sends the rest of the vocabulary with every request.
        """
        runner: Any = self.model_runner  # type: ignore[attr-defined]
        model = runner.model
        compute = model.compute_logits
        forbidden = torch.tensor(ids, dtype=torch.long, device=runner.device)

        def compute_logits(*args: Any, **kwargs: Any) -> Tensor | None:
            logits: Tensor | None = compute(*args, **kwargs)  # None on ranks that do not sample
            return None if logits is None else logits.index_fill_(-1, forbidden, float("-inf"))

        model.compute_logits = compute_logits
