"""The example notebook runs from the first cell to the last, in a kernel of its own."""

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.slow

PATH = Path(__file__).resolve().parents[2] / "examples" / "kickoff.ipynb"


def outputs(notebook: Any, kind: str) -> list[str]:
    """What the cells gave: `text/plain` and printed words, or pictures."""
    given = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    printed = [output.text for output in given if output.output_type == "stream" and kind == "text/plain"]
    return printed + [output.data[kind] for output in given if "data" in output and kind in output.data]


@pytest.mark.timeout(600)
def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("IPYTHONDIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(folder, str(tmp_path / folder))
    monkeypatch.delenv("MPLBACKEND")
    read: Any = nbformat.read
    notebook = read(PATH, as_version=4)
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": tmp_path}}).execute()
    text = "\n".join(outputs(notebook, "text/plain"))
    assert "steps; success: True" in text
    assert "True shot\nFalse not of the form" in text
    assert "'expert': 1.0" in text and "held-out episodes" in text
    assert "tiny: success" in text and "expert: success True" in text
    assert re.search("mgt 4/4 · .*success", text)  # progress is shown
    assert len(outputs(notebook, "image/png")) == 3
    assert (tmp_path / "runs" / "notebook" / "report.html").stat().st_size > 10_000


def test_stored_notebook_is_small_and_names_no_machine() -> None:
    text = PATH.read_text()
    assert len(text) < 300_000
    assert "/home/" not in text and "/root/" not in text and "/tmp/" not in text and "/work/" not in text
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] for cell in cells if "print(" in "".join(cell["source"]))
    assert not any(output.get("output_type") == "error" for cell in cells for output in cell["outputs"])
