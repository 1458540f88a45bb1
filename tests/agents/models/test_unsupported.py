"""Models that cannot be trained exactly, or have no chat template, are refused in one line."""

import json
from pathlib import Path
from typing import Any

import pytest

from agents.models.load import load_chat, load_model, wrap
from agents.models.tiny import build


def refusal(path: Path) -> str:
    with pytest.raises(ValueError) as caught:
        load_model(str(path))
    with pytest.raises(ValueError) as early:
        load_chat(str(path))
    assert str(caught.value) == str(early.value) and "\n" not in str(caught.value)
    return str(caught.value).replace(str(path), "PATH")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 2, "layer_types": None},
            "its layers have sliding windows, and packed sequences need full attention (use_sliding_window=false)",
        ),
        (
            {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 20.0, "factor": 2.0}},
            "its positions (rope_type=dynamic) depend on the longest sequence of a pass",
        ),
    ],
)
def test_a_decoder_that_packing_would_change_is_refused(changes: dict[str, Any], reason: str, tmp_path: Path) -> None:
    wrap(*build(3, "qwen2")).save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text()) | changes
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert refusal(tmp_path) == f"'PATH' is not supported: {reason}"


def test_a_model_without_a_chat_template_is_refused(tmp_path: Path) -> None:
    wrap(*build(3, "llama")).save(tmp_path)
    (tmp_path / "chat_template.jinja").unlink()
    assert refusal(tmp_path) == (
        "'PATH' cannot be loaded as a model: there is no chat template; use an instruct model, or add "
        "chat_template.jinja to the folder"
    )
