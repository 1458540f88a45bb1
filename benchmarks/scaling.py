"""How a step's time scales from 8 to 1,024 GPUs, modelled from measured parts, and where and why it stops.

    python -m benchmarks.scaling [key=value …]          # keys: the fields of `Parts`
    python -m benchmarks.scaling memory                 # the memory table of docs/cluster.md

It is a model and no measurement. Its parts are measured one by one: by the scripts named beside them, or typed in from
public figures for H100/H200 machines (marked "typed in": measure them on yours and give them as words). What it has:

- generate: a decoding step of c replies takes 1/alone + c/full seconds; replies have lognormal lengths with a cap, and
  a step on policy ends with its longest one: stragglers. With max_staleness=1 the next step's replies run beside it.
- learn: FLOPs of the model's own shapes at `mfu`; a rank works through its share pass by pass, ranks in step, no
  trajectory is cut; weights are gathered twice and gradients scattered once a pass, over NVLink within a machine and
  the network between machines, hidden behind the work where that takes longer; ring latency is not hidden.
- weights: `direct` is one broadcast from GPU to GPU; `shared` goes through host memory and Ray's object store, from
  machine to machine in a tree.
- driver: one process receives every episode and sends every trajectory.

Turns of games are not modelled: a reply stands for all of an episode's. Colocated, learning follows generating; split,
half of the GPUs do each at the same time (max_staleness=1), and the slower half decides.
"""

import dataclasses
import math
import sys
from dataclasses import dataclass, replace

import numpy as np

from agents.engines.config import EngineConfig
from training.config.learner import LearnerConfig
from training.plan.memory import GIB, engine_memory, learner_memory
from training.plan.shapes import Shapes, shapes

GPUS = (8, 16, 32, 64, 128, 256, 512, 1024)
NODE = 8


@dataclass(frozen=True)
class Parts:
    """What a step is made of."""

    model: str = "Qwen/Qwen2.5-VL-3B-Instruct"
    groups: int = 128
    """Of a step on 8 GPUs (Table A7)."""
    group_size: int = 16
    minibatch: int = 128
    """Trajectories an update, on 8 GPUs."""
    prompt: float = 1000.0
    """Tokens, images included."""
    reply: float = 1000.0
    """Tokens of the mean reply, which the cap makes somewhat shorter."""
    spread: float = 0.8
    """Standard deviation of the replies' log-lengths."""
    cap: float = 8192.0
    """Longest reply."""
    alone: float = 170.0
    """Tokens/s of one reply alone in an engine. Typed in: vLLM, 3B, bfloat16, one H100."""
    full: float = 12000.0
    """Tokens/s of an engine with many replies. Typed in, as above; benchmarks/rollout.py measures an engine."""
    prefill: float = 60000.0
    """Prompt tokens/s of an engine. Typed in, as above."""
    mfu: float = 0.4
    """Of a learner without communication. Typed in; benchmarks/gpu.py measures it."""
    peak: float = 989e12
    """FLOP/s of a GPU in bfloat16, dense (H100, H200)."""
    pack: float = 16384.0
    """Tokens a pass (learner.pack_tokens)."""
    nvlink: float = 350e9
    """Bytes/s into a GPU within a machine. Typed in: NCCL's bus bandwidth."""
    network: float = 45e9
    """Bytes/s of each GPU's network card. Typed in: 400 Gbit/s."""
    hop: float = 6e-6
    """Seconds that a collective's ring takes from rank to rank. Typed in."""
    store: float = 2e9
    """Bytes/s through host memory and Ray's object store. Typed in; benchmarks/weights.py: 0.5 to 2e9 on a CPU."""
    direct: bool = True
    """Weights from GPU to GPU (engine.vllm.transfer=nccl or ipc) instead of `store`."""
    nap: float = 4.0
    """Seconds in which colocated engines fall asleep and wake. Typed in."""
    driver: float = 1e-3
    """Seconds of the driver an episode. Measured on a CPU core: 0.8 to 1.0 ms for 8 turns of 84x84 pixels (180 kB),
    unpacked, made into trajectories and packed again; Ray's own work not counted, and larger frames take longer."""


