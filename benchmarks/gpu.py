"""The learner at the size of Qwen2.5-VL-3B on a GPU: packed and padded passes, tokens/s, MFU and peak memory.

    python -m benchmarks.gpu [rounds=5] [sequences=64] [--tiny]

The model has the original shapes with random weights, so nothing is downloaded. It needs torch 2.11 and transformers
5.17. Token sequences have 256 to 4,096 tokens, half of them with one or two images of 448x448. Both sides use the same
learner: bfloat16 over float32 weights, gradient checkpointing in every layer, one update. A padded pass is the forward
pass of transformers with right-padded rows of similar length. It has the sequences of a packed pass, so its padding
makes it longer than `pack_tokens` and adds to its memory. `--tiny` runs the script on a CPU.

MFU = model FLOPs per second / PEAK. Model FLOPs are three times those of a forward pass without padding. A forward pass
has 2 x decoder weights per token, 2 x hidden x vocabulary per trained token, 2 x vision weights per patch, and
4 x width x (visible keys) per token for attention. Recomputation is not counted. PEAK is the data sheet's value: large
matrix products reach less (`benchmarks/gpu_checks.py` measures them: 773 TFLOP/s on an H200).
"""

import gc
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.chat.conversation import Conversation
from agents.chat.types import Completion, TokenSequence
from agents.models import families
from agents.models.load import Processor, image_processor, wrap
from agents.models.logprobs import chosen_logprobs
from agents.models.tiny import build_config, build_tokenizer
from agents.models.vlm import VLM
from training.algorithm.groups import Trajectory
from training.config.algo import AlgoConfig
from training.config.learner import LearnerConfig
from training.learner.learner import Learner

PEAK = {"H200": 989e12, "H100": 989e12, "A100": 312e12}
"""Dense bfloat16 FLOP/s of a GPU according to its data sheet (without sparsity)."""

TEXT = {
    "hidden_size": 2048,
    "intermediate_size": 11008,
    "num_hidden_layers": 36,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "vocab_size": 151936,
    "max_position_embeddings": 128000,
    "rms_norm_eps": 1e-6,
    "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
}
VISION = {
    "depth": 32,
    "hidden_size": 1280,
    "intermediate_size": 3420,
    "num_heads": 16,
    "out_hidden_size": 2048,
    "patch_size": 14,
    "window_size": 112,
    "fullatt_block_indexes": [7, 15, 23, 31],
}


@dataclass(frozen=True)
class Scale:
    """Sizes of the benchmark."""

    shortest: int
    longest: int
    """Range of sequence lengths in tokens."""
    image: int
    """Side of an image in pixels."""
    pack_tokens: int
    dtype: str


REAL = Scale(256, 4096, 448, 16384, "bfloat16")
TINY = Scale(24, 192, 84, 1024, "float32")


class Padded(VLM):
    """The same model with the forward pass of transformers and one padded row per sequence."""

    def __init__(self, model: Any, chat: Any) -> None:
        super().__init__(model, chat)
        model.set_attn_implementation("sdpa")

    def forward(self, sequences: Sequence[TokenSequence], temperature: float) -> tuple[Tensor, Tensor]:
        """Return log-probs and entropies of the trained tokens, like `VLM.forward`."""
        length = max(len(sequence.tokens) for sequence in sequences)
        tokens = np.full((len(sequences), length), self.chat.pad, dtype=np.int64)
        trained, shown = np.zeros_like(tokens, dtype=bool), np.zeros_like(tokens)
        for row, sequence in enumerate(sequences):
            tokens[row, : len(sequence.tokens)] = sequence.tokens
            trained[row, : len(sequence.tokens)] = sequence.loss_mask
            shown[row, : len(sequence.tokens)] = 1
        frames = [frame for sequence in sequences for frame in sequence.images]
        inputs = self.chat.images.pixels(frames) if frames else {}
        inputs["mm_token_type_ids"] = torch.from_numpy((tokens == self.chat.image_token).astype(np.int32))
        inputs["attention_mask"] = torch.from_numpy(shown)
        inputs["input_ids"] = torch.from_numpy(tokens)
        placed = {name: tensor.to(self.device) for name, tensor in inputs.items()}
        hidden = self.model.model(**placed, use_cache=False).last_hidden_state
        rows, columns = (torch.from_numpy(axis).to(self.device) for axis in np.nonzero(trained))
        chosen = placed["input_ids"][rows, columns]
        return chosen_logprobs(hidden[rows, columns - 1], self.head, chosen, self.forbidden, temperature)


