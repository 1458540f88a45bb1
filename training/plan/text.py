"""Text of `training.run … plan=true`: placement and memory estimates. It starts nothing."""

from itertools import groupby

from training.cluster.placement import Slot, largest_share, place
from training.config.run import Config
from training.plan.memory import (
    CONTEXT,
    GIB,
    SLACK,
    VLLM_ASLEEP,
    EngineMemory,
    LearnerMemory,
    engine_memory,
    transfer_memory,
    transformers_memory,
)
from training.plan.shapes import Shapes, shapes
from training.plan.sharing import engine_share, rank_memory, takes_turns


def plan_text(config: Config, gpu: float = 0.0) -> str:
    """Return the plan of a run as text; raise UserError if the model's config cannot be read.

    Args:
        config: Config of the run.
        gpu: Bytes of the GPU of a single process, 0 without one. Clusters have `cluster.gpu_gib`.
    """
    sizes = shapes(config.model.path)
    cluster = config.cluster
    memory = cluster.gpu_gib * GIB if cluster.gpus else gpu * (cluster.kind == "local")
    learner = rank_memory(config, sizes, on_gpu=memory > 0)
    engine, share = transformers_memory(sizes), 0.0
    if _vllm(config, memory):
        share = engine_share(config, sizes, memory) if memory else 0.0
        engine = engine_memory(sizes, config.engine, cluster.engine_gpus, memory, share)
    parts = [
        _placement(config, memory),
        _model(config, sizes),
        _learner(config, learner, sizes),
        _engine(config, sizes, engine, memory, share),
    ]
    return "\n\n".join([*parts, *verdicts(config, sizes, learner, engine, memory, share)])


def verdicts(
    config: Config, sizes: Shapes, learner: LearnerMemory, engine: EngineMemory, memory: float, share: float
) -> list[str]:
    """Return one line per problem with its fix, or a line that the run fits.

    Args:
        config: Config of the run.
        sizes: Shapes of the model.
        learner: Memory of a learner rank.
        engine: Memory of an engine's GPU.
        memory: Memory of a GPU in bytes, 0 on CPUs.
        share: Fraction of a GPU that a vLLM engine takes.
    """
    cluster, found = config.cluster, []
    vllm = _vllm(config, memory)
    if not memory:
        processes = cluster.learners * learner.peak + cluster.engines * (engine.weights + engine.cache)
        others = "about 1 GiB per process for libraries" + ("" if vllm else " and the caches of the batches")
        return [f"Total: {_gib(processes)} of main memory, plus {others}."]
    turns = takes_turns(config, on_gpu=True)
    shared = turns or cluster.kind == "local"
    asleep = VLLM_ASLEEP if turns and vllm else 0.0
    if learner.peak + asleep > memory:
        beside = f" beside a sleeping engine's {_gib(asleep)}" if asleep else ""
        found.append(
            f"Does not fit: a learner GPU needs {_gib(learner.peak)} of {_gib(memory)}{beside}. Raise "
            "cluster.learners, set learner.checkpointing=true or learner.lora_rank, or lower learner.pack_tokens and "
            "learner.pack_patches."
        )
    held = (learner.state if turns else learner.peak) + (CONTEXT if vllm else 0.0) if shared else 0.0
    own = share * memory if vllm else engine.weights
    if held + own > memory:
        most = largest_share(held + SLACK, memory)
        lower = f"Lower engine.vllm.gpu_memory to {most:.2f}." if vllm and most > 0 else "Set learner.lora_rank=16."
        found.append(
            f"Does not fit: the learner's {_gib(held)} and an engine's {_gib(own)} exceed the GPU's {_gib(memory)}. "
            f"{lower if vllm else 'Raise cluster.learners, or set engine.kind=vllm.'}"
        )
    context = _context(config, sizes)
    if vllm and engine.tokens < context:
        found.append(
            f"Does not fit: the KV cache holds {engine.tokens:,} tokens, but a context can have {context:,}. Raise "
            "cluster.engine_gpus or engine.vllm.gpu_memory, or set engine.max_context or learner.lora_rank."
        )
    update = held + engine.weights + transfer_memory(sizes, config.engine.vllm.transfer == "ipc")
    if turns and vllm and update > memory:
        found.append(f"Does not fit: a weight update takes {_gib(update)} of the GPU's {_gib(memory)}.")
    return found or ["It fits."]


