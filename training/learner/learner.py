"""Learner: the model in training and its optimiser.

With a mesh, every rank calls the same methods with the same arguments and computes its part. Losses and metrics are
sums over a micro-batch, divided by counts of the whole minibatch. They do not depend on micro-batches or ranks.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh

from agents.models.vlm import VLM
from agents.seeds import mix
from training.algorithm.groups import Trajectory
from training.config.algo import AlgoConfig
from training.config.learner import LearnerConfig
from training.learner import export, forward, lora, state_files
from training.learner.exchange import exchanged
from training.learner.forward import Minibatch
from training.learner.fsdp import freeze_vision, give_back, mesh_of_one, recompute_layers, shard, store_frozen
from training.learner.packing import MicroBatch, plan

Gradients = tuple[Tensor | None, ...]
Scores = list[Sequence[Tensor | None]]
"""Log-probs [N] of the trained tokens for each minibatch and pass, or None."""


class Learner:
    """Trainer of one model with AdamW, one stage at a time."""

    def __init__(
        self,
        vlm: VLM,
        config: LearnerConfig,
        mesh: DeviceMesh | None = None,
        device: torch.device | None = None,
    ) -> None:
        """Prepare a model for training in place.

        Args:
            vlm: Model in main memory, from where it reaches a GPU layer by layer. All ranks get the first rank's
                weights, so the others need only a skeleton (`agents.models.load.load_skeleton`).
            config: Settings.
            mesh: One-dimensional mesh of the ranks that share the model. None is for a single process.
            device: Device to train on. None is the mesh's or the model's.
        """
        self.vlm = vlm
        self.config = config
        if config.freeze_vision:
            freeze_vision(vlm.model)
        if config.lora_rank:
            lora.inject(vlm.model, config.lora_rank, config.lora_alpha)
        if config.checkpointing:
            recompute_layers(vlm.model)
        if config.dtype != "float32":
            store_frozen(vlm.model, getattr(torch, config.dtype))
        self.device = device or (torch.device(mesh.device_type) if mesh else next(vlm.parameters()).device)
        self._alone = mesh is None and config.dtype != "float32" and not dist.is_initialized()
        if mesh is None and config.dtype != "float32":
            mesh = mesh_of_one(self.device)
        self.ranks, self.rank = (1, 0) if mesh is None else (mesh.size(), mesh.get_local_rank())
        self._group = None if mesh is None else mesh.get_group()
        self._disk = None  # a separate process group for checkpoints, so that they do not block gradients
        if mesh is None:
            vlm.to(self.device)
        else:
            shard(vlm, mesh, config.dtype)
            self._disk = dist.new_group(mesh.mesh.tolist(), backend="gloo")
        self._writer = state_files.Writer(self._disk)
        self._trained = {name: p for name, p in vlm.model.named_parameters() if p.requires_grad}
        self.parameters = list(self._trained.values())
        self._lanes = config.threads if mesh is None and self.device.type == "cpu" else 1
        self._pool = ThreadPoolExecutor(self._lanes, thread_name_prefix="learner")

    def begin_stage(self, algo: AlgoConfig, steps: int) -> None:
        """Create the optimiser of a stage with `steps` steps. The current weights become the reference for KL."""
        self.algo = algo
        self.steps = steps
        self.updates = 0
        self.optimizer = torch.optim.AdamW(
            self.parameters,
            lr=algo.lr,
            betas=(algo.beta1, algo.beta2),
            eps=algo.eps,
            weight_decay=algo.weight_decay,
            fused=True,
        )
        self._reference: dict[str, Tensor] = {}
        if algo.kl_coef:
            self._reference = {name: parameter.detach().clone() for name, parameter in self._trained.items()}

    def learning_rate(self, step: int) -> float:
        """Return the learning rate: linear warm-up by updates, linear decay by steps to `final_lr`."""
        warmup = min(1.0, (self.updates + 1) / max(1, self.algo.warmup_updates))
        decay = 1.0 - (1.0 - self.algo.final_lr) * min(1.0, step / max(1, self.steps))
        return self.algo.lr * warmup * decay

    # -- learning -----------------------------------------------------------------------------------------------------

    def update(self, trajectories: Sequence[Trajectory], step: int, seed: int) -> dict[str, float]:
        """Train on the trajectories once, in shuffled minibatches of equal size.

        A small last minibatch would be a noisy update of full size. All ranks skip a minibatch if its loss or gradient
        is not finite.

        Args:
            trajectories: Trajectories of one step.
            step: Step of the stage, for the learning rate and the order.
            seed: Seed of the order.

        Returns:
            Metrics: means over all trained tokens, and counts such as `updates` and `skipped_updates`.
        """
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        order = np.random.default_rng(mix(seed, step)).permutation(len(trajectories))
        parts = np.array_split(order, max(1, math.ceil(len(order) / self.algo.minibatch)))
        batches = [self._share([trajectories[i] for i in part]) for part in parts if len(part)]
        reference = self._reference_logprobs(batches)
        old = self._old_logprobs(batches)
        totals: dict[str, float] = {}
        norms: list[float] = []
        tokens, mismatch, learning_rate = 0.0, 0.0, self.learning_rate(step)
        for batch, old_logprobs, reference_logprobs in zip(batches, old, reference, strict=True):
            learning_rate = self.learning_rate(step)
            metrics, norm = self._learn(batch, old_logprobs, reference_logprobs, learning_rate)
            if not math.isfinite(norm):
                continue
            gap = metrics.pop("mismatch", 0.0)
            if not tokens:  # only before the first update do engine and learner have the same weights
                mismatch = gap
            tokens += batch.tokens
            norms.append(norm)
            for name, value in metrics.items():
                totals[name] = totals.get(name, 0.0) + value * batch.tokens
        result = {name: value / tokens for name, value in totals.items()} | {
            "grad_norm": float(np.mean(norms)) if norms else 0.0,
            "learning_rate": learning_rate,
            "updates": float(len(norms)),
            "skipped_updates": float(len(batches) - len(norms)),
            "trained_tokens": tokens,
        }
        if self.algo.loss != "cross_entropy":
            result["mismatch"] = mismatch
        if self.device.type == "cuda":
            result["peak_memory_gb"] = torch.cuda.max_memory_allocated() / 1e9
        return result

    def _share(self, trajectories: Sequence[Trajectory]) -> Minibatch:
        """Return a minibatch with the passes of this rank."""
        sizes = [forward.size(trajectory, self.vlm) for trajectory in trajectories]
        planned = plan(sizes, self.config.pack_tokens, self.config.pack_patches, self.ranks, self._lanes)
        tokens = sum(int(trajectory.sequence.loss_mask.sum()) for trajectory in trajectories)
        return Minibatch(trajectories, planned[self.rank], float(tokens))

    def _learn(
        self, batch: Minibatch, old: Sequence[Tensor | None], reference: Sequence[Tensor | None], learning_rate: float
    ) -> tuple[dict[str, float], float]:
        """Do one optimiser update. Return its metrics over all ranks and the gradient norm (nan if skipped)."""
        summed: dict[str, Tensor] = {}
        for gradients, metrics in self._computed(batch, zip(batch.passes, old, reference, strict=True)):
            for parameter, gradient in zip(self.parameters, gradients, strict=False):
                if gradient is None:
                    continue
                if parameter.grad is None:  # fused AdamW needs the parameter's layout, which convolution gradients lack
                    parameter.grad = torch.zeros_like(parameter)
                parameter.grad.add_(gradient)  # in the order of the passes, so that threads do not change the result
            for name, value in metrics.items():
                summed[name] = summed[name] + value if name in summed else value
        values = torch.stack(list(summed.values()))
        if self.ranks > 1:
            dist.all_reduce(values, group=self._group)
        result = dict(zip(summed, values.tolist(), strict=True))
        norm = float(lora.full(torch.nn.utils.clip_grad_norm_(self.parameters, self.algo.max_grad_norm)))
        if math.isfinite(norm) and math.isfinite(result["loss"]):  # equal on all ranks
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate
            self.optimizer.step()
            self.updates += 1
        else:
            norm = math.nan
        self.optimizer.zero_grad(set_to_none=True)
        return result, norm

    def _computed(
        self, batch: Minibatch, work: Iterable[tuple[MicroBatch, Tensor | None, Tensor | None]]
    ) -> Iterable[tuple[Gradients, dict[str, Tensor]]]:
        """Yield gradients and metrics of each pass. Without threads, add the gradients to the parameters directly."""

        def loss(part: MicroBatch, old: Tensor | None, reference: Tensor | None) -> tuple[Tensor, dict[str, Tensor]]:
            return forward.share_of_loss(self.vlm, batch, part, self.algo, old, reference)

        def apart(args: tuple[MicroBatch, Tensor | None, Tensor | None]) -> tuple[Gradients, dict[str, Tensor]]:
            own, metrics = loss(*args)
            return torch.autograd.grad(own, self.parameters, allow_unused=True), metrics

        def at_once(args: tuple[MicroBatch, Tensor | None, Tensor | None]) -> tuple[Gradients, dict[str, Tensor]]:
            own, metrics = loss(*args)
            (own * self.ranks).backward()  # FSDP averages over ranks
            return (), metrics

        return self._pool.map(apart, work) if self._lanes > 1 else map(at_once, work)

    # -- log-probs under old and reference weights --------------------------------------------------------------------

    def _old_logprobs(self, batches: Sequence[Minibatch]) -> Scores:
        """Return log-probs before the first update of the step, or None where the loss computes them anyway."""
        if self.algo.correction == "none" or len(batches) == 1:
            return [[None] * len(batch.passes) for batch in batches]
        return self._score(batches)

    def _reference_logprobs(self, batches: Sequence[Minibatch]) -> Scores:
        """Return log-probs under the weights at the start of the stage, or None without a KL term."""
        if not self._reference:
            return [[None] * len(batch.passes) for batch in batches]
        with exchanged(self._trained, self._reference):
            return self._score(batches)

    def _score(self, batches: Sequence[Minibatch]) -> Scores:
        scored: Scores = []
        for batch in batches:
            score = partial(forward.logprobs, self.vlm, batch, temperature=self.algo.temperature)
            scored.append(list(self._pool.map(score, batch.passes) if self._lanes > 1 else map(score, batch.passes)))
        give_back(self.vlm)
        return scored

    # -- weights and state --------------------------------------------------------------------------------------------

    def weights(self) -> Iterator[tuple[str, Tensor]]:
        """Yield every full weight with its name in transformers, in the dtype of computation.

        LoRA adapters are merged. Tied weights occur once. All ranks must iterate to the end.
        """
        scale = self.config.lora_alpha / max(1, self.config.lora_rank)
        return lora.merged_weights(self.vlm.model, scale, getattr(torch, self.config.dtype))

    def export(self, folder: Path) -> None:
        """Write a folder that transformers and vLLM can load. It atomically replaces an older one.

        Rank 0 writes. All ranks must call. The processor is that of the folder the model was loaded from.
        """
        self._writer.wait()  # raises the error of a failed checkpoint first
        gathered = {name: weight.cpu() for name, weight in self.weights() if self.rank == 0}
        if self.rank == 0:
            export.write(self.vlm.model, gathered, folder, self.config.dtype)

    def save(
        self, folder: Path, documents: Mapping[str, Any] | None = None, then: Callable[[], None] = lambda: None
    ) -> None:
        """Write the full state in the background. Errors are raised by the next `save` or by `close`.

        Args:
            folder: Folder to write. It atomically replaces an older one.
            documents: File name → content of JSON files to add.
            then: Called on rank 0 after the folder is complete.
        """
        self._writer.write(folder, self._state(), documents or {}, then)

    def restore(self, folder: Path) -> None:
        """Load a state that `save` wrote with any number of ranks. Call `begin_stage` first."""
        held = state_files.names(folder)
        for name, parameter in self._trained.items():
            if f"exp_avg.{name}" in held:
                moments = {key: torch.zeros_like(parameter) for key in ("exp_avg", "exp_avg_sq")}
                self.optimizer.state[parameter] = {"step": torch.zeros((), device=self.device), **moments}
        state = self._state()
        state_files.read(folder, state, self._disk)
        for name, parameter in self._trained.items():
            if own := self.optimizer.state.get(parameter):
                own["step"].fill_(float(state[f"step.{name}"]))
        self.updates = int(state["updates"])

    def load_weights(self, folder: Path) -> None:
        """Load only the weights, from a folder that `export` wrote or any other folder of the same model."""
        lora.take_weights(self.vlm.model, export.read(folder))

    def _state(self) -> dict[str, Tensor]:
        """Return all tensors that the next update depends on, by name."""
        state = {f"weights.{name}": parameter.detach() for name, parameter in self.vlm.model.named_parameters()}
        state["updates"] = torch.tensor([self.updates])
        state |= {f"reference.{name}": tensor for name, tensor in self._reference.items()}
        for name, parameter in self._trained.items():
            for key, value in self.optimizer.state.get(parameter, {}).items():
                state[f"{key}.{name}"] = value.reshape(1) if key == "step" else value
        return state

    def close(self) -> None:
        """Wait for pending writes and stop the threads."""
        self._pool.shutdown()
        self._writer.close()
        if self._alone:
            dist.destroy_process_group()
