"""The documentation does what it says: it builds, its blocks run as they stand, its commands and tables are current."""

import importlib
import json
import os
import re
import runpy
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env
from mkdocs.commands.build import build
from mkdocs.config import load_config

from agents.demonstrate import DemonstrateOptions
from agents.play import PlayOptions
from agents.warmup import WarmupConfig
from envs.check import main as check
from envs.cli import read_options
from envs.task_config import load_task
from render import episode as record
from render import watch
from training import algo, baseline_config, completion, evaluate, run
from training.advantages import ESTIMATORS
from training.config import load_with
from training.evaluate import EvaluateOptions
from training.losses import LOSSES
from training.metrics import read_metrics
from training.run import RunOptions

ROOT = Path(__file__).resolve().parents[2]
PAGES = {path.name: path for path in [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]}
FEW = ["stages.mgt.steps=1", "algo.groups=6", "algo.group_size=4", "algo.temperature=1.5", "evaluation.episodes=4"]
FEW += ["evaluation.validation_episodes=4", "evaluation.videos=1", "evaluation.records=1"]
"""Makes a documented run short."""


class Block(NamedTuple):
    """A fenced block."""

    language: str
    title: str
    text: str


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found = re.findall(r'^ *```(\w+)(?: title="([^"]+)")?\n(.*?)^ *```$', PAGES[page].read_text(), re.M | re.S)
    return [Block(*block) for block in found]


def files() -> dict[str, str]:
    """The blocks that have a file's name, over all pages."""
    return {block.title: block.text for page in PAGES for block in blocks(page) if block.title}


def commands(page: str) -> Iterator[list[str]]:
    """The words of every command line for Python on a page, in blocks and in the text."""
    text = PAGES[page].read_text().replace("\\\n", " ")
    code = [
        line
        for block in re.findall(r"^ *```(?:bash|console)\n(.*?)^ *```$", text, re.M | re.S)
        for line in block.splitlines()
    ]
    code += re.findall(r"^ {4,}(python .*)$", text, re.M) + re.findall(r"`[^`\n]*?(python [^`\n)]+)\)?\"?`", text)
    for line in code:
        if "python " in (command := line.partition("#")[0]):
            yield [word for word in shlex.split(command[command.index("python ") + 7 :]) if "…" not in word]


COMMANDS = list(dict.fromkeys((page, shlex.join(words)) for page in PAGES for words in commands(page)))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of the pages, as a reader would have them."""
    folder = tmp_path_factory.mktemp("desk")
    for name, text in files().items():
        (folder / name).write_text(text)
    for name in ("my_env.yaml", "path/to/mine.yaml"):  # the reader's own
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(files()["mine.yaml"])
    return folder


@pytest.fixture
def shell(desk: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The reader is in that folder."""
    monkeypatch.chdir(desk)
    monkeypatch.syspath_prepend(desk)
    return desk


@pytest.fixture(scope="module")
def a_run(desk: Path) -> Path:
    """A run of the two envs of the pages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(desk)
        patch.syspath_prepend(desk)
        run.main(["env=catch.yaml,ice.yaml", "stages=mgt", "algo.kl_coef=0.01", "name=football", *FEW])
    return desk / "runs" / "football"


# -- the site --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; a warning, such as a link that leads nowhere, fails it."""
    folder = tmp_path_factory.mktemp("site")
    os.environ["NO_MKDOCS_2_WARNING"] = "1"  # a notice of the theme's makers
    build(load_config(str(ROOT / "mkdocs.yml"), strict=True, site_dir=str(folder)))
    return folder


def test_the_site_needs_no_network(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert {path.stem for path in pages} >= {Path(page).stem for page in PAGES if page != "README.md"}
    for path in pages:
        loaded = re.findall(
            r'<(?:script|img|source|iframe)[^>]* src="([^"]*)"|<link[^>]* href="([^"]*)"', path.read_text()
        )
        assert [address for pair in loaded for address in pair if address.startswith(("http", "//"))] == []


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_links_of_the_pages_beside_the_site_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)", (ROOT / page).read_text())
    assert [link for link in links if not link.startswith("http") and not (ROOT / link).exists()] == []


