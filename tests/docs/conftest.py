"""What the pages of the documentation hold: their texts, blocks, files and command lines."""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = {path.name: path.read_text() for path in [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]}


class Block(NamedTuple):
    """A fenced block."""

    page: str
    language: str
    title: str
    text: str


def read_blocks() -> list[Block]:
    """The fenced blocks of all pages, in order."""
    fence = re.compile(r'^ *```(\w+)(?: title="([^"]+)")?\n(.*?)^ *```$', re.M | re.S)
    return [Block(page, *found) for page, text in PAGES.items() for found in fence.findall(text)]


BLOCKS = read_blocks()
FILES = {block.title: block.text for block in BLOCKS if block.title}


def commands(page: str) -> Iterator[list[str]]:
    """The words of every command line for Python on a page, in blocks and in the text."""
    text = PAGES[page].replace("\\\n", " ")
    shell = [block.text.replace("\\\n", " ") for block in BLOCKS if block.page == page and block.language == "bash"]
    code = [line for block in shell for line in block.splitlines()]
    code += re.findall(r"^ {4,}(python .*)$", text, re.M) + re.findall(r"`[^`\n]*?(python [^`\n)]+)\)?\"?`", text)
    for line in code:
        if "python " in (command := line.partition("#")[0]):
            yield [word for word in shlex.split(command[command.index("python ") + 7 :]) if "…" not in word]


COMMANDS = list(dict.fromkeys((page, shlex.join(words)) for page in PAGES for words in commands(page)))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each `command`, each `program` (a Python block without a name) and each `page`."""
    if "command" in metafunc.fixturenames:
        metafunc.parametrize("command", [command for _, command in COMMANDS], ids=[" ".join(one) for one in COMMANDS])
    if "program" in metafunc.fixturenames:
        blocks = [block for block in BLOCKS if block.language == "python" and not block.title]
        programs = [
            pytest.param(block, id=block.page, marks=[pytest.mark.ray] if "from ray" in block.text else [])
            for block in blocks
        ]
        metafunc.parametrize("program", programs)
    if "page" in metafunc.fixturenames:
        metafunc.parametrize("page", PAGES)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def pages() -> dict[str, str]:
    """Name → text of every page."""
    return PAGES


@pytest.fixture(scope="session")
def blocks() -> list[Block]:
    """The fenced blocks of all pages."""
    return BLOCKS


@pytest.fixture(scope="session")
def every_command() -> list[str]:
    """The command lines of all pages."""
    return [command for _, command in COMMANDS]


@pytest.fixture(scope="session")
def commands_of() -> Callable[[str], list[str]]:
    """A page → its command lines, in order."""
    return lambda page: [command for name, command in COMMANDS if name == page]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of the pages, as a reader would have them."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "path" / "to").mkdir(parents=True)
    mine = {name: FILES["mine.yaml"] for name in ("my_env.yaml", "path/to/mine.yaml")}  # the reader's own
    for name, text in (FILES | mine).items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def shell(desk: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The reader is in that folder."""
    monkeypatch.chdir(desk)
    monkeypatch.syspath_prepend(desk)
    return desk
