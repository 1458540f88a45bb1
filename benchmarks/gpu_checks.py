"""Correctness and speed of the GPU code paths on one GPU, in about five minutes.

    python -m benchmarks.gpu_checks [phases=env,varlen,…] [--tiny]

The model has the shapes of Qwen2.5-VL-3B with random weights, so nothing is downloaded. It needs torch >= 2.11 and
transformers >= 5.17, but neither vLLM nor Ray. Each phase prints one JSON line, and appends it to $OUT/results.jsonl if
OUT is set. After a failed phase, the next one starts. `--tiny` runs the script on a CPU.
"""

import asyncio
import gc
import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("NCCL_SOCKET_IFNAME", "lo")
os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from agents.chat.conversation import Conversation
from agents.chat.types import Completion, TokenSequence
from agents.engines.config import EngineConfig
from agents.engines.transformers import TransformersEngine
from agents.models import attention
from agents.models.load import wrap
from agents.models.logprobs import chosen_logprobs
from agents.models.tiny import build as build_tiny
from agents.models.vlm import VLM
from benchmarks import gpu
from training.algorithm.groups import Trajectory
from training.config.algo import AlgoConfig
from training.config.learner import LearnerConfig
from training.learner.learner import Learner
from training.plan.memory import head_memory, learner_memory
from training.plan.shapes import shapes

TINY = "--tiny" in sys.argv
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
CUDA = DEVICE.type == "cuda"
HALF = torch.bfloat16
GIB = 2**30

Found = dict[str, Any]


def sync() -> None:
    """Wait for the GPU."""
    if CUDA:
        torch.cuda.synchronize()


def clean() -> None:
    """Free memory and reset its peak."""
    gc.collect()
    if CUDA:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak(base: int = 0) -> float | None:
    """Return the peak of allocated memory above `base` bytes, in GiB, or None without CUDA."""
    return round((torch.cuda.max_memory_allocated() - base) / GIB, 2) if CUDA else None


def timed(work: Callable[[], object], rounds: int = 3) -> float:
    """Return the median seconds of a call, after one call to warm up."""
    work()
    sync()
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        sync()
        found.append(time.perf_counter() - began)
    return median(found)


def gap(one: Tensor, other: Tensor) -> Found:
    """Return the mean and the largest absolute difference."""
    difference = (one.detach().float() - other.detach().float()).abs()
    return {"mean": float(difference.mean()), "max": float(difference.max())}


def env() -> Found:
    """Report versions, free memory in GiB and the peak speed of matrix products."""
    import transformers

    found: Found = {"torch": torch.__version__, "transformers": transformers.__version__}
    found["device"] = torch.cuda.get_device_name() if CUDA else "cpu"
    if CUDA:
        found["free_gib"] = round(torch.cuda.mem_get_info()[0] / GIB, 1)
        a = torch.randn(8192, 8192, device=DEVICE, dtype=HALF)
        found["matmul_tflops"] = round(2 * 8192**3 / timed(lambda: a @ a, 10) / 1e12)
    return found


