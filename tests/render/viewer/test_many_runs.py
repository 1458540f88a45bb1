"""Several runs on one page, a live run and tables of results, in a real Chromium."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from render.viewer.report import write_report
from render.viewer.run import Watched
from tests.render import run_fixture as fixture
from tests.render.viewer_fixture import no_sideways_scroll, opened, shows
from tests.render.watch_fixture import HOSTILE, get, serving

pytestmark = pytest.mark.browser

CONFIG = """\
name: {name}
envs:
- sokoban
seed: {seed}
stages:
  fre:
    steps: 4
    algo: {{lr: {lr}}}
  mgt:
    steps: {steps}
    algo: {{lr: {lr}}}
"""
FACTS = {
    "command": "python -m training.run env=sokoban", "commit": "9e1ce2e8", "date": "2026-11-30T16:31:02+00:00",
    "device": "NVIDIA H200", "parameters": 3754622976,
}  # fmt: skip


def write_run(root: Path, name: str, seed: int = 0, lr: str = "3e-4", after: float = 0.75, **more: Any) -> Path:
    """A run of 12 steps with another success after training."""
    folder = fixture.write_run(root / name, **more)
    (folder / "config.yaml").write_text(CONFIG.format(name=name, seed=seed, lr=lr, steps=8))
    (folder / "facts.json").write_text(json.dumps(FACTS))
    rows = [fixture.metrics(step) | {"entropy": after, "time/step": 3.0} for step in range(1, fixture.STEPS + 1)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    if (folder / "summary.json").exists():
        summary = fixture.summary()
        summary["success"]["after"] = {"mean": after, "ci95": [after - 0.1, after + 0.1], "n": 256}
        (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def test_seeds_are_one_row_and_one_line(page: Page, tmp_path: Path) -> None:
    runs = [write_run(tmp_path, f"a-s{seed}", seed, after=mean) for seed, mean in enumerate((0.7, 0.8, 0.9))]
    runs.append(write_run(tmp_path, "b", 0, "1e-3", 0.5))
    blue, amber = "color: var(--line0)", "color: var(--line3)"
    with serving(*runs) as url, opened(page, url):
        settings, results = page.locator(".result").nth(0), page.locator(".result").nth(1)
        heads = settings.locator("thead th")
        assert heads.all_inner_texts() == ["Run", "seed", "stages.fre.algo.lr", "stages.mgt.algo.lr", "After RL"]
        shows(page, ".result:first-child tbody th", ["a (3 seeds)", "b"])
        assert settings.locator("tbody td").nth(0).inner_text() == "0, 1, 2"
        shows(page, ".result:first-child .measure", ["80.0% ± 10.0", "50.0% 40.0 – 60.0"])  # sample deviation
        names = ["a (3 seeds) · Before RL", "a (3 seeds) · After RL", "b · Before RL", "b · After RL"]
        assert results.locator("tbody th").all_inner_texts() == [*names, "Random", "Idle", "Expert"]
        entries = page.locator('[data-key="entropy"] .entry')
        shows(page, '[data-key="entropy"] .entry', ["a (3 seeds) 0.80", "b 0.50"])
        styles = page.locator('[data-key="entropy"] .entry i').evaluate_all("i => i.map((one) => one.style.cssText)")
        assert [style.partition(";")[0] for style in styles] == [blue, amber]
        dots = results.locator("tbody th .dot").evaluate_all("dots => dots.map((dot) => dot.style.background)")
        assert dots == ["var(--line0)"] * 2 + ["var(--line3)"] * 2
        page.get_by_label("One row and one line for all seeds").uncheck()
        shows(page, ".result:first-child tbody th", ["a-s0", "a-s1", "a-s2", "b"])
        assert [text.split()[0] for text in entries.all_inner_texts()] == ["a-s0", "a-s1", "a-s2", "b"]
        styles = page.locator('[data-key="entropy"] .entry i').evaluate_all("i => i.map((one) => one.style.cssText)")
        assert [style.partition(";")[0] for style in styles] == [f"color: var(--line{number})" for number in range(4)]
        assert page.locator(".facts").first.inner_text().startswith("Task")  # shared facts come once
        assert page.locator(".facts .whose").all_inner_texts() == [f"Run\n{run.name}" for run in runs]
        page.set_viewport_size({"width": 390, "height": 844})
        no_sideways_scroll(page)
        page.keyboard.press("4")
        expect(page.locator(".matrix .dot").nth(1)).to_have_attribute("style", "background: var(--line1);")


def test_many_runs_have_different_colours(page: Page, tmp_path: Path) -> None:
    runs = [write_run(tmp_path, f"run{number}", 0, f"{number}e-4") for number in range(1, 9)]
    with serving(*runs) as url:
        for scheme in ("light", "dark"):
            with opened(page, url, color_scheme=scheme):
                dots = page.locator(".result:first-child tbody .dot")
                shown = dots.evaluate_all("dots => dots.map((dot) => getComputedStyle(dot).backgroundColor)")
                assert len(shown) == len(set(shown)) == 8


def test_bars_of_a_table_have_one_scale_with_negative_values(page: Page, tmp_path: Path) -> None:
    def cell(value: float) -> dict[str, Any]:
        return {"text": f"{value:.1f} (…)", "value": value, "low": value - 10, "high": value + 10}

    notes = ["a note"]
    rows = [["small", cell(-50.0), cell(0.0)], ["large", cell(40.0), cell(-20.0)]]
    table = {
        "title": "score by kind",
        "columns": ["kind", "runs/a", HOSTILE],
        "rows": rows,
        "notes": notes,
    }
    pair = {"text": "On the same 8 starts, a wins"}
    notes.append(pair["text"])
    (tmp_path / "run").mkdir()
    document = {"schema": 1, "rows": [], "tables": [table], "pairs": [pair]}
    (tmp_path / "run" / "results.json").write_text(json.dumps(document))
    measure = (
        "bars => bars.map((bar) => { const box = bar.parentNode.getBoundingClientRect(), own = bar."
        "getBoundingClientRect(); return [(own.left - box.left) / box.width, (own.right - box.left) / box.width] })"
    )
    with serving(tmp_path / "run") as url, opened(page, url):
        bars = page.locator(".gauge i").evaluate_all(measure)
        # from -60 to 50: 0 is at 60/110 in every column
        wanted = [(10, 60), (60, 60), (60, 100), (40, 60)]
        assert [place for bar in bars for place in bar] == pytest.approx(
            [end / 110 for pair in wanted for end in pair], abs=0.01
        )
        assert page.locator(".gauge u").count() == 4
        shows(page, ".said", ["On the same 8 starts, a wins."])
        shows(page, ".notes li", ["a note"])


def test_a_live_run_shows_its_progress_and_first_results(page: Page, tmp_path: Path) -> None:
    folder = write_run(tmp_path, "sokoban", ended=False)
    success = fixture.summary()["success"]
    live = {"doing": "", "results": {}, "stages": [{"name": "fre", "steps": 4, "seconds": 12.0}]}
    with fixture.going_on(folder), serving(folder) as url:
        rows = (folder / "metrics.jsonl").read_text().splitlines(keepends=True)
        (folder / "metrics.jsonl").write_text("".join(rows[:3]))
        live["doing"] = "evaluating on held-out episodes: before"
        live["results"] = {"random": {"sokoban": success["random"]}}
        (folder / "live.json").write_text(json.dumps(live))
        with opened(page, url):
            shows(page, ".progress", ["step 3 of 12 · 27 s left · evaluating on held-out episodes: before"])  # 9 of 3 s
            shows(page, ".result tbody th", ["Random"])
            facts = page.locator(".facts").inner_text()
            told = ["Parameters\n3.75 billion", "Learning rate\n3e-4", "Device\nNVIDIA H200", "Commit\n9e1ce2e8",
                    "Started\n2026-11-30 16:31", "Command\npython -m training.run env=sokoban", "Seed\n0"]  # fmt: skip
            assert [one for one in told if one not in facts] == []
            (folder / "metrics.jsonl").write_text("".join(rows[:5]))
            live["doing"], live["results"] = "", {key: {"sokoban": success[key]} for key in ("random", "before")}
            (folder / "live.json").write_text(json.dumps(live))
            shows(page, ".progress", ["step 5 of 12 · 21 s left"])
            shows(page, ".result tbody th", ["Before RL", "Random"])
            page.set_viewport_size({"width": 390, "height": 844})
            no_sideways_scroll(page)


def test_the_page_waits_for_a_run_that_is_not_there(page: Page, tmp_path: Path) -> None:
    with serving(tmp_path / "later") as url, opened(page, url):
        expect(page.locator(".empty")).to_contain_text("Waiting for later")
        write_run(tmp_path, "later")
        expect(page.locator("h1")).to_have_text("later")
        expect(page.locator("#total")).to_have_text("66")
        assert get(url, "/api/run")["waiting"] is False


def test_columns_and_charts_have_units_and_explanations(page: Page, tmp_path: Path) -> None:
    folder = write_run(tmp_path, "sokoban")
    charts = Watched([folder]).run()["charts"]
    assert {chart["key"] for chart in charts if not chart["about"]} == set()
    assert {chart["key"] for chart in charts if not chart["measured"]} == {"grad_norm"}
    write_report(folder)
    with opened(page, (folder / "report.html").as_uri()):
        head = page.locator(".result thead th").nth(1)
        assert (head.get_attribute("title") or "").startswith("Share of held-out episodes that succeeded")
        caption = page.locator('[data-key="response_length"] figcaption')
        assert (caption.get_attribute("title") or "").startswith("Mean length of a reply")
        expect(caption).to_contain_text("tokens")
        page.get_by_text("What the tables and charts show").click()
        expect(page.locator(".about dl").nth(1)).to_contain_text("Unit: nats per token. Mean entropy")
