"""Text of `training.run … plan=true`: placement and memory estimates. It starts nothing."""

from itertools import groupby

from training.cluster.placement import Slot, place
from training.config.run import Config
from training.plan.memory import GIB, EngineMemory, LearnerMemory, engine_memory, learner_memory, transformers_memory
from training.plan.shapes import Shapes, shapes


def plan_text(config: Config) -> str:
    """Return the plan of a run as text; raise UserError if the model's config cannot be read."""
    sizes = shapes(config.model.path)
    cluster = config.cluster
    reference = any(stage.algo.kl_coef > 0 for stage in config.played.values())
    learner = learner_memory(sizes, config.learner, cluster.learners, reference)
    engine = transformers_memory(sizes)
    if _vllm(config):
        engine = engine_memory(sizes, config.engine, cluster.engine_gpus, cluster.gpu_gib * GIB if cluster.gpus else 0)
    parts = [_placement(config), _model(config, sizes), _learner(config, learner), _engine(config, sizes, engine)]
    return "\n\n".join([*parts, *verdicts(config, sizes, learner, engine)])


def verdicts(config: Config, sizes: Shapes, learner: LearnerMemory, engine: EngineMemory) -> list[str]:
    """Return one line per problem with its fix, or a line that the run fits.

    Args:
        config: Config of the run.
        sizes: Shapes of the model.
        learner: Memory of a learner rank.
        engine: Memory of an engine's GPU.
    """
    cluster, found = config.cluster, []
    if not cluster.gpus:
        processes = cluster.learners * learner.peak + cluster.engines * (engine.weights + engine.cache)
        others = "about 1 GiB per process for libraries" + ("" if _vllm(config) else " and the caches of the batches")
        return [f"Total: {_gib(processes)} of main memory, plus {others}."]
    memory = cluster.gpu_gib * GIB
    if learner.peak > memory:
        found.append(
            f"Does not fit: a learner GPU needs {_gib(learner.peak)} of {_gib(memory)}. Raise cluster.learners, set "
            "learner.checkpointing=true, or lower learner.pack_tokens and learner.pack_patches."
        )
    resident = learner.state if cluster.colocate else 0.0
    share = config.engine.vllm.gpu_memory * memory if _vllm(config) else engine.weights
    if resident + share > memory:
        lower = f"Lower engine.vllm.gpu_memory to {(memory - resident) / memory - 0.02:.2f}."
        found.append(
            f"Does not fit: the learner's {_gib(resident)} and an engine's {_gib(share)} exceed the GPU's "
            f"{_gib(memory)}. {lower if _vllm(config) else 'Raise cluster.learners, or set engine.kind=vllm.'}"
        )
    context = _context(config, sizes)
    if _vllm(config) and engine.tokens < context:
        found.append(
            f"Does not fit: the KV cache holds {engine.tokens:,} tokens, but a context can have {context:,}. Raise "
            "cluster.engine_gpus or engine.vllm.gpu_memory, or set engine.max_context."
        )
    return found or ["It fits."]


def _placement(config: Config) -> str:
    cluster = config.cluster
    if cluster.kind == "local":
        return "Placement\n  one process on this machine: learner, engine and all episodes"
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


def _learner(config: Config, memory: LearnerMemory) -> str:
    learner = config.learner
    kept = "with checkpointing" if learner.checkpointing else "without checkpointing"
    pack = f"{learner.pack_tokens:,} tokens, {learner.pack_patches:,} patches"
    rows = [
        ("weights, float32", memory.weights),
        ("gradients", memory.gradients),
        ("AdamW moments", memory.moments),
        ("reference weights, for KL", memory.reference),
        (f"gathered layers, {learner.dtype}", memory.gathered),
        (f"activations of {pack}, {kept}", memory.activations),
        ("logits, in chunks", memory.head),
        ("peak", memory.peak),
        ("between updates", memory.state),
    ]
    title = "Memory of a learner rank" + (f" (one of {config.cluster.learners})" if config.cluster.learners > 1 else "")
    return _table(title, rows)


def _engine(config: Config, sizes: Shapes, memory: EngineMemory) -> str:
    rows = [
        ("weights", memory.weights),
        ("activations and graphs", memory.work),
        ("KV cache", memory.cache),
    ]
    gpus = config.cluster.engine_gpus
    title = "Memory of an engine" + (f" (on each of its {gpus} GPUs)" if gpus > 1 else "")
    context = _context(config, sizes)
    held = f"  cache for {memory.tokens:,} tokens: {memory.tokens // context} contexts of {context:,} tokens"
    if not _vllm(config):
        token = f"{memory.token / 1024:.1f} KiB"
        held = f"  keys and values per token: {token}, in batches of up to {config.engine.max_batch}"
    wanted = max((s.algo.groups * s.algo.group_size for s in config.played.values()), default=0)
    return f"{_table(title, rows)}\n{held}; up to {-(-wanted // config.cluster.engines)} episodes per engine and step"


def _vllm(config: Config) -> bool:
    """Return True if the engine is vLLM. `auto` is vLLM on GPUs, even if this machine has none."""
    return config.engine.chosen == "vllm" or (config.engine.kind == "auto" and config.cluster.gpus > 0)


def _context(config: Config, sizes: Shapes) -> int:
    return config.engine.max_context or sizes.longest


def _table(title: str, rows: list[tuple[str, float]]) -> str:
    return "\n".join([title, *(f"  {name:<80}{_gib(value):>12}" for name, value in rows if value)])


def _gib(value: float) -> str:
    return f"{value / GIB:.1f} GiB" if value >= GIB / 10 else f"{value / 2**20:.1f} MiB"


def _billions(count: int) -> str:
    return f"{count / 1e9:.2f} billion" if count >= 1e8 else f"{count / 1e6:.2f} million"