def varlen() -> Found:
    """Compare the kernel with float32 SDPA of single sequences, at the shapes of the text and vision layers."""
    module = torch.nn.Module()
    cases = {
        "text, causal, 16:2 heads of 128": (16, 2, 128, True, [1, 7, 129, 500, 1333, 2048]),
        "vision, whole images, heads of 80": (16, 16, 80, False, [1024, 256, 1024, 12]),
        "vision, windows, heads of 80": (16, 16, 80, False, [64] * 30 + [32, 16, 8, 4]),
        "siglip, heads of 72": (16, 16, 72, False, [729, 729]),
    }
    found: Found = {}
    for name, (heads, kv, width, causal, wanted) in cases.items():
        lengths = [max(1, n // 16) for n in wanted] if TINY else wanted
        generator = torch.Generator().manual_seed(0)
        bounds = torch.tensor([0, *np.cumsum(lengths)], dtype=torch.int32, device=DEVICE)
        total, longest = sum(lengths), max(lengths)
        drawn = [torch.randn(1, h, total, width, generator=generator).to(DEVICE) for h in (heads, kv, kv, heads)]
        upstream = drawn[3].transpose(1, 2)
        low = [tensor.to(HALF).requires_grad_() for tensor in drawn[:3]]

        def call(
            inputs: Iterable[Tensor],
            width: int = width,
            causal: bool = causal,
            bounds: Tensor = bounds,
            longest: int = longest,
        ) -> Tensor:
            return attention.packed_attention(
                module,
                *inputs,
                None,
                scaling=width**-0.5,
                is_causal=causal,
                cu_seq_lens_q=bounds,
                max_length_q=longest,
            )[0]

        got = call(low)
        (got.float() * upstream).sum().backward()
        exact = [tensor.detach().to(HALF).float().requires_grad_() for tensor in drawn[:3]]  # the same rounded inputs
        parts, half = [], []
        for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            three = [tensor[:, :, start:end] for tensor in exact]
            three[1:] = [tensor.repeat_interleave(heads // kv, 1) for tensor in three[1:]]
            options = {"is_causal": causal, "scale": width**-0.5}
            parts.append(functional.scaled_dot_product_attention(*three, **options).transpose(1, 2))
            with torch.no_grad():
                rounded = (tensor.to(HALF) for tensor in three)
                half.append(functional.scaled_dot_product_attention(*rounded, **options).transpose(1, 2))
        want = torch.cat(parts, 1)
        (want * upstream).sum().backward()
        pairs = [(a.grad, b.grad) for a, b in zip(low, exact, strict=True)]
        found[name] = {
            "out": gap(got, want),
            "out of bf16 SDPA": gap(torch.cat(half, 1), want),
            "gradients": [gap(a, b)["max"] / float(b.abs().max()) for a, b in pairs if a is not None and b is not None],
            "ms": round(1e3 * timed(lambda call=call, low=low: call(t.detach() for t in low)), 3),
        }
    return found


def head() -> Found:
    """Compare `chosen_logprobs` at Qwen's vocabulary with float64, and report its time and peak memory."""
    rows, width, vocabulary = (256, 64, 3001) if TINY else (8192, 2048, 151936)
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(rows, width, generator=generator).to(DEVICE, HALF).requires_grad_()
    weight = (torch.randn(vocabulary, width, generator=generator) * 0.02).to(DEVICE, HALF).requires_grad_()
    chosen = torch.randint(4, vocabulary, (rows,), generator=generator).to(DEVICE)
    forbidden = torch.tensor([1, 2, 3], device=DEVICE)
    some = slice(0, 128)
    exact = (hidden[some].double() @ weight.double().T).index_fill(-1, forbidden, float("-inf"))
    want = exact.log_softmax(-1).gather(-1, chosen[some, None])[:, 0]
    del exact
    clean()
    base = torch.cuda.memory_allocated() if CUDA else 0

    def step() -> Tensor:
        hidden.grad = weight.grad = None
        values, _ = chosen_logprobs(hidden, weight, chosen, forbidden, 1.0)
        values.sum().backward()
        return values

    values = step()
    top = peak(base)
    planned = head_memory(shapes("Qwen/Qwen2.5-VL-3B-Instruct"), LearnerConfig(dtype="bfloat16"), on_gpu=True)
    return {"error": gap(values[some], want), "peak_gib": top, "plan_gib": planned / GIB, "seconds": timed(step)}


def _tiny_trajectories(model: Any, seed: int) -> list[Trajectory]:
    rng = np.random.default_rng(seed)
    made = []
    for i in range(10):
        talk = Conversation(model.chat, -1)
        for turn in range(1 + i % 2):
            frame = rng.integers(0, 256, (84, 84, 3), dtype=np.uint8) if i % 2 == 0 else None
            talk.ask("on " * turn, "go " * int(rng.integers(0, 30)), frame)
            count = int(rng.integers(2, 9))
            tokens = rng.integers(0, 200, count).astype(np.int32)
            logprobs = rng.normal(-5.5, 0.3, count).astype(np.float32)
            talk.answer(Completion(tokens, logprobs, True, np.zeros(count, np.int32)))
        (sequence,) = talk.sequences()
        advantages = np.where(sequence.loss_mask, rng.normal(size=len(sequence.tokens)), 0.0)
        made.append(Trajectory(sequence, advantages.astype(np.float32)))
    return made


def families() -> Found:
    """Compare two updates of each family's tiny model on this device and on the CPU, and check save and resume."""
    algo = AlgoConfig(lr=1e-3, warmup_updates=1, minibatch=6, correction="tis", kl_coef=0.1)

    def run(
        family: str, device: torch.device, config: LearnerConfig, folder: Path | None = None, resume: bool = False
    ) -> tuple[dict[str, Tensor], dict[str, float]]:
        model = wrap(*build_tiny(3, family))
        model.vlm.to(device)
        learner = Learner(model.vlm, config)
        learner.begin_stage(algo, 10)
        if resume and folder is not None:
            learner.restore(folder)
        metrics: dict[str, float] = {}
        for step in range(1 if resume else 0, 2):
            metrics = learner.update(_tiny_trajectories(model, step), step, 1)
            if folder is not None and not resume and step == 0:
                learner.save(folder)
        weights = {name: weight.float().cpu().clone() for name, weight in learner.weights()}
        learner.close()
        return weights, metrics

    def worst(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
        return max((one[name] - other[name]).abs().max().item() for name in one)

    found: Found = {}
    cpu_device = torch.device("cpu")
    for family in ("idefics3", "qwen2_5_vl", "qwen3_vl"):
        config = LearnerConfig(pack_tokens=100, threads=1)
        cpu, metrics = run(family, cpu_device, config)
        one, other = run(family, DEVICE, config)
        entry: Found = {"float32 beside the CPU": worst(cpu, one), "loss": [metrics["loss"], other["loss"]]}
        low = replace(config, dtype="bfloat16", checkpointing=True)
        entry["bfloat16 beside float32"] = worst(cpu, run(family, DEVICE, low)[0])
        with tempfile.TemporaryDirectory() as at:
            straight, _ = run(family, DEVICE, low, Path(at) / "c")
            entry["resumed"] = worst(straight, run(family, DEVICE, low, Path(at) / "c", resume=True)[0])
        entry["the same run again"] = worst(straight, run(family, DEVICE, low)[0])
        found[family] = entry
    for name, config in {
        "lora": LearnerConfig(lora_rank=4, dtype="bfloat16"),
        "frozen": LearnerConfig(freeze_vision=True, dtype="bfloat16"),
    }.items():
        found[name] = run("qwen2_5_vl", DEVICE, config)[1]["grad_norm"]
    return found


def cast(vlm: VLM, dtype: torch.dtype) -> VLM:
    """Convert only the weights. `Module.to` would also round RoPE's frequencies, which FSDP keeps in float32."""
    for parameter in vlm.parameters():
        parameter.data = parameter.data.to(dtype)
    return vlm


def _groups(vlm: VLM, groups: int, replies: int, prompt: int, reply: int) -> list[TokenSequence]:
    """Return token sequences of groups that share a prompt of `prompt` tokens. Half of the groups have an image."""
    rng = np.random.default_rng(0)
    side = 84 if TINY else 448
    made = []
    for group in range(groups):
        frame = rng.integers(0, 256, (side, side, 3), dtype=np.uint8) if group % 2 else None
        for _ in range(replies):
            talk = Conversation(vlm.chat, -1)
            talk.ask("go " * (prompt // 2 + group), "go " * (prompt // 2), frame)
            count = int(rng.integers(reply // 2, reply))
            tokens = rng.integers(0, 200, count).astype(np.int32)
            talk.answer(Completion(tokens, np.full(count, -5.0, np.float32), False, np.zeros(count, np.int32)))
            made += talk.sequences()
    return made


def shared() -> Found:
    """Compare shared prompts, computed once, with separate sequences: log-probs, seconds and memory."""
    scale = gpu.TINY if TINY else gpu.REAL
    vlm = gpu.build(VLM, scale, DEVICE)
    groups, replies, prompt, reply = (2, 3, 20, 10) if TINY else (2, 8, 1000, 500)
    found: Found = {}
    few = _groups(vlm, 2, 3, prompt, reply)
    with torch.no_grad():
        exact = torch.cat([vlm([one], 1.0)[0] for one in few])
        found["float32 shared / alone"] = gap(vlm(few, 1.0)[0], exact)
        cast(vlm, HALF)
        found["bf16 alone / float32"] = gap(torch.cat([vlm([one], 1.0)[0] for one in few]), exact)
        found["bf16 shared / float32"] = gap(vlm(few, 1.0)[0], exact)
    many = _groups(vlm, groups, replies, prompt, reply)
    cut = [replace(one, image_ids=tuple(f"{i}{name}" for name in one.image_ids)) for i, one in enumerate(many)]
    apart = [replace(one, tokens=np.concatenate([[i], one.tokens[1:]]).astype(np.int32)) for i, one in enumerate(cut)]

    def learn(sequences: list[TokenSequence]) -> None:
        vlm.zero_grad(set_to_none=True)
        vlm(sequences, 1.0)[0].sum().backward()

    found["tokens"] = sum(len(one.tokens) for one in many)
    for name, sequences in {"shared": many, "apart": apart}.items():
        try:
            clean()
            found[f"{name} seconds"] = timed(lambda sequences=sequences: learn(sequences))
            found[f"{name} peak_gib"] = peak()
        except torch.OutOfMemoryError as error:
            found[name] = {"failed": str(error)[:200]}
    return found


def agree() -> Found:
    """Compare log-probs at the 3B shapes: packed bf16 (varlen), padded bf16 (SDPA) and packed float32."""
    scale = gpu.TINY if TINY else gpu.REAL
    short = replace(scale, longest=192 if TINY else 1024)
    padded = gpu.build(gpu.Padded, scale, DEVICE)
    sequences = [one.sequence for one in gpu.trajectories(padded, short, 8)]
    with torch.no_grad():
        half_padded = cast(padded, HALF)(sequences, 1.0)[0]
        del padded
        clean()
        model = gpu.build(VLM, scale, DEVICE)
        exact = model(sequences, 1.0)[0]
        each = torch.cat([model([one], 1.0)[0] for one in sequences])
        half = cast(model, HALF)(sequences, 1.0)[0]
        alone = torch.cat([model([one], 1.0)[0] for one in sequences])
    return {
        "tokens": len(exact),
        "float32 packed / alone": gap(exact, each),
        "bf16 packed / float32": gap(half, exact),
        "bf16 padded / float32": gap(half_padded, exact),
        "bf16 packed / alone": gap(half, alone),
    }


def generate() -> Found:
    """Report tokens/s of the transformers engine, and compare its log-probs with the learner's."""
    found: Found = {}
    vlm = gpu.build(VLM, gpu.TINY if TINY else gpu.REAL, DEVICE)
    many, length, side = (4, 6, 84) if TINY else (64, 96, 448)

    async def play() -> tuple[list[Conversation], int, float]:
        engine = TransformersEngine(vlm, vlm.chat.eos, EngineConfig("transformers", max_batch=many, threads=1))
        rng = np.random.default_rng(0)
        talks = []
        for i in range(many):
            talk = Conversation(vlm.chat, -1)
            frame = rng.integers(0, 256, (side, side, 3), dtype=np.uint8) if i % 2 else None
            talk.ask("go " * 40, "go " * (40 + i), frame)
            talks.append(talk)
        await engine.generate(talks[0].prompt(0, 2), 1.0)
        sync()
        began = time.perf_counter()
        replies = await asyncio.gather(*(engine.generate(talk.prompt(i, length), 1.0) for i, talk in enumerate(talks)))
        sync()
        seconds = time.perf_counter() - began
        for talk, reply in zip(talks, replies, strict=True):
            talk.answer(reply)
        await engine.close()
        return talks, sum(len(reply.tokens) for reply in replies), seconds

    for dtype in (torch.float32, HALF):
        cast(vlm, dtype)
        talks, tokens, seconds = asyncio.run(play())
        sequences = [sequence for talk in talks for sequence in talk.sequences()][:16]
        with torch.no_grad():
            own = vlm(sequences, 1.0)[0].cpu()
        said = torch.from_numpy(
            np.concatenate([sequence.engine_logprobs[sequence.loss_mask] for sequence in sequences])
        )
        found[str(dtype)] = {"tokens/s": round(tokens / seconds), "engine / learner": gap(own, said)}
    return found


def learner() -> Found:
    """Report MFU of packed and padded passes, with and without recomputation, and compare peak memory with `plan`."""
    scale = gpu.TINY if TINY else gpu.REAL
    name = torch.cuda.get_device_name() if CUDA else "CPU"
    top = next((flops for model, flops in gpu.PEAK.items() if model in name), float("nan"))
    count = 6 if TINY else 64
    sizes = None if TINY else shapes("Qwen/Qwen2.5-VL-3B-Instruct")
    base = LearnerConfig(dtype=scale.dtype, pack_tokens=scale.pack_tokens, threads=1)
    runs: dict[str, tuple[type[VLM], LearnerConfig]] = {
        "packed, recomputed": (VLM, replace(base, checkpointing=True)),
        "packed, nothing recomputed, 8k tokens": (VLM, replace(base, pack_tokens=8192, pack_patches=4096)),
        "padded, recomputed": (gpu.Padded, replace(base, checkpointing=True)),
    }
    found: Found = {}
    for label, (kind, config) in runs.items():
        one = vlm = played = None
        try:
            clean()
            vlm = gpu.build(kind, scale, DEVICE)
            played = gpu.trajectories(vlm, scale, count)
            flops = gpu.model_flops(vlm, played)
            one = Learner(vlm, config)
            one.begin_stage(AlgoConfig(minibatch=count, warmup_updates=0, lr=1e-6), 4)
            clean()
            one.update(played, 0, 0)
            sync()
            seconds = []
            for step in (1, 2):
                began = time.perf_counter()
                metrics = one.update(played, step, 0)
                sync()
                seconds.append(time.perf_counter() - began)
            entry = {
                "seconds": seconds,
                "tokens/s": round(sum(len(t.sequence.tokens) for t in played) / min(seconds)),
                "MFU": flops / min(seconds) / top,
                "peak_gib": peak(),
                "plan_gib": None if sizes is None else round(learner_memory(sizes, config, 1, False).peak / GIB, 1),
                "skipped": metrics["skipped_updates"],
            }
            if kind is VLM and CUDA:
                entry["kernels"] = profiled(lambda: one.update(played, 3, 0))  # noqa: B023
            one.close()
            found[label] = entry
        except Exception as error:
            found[label] = {"failed": f"{type(error).__name__}: {str(error)[:300]}"}
        one = vlm = played = None
        clean()
        print(json.dumps({label: found[label]}), flush=True)
    return found


CLASSES = {
    "attention": ("flash", "fmha"),
    "matrix products": ("gemm", "nvjet", "cutlass", "cublas"),
    "copies": ("memcpy", "copy", "cat"),
    "optimiser": ("multi_tensor", "fused_adam"),
    "softmax and reductions": ("softmax", "reduce", "logsumexp"),
    "elementwise": ("elementwise", "vectorized", "index", "gather", "scatter"),
}
"""Classes of kernels by parts of their names. The first match counts."""


def profiled(work: Callable[[], object]) -> Found:
    """Return GPU seconds by class of kernel, the fraction of time with a busy GPU, and the top kernels."""
    from torch.autograd import DeviceType
    from torch.profiler import ProfilerActivity, profile

    sync()
    began = time.perf_counter()
    with profile(activities=[ProfilerActivity.CUDA]) as traced:
        work()
        sync()
        wall = time.perf_counter() - began
    classes: dict[str, float] = {}
    names: dict[str, float] = {}
    spans = []
    for event in traced.events():
        if event.device_type != DeviceType.CUDA:
            continue
        seconds = event.time_range.elapsed_us() / 1e6
        spans.append((event.time_range.start, event.time_range.end))
        low = event.name.lower()
        kind = next((name for name, parts in CLASSES.items() if any(part in low for part in parts)), "other")
        classes[kind] = classes.get(kind, 0.0) + seconds
        names[event.name[:90]] = names.get(event.name[:90], 0.0) + seconds
    busy, last = 0.0, float("-inf")
    for start, end in sorted(spans):
        busy += max(0.0, end - max(start, last))
        last = max(last, end)
    top = sorted(names.items(), key=lambda item: -item[1])[:12]
    return {
        "wall": wall,
        "busy": busy / 1e6 / wall,
        "count": len(spans),
        "seconds": {name: round(value, 3) for name, value in sorted(classes.items(), key=lambda item: -item[1])},
        "top": {name: round(value, 3) for name, value in top},
    }


CHILD = """
import pickle, sys, torch
from torch.multiprocessing.reductions import rebuild_cuda_tensor
held = None
while True:
    size = sys.stdin.buffer.read(4)
    if not size:
        break
    args, count = pickle.loads(sys.stdin.buffer.read(int.from_bytes(size, "little")))
    if held is None:
        args = list(args)
        args[6] = 0
        held = rebuild_cuda_tensor(*args)
    own = held[:count].clone()
    torch.cuda.synchronize()
    print(int(own.view(torch.int32)[: count // 4].to(torch.int64).sum()), flush=True)
"""


def ipc() -> Found:
    """Copy chunks of 1 GiB to another process on this GPU, like vLLM's packed IPC transfer."""
    if not CUDA:
        return {"skipped": "needs CUDA"}
    from torch.multiprocessing.reductions import reduce_tensor

    buffer = torch.empty(GIB, dtype=torch.uint8, device=DEVICE)
    _, handle = reduce_tensor(buffer)
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None and child.stdout is not None
    right, seconds = True, []
    for _ in range(7):  # 7 GiB: a model of 3.75 billion parameters in bf16
        source = torch.randint(-(2**31), 2**31 - 1, (GIB // 4,), dtype=torch.int32, device=DEVICE)
        sync()
        began = time.perf_counter()
        buffer.copy_(source.view(torch.uint8))
        sync()
        text = pickle.dumps((handle, GIB))
        child.stdin.write(len(text).to_bytes(4, "little") + text)
        child.stdin.flush()
        answer = int(child.stdout.readline())
        seconds.append(time.perf_counter() - began)
        right &= answer == int(source.to(torch.int64).sum())
    child.stdin.close()
    child.wait()
    return {"right": right, "seconds": seconds, "GB/s": GIB / min(seconds) / 1e9}


def pixels() -> Found:
    """Report the CPU seconds of the image processor for the patches of one pass, with one thread and with all."""
    vlm = gpu.build(VLM, gpu.TINY, torch.device("cpu"))
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (448, 448, 3), dtype=np.uint8) for _ in range(2 if TINY else 32)]
    found: Found = {"patches": sum(vlm.chat.images.patches(*frame.shape[:2]) for frame in frames)}
    threads = torch.get_num_threads()
    for count in (1, threads):
        torch.set_num_threads(count)
        found[f"CPU seconds, {count} threads"] = timed(lambda: vlm.chat.images.pixels(frames))
    made = vlm.chat.images.pixels(frames)
    found["MB to the device"] = sum(part.numel() * part.element_size() for part in made.values()) / 1e6
    if CUDA:
        found["copy seconds"] = timed(lambda: [part.to(DEVICE) for part in made.values()])
    return found


PHASES = [env, varlen, head, pixels, learner, families, agree, shared, ipc, generate]


def main() -> None:
    """Run the phases and print their results."""
    chosen = next((word.split("=")[1].split(",") for word in sys.argv if word.startswith("phases=")), None)
    folder = os.environ.get("OUT")
    began = time.perf_counter()
    for phase in PHASES:
        if chosen and phase.__name__ not in chosen:
            continue
        started = time.perf_counter()
        try:
            found = phase()
        except Exception as error:
            found = {"failed": f"{type(error).__name__}: {str(error)[:400]}", "where": traceback.format_exc()[-1500:]}
        now = time.perf_counter()
        seconds = {"s": round(now - started, 1), "at": round(now - began, 1)}
        line = json.dumps({"phase": phase.__name__, **seconds, "found": found})
        print(line, flush=True)
        if folder is not None:
            with (Path(folder) / "results.jsonl").open("a") as file:
                file.write(line + "\n")
        clean()


if __name__ == "__main__":
    main()