def build(kind: type[VLM], scale: Scale, device: torch.device) -> VLM:
    """Build a model with random weights.

    Args:
        kind: Class of the model.
        scale: Sizes of the benchmark.
        device: Device of the weights.
    """
    tokenizer = build_tokenizer("qwen2_5_vl")
    config = build_config(tokenizer, "qwen2_5_vl")
    if scale is REAL:
        for part, sizes in ((config.text_config, TEXT), (config.vision_config, VISION)):
            for key, value in sizes.items():
                setattr(part, key, value)
            part.initializer_range = 0.02  # the tiny model's 0.2 is unstable at this depth
        config.text_config.layer_types = ["full_attention"] * config.text_config.num_hidden_layers
        config.initializer_range = 0.02
    from transformers import AutoModelForImageTextToText

    torch.manual_seed(0)
    with device:
        model = AutoModelForImageTextToText.from_config(config, dtype=torch.float32)
    images = image_processor("qwen2_5_vl")(size={"shortest_edge": 56 * 56, "longest_edge": 1280 * 28 * 28})
    made = wrap(model.eval(), Processor(tokenizer, images, {}))
    vlm = made.vlm if kind is VLM else kind(model, made.chat)
    vlm.forbidden = vlm.forbidden[vlm.forbidden < len(tokenizer)]  # like a tokenizer with a full vocabulary
    return vlm