@dataclass(frozen=True)
class Step:
    """Seconds."""

    generate: float
    learn: float
    weights: float
    driver: float
    nap: float
    colocated: bool
    tokens: float
    """Replies' tokens."""

    @property
    def seconds(self) -> float:
        """The step's."""
        if self.colocated:
            return self.generate + self.learn + self.weights + self.driver + self.nap
        return max(self.generate, self.learn + self.driver) + self.weights


def lengths(parts: Parts, episodes: int) -> np.ndarray:
    """Lengths of replies, the same every time."""
    normal = np.random.default_rng(0).standard_normal(episodes)
    return np.minimum(parts.reply * np.exp(parts.spread * normal - parts.spread**2 / 2), parts.cap)


def generate(parts: Parts, replies: np.ndarray, engines: int, ahead: int) -> float:
    """Seconds that a step's replies take on the slowest engine; replies are dealt out like cards.

    A decoding step of c replies takes 1/alone + c/full seconds; L steps, in which S tokens come, take L/alone + S/full.
    L is the longest reply's; where the replies of `ahead` more steps are under way too, it is shared with them.
    """
    hands = [replies[engine::engines] for engine in range(engines)]
    return max(
        float(own.max() / parts.alone / (ahead + 1) + own.sum() / parts.full + len(own) * parts.prompt / parts.prefill)
        for own in hands
        if len(own)
    )


def learn(parts: Parts, sizes: Shapes, replies: np.ndarray, ranks: int, minibatch: int) -> float:
    """Seconds of all updates of a step."""
    # Forward, backward and the forward again (checkpointing): 2 + 4 + 2 FLOPs a parameter and token.
    token = 8 * (sizes.parameters - sizes.vision_parameters) / (parts.mfu * parts.peak)
    updates = math.ceil(len(replies) / minibatch)
    seconds = 0.0
    for one in range(updates):
        own = parts.prompt + replies[one::updates]
        share = max(float(own.sum()) / ranks, float(own.max()))  # the longest is not cut
        passes = math.ceil(share / parts.pack)
        # Gathered twice in bfloat16, scattered once in float32.
        moved = 8 * sizes.parameters
        between = moved / (NODE * parts.network) if ranks > NODE else 0.0
        wire = max(moved / parts.nvlink, between)
        ring = 3 * (sizes.text.layers + sizes.vision.layers) * parts.hop * (ranks - 1)
        seconds += max(share * token, passes * wire) + passes * ring
    return seconds


def send(parts: Parts, sizes: Shapes, gpus: int) -> float:
    """Seconds of a weight update."""
    data = 2 * sizes.parameters
    if parts.direct:
        slow = parts.nvlink if gpus <= NODE else parts.network
        return data / slow + gpus * 1e-3
    return data / parts.store * (1 + math.log2(max(1, gpus // NODE)))


def step(parts: Parts, sizes: Shapes, gpus: int, colocated: bool, growth: int) -> Step:
    """A step on so many GPUs, with a batch `growth` times that of 8 GPUs."""
    replies = lengths(parts, parts.groups * parts.group_size * growth)
    each = gpus if colocated else gpus // 2
    return Step(
        generate=generate(parts, replies, each, ahead=0 if colocated else 1),
        learn=learn(parts, sizes, replies, each, parts.minibatch * growth),
        weights=send(parts, sizes, gpus),
        driver=parts.driver * len(replies),
        nap=parts.nap if colocated else 0.0,
        colocated=colocated,
        tokens=float(replies.sum()),
    )


def reason(parts: Parts, now: Step, first: Step, ratio: float, growth: int) -> str:
    """What costs the most beyond a perfect share of the first step's time."""
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
    """Print one way of scaling."""
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
    """Print docs/cluster.md's table."""
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
                share = 0.75 if colocated else 0.85
                settings = EngineConfig()
                settings = replace(settings, vllm=replace(settings.vllm, gpu_memory=share))
                engine = engine_memory(sizes, settings, 1, 80 * GIB)
                row = [
                    name,
                    gpus,
                    "colocated" if colocated else "split",
                    *(f"{b / GIB:.1f}" for b in (own.state, own.peak)),
                ]
                print("|", " | ".join(map(str, [*row, f"{engine.weights / GIB:.1f}", engine.tokens // 12288])), "|")


def main() -> None:
    """Print the tables."""
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
