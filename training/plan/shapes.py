"""Shapes of a model, from its config.json only, without downloading or allocating weights."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.errors import UserError

KNOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "Qwen/Qwen2.5-VL-3B-Instruct": (
        "qwen2_5_vl",
        {
            "tie_word_embeddings": True,
            "text_config": {
                "hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36, "num_attention_heads": 16,
                "num_key_value_heads": 2, "vocab_size": 151936, "max_position_embeddings": 128000,
            },
            "vision_config": {"hidden_size": 1280, "intermediate_size": 3420, "depth": 32, "out_hidden_size": 2048},
        },
    ),
    "Qwen/Qwen2.5-VL-7B-Instruct": (
        "qwen2_5_vl",
        {
            "tie_word_embeddings": False,
            "text_config": {
                "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28,
                "num_key_value_heads": 4, "vocab_size": 152064, "max_position_embeddings": 128000,
            },
            "vision_config": {"hidden_size": 1280, "intermediate_size": 3420, "depth": 32, "out_hidden_size": 3584},
        },
    ),
    "Qwen/Qwen3-VL-4B-Instruct": (
        "qwen3_vl",
        {
            "tie_word_embeddings": True,
            "text_config": {
                "hidden_size": 2560, "intermediate_size": 9728, "num_hidden_layers": 36, "num_attention_heads": 32,
                "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936, "max_position_embeddings": 262144,
            },
            "vision_config": {"hidden_size": 1024, "intermediate_size": 4096, "depth": 24, "out_hidden_size": 2560},
        },
    ),
    "HuggingFaceTB/SmolVLM-Instruct": (
        "idefics3",
        {
            "tie_word_embeddings": False,
            "scale_factor": 3,
            "text_config": {
                "model_type": "llama", "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 24,
                "num_attention_heads": 32, "vocab_size": 49155, "max_position_embeddings": 16384, "pad_token_id": 2,
            },
            "vision_config": {
                "hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16,
                "image_size": 384, "patch_size": 14,
            },
        },
    ),
    "Qwen/Qwen2.5-1.5B-Instruct": (
        "qwen2",
        {
            "hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28, "num_attention_heads": 12,
            "num_key_value_heads": 2, "vocab_size": 151936, "max_position_embeddings": 32768,
            "tie_word_embeddings": True,
        },
    ),
    "Qwen/Qwen3-4B": (
        "qwen3",
        {
            "hidden_size": 2560, "intermediate_size": 9728, "num_hidden_layers": 36, "num_attention_heads": 32,
            "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936, "max_position_embeddings": 40960,
            "tie_word_embeddings": True,
        },
    ),
    "HuggingFaceTB/SmolLM2-135M-Instruct": (
        "llama",
        {
            "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9,
            "num_key_value_heads": 3, "vocab_size": 49152, "max_position_embeddings": 8192,
            "tie_word_embeddings": True,
        },
    ),
}  # fmt: skip
"""Hub name → model type and settings from its config.json, for planning without a network."""


@dataclass(frozen=True)
class Stack:
    """Shapes of a stack of equal layers."""

    layers: int
    hidden: int
    inner: int
    """Width of the feed-forward part."""
    heads: int
    """Width of all query heads."""
    key_values: int
    """Width of all key heads. It equals the width of all value heads."""
    gated: bool
    """True if the feed-forward part multiplies two projections (SwiGLU)."""
    layer_parameters: int
    """Number of parameters in the largest layer."""
    parameters: int
    """Number of parameters in all layers."""


NO_VISION = Stack(0, 0, 0, 0, 0, False, 0, 0)
"""Vision tower of a text model."""


@dataclass(frozen=True)
class Shapes:
    """Shapes of a model."""

    parameters: int
    """Number of parameters. Tied ones count once."""
    vision_parameters: int
    """Number of parameters used for images only."""
    linear_io: int
    """Sum of the input and output widths of the language model's linear layers: LoRA parameters per unit of rank."""
    vocabulary: int
    longest: int
    """Maximum number of positions of the model."""
    text: Stack
    vision: Stack

    @property
    def root_parameters(self) -> int:
        """Number of parameters outside of layers: embeddings, head and the connector from images to text."""
        return self.parameters - self.text.parameters - self.vision.parameters


def shapes(path: str) -> Shapes:
    """Return the shapes of the model at a path (`ModelConfig.path`); raise UserError if it has no config."""
    import torch
    from torch import nn
    from transformers.utils import logging

    from agents.models import families
    from agents.models.load import model_class

    logging.set_verbosity_error()  # hide notices about defaults
    config = _config(path)
    with torch.device("meta"):
        model: Any = model_class(config.model_type).from_config(config)
    model.tie_weights()
    linear = [one for one in families.language_model(model).modules() if isinstance(one, nn.Linear)]
    text, vision = config.get_text_config(), getattr(config, "vision_config", None)
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return Shapes(
        parameters=_count([model]),
        vision_parameters=_count(families.vision(model)),
        linear_io=sum(one.in_features + one.out_features for one in linear),
        vocabulary=text.vocab_size,
        longest=text.max_position_embeddings,
        text=_stack(
            families.layers(model),
            text,
            head * text.num_attention_heads,
            head * (getattr(text, "num_key_value_heads", None) or text.num_attention_heads),
        ),
        vision=_stack(families.vision_layers(model), vision, vision.hidden_size, vision.hidden_size)
        if vision
        else NO_VISION,
    )


def num_parameters(path: str) -> int | None:
    """Return the number of parameters of the model at a path, or None if its config cannot be read."""
    try:
        return shapes(path).parameters
    except (UserError, ValueError, AttributeError, OSError):
        return None


def _config(path: str) -> Any:
    """Return a model's config from its folder, `KNOWN`, the local cache or the hub."""
    from transformers import AutoConfig

    from agents.models.load import FAMILIES, tiny_folder

    folder = tiny_folder() if path == "tiny" else Path(path)
    try:
        if folder.is_dir():
            config = AutoConfig.from_pretrained(folder)
        elif path in KNOWN:
            family, settings = KNOWN[path]
            config = AutoConfig.for_model(family, **settings)
        else:
            config = AutoConfig.from_pretrained(path)
    except Exception as error:  # no network, an unknown model or a damaged file
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"model.path: the config.json of {path!r} cannot be read: {reason}") from error
    if config.model_type not in FAMILIES:
        raise UserError(
            f"model.path: {path!r} holds a model of type {config.model_type!r}; known: {', '.join(FAMILIES)}"
        )
    return config


def _stack(layers: list[Any], config: Any, heads: int, key_values: int) -> Stack:
    """Return the shapes of a stack of equal layers."""
    names = [name for name, _ in layers[0].named_parameters()]
    return Stack(
        layers=len(layers),
        hidden=config.hidden_size,
        inner=config.intermediate_size,
        heads=heads,
        key_values=key_values,
        gated=any("gate_proj" in name for name in names),
        layer_parameters=max(_count([layer]) for layer in layers),
        parameters=_count(layers),
    )


def _count(modules: list[Any]) -> int:
    """Return the number of parameters in modules. Shared ones count once."""
    parameters = itertools.chain.from_iterable(module.parameters() for module in modules)
    return sum(one.numel() for one in {id(one): one for one in parameters}.values())
