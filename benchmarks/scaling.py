"""A model of step time from 8 to 1,024 GPUs, with the factor that limits scaling.

    python -m benchmarks.scaling [key=value …]          # keys: the fields of `Parts`
    python -m benchmarks.scaling memory                 # the memory table of docs/cluster.md

This is a model, not a measurement. Some parameters are measured by the scripts named in their descriptions. Others are
public figures for H100/H200 machines, marked "typed in": measure them on your machines and set them as overrides.

- generate: a decoding step of c replies takes 1/alone + c/full seconds. Replies have lognormal lengths with a cap. An
  on-policy step ends with its longest reply. With max_staleness=1, replies of the next step run at the same time.
- learn: FLOPs of the model's shapes at `mfu`: decoder, head, attention and vision tower, for the update and for the
  passes that score a minibatch before it. Ranks process their shares pass by pass in lockstep, with whole trajectories.
  Each pass of an update gathers the weights twice and scatters the gradients once, over NVLink within a machine and the
  network between machines. A pass that scores gathers them once. This overlaps with computation, except for ring
  latency.
- weights: `direct` is one broadcast from GPU to GPU. `shared` uses host memory and Ray's object store, with a tree of
  machines.
- driver: one process receives every episode and sends every trajectory, both with their frames.

The model ignores turns: one reply stands for all replies of an episode. Colocated: training follows generation. Split:
each half of the GPUs does one of them at the same time (max_staleness=1), and the slower half determines the step time.
"""

import dataclasses
import math
import sys
from dataclasses import dataclass

import numpy as np

from agents.engines.config import SHARE, EngineConfig
from training.cluster.placement import largest_share
from training.config.learner import LearnerConfig
from training.plan.memory import CONTEXT, GIB, SLACK, engine_memory, learner_memory
from training.plan.shapes import Shapes, shapes

GPUS = (8, 16, 32, 64, 128, 256, 512, 1024)
NODE = 8
GPU = 79 * GIB
"""Memory of a GPU of 80 GB."""
PATCHES = 4
"""Number of patches per visual token (Qwen)."""


@dataclass(frozen=True)
class Parts:
    """Parameters of the model."""

    model: str = "Qwen/Qwen2.5-VL-3B-Instruct"
    groups: int = 128
    """Number of groups per step on 8 GPUs (Table A7)."""
    group_size: int = 16
    minibatch: int = 128
    """Number of trajectories per update on 8 GPUs."""
    prompt: float = 1000.0
    """Length of a prompt in tokens, including images."""
    image: float = 256.0
    """Number of visual tokens in a prompt: an image of 448x448."""
    reply: float = 1000.0
    """Mean length of a reply in tokens, before the cap."""
    spread: float = 0.8
    """Standard deviation of the log-lengths of replies."""
    cap: float = 8192.0
    """Maximum length of a reply in tokens."""
    alone: float = 170.0
    """Tokens/s of a single reply in an engine. Typed in: vLLM, 3B, bfloat16, one H100."""
    full: float = 30000.0
    """Tokens/s of an engine with many replies. Typed in: a step of 256 replies reads weights and KV cache in 5 ms and
    takes about 8 ms. See benchmarks/rollout.py."""
    prefill: float = 60000.0
    """Prompt tokens/s of an engine. Typed in, as above."""
    mfu: float = 0.24
    """MFU of a learner without communication, as benchmarks/gpu.py measures it: recomputation is not counted as work.
    Measured on one H200 (docs/measured.md)."""
    scores: float = 2.0
    """Number of forward passes before an update: with the reference weights (algo.kl_coef) and with the old ones
    (algo.correction, if a step has several minibatches)."""
    peak: float = 989e12
    """Dense bfloat16 FLOP/s of a GPU (H100, H200)."""
    pack: float = 16384.0
    """Tokens per pass (learner.pack_tokens)."""
    nvlink: float = 350e9
    """Bytes/s into a GPU within a machine. Typed in: NCCL's bus bandwidth."""
    network: float = 45e9
    """Bytes/s of each GPU's network card. Typed in: 400 Gbit/s."""
    hop: float = 6e-6
    """Seconds per hop between ranks in the ring of a collective. Typed in."""
    store: float = 2e9
    """Bytes/s through host memory and Ray's object store. Typed in. See benchmarks/weights.py: 0.5 to 2e9 on a CPU."""
    direct: bool = False
    """True for weights from GPU to GPU (engine.vllm.transfer=nccl or ipc) instead of `store`."""
    nap: float = 4.0
    """Seconds for colocated engines to sleep and wake. Typed in."""
    driver: float = 1e-3
    """Seconds of the driver per episode. Measured on a CPU core: 0.8 to 1.0 ms to unpack 8 turns of 84x84 pixels
    (180 kB), create trajectories and pack them. Excludes Ray's own work."""
    frames: float = 3 * 448.0**2
    """Bytes of an episode's frames. They pass through the driver twice, at `store` bytes/s."""


