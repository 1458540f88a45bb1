"""Model setup for training: FSDP2, bfloat16 with float32 master weights, activation checkpointing."""

from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch._C._distributed_c10d import HashStore
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.utils.checkpoint import checkpoint

from agents.models.families import layers, vision, vision_layers
from agents.models.vlm import VLM


def freeze_vision(model: Any) -> None:
    """Freeze the vision tower and all other image-only parameters."""
    for part in vision(model):
        part.requires_grad_(False)


def recompute_layers(model: Any) -> None:
    """Enable activation checkpointing in every layer (arXiv 1604.06174).

    A layer keeps only its input and computes its activations again in the backward pass.
    """
    for layer in (*layers(model), *vision_layers(model)):
        layer.forward = partial(checkpoint, layer.forward, use_reentrant=False, preserve_rng_state=False)


def mesh_of_one(device: torch.device) -> DeviceMesh:
    """Return a mesh of this process only. FSDP then keeps float32 master weights for bfloat16."""
    if not dist.is_initialized():
        backend = "nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(backend, store=HashStore(), rank=0, world_size=1)
    return init_device_mesh(device.type, (1,))


def store_frozen(model: Any, dtype: torch.dtype) -> None:
    """Store the frozen weights in the dtype of computation. They are computed with in that dtype anyway."""
    for parameter in model.parameters():
        if not parameter.requires_grad:
            parameter.data = parameter.data.to(dtype)


def shard(vlm: VLM, mesh: DeviceMesh, dtype: str) -> None:
    """Shard the weights over the ranks of a mesh. Each layer is gathered before it is computed.

    With bfloat16, gathered weights and activations are bfloat16. Sharded weights, gradients and their sums over ranks
    are float32. All ranks get the weights of the first one, whose model is in main memory. They reach the devices of
    the mesh layer by layer, so that no device ever holds the whole model.

    Args:
        vlm: Model to shard in place. On other ranks than the first, it may be on the meta device.
        mesh: One-dimensional mesh of the ranks.
        dtype: `float32` or `bfloat16`.
    """
    policy = MixedPrecisionPolicy()
    if dtype == "bfloat16":
        policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    whole = {name: parameter.detach() for name, parameter in vlm.named_parameters()}  # sharding replaces their data
    for layer in (*layers(vlm.model), *vision_layers(vlm.model)):
        fully_shard(layer, mesh=mesh, mp_policy=policy)
    fully_shard(vlm, mesh=mesh, mp_policy=policy)
    if mesh.size() > 1:
        _distribute(vlm, mesh, whole)


@torch.no_grad()
def _distribute(vlm: VLM, mesh: DeviceMesh, whole: dict[str, Tensor]) -> None:
    """Send every rank its shards of the first rank's weights, and its buffers, one tensor at a time.

    Args:
        vlm: Sharded model.
        mesh: Mesh of the ranks.
        whole: Weights before sharding by name; only the first rank's are used.
    """
    first = mesh.get_local_rank() == 0
    device = torch.device(mesh.device_type)
    if not first:
        vlm.to_empty(device=device)
    for name, parameter in vlm.named_parameters():
        assert isinstance(parameter, DTensor)
        weight = (
            whole.pop(name).to(device) if first else torch.empty(parameter.shape, dtype=parameter.dtype, device=device)
        )
        parameter.copy_(distribute_tensor(weight, mesh, parameter.placements))
    for buffer in vlm.buffers():
        dist.broadcast(buffer, group=mesh.get_group(), group_src=0)


def give_back(vlm: VLM) -> None:
    """Free the gathered weights that a pass without gradients leaves."""
    for module in vlm.modules():
        if isinstance(module, FSDPModule):
            module.reshard()
