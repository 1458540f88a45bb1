"""Which model plays, and how a folder of one is loaded and saved."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents.chat import Chat
    from agents.vlm import VLM


@dataclass
class ModelConfig:
    """The policy's model."""

    path: str = "tiny"
    """`tiny` (the embedded model), or a folder that transformers can load."""


@dataclass
class LoadedModel:
    """A model with what is needed to talk to it and to save it."""

    vlm: "VLM"
    chat: "Chat"
    processor: Any

    def save(self, folder: Path) -> None:
        """Write a folder that transformers' `from_pretrained` loads, model and processor; OSError on a full disk."""
        from safetensors import SafetensorError

        try:
            self.vlm.model.save_pretrained(folder)
            self.processor.save_pretrained(folder)
        except SafetensorError as error:
            raise OSError(f"cannot save the model in {folder}: {error}") from error


def tiny_folder() -> Path:
    """Where the embedded model lies."""
    return Path(str(files("agents") / "weights" / "tiny"))


def load_model(path: str) -> LoadedModel:
    """The model in a folder (or `tiny`); ValueError in one line where the folder is not one of a known family."""
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor
    from transformers.utils import logging

    logging.set_verbosity_error()  # its notices about defaults and its bars for small files are not the user's
    logging.disable_progress_bar()

    folder = tiny_folder() if path == "tiny" else Path(path)
    if not folder.is_dir():
        raise ValueError(f"model folder {path!r} does not exist; give a folder that transformers can load, or 'tiny'")
    if not (folder / "config.json").is_file():
        raise ValueError(f"{path!r} is not a model folder: it has no config.json")
    try:
        family = AutoConfig.from_pretrained(folder).model_type
        if family == "idefics3":
            loaded: Any = AutoModelForImageTextToText.from_pretrained(
                folder, dtype=torch.float32, use_safetensors=True, output_loading_info=True
            )
            model, report = loaded
            processor = AutoProcessor.from_pretrained(folder)
    except Exception as error:  # transformers meets a damaged folder with errors of any kind
        lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        raise ValueError(f"{path!r} cannot be loaded as a model: {lines[0]}") from error
    if family != "idefics3":
        raise ValueError(f"{path!r} holds a model of type {family!r}; known: idefics3")
    if report["missing_keys"]:  # transformers would fill them with random numbers
        missing = sorted(report["missing_keys"])
        raise ValueError(f"{path!r} cannot be loaded as a model: {len(missing)} weights are missing, as {missing[0]}")
    return wrap(model.eval(), processor)


def wrap(model: Any, processor: Any) -> LoadedModel:
    """A model in memory, ready to talk to."""
    from agents.chat import Chat
    from agents.vlm import VLM

    chat = Chat(processor)
    return LoadedModel(VLM(model, chat.forbidden, chat.pad), chat, processor)
