"""Division of a GPU between a learner and an engine that take turns on it."""

from dataclasses import replace

from agents.engines.config import SHARE, EngineConfig
from training.cluster.placement import engine_settings, largest_share
from training.config.run import Config
from training.plan.memory import CONTEXT, SLACK, LearnerMemory, learner_memory
from training.plan.shapes import Shapes, shapes


def takes_turns(config: Config, on_gpu: bool) -> bool:
    """Return True if learner and engine use the same GPU in turns."""
    return config.cluster.colocate or (config.cluster.kind == "local" and on_gpu and not at_once(config))


def at_once(config: Config) -> bool:
    """Return True if a stage plays episodes during updates."""
    return any(stage.algo.max_staleness for stage in config.played.values())


def rank_memory(config: Config, sizes: Shapes, on_gpu: bool) -> LearnerMemory:
    """Return the memory of a learner rank of a run."""
    reference = any(stage.algo.kl_coef > 0 for stage in config.played.values())
    return learner_memory(sizes, config.learner, config.cluster.learners, reference, on_gpu)


def reserved(config: Config, sizes: Shapes) -> float:
    """Return the bytes of a GPU that an engine must leave for the learner on it, or 0 if it has the GPU alone."""
    if not (config.cluster.colocate or config.cluster.kind == "local"):
        return 0.0
    learner = rank_memory(config, sizes, on_gpu=True)
    return (learner.peak if at_once(config) else learner.state) + CONTEXT + SLACK


def reserved_bytes(config: Config) -> float:
    """Return `reserved` for a run with vLLM engines, without reading the model's shapes where they are not needed."""
    alone = not (config.cluster.colocate or config.cluster.kind == "local")
    if alone or config.engine.vllm.gpu_memory or config.engine.kind == "transformers":
        return 0.0
    return reserved(config, shapes(config.model.path))


def engine_share(config: Config, sizes: Shapes, memory: float) -> float:
    """Return the fraction of a GPU of `memory` bytes that a vLLM engine takes. May be negative."""
    if config.engine.vllm.gpu_memory:
        return config.engine.vllm.gpu_memory
    held = reserved(config, sizes)
    return largest_share(held, memory) if held else SHARE


def local_engine(config: Config, memory: float) -> EngineConfig:
    """Return the engine settings of a single process on a GPU of `memory` bytes: vLLM leaves room for the learner.

    Raises:
        ValueError: there is no room (one-line message).
    """
    if config.engine.chosen != "vllm" or not memory:
        return config.engine
    turns = replace(config.cluster, colocate=takes_turns(config, on_gpu=True))
    return engine_settings(turns, config.engine, reserved_bytes(config), memory)


def this_gpu() -> float:
    """Return the memory of this machine's GPU in bytes, or 0 without one."""
    import torch

    return float(torch.cuda.get_device_properties(0).total_memory) if torch.cuda.is_available() else 0.0