@dataclass(frozen=True)
class Step:
    """Seconds of the parts of a step."""

    generate: float
    learn: float
    weights: float
    driver: float
    nap: float
    colocated: bool
    tokens: float
    """Number of tokens in all replies."""

    @property
    def seconds(self) -> float:
        """Seconds of the whole step."""
        if self.colocated:
            return self.generate + self.learn + self.weights + self.driver + self.nap
        return max(self.generate, self.learn + self.driver) + self.weights


def lengths(parts: Parts, episodes: int) -> np.ndarray:
    """Return reply lengths in tokens, the same for every call."""
    normal = np.random.default_rng(0).standard_normal(episodes)
    return np.minimum(parts.reply * np.exp(parts.spread * normal - parts.spread**2 / 2), parts.cap)


def generate(parts: Parts, replies: np.ndarray, engines: int, ahead: int) -> float:
    """Return the seconds of a step's replies on the slowest engine.

    A decoding step of c replies takes 1/alone + c/full seconds. L decoding steps with S tokens in total take
    L/alone + S/full seconds, where L is the length of the longest reply. Concurrent steps share the L/alone part.

    Args:
        parts: Parameters of the model.
        replies: Reply lengths in tokens.
        engines: Number of engines. Replies are distributed round-robin.
        ahead: Number of further steps generated at the same time.
    """
    hands = [replies[engine::engines] for engine in range(engines)]
    return max(
        float(own.max() / parts.alone / (ahead + 1) + own.sum() / parts.full + len(own) * parts.prompt / parts.prefill)
        for own in hands
        if len(own)
    )


def forward_flops(parts: Parts, sizes: Shapes, replies: np.ndarray) -> np.ndarray:
    """Return the FLOPs of a forward pass over each trajectory, as benchmarks/gpu.py counts them.

    Attention in the vision tower is left out.

    Args:
        parts: Parameters of the model.
        sizes: Shapes of the language model.
        replies: Reply lengths in tokens.
    """
    length = parts.prompt + replies
    decoder = 2 * sizes.text.parameters * length
    head = 2 * sizes.text.hidden * sizes.vocabulary * replies
    attention = 2 * sizes.text.layers * sizes.text.heads * length**2  # 4 x width x (length / 2) per token and layer
    vision = 2 * sizes.vision.parameters * PATCHES * parts.image
    flops: np.ndarray = decoder + head + attention + vision
    return flops


def learn(parts: Parts, sizes: Shapes, replies: np.ndarray, ranks: int, minibatch: int) -> float:
    """Return the seconds of all updates of a step.

    Args:
        parts: Parameters of the model.
        sizes: Shapes of the language model.
        replies: Reply lengths in tokens.
        ranks: Number of learner ranks.
        minibatch: Number of trajectories per update.
    """
    # An update takes three forward passes' FLOPs. The MFU includes the time of recomputing one, which scores do not.
    work = (3 + 0.75 * parts.scores) * forward_flops(parts, sizes, replies) / (parts.mfu * parts.peak)
    # Gathered twice in bfloat16 and scattered once in float32, and gathered once per score.
    moved = (8 + 2 * parts.scores) * sizes.parameters
    between = moved / (NODE * parts.network) if ranks > NODE else 0.0
    wire = max(moved / parts.nvlink, between)
    ring = (3 + parts.scores) * (sizes.text.layers + sizes.vision.layers) * parts.hop * (ranks - 1)
    updates = math.ceil(len(replies) / minibatch)
    seconds = 0.0
    for one in range(updates):
        tokens, own = parts.prompt + replies[one::updates], work[one::updates]
        passes = math.ceil(_share(tokens, ranks) / parts.pack)
        seconds += max(_share(own, ranks), passes * wire) + passes * ring
    return seconds


def _share(values: np.ndarray, ranks: int) -> float:
    """Return the largest sum of a rank. The longest trajectory is not split."""
    return max(float(values.sum()) / ranks, float(values.max()))