def test_every_key_is_explained(site: Path) -> None:
    page = (site / "keys.html").read_text()
    for key in ("algo.lr", "engine.vllm.gpu_memory", "env.max_turns", "stages.NAME.steps", "evaluation.record_groups"):
        assert f"<code>{key}</code>" in page
    rows = re.findall(r"<tr>\s*<td>(.*?)</td>\s*<td>(.*?)</td>\s*<td>(.*?)</td>\s*<td>(.*?)</td>", page, re.S)
    assert len(rows) > 100
    assert [key for key, kind, _, meaning in rows if not kind or not meaning] == []


# -- its blocks ------------------------------------------------------------------------------------------------------


def test_somebody_elses_env_in_one_file(shell: Path, a_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check(["ice.yaml"])
    (shown,) = [block.text for block in blocks("add_env.md") if block.language == "text"]
    assert capsys.readouterr().out == shown
    assert_trained(a_run, "ice")


def test_a_game_from_scratch(shell: Path, a_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(files()["catch.py"].splitlines()) < 60
    importlib.import_module("catch")
    check_env(gymnasium.make("Catch-v0", render_mode="rgb_array").unwrapped)
    check(["catch.yaml"])
    assert "wrong" not in capsys.readouterr().out
    assert_trained(a_run, "catch")
    assert json.loads((a_run / "summary.json").read_text())["success"]["expert"]["mean"] == 1
    assert (a_run / "videos" / "after.mp4").stat().st_size > 1000


def assert_trained(folder: Path, task: str) -> None:
    """A run has learned from episodes of a task."""
    (step,) = [row for row in read_metrics(folder) if row["stage"] == "mgt"]
    assert step["updates"] >= 1 and step["skipped_updates"] == 0 and step["grad_norm"] > 0
    assert 0 <= step[f"success/{task}"] <= 1
    assert f'"task":"{task}"' in (folder / "episodes" / "train" / "episodes.jsonl").read_text()


def test_a_loss_of_ones_own(shell: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for registry, name in ((LOSSES, "sapo"), (ESTIMATORS, "rank")):
        monkeypatch.setitem(registry, name, None)  # what the file adds is gone afterwards
    monkeypatch.setattr(algo, "LOSS_NAMES", algo.LOSS_NAMES)
    monkeypatch.setattr(algo, "ADVANTAGES", algo.ADVANTAGES)

    def started(*words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["sapo.py", *words])
        with pytest.raises(SystemExit) as end:
            runpy.run_path("sapo.py", run_name="__main__")
        return int(end.value.code or 0)

    words = ["env=arithmetic", "stages=mgt", "algo.loss=sapo", "algo.advantage=rank"]
    assert started("name=sapo", *words, *FEW) == 0
    (step,) = [row for row in read_metrics(shell / "runs" / "sapo") if row["stage"] == "mgt"]
    assert step["grad_norm"] > 0 and step["clip_fraction"] == 0
    capsys.readouterr()
    assert started("algo.loss=soup") == 2
    assert "loss must be one of dapo, gspo, cispo, sapo" in capsys.readouterr().err


PYTHON = [
    (page, block.text) for page in PAGES for block in blocks(page) if block.language == "python" and not block.title
]


@pytest.mark.parametrize(("page", "text"), PYTHON, ids=lambda value: value if value in PAGES else "")
def test_python_runs_as_it_stands(page: str, text: str, shell: Path, a_run: Path) -> None:
    exec(compile(text, page, "exec"), {"__name__": "__main__"})


# -- its commands ----------------------------------------------------------------------------------------------------


def _demonstrate(words: Sequence[str]) -> None:
    of_task = [word for word in words if word.startswith("env.")]
    load_task(read_options(DemonstrateOptions, [word for word in words if word not in of_task]).env, of_task)


def _check(words: Sequence[str]) -> None:
    for name in (word for word in words if "=" not in word):
        load_task(name, [word for word in words if "=" in word])


def _list(words: Sequence[str]) -> None:
    assert all(word.startswith("sheet=") for word in words)


def _play(words: Sequence[str]) -> None:
    of_task = [word for word in words if word.startswith("env.")]
    load_task(read_options(PlayOptions, [word for word in words if word not in of_task]).env, of_task)


LOADERS: dict[str, Callable[[Sequence[str]], object]] = {
    "training.run": lambda words: load_with(words, RunOptions),
    "training.evaluate": lambda words: load_with(words, EvaluateOptions),
    "training.baseline": baseline_config.from_words,
    "training.completion": completion.main,
    "agents.demonstrate": _demonstrate,
    "agents.play": _play,
    "agents.warmup": lambda words: read_options(WarmupConfig, words),
    "envs": _list,
    "envs.check": _check,
    "render.watch": watch.read_options,
}
"""What reads the words of each command."""


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=lambda value: value if value not in PAGES else "")
def test_commands_are_current(page: str, command: str, shell: Path) -> None:
    first, *words = shlex.split(command)
    if first != "-m":
        assert (ROOT / first).is_file() or (shell / first).is_file()
        return
    module, *words = words
    if module in LOADERS:
        LOADERS[module]([word for word in words if word != "--help"])
    else:
        assert module.startswith("benchmarks.") and (ROOT / f"{module.replace('.', '/')}.py").is_file()


def test_the_pages_keys_are_those_of_the_page() -> None:
    shown = re.search(r"HELP = (\[.*?),?\n\];", (ROOT / "render" / "viewer" / "keys.js").read_text(), re.S)
    assert shown is not None
    for where, keys in json.loads(shown[1] + "]"):
        listed = ", ".join(f"`{key}` {what}" for key, what in keys)
        assert f"| {where} | {listed} |" in PAGES["watch.md"].read_text()


def test_most_commands_were_found() -> None:
    assert len(COMMANDS) > 60
    assert {command.split()[1] for _, command in COMMANDS if command.startswith("-m")} >= set(LOADERS)


@pytest.mark.parametrize("page", PAGES)
def test_make_knows_what_the_pages_say(page: str) -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"(?:^|`| {4})make (\w+)", PAGES[page].read_text(), re.M)) <= targets


