"""LoRA adapters (arXiv 2106.09685) in the language model's linear layers, from PEFT."""

import importlib.util
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from agents.models.families import language_model
from configs.errors import install_command


def check(rank: int) -> None:
    """Raise ValueError if adapters of this rank need PEFT and it is not installed."""
    if rank and importlib.util.find_spec("peft") is None:
        raise ValueError(f"learner.lora_rank={rank} needs PEFT: {install_command('lora')}")


def inject(model: Any, rank: int, alpha: int) -> None:
    """Add LoRA adapters to every linear layer of the language model, and freeze all other weights.

    The adapters start as zero functions, with the same weights on every rank.

    Args:
        model: Model to change in place.
        rank: Rank of the adapters.
        alpha: Numerator of their scale, alpha / rank.

    Raises:
        ValueError: PEFT is not installed.
    """
    check(rank)
    from peft import LoraConfig, inject_adapter_in_model

    inside = {id(module) for module in language_model(model).modules()}
    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear) and id(module) in inside]
    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=alpha, target_modules=linear), model)
    generator = torch.Generator().manual_seed(0)
    for name, parameter in model.named_parameters():
        if ".lora_A." in name:  # as in PEFT, but without the global random generator
            fresh = torch.empty(parameter.shape)
            nn.init.kaiming_uniform_(fresh, a=math.sqrt(5), generator=generator)
            parameter.data.copy_(fresh)


def full(parameter: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Return the full parameter, gathered from the ranks if it is sharded. All ranks must then call."""
    own = parameter.detach() if dtype is None else parameter.detach().to(dtype)
    return own.full_tensor() if isinstance(own, DTensor) else own


def merged_weights(model: Any, scale: float, dtype: torch.dtype) -> Iterator[tuple[str, Tensor]]:
    """Yield every full weight of a model with its name in transformers. Tied weights occur once.

    Args:
        model: Model, with or without LoRA adapters.
        scale: Factor of the adapters when they are merged into the weights.
        dtype: Dtype of the weights.
    """
    named = dict(model.named_parameters())
    for name, parameter in named.items():
        if ".lora_" in name:
            continue
        layer, base, kind = name.partition(".base_layer.")
        if base and kind == "weight":
            down, up = full(named[f"{layer}.lora_A.default.weight"]), full(named[f"{layer}.lora_B.default.weight"])
            yield f"{layer}.weight", (full(parameter) + scale * (up @ down)).to(dtype)
        else:
            yield name.replace(".base_layer.", "."), full(parameter, dtype)


@torch.no_grad()
def take_weights(model: Any, source: Any) -> None:
    """Copy the weights of `source` into `model`, and set the LoRA adapters of `model` to zero."""
    weights = dict(source.named_parameters())
    for name, parameter in model.named_parameters():
        if ".lora_B." in name:
            parameter.zero_()
        elif ".lora_" not in name:
            weight = weights[name.replace(".base_layer.", ".")].to(parameter)
            if isinstance(parameter, DTensor):  # every rank has the full weight and takes its shard
                weight = distribute_tensor(weight, parameter.device_mesh, parameter.placements, src_data_rank=None)
            parameter.copy_(weight)