def _placement(config: Config, memory: float) -> str:
    cluster = config.cluster
    if cluster.kind == "local":
        where = f"this machine's GPU of {_gib(memory)}" if memory else "this machine"
        return f"Placement\n  one process on {where}: learner, engine and all episodes"
    counts = {"learner rank": cluster.learners, "engine": cluster.engines, "rollout worker": cluster.rollout_workers}
    actors = ", ".join(f"{count} {name}{'s' * (count > 1)}" for name, count in counts.items())
    if not cluster.gpus:
        return f"Placement (Ray on CPUs)\n  {actors}, one process each"
    how = "colocated: engines sleep during updates" if cluster.colocate else "split: engines and learners run together"
    lines = [f"Placement (Ray, {cluster.nodes} x {cluster.gpus_per_node} GPUs, {how})", f"  {actors}"]
    slots = place(cluster)
    for _, group in groupby(slots, key=lambda slot: slot.node):
        lines.append(_machine(list(group)))
    idle = cluster.gpus - len(slots)
    return "\n".join([*lines, *([f"  {idle} GPUs stay idle"] if idle else [])])


def _machine(slots: list[Slot]) -> str:
    learners = [slot.learner for slot in slots if slot.learner is not None]
    engines = sorted({slot.engine for slot in slots if slot.engine is not None})
    here = [_range("learner rank", learners), _range("engine", engines)]
    return f"  machine {slots[0].node}: {', '.join(one for one in here if one)}"


def _range(name: str, numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"{name} {numbers[0]}"
    return f"{name}s {numbers[0]}–{numbers[-1]}" if numbers else ""


def _model(config: Config, sizes: Shapes) -> str:
    images = f"{_billions(sizes.vision_parameters)} of them for images" if sizes.vision_parameters else "text only"
    return f"Model {config.model.path}: {_billions(sizes.parameters)} parameters, {images}; {sizes.text.layers} layers"


def _learner(config: Config, memory: LearnerMemory, sizes: Shapes) -> str:
    learner = config.learner
    kept = "with checkpointing" if learner.checkpointing else "without checkpointing"
    pack = f"{learner.pack_tokens:,} tokens, {learner.pack_patches:,} patches"
    rows = [
        ("weights" if learner.lora_rank or learner.freeze_vision else "weights, float32", memory.weights),
        ("gradients", memory.gradients),
        ("AdamW moments", memory.moments),
        ("reference weights, for KL", memory.reference),
        (f"gathered layers, {learner.dtype}", memory.gathered),
        (f"activations of {pack}, {kept}", memory.activations),
        ("logits, in chunks", memory.head),
        ("CUDA context and NCCL", memory.runtime),
        ("peak", memory.peak),
        ("between updates", memory.state),
    ]
    title = "Memory of a learner rank" + (f" (one of {config.cluster.learners})" if config.cluster.learners > 1 else "")
    loading = f"  main memory of the first rank while the model loads: {_gib(4 * sizes.parameters)}"
    return f"{_table(title, rows)}\n{loading}"


def _engine(config: Config, sizes: Shapes, memory: EngineMemory, gpu: float, share: float) -> str:
    rows = [
        ("weights", memory.weights),
        ("activations and graphs", memory.work),
        ("KV cache", memory.cache),
    ]
    gpus = config.cluster.engine_gpus
    title = "Memory of an engine" + (f" (on each of its {gpus} GPUs)" if gpus > 1 else "")
    title += f": {share:.2f} of a GPU" if share > 0 else ""
    context = _context(config, sizes)
    held = f"  cache for {memory.tokens:,} tokens: {memory.tokens // context} contexts of {context:,} tokens"
    if not _vllm(config, gpu):
        token = f"{memory.token / 1024:.1f} KiB"
        held = f"  keys and values per token: {token}, in batches of up to {config.engine.max_batch}"
    wanted = max((s.algo.groups * s.algo.group_size for s in config.played.values()), default=0)
    return f"{_table(title, rows)}\n{held}; up to {-(-wanted // config.cluster.engines)} episodes per engine and step"


def _vllm(config: Config, gpu: float) -> bool:
    """Return True if the engine is vLLM. `auto` is vLLM on the GPUs of a cluster, even if this machine has none."""
    return config.engine.chosen == "vllm" or (config.engine.kind == "auto" and config.cluster.gpus > 0 and gpu > 0)


def _context(config: Config, sizes: Shapes) -> int:
    return config.engine.max_context or sizes.longest


def _table(title: str, rows: list[tuple[str, float]]) -> str:
    return "\n".join([title, *(f"  {name:<80}{_gib(value):>12}" for name, value in rows if value)])


def _gib(value: float) -> str:
    return f"{value / GIB:.1f} GiB" if value >= GIB / 10 else f"{value / 2**20:.1f} MiB"


def _billions(count: int) -> str:
    return f"{count / 1e9:.2f} billion" if count >= 1e8 else f"{count / 1e6:.2f} million"
