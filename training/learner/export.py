"""Export of the trained model to a folder that transformers and vLLM can load."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from agents.models.load import load_processor, model_class
from configs.errors import UserError
from training.learner.state_files import replace_folder


def write(model: Any, weights: Mapping[str, Tensor], folder: Path, dtype: str) -> None:
    """Write a model with its weights, configs and processor.

    Args:
        model: Model, for its configs and its processor.
        weights: Parameter name → weight.
        folder: Folder to write. It is replaced atomically.
        dtype: Name of the weights' dtype, written to the configs.

    Raises:
        UserError: the folder cannot be written, for example because the disk is full.
    """
    from safetensors import SafetensorError

    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir(parents=True)
        model.save_pretrained(fresh, state_dict=dict(weights))
        path = fresh / "config.json"
        config = _with_dtype(json.loads(path.read_text(encoding="utf-8")), dtype)
        path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        if model.name_or_path:
            load_processor(Path(model.name_or_path), model.config.model_type).save(fresh)
        replace_folder(fresh, folder)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise UserError(f"cannot save {folder}: {error}; earlier checkpoints are intact") from error


def _with_dtype(config: Any, dtype: str) -> Any:
    """Return a config with `dtype` in all its parts, since loaders read the dtype from there."""
    if not isinstance(config, dict):
        return config
    return {
        key: dtype if key in ("dtype", "torch_dtype") else _with_dtype(value, dtype) for key, value in config.items()
    }


def read(folder: Path) -> Any:
    """Return the model in a folder, in float32."""
    from transformers import AutoConfig

    family = AutoConfig.from_pretrained(folder).model_type
    return model_class(family).from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
