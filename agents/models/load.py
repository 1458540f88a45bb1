"""Loading and saving of models."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from render.records.files import reset_modes

if TYPE_CHECKING:
    import torch

    from agents.chat.template import Chat
    from agents.models.vlm import VLM

IDEFICS = ("idefics3", "smolvlm")
QWEN = ("qwen2_5_vl", "qwen3_vl")
TEXT = ("llama", "qwen2", "qwen3")
"""Families without images."""
FAMILIES = (*IDEFICS, *QWEN, *TEXT)
"""Supported values of transformers' `model_type`."""
PROCESSOR_FILES = ("processor_config.json", "preprocessor_config.json", "video_preprocessor_config.json")
MODEL_FILES = ("*.json", "*.safetensors", "*.jinja", "*.txt")


@dataclass(frozen=True)
class Processor:
    """Processor of a model family: a tokenizer with a chat template, and an image processor."""

    tokenizer: Any
    images: Any
    """Image processor, or None for a model that reads text only."""
    files: dict[str, str]
    """Contents, by name, of the files that transformers and vLLM load, without the tokenizer's files."""

    def save(self, folder: Path) -> None:
        """Write a folder that AutoProcessor can load."""
        self.tokenizer.save_pretrained(folder)
        for name, text in self.files.items():
            (folder / name).write_text(text, encoding="utf-8")


@dataclass
class LoadedModel:
    """Model with its chat template and its processor."""

    vlm: "VLM"
    chat: "Chat"
    processor: Processor

    def save(self, folder: Path) -> None:
        """Write the model and its processor to a folder that transformers and vLLM can load.

        Raises:
            OSError: the disk is full or not writable.
        """
        from safetensors import SafetensorError

        try:
            self.vlm.model.save_pretrained(folder)
            self.processor.save(folder)
            reset_modes(folder)
        except SafetensorError as error:
            raise OSError(f"cannot save the model in {folder}: {error}") from error


def tiny_folder() -> Path:
    """Return the folder of the embedded model."""
    return Path(str(files("agents") / "weights" / "tiny"))


def model_folder(path: str) -> Path:
    """Return the folder of a model, downloaded from the hub if necessary; raise a one-line ValueError if it fails."""
    folder = tiny_folder() if path == "tiny" else Path(path)
    if not folder.is_dir():
        if path.count("/") == 1 and not path.startswith((".", "/", "~", "runs/")):
            return _from_hub(path)
        raise ValueError(f"model folder {path!r} does not exist; give a folder that transformers can load, or 'tiny'")
    if not (folder / "config.json").is_file():
        raise ValueError(f"{path!r} is not a model folder: it has no config.json")
    return folder


def _from_hub(name: str) -> Path:
    """Return the folder of a hub model: the local copy if complete, else a download."""
    from huggingface_hub import snapshot_download

    if name.startswith(("runs/", "./", "../", "/")):  # a folder was intended
        raise ValueError(
            f"{name} does not exist; give a folder, such as runs/football/checkpoint, or a name on the hub"
        )
    for here in (True, False):
        try:
            folder = Path(snapshot_download(name, allow_patterns=list(MODEL_FILES), local_files_only=here))
            problem = "" if _complete(folder) else "some of its weights are missing or not safetensors"
        except Exception as error:  # no network, no such model, or no access
            problem = _line(error)
        if not problem:
            return folder
    raise ValueError(f"{name!r} is not a folder, and cannot be loaded from the Hugging Face hub: {problem}")


def _complete(folder: Path) -> bool:
    """Return True if all weights exist. A download may have been interrupted."""
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return (folder / "model.safetensors").is_file()
    return all(
        (folder / name).is_file() for name in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
    )


def _line(error: Exception) -> str:
    """Return the first line of an error's message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


@contextmanager
def _loading(path: str) -> Iterator[None]:
    """Convert any error to a one-line ValueError, and silence notices of transformers."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    except Exception as error:  # transformers raises errors of any type for a damaged folder
        raise ValueError(f"{path!r} cannot be loaded as a model: {_line(error)}") from error


def _load_config(path: str) -> tuple[Path, Any]:
    """Return the folder and the config of a model; raise a one-line ValueError unless its family is supported."""
    from transformers import AutoConfig

    folder = model_folder(path)
    with _loading(path):
        config: Any = AutoConfig.from_pretrained(folder)
    if config.model_type not in FAMILIES:
        raise ValueError(f"{path!r} holds a model of type {config.model_type!r}; known: {', '.join(FAMILIES)}")
    if problem := _unsupported(config.get_text_config()):
        raise ValueError(f"{path!r} is not supported: {problem}")
    return folder, config


