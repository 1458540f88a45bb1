"""The trained model as a folder that transformers and vLLM load, and back."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from agents.models.load import load_processor
from configs.errors import UserError
from training.learner.state_files import replace_folder


def write(model: Any, weights: Mapping[str, Tensor], folder: Path, dtype: str) -> None:
    """Write a model with these weights, its configs and its processor; UserError on a full disk."""
    from safetensors import SafetensorError

    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir(parents=True)
        model.save_pretrained(fresh, state_dict=dict(weights))
        path = fresh / "config.json"
        config = _with_dtype(json.loads(path.read_text()), dtype)
        path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        if model.name_or_path:
            load_processor(Path(model.name_or_path), model.config.model_type).save(fresh)
        replace_folder(fresh, folder)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise UserError(f"cannot save {folder}: {error}; earlier checkpoints are intact") from error


def _with_dtype(config: Any, dtype: str) -> Any:
    """A config whose parts all say that their weights are of `dtype`: who loads them goes by that."""
    if not isinstance(config, dict):
        return config
    return {
        key: dtype if key in ("dtype", "torch_dtype") else _with_dtype(value, dtype) for key, value in config.items()
    }


def read(folder: Path) -> Any:
    """The model in a folder, in float32."""
    from transformers import AutoModelForImageTextToText

    return AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