def trajectories(vlm: VLM, scale: Scale, count: int) -> list[Trajectory]:
    """Return token sequences with prompts and replies, with lengths evenly spaced on a log scale.

    Args:
        vlm: Model with the chat template.
        scale: Sizes of the benchmark.
        count: Number of sequences.
    """
    rng = np.random.default_rng(0)
    found = []
    lengths = np.exp(np.linspace(np.log(scale.shortest), np.log(scale.longest), count)).astype(int)
    for number, length in enumerate(rng.permutation(lengths).tolist()):
        talk = Conversation(vlm.chat, -1)
        for turn in range(2):  # images in the first, the second or both turns
            seen = number % 4 > 1 and (turn == 0 or number % 4 == 3)
            frame = rng.integers(0, 256, (scale.image, scale.image, 3), dtype=np.uint8) if seen else None
            talk.ask("go " * (length // 16), "go " * (length // 16), frame)
            shown = len(talk.prompt(0, 1).tokens)
            reply = max(4, (length // 2 if turn == 0 else length) - shown)
            tokens = rng.integers(0, 200, reply).astype(np.int32)
            talk.answer(Completion(tokens, np.full(reply, -5.0, np.float32), False, np.zeros(reply, np.int32)))
        (sequence,) = talk.sequences()
        found.append(Trajectory(sequence, np.where(sequence.loss_mask, rng.normal(), 0.0).astype(np.float32)))
    return found


def model_flops(vlm: VLM, played: Sequence[Trajectory]) -> float:
    """Return the model FLOPs of one update, as defined at the top of this file."""
    text = vlm.model.config.get_text_config()
    vision = vlm.model.config.vision_config
    per_token = 2 * sum(p.numel() for layer in families.layers(vlm.model) for p in layer.parameters() if p.dim() > 1)
    blocks = families.vision_layers(vlm.model)
    per_patch = 2 * sum(p.numel() for layer in blocks for p in layer.parameters() if p.dim() > 1)
    width = text.num_attention_heads * getattr(text, "head_dim", text.hidden_size // text.num_attention_heads)
    whole = len(vision.fullatt_block_indexes)
    window = (vision.window_size // vision.patch_size) ** 2
    total = 0.0
    for trajectory in played:
        sequence = trajectory.sequence
        tokens = len(sequence.tokens)
        total += per_token * tokens + 2 * text.hidden_size * text.vocab_size * int(sequence.loss_mask.sum())
        total += 4 * width * tokens * (tokens + 1) / 2 * text.num_hidden_layers  # causal: half of the pairs
        for frame in sequence.images:
            patches = vlm.chat.images.patches(*frame.shape[:2])
            keys = whole * patches + (len(blocks) - whole) * min(window, patches)
            total += patches * (per_patch + 4 * vision.hidden_size * keys)
    return 3 * total


def measure(kind: type[VLM], scale: Scale, count: int, rounds: int, device: torch.device) -> dict[str, float]:
    """Measure updates of the learner.

    Args:
        kind: Class of the model.
        scale: Sizes of the benchmark.
        count: Number of token sequences.
        rounds: Number of measured updates.
        device: Device of the learner.

    Returns:
        Median, minimum and maximum seconds of an update, its tokens and FLOPs, and the peak memory in GiB.
    """
    gc.collect()  # tensors of the other side may be in reference cycles
    vlm = build(kind, scale, device)
    played = trajectories(vlm, scale, count)
    flops = model_flops(vlm, played)
    config = LearnerConfig(dtype=scale.dtype, checkpointing=True, pack_tokens=scale.pack_tokens, threads=1)
    learner = Learner(vlm, config)
    learner.begin_stage(AlgoConfig(minibatch=count, warmup_updates=0, lr=1e-6), rounds + 1)
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    seconds = []
    for step in range(rounds + 1):
        started = time.perf_counter()
        metrics = learner.update(played, step, 0)
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
        assert not metrics["skipped_updates"], metrics
    seconds = sorted(seconds[1:])  # the first update compiles kernels and creates the optimiser state
    tokens = sum(len(trajectory.sequence.tokens) for trajectory in played)
    result = {"seconds": median(seconds), "least": seconds[0], "most": seconds[-1], "tokens": tokens, "flops": flops}
    result["memory"] = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else float("nan")
    learner.close()
    return result


def main(argv: list[str]) -> None:
    """Measure and print both sides."""
    numbers = {name: int(value) for name, _, value in (word.partition("=") for word in argv) if value}
    tiny = "--tiny" in argv
    if not tiny and not torch.cuda.is_available():
        sys.exit("no GPU here; --tiny tries the script on a CPU")
    device = torch.device("cpu" if tiny else "cuda")
    name = "CPU" if tiny else torch.cuda.get_device_name()
    peak = next((flops for model, flops in PEAK.items() if model in name), float("nan"))
    scale = TINY if tiny else REAL
    count, rounds = numbers.get("sequences", 12 if tiny else 64), numbers.get("rounds", 2 if tiny else 5)
    print(f"{name}, torch {torch.__version__}, {count} trajectories of {scale.shortest} to {scale.longest} tokens")
    sides = {}
    for label, kind in (("packed", VLM), ("padded", Padded)):
        side = sides[label] = measure(kind, scale, count, rounds, device)
        if device.type == "cuda":
            torch.cuda.empty_cache()
        print(
            f"{label}: {side['seconds']:.2f} s an update ({side['least']:.2f} to {side['most']:.2f}), "
            f"{side['tokens'] / side['seconds']:,.0f} tokens/s, MFU {side['flops'] / side['seconds'] / peak:.1%}, "
            f"peak memory {side['memory']:.1f} GiB"
        )
    print(f"packed is {sides['padded']['seconds'] / sides['packed']['seconds']:.2f}x as fast")


if __name__ == "__main__":
    main(sys.argv[1:])