def _unsupported(config: Any) -> str:
    """Return why packed sequences would differ from single ones in a decoder with this config, or an empty text."""
    if "sliding_attention" in (getattr(config, "layer_types", None) or ()):
        return "its layers have sliding windows, and packed sequences need full attention (use_sliding_window=false)"
    kind = (getattr(config, "rope_parameters", None) or {}).get("rope_type")
    if kind in ("dynamic", "longrope"):
        return f"its positions (rope_type={kind}) depend on the longest sequence of a pass"
    return ""


def model_class(family: str) -> Any:
    """Return the class of transformers that loads models of a family."""
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

    return AutoModelForCausalLM if family in TEXT else AutoModelForImageTextToText


def load_model(path: str) -> LoadedModel:
    """Load the model at a path (`ModelConfig.path`) in float32.

    Raises:
        ValueError: there is no model of a supported family, or weights are missing (one line).
    """
    import torch

    folder, config = _load_config(path)
    with _loading(path):
        loaded: Any = model_class(config.model_type).from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, output_loading_info=True
        )
        model, report = loaded
        if report["missing_keys"]:  # transformers would initialise them randomly
            missing = sorted(report["missing_keys"])
            raise ValueError(f"{len(missing)} weights are missing, such as {missing[0]}")
        return wrap(model.eval(), load_processor(folder, config.model_type))


def load_skeleton(path: str) -> LoadedModel:
    """Load the model at a path without its weights, on the meta device, for a rank that gets its part from another.

    Raises:
        ValueError: there is no model of a supported family (one line).
    """
    import torch
    from transformers import AutoModelForImageTextToText

    folder, config = _load_config(path)
    with _loading(path):
        with torch.device("meta"):
            model: Any = AutoModelForImageTextToText.from_config(config, dtype=torch.float32)
        return wrap(model.eval(), load_processor(folder, config.model_type))


def load_chat(path: str) -> "Chat":
    """Load the chat template of the model at a path, without its weights; raise a one-line ValueError if it fails."""
    folder, config = _load_config(path)
    with _loading(path):
        return make_chat(config, load_processor(folder, config.model_type))


def longest_context(path: str) -> int | None:
    """Return the maximum context in tokens from the config of the model at a path, or None if not specified."""
    longest: int | None = getattr(_load_config(path)[1].get_text_config(), "max_position_embeddings", None)
    return longest


def best_device() -> "torch.device":
    """Return the GPU if there is one, else the CPU."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load_processor(folder: Path, family: str) -> Processor:
    """Load tokenizer and image processor separately: the complete processors need torchvision for unused videos."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    if (folder / "chat_template.json").is_file():  # location before chat_template.jinja
        tokenizer.chat_template = json.loads((folder / "chat_template.json").read_text(encoding="utf-8"))[
            "chat_template"
        ]
    kept = {name: (folder / name).read_text(encoding="utf-8") for name in PROCESSOR_FILES if (folder / name).is_file()}
    return Processor(tokenizer, None if family in TEXT else image_processor(family).from_pretrained(folder), kept)


def image_processor(family: str) -> Any:
    """Return the image processor class of a family that works with and without torchvision."""
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    return Idefics3ImageProcessorPil if family in IDEFICS else Qwen2VLImageProcessorPil


def make_chat(config: Any, processor: Processor) -> "Chat":
    """Return the chat template of a model, given its transformers config."""
    from agents.chat.images import Idefics3Images, ImageCodec, QwenImages
    from agents.chat.template import Chat
    from agents.chat.text_only import TextOnly

    images: ImageCodec = TextOnly()
    if config.model_type not in TEXT:
        kind = Idefics3Images if config.model_type in IDEFICS else QwenImages
        images = kind(processor.images, processor.tokenizer, config)
    return Chat(processor.tokenizer, images, config.get_text_config().vocab_size)


def wrap(model: Any, processor: Processor) -> LoadedModel:
    """Wrap a model in memory with its chat template and processor."""
    from agents.models.vlm import VLM

    chat = make_chat(model.config, processor)
    return LoadedModel(VLM(model, chat), chat, processor)