def test_the_messages_are_those_of_the_code() -> None:
    code = "\n".join(
        path.read_text() for floor in ("envs", "agents", "training") for path in (ROOT / floor).rglob("*.py")
    )
    listed = re.findall(r"^\| `([^`]+)` \|", PAGES["questions.md"].read_text().partition("## Messages")[2], re.M)
    assert len(listed) > 10
    for message in listed:
        assert all(part.strip() in code for part in message.split("…") if len(part.strip()) > 3), message


# -- its tables ------------------------------------------------------------------------------------------------------


def table(heading: str, below: str) -> set[str]:
    """The names in the first column of the first table below a text of formats.md."""
    text = PAGES["formats.md"].read_text()
    part = text[text.index(heading) :]
    rows = re.search(r"^\|---.*\n((?:\|.*\n)+)", part[part.index(below) :], re.M)
    assert rows is not None
    return {name for row in rows[1].splitlines() for name in re.findall(r"`([^`]+)`", row.split("|")[1])}


def test_the_record_has_the_fields_that_are_listed() -> None:
    assert table("## The episode record", "An episode (schema") == {"schema", *(f.name for f in fields(record.Episode))}
    assert table("## The episode record", "A turn:") == {field.name for field in fields(record.Turn)}
    assert f"(schema {record.SCHEMA};" in PAGES["formats.md"].read_text()


def test_a_run_writes_what_is_listed(a_run: Path) -> None:
    written = {re.sub("/(catch|ice)$", "/TASK", key) for row in read_metrics(a_run) for key in row}
    assert written == table("## metrics.jsonl", "A line for each")
    assert set(json.loads((a_run / "summary.json").read_text())) == table("## summary.json", "|")
    listed = re.findall(
        r"^  ([\w./]+)", PAGES["formats.md"].read_text().partition("```text")[2].partition("```")[0], re.M
    )
    assert {path.name for path in a_run.iterdir()} | {"checkpoints"} == {name.split("/")[0] for name in listed} | {
        "curves.png",
        "report.html",
    }


def test_a_table_has_the_keys_that_are_listed(shell: Path) -> None:
    evaluate.main(["env=catch.yaml", "policy=expert", "episodes=8", "floors=false", "save=results"])
    document = json.loads((shell / "results" / "results.json").read_text())
    assert set(document) == table("## A results folder", "|")
    assert set(document["rows"][0]) == table("## A results folder", "A row:")
