"""The documentation is built without a warning, needs no network, and explains every key."""

import os
import re
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; a warning, such as a link that leads nowhere, fails it."""
    folder = tmp_path_factory.mktemp("site")
    os.environ["NO_MKDOCS_2_WARNING"] = "1"  # a notice of the theme's makers
    build(load_config(str(root / "mkdocs.yml"), strict=True, site_dir=str(folder)))
    return folder


def test_the_site_needs_no_network(site: Path, pages: dict[str, str]) -> None:
    built = sorted(site.rglob("*.html"))
    assert {path.stem for path in built} >= {Path(page).stem for page in pages if page != "README.md"}
    for path in built:
        loaded = re.findall(
            r'<(?:script|img|source|iframe)[^>]* src="([^"]*)"|<link[^>]* href="([^"]*)"', path.read_text()
        )
        assert [address for pair in loaded for address in pair if address.startswith(("http", "//"))] == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_of_pages_outside_the_site_exist(name: str, root: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", (root / name).read_text())
    assert [link for link in links if not link.startswith("http") and not (root / link).exists()] == []


def test_every_key_is_explained(site: Path) -> None:
    page = (site / "keys.html").read_text()
    for key in ("algo.lr", "engine.vllm.gpu_memory", "env.max_turns", "stages.NAME.steps", "evaluation.record_groups"):
        assert f"<code>{key}</code>" in page
    rows = re.findall(r"<tr>\s*<td>(.*?)</td>\s*<td>(.*?)</td>\s*<td>(.*?)</td>\s*<td>(.*?)</td>", page, re.S)
    assert len(rows) > 100
    assert [key for key, kind, _, meaning in rows if not kind or not meaning] == []
