"""What runs inside vLLM's own processes: named to vLLM as its worker extension, imported there and nowhere else.

Importing it registers the `shared` weight transfer, so nothing has to be installed as a plugin.
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
    """Some of the weights: a safetensors file in shared memory."""

    path: str


class SharedTransfer:
    """vLLM's weight transfer interface over safetensors files, for weights that come through host memory.

    It is no subclass of vLLM's base class, whose `update_weights` synchronises an accelerator that a CPU has not.
    """

    supports_draft_weight_update = False
    defers_processing = False

    def __init__(self, config: Any, vllm_config: Any, device: torch.device, model: torch.nn.Module) -> None:
        self.model: Any = model
        self.model_config = vllm_config.model_config
        self.device = device
        self._expected = {name for name, _ in model.named_parameters()}  # tied ones once
        self._loaded: set[str] | None = set()  # None: this model does not say

    def parse_init_info(self, info: dict[str, Any]) -> dict[str, Any]:
        """There is nothing to agree on."""
        return info

    def init_transfer_engine(self, info: dict[str, Any]) -> None:
        """There is nobody to meet."""

    def reset_weight_update_target(self) -> None:
        """There is one model only."""

    def start_weight_update(self) -> None:
        """Make ready for weights under the checkpoint's names."""
        self._loaded = set()
        initialize_layerwise_reload(self.model)

    def update_weights(self, info: dict[str, Any]) -> None:
        """Load one file. vLLM may hold on to its tensors until a layer is whole: they outlive the file's name."""
        with safe_open(_Chunk(**info).path, "pt", device="cpu") as file:
            loaded = self.model.load_weights((name, file.get_tensor(name)) for name in file.keys())
        self._loaded = None if loaded is None or self._loaded is None else self._loaded | loaded

    def finish_weight_update(self) -> None:
        """Put the new weights in place; RuntimeError where some did not come, which would leave old ones among them."""
        finalize: Any = finalize_layerwise_reload
        finalize(self.model, self.model_config)
        if self.device.type == "cpu":  # a tied head has a packed copy of the embeddings, which nobody packed again
            for layer in self.model.modules():
                if isinstance(layer, ParallelLMHead):
                    layer.quant_method.process_weights_after_loading(layer)
        if self._loaded is not None and (missing := sorted(self._expected - self._loaded)):
            raise RuntimeError(
                f"a weight update left {len(missing)} of {len(self._expected)} weights old, as {missing[0]}"
            )
        if self.device.type != "cpu":
            torch.accelerator.synchronize()

    def shutdown(self) -> None:
        """Nothing is held."""


WeightTransferEngineFactory.register_engine("shared", cast(Any, SharedTransfer))


class WorkerExtension:
    """Methods that vLLM's worker gains."""

    def forbid_tokens(self, ids: list[int]) -> None:
        """Take tokens out of every distribution, before temperature and log-probs: they can never be sampled.

        At the logits, because `allowed_token_ids` sends and unpacks the rest of the vocabulary with every request.
        """
        runner: Any = self.model_runner  # type: ignore[attr-defined]
        model = runner.model
        compute = model.compute_logits
        forbidden = torch.tensor(ids, dtype=torch.long, device=runner.device)

        def compute_logits(*args: Any, **kwargs: Any) -> Tensor | None:
            logits: Tensor | None = compute(*args, **kwargs)  # None on the ranks that do not sample
            return None if logits is None else logits.index_fill_(-1, forbidden, float("-inf"))

        model.compute_logits = compute_logits
