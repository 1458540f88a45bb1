"""The model laid out for training (FSDP2, bfloat16 over float32 weights, activation checkpointing)."""

from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch._C._distributed_c10d import HashStore
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.utils.checkpoint import checkpoint

from agents.models.families import layers, vision, vision_layers
from agents.models.vlm import VLM


def freeze_vision(model: Any) -> None:
    """Leave the vision tower, and what only images pass, as it is."""
    for part in vision(model):
        part.requires_grad_(False)


def recompute_layers(model: Any) -> None:
    """Let every layer keep its input only and compute the rest again in the backward pass (arXiv 1604.06174)."""
    for layer in (*layers(model), *vision_layers(model)):
        layer.forward = partial(checkpoint, layer.forward, use_reentrant=False, preserve_rng_state=False)


def mesh_of_one(device: torch.device) -> DeviceMesh:
    """This process alone; for bfloat16 with master weights, which FSDP keeps."""
    if not dist.is_initialized():
        backend = "nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(backend, store=HashStore(), rank=0, world_size=1)
    return init_device_mesh(device.type, (1,))


def shard(vlm: VLM, mesh: DeviceMesh, dtype: str) -> None:
    """Spread the weights over the ranks of a mesh; each layer is gathered when it is its turn.

    With bfloat16 the gathered weights and the activations are bfloat16; the spread ones, the gradients and their sums
    over ranks are float32.
    """
    policy = MixedPrecisionPolicy()
    if dtype == "bfloat16":
        policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    for layer in (*layers(vlm.model), *vision_layers(vlm.model)):
        fully_shard(layer, mesh=mesh, mp_policy=policy)
    fully_shard(vlm, mesh=mesh, mp_policy=policy)


def give_back(vlm: VLM) -> None:
    """Drop gathered weights that a pass without gradients has left."""
    for module in vlm.modules():
        if isinstance(module, FSDPModule):
            module.reshard()