def send(parts: Parts, sizes: Shapes, gpus: int) -> float:
    """Return the seconds of a weight update.

    Args:
        parts: Parameters of the model.
        sizes: Shapes of the language model.
        gpus: Number of GPUs.
    """
    data = 2 * sizes.parameters
    if parts.direct:
        slow = parts.nvlink if gpus <= NODE else parts.network
        return data / slow + gpus * 1e-3
    return data / parts.store * (1 + math.log2(max(1, gpus // NODE)))


def step(parts: Parts, sizes: Shapes, gpus: int, colocated: bool, growth: int) -> Step:
    """Return the times of a step.

    Args:
        parts: Parameters of the model.
        sizes: Shapes of the language model.
        gpus: Number of GPUs.
        colocated: True if learners and engines share GPUs.
        growth: Batch size relative to 8 GPUs.
    """
    replies = lengths(parts, parts.groups * parts.group_size * growth)
    each = gpus if colocated else gpus // 2
    return Step(
        generate=generate(parts, replies, each, ahead=0 if colocated else 1),
        learn=learn(parts, sizes, replies, each, parts.minibatch * growth),
        weights=send(parts, sizes, gpus),
        driver=(parts.driver + 2 * parts.frames / parts.store) * len(replies),
        nap=parts.nap if colocated else 0.0,
        colocated=colocated,
        tokens=float(replies.sum()),
    )


def reason(parts: Parts, now: Step, first: Step, ratio: float, growth: int) -> str:
    """Return the part with the largest time beyond perfect scaling.

    Args:
        parts: Parameters of the model.
        now: Times of the step.
        first: Times of the step on 8 GPUs.
        ratio: Number of GPUs relative to 8.
        growth: Batch size relative to 8 GPUs.
    """
    share = growth / ratio
    names = {
        "longest reply": now.generate - first.generate * share,
        "learning (all-gather, longest trajectory)": now.learn - first.learn * share,
        "weights": now.weights - first.weights * share,
        "driver": now.driver - first.driver * share,
        "sleeping and waking": now.nap - first.nap * share,
    }
    if not now.colocated:
        idle = "learning (all-gather, longest trajectory)" if now.generate > now.learn else "longest reply"
        names.pop(idle)
    return max(names, key=lambda name: names[name])


def table(parts: Parts, sizes: Shapes, colocated: bool, weak: bool) -> None:
    """Print the table of one layout.

    Args:
        parts: Parameters of the model.
        sizes: Shapes of the language model.
        colocated: True if learners and engines share GPUs.
        weak: True if the batch grows with the number of GPUs.
    """
    layout = "colocated, on policy" if colocated else "split in halves, max_staleness=1"
    batch = "batch grows with the GPUs" if weak else "batch stays"
    print(f"\n{layout}; {batch}\n  GPUs  generate     learn   weights    driver      step   tokens/s   a GPU   limit")
    first: Step | None = None
    stops = ""
    for gpus in GPUS:
        growth = gpus // GPUS[0] if weak else 1
        now = step(parts, sizes, gpus, colocated, growth)
        first = first or now
        ratio = gpus / GPUS[0]
        efficiency = (now.tokens / now.seconds) / (first.tokens / first.seconds) / ratio
        limit = reason(parts, now, first, ratio, growth) if gpus > GPUS[0] else ""
        columns = "".join(f"{value:>8.1f} s" for value in (now.generate, now.learn, now.weights, now.driver))
        print(
            f"  {gpus:>4}{columns}{now.seconds:>8.1f} s{now.tokens / now.seconds:>11,.0f}{efficiency:>8.0%}   {limit}"
        )
        if efficiency < 0.5 and not stops:
            stops = f"  From {gpus} GPUs on, less than half of each GPU's worth is left: {limit}."
    print(stops or "  More than half of each GPU's worth is left at the end.")


def memory_table() -> None:
    """Print the memory table of docs/cluster.md."""
    print(
        "| model | GPUs | layout | learner: state | learner: peak | engine: weights | contexts of 12,288 in the cache |"
    )
    print("|---|---|---|---|---|---|---|")
    learner = LearnerConfig(dtype="bfloat16", checkpointing=True)
    for name, path in (("3B", "Qwen/Qwen2.5-VL-3B-Instruct"), ("7B", "Qwen/Qwen2.5-VL-7B-Instruct")):
        sizes = shapes(path)
        for gpus in (8, 64):
            for colocated in (True, False):
                ranks = gpus if colocated else gpus // 2
                own = learner_memory(sizes, learner, ranks, reference=True)
                held = own.state + CONTEXT + SLACK
                share = largest_share(held, GPU) if colocated else SHARE
                engine = engine_memory(sizes, EngineConfig(), 1, GPU, share)
                row = [
                    name,
                    gpus,
                    "colocated" if colocated else "split",
                    *(f"{b / GIB:.1f}" for b in (own.state, own.peak)),
                ]
                print("|", " | ".join(map(str, [*row, f"{engine.weights / GIB:.1f}", engine.tokens // 12288])), "|")


def main() -> None:
    """Print the tables of all layouts."""
    if sys.argv[1:] == ["memory"]:
        memory_table()
        return
    kinds = {field.name: type(field.default) for field in dataclasses.fields(Parts)}
    words = dict(word.split("=", 1) for word in sys.argv[1:])
    if unknown := words.keys() - kinds.keys():
        raise SystemExit(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(kinds)}")
    read = {name: text == "true" if kinds[name] is bool else kinds[name](text) for name, text in words.items()}
    parts = Parts(**read)
    sizes = shapes(parts.model)
    print(f"{parts.model}: {sizes.parameters / 1e9:.2f} billion parameters")
    for colocated in (True, False):
        for weak in (False, True):
            table(parts, sizes, colocated, weak)


if __name__ == "__main__":
    main()
