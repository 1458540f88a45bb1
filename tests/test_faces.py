"""Each room has a face: the names that others use, found without importing what lies behind them."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("agents", "configs", "envs", "render", "training")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
STUBS = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("__init__.pyi"))


def name_of(path: Path) -> str:
    """The module's import name; a package's for its `__init__`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


COMMAND = "training.evaluate"
"""A function of a face, and a command of that name: its file is run and never imported."""


FACES = [name_of(stub) for stub in STUBS]


@pytest.mark.parametrize("face", FACES)
def test_face_exports_every_name_and_no_file(face: str) -> None:
    module = importlib.import_module(face)
    assert module.__all__ == sorted(module.__all__)
    for name in module.__all__:
        assert hasattr(module, name)
        if f"{face}.{name}" != COMMAND:
            assert not (ROOT / face.replace(".", "/") / f"{name}.py").exists(), f"{face}.{name} is a file too"


def test_the_command_with_the_name_of_a_function_is_imported_by_nothing() -> None:
    package, _, name = COMMAND.rpartition(".")
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert COMMAND not in [alias.name for alias in node.names], path
            elif isinstance(node, ast.ImportFrom):
                assert node.module != COMMAND, path
                assert node.module != package or name not in [alias.name for alias in node.names], path


def test_every_folder_of_code_is_a_package_with_one_line_of_purpose() -> None:
    for folder in {path.parent for path in FILES}:
        text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
        assert text and "\n" not in text, folder


def test_every_package_is_typed() -> None:
    assert all((ROOT / package / "py.typed").is_file() for package in PACKAGES)


def test_faces_import_nothing_heavy() -> None:
    program = f"import sys, {', '.join(FACES)}\nprint({{'torch', 'transformers', 'numba', 'ray'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_code_inside_imports_files_and_not_faces() -> None:
    through = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module in FACES:
                folder = ROOT / node.module.replace(".", "/")
                names = [alias.name for alias in node.names]
                through += [
                    f"{path}: {node.module}.{name}"
                    for name in names
                    if not ((folder / f"{name}.py").is_file() or (folder / name).is_dir())
                ]
    assert through == []
