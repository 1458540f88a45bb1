"""Speed of the page of a run with 10,000 episodes: writing, serving and viewing in a browser.

    python -m benchmarks.viewer [EPISODES]

Plays EPISODES (default: 10,000) of football's breakaway with random actions and random thinking of 20 to 120 words. The
records have the form of a run: 256 episodes before, 256 after, and groups of eight from training steps. Several rounds
then measure:

- the time to write report.html, and its size
- the work of the server for its first answer, which reads the record, and for later answers
- headless Chromium over HTTP and as a file: time to the first rows, the rows of a filter, the rows of a search in all
  texts (the first one in a file unpacks them), the view Why of all episodes, the frame of an episode, the frame of an
  episode of another group, and both frames of a comparison

The output shows medians with minimum and maximum. Needs `chromium`.
"""

import json
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from playwright.sync_api import Page, sync_playwright

import envs  # noqa: F401
from render.records.episode import Episode, Turn
from render.records.writing import EpisodeWriter
from render.viewer.report import write_report
from render.viewer.run import Watched
from tests.render.viewer_fixture import ARGUMENTS
from tests.render.watch_fixture import serving

ROUNDS = 5
HELD_OUT = 256
GROUP = 8
TURNS = 8
WORDS = (
    "the keeper comes out so I run left then shoot low past him while two defenders chase and the goal is open".split()
)
ENDINGS = (("They won the ball.", "The keeper saved the shot."), ("Goal for your team.", "Goal for your team."))
WATCH = """
window.firstRows = new Promise((resolve) => addEventListener("DOMContentLoaded", () => {
  const there = () => document.querySelector("tbody tr[aria-selected]");
  const look = () => (there() ? resolve(performance.now()) : requestAnimationFrame(look));
  look();
}));
window.timed = (act, test) => new Promise((resolve, reject) => {
  const start = performance.now();
  const look = () => {
    if (test()) resolve(performance.now() - start);
    else if (performance.now() - start > 30000) reject(new Error("nothing happened in 30 s"));
    else requestAnimationFrame(look);
  };
  act();
  requestAnimationFrame(look);
});
"""
SHOWN = """([address, seen, many]) => {
  const there = (one) => one.complete && one.naturalWidth;
  const sources = () => [...document.querySelectorAll(seen)].filter(there).map((one) => one.src);
  const before = sources().join();
  return timed(() => { location.hash = address; }, () => sources().length === many && sources().join() !== before);
}"""
COUNT = "document.querySelector('.counts strong').textContent"


def seed_of(number: int) -> int:
    """Return the seed of an episode. `after` has the same seeds as `before`, and a group shares one seed."""
    return number % HELD_OUT if number < 2 * HELD_OUT else number // GROUP + HELD_OUT


def play(count: int) -> Iterator[tuple[int, list[tuple[np.ndarray, str, str, float]], bool]]:
    """Yield seed, turns (frame, text, action, reward) and success of random episodes."""
    kwargs: dict[str, Any] = {"scenario": "breakaway", "observation": "pixels", "image_size": (84, 84), "frame_skip": 5}
    env = gymnasium.make("kickoff/Football-v0", **kwargs)
    rng = np.random.default_rng(0)
    for number in range(count):
        frame, info = env.reset(seed=seed_of(number))
        turns, ended = [], False
        while not ended and len(turns) < TURNS:
            action = int(rng.integers(env.action_space.n))  # type: ignore[attr-defined]
            before, text = frame, str(info["text"])
            frame, reward, terminated, truncated, info = env.step(action)
            turns.append((before, text, str(action), float(reward)))
            ended = terminated or truncated
        yield seed_of(number), turns, bool(info["success"]) or bool(rng.random() < 0.5)


def make(folder: Path, count: int) -> None:
    """Write a run folder with `count` episodes."""
    rng = np.random.default_rng(1)
    (folder / "config.yaml").write_text("seed: 0\nenvs: [football]\n")
    rows = [{"total_step": step, "stage": "mgt", "success": step / 1000, "reward": 0.5} for step in range(1, 601)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    writers = {label: EpisodeWriter(folder / "episodes" / label) for label in ("before", "after", "train")}
    for number, (seed, played, success) in enumerate(play(count)):
        label = "before" if number < HELD_OUT else "after" if number < 2 * HELD_OUT else "train"
        turns = []
        for frame, text, action, reward in played:
            thinking = " ".join(rng.choice(WORDS, rng.integers(20, 121)))
            reply = f"<think>{thinking}</think><answer>{action}</answer>"
            prompt = "<|im_start|>User:<image>Play football." + " You see the pitch from above." * 20
            parts = {"outcome": reward, "format": 0.01}
            tokens = tuple(re.findall(r" ?[^ ]+", reply))
            logprobs = tuple(np.round(-rng.exponential(0.3, len(tokens)), 4).tolist())
            entropies = tuple(np.round(rng.exponential(0.5, len(tokens)), 4).tolist())
            turns.append(
                Turn(
                    prompt, reply, thinking, action, True, reward, parts, text, frame, len(tokens), 0.1, tokens=tokens,
                    logprobs=logprobs, entropies=entropies, answers=((action, 0.5), ("3", 0.25), ("7", 0.1)),
                )
            )  # fmt: skip
        training = label == "train"
        writers[label].write(
            Episode(
                task="football", seed=seed, policy=label, step=number // 16 if training else 100, group=number // GROUP,
                success=success, ended="completed" if success else "truncated", reward=float(success),
                rewards={"outcome": float(success)}, turns=tuple(turns), kind="breakaway",
                stage="mgt" if training else "", advantage=0.1 if training else None,
                ending=ENDINGS[success][int(rng.integers(2))],
            )
        )  # fmt: skip
    for writer in writers.values():
        writer.close()


def seconds(act: Callable[[], object]) -> float:
    """Return the wall-clock seconds of a call."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def answers(folder: Path) -> Mapping[str, float]:
    """Return the seconds of server answers: the first index, the index again, an unchanged index and one record."""
    watched = Watched([folder])
    found = {"index, first": seconds(lambda: watched.episodes(0))}
    total = len(watched.records)
    found["index, again"] = seconds(lambda: watched.episodes(0))
    found["index, nothing new"] = seconds(lambda: watched.episodes(total))
    found["one record"] = seconds(lambda: watched.episode(total // 2))
    found["search"] = seconds(lambda: watched.search("low past him"))
    return found


def written(folder: Path) -> Mapping[str, float]:
    """Return the wall-clock seconds and CPU seconds of writing the report."""
    started = time.process_time()
    return {"written": seconds(lambda: write_report(folder)), "CPU": time.process_time() - started}


def browse(page: Page, address: str, number: int) -> Mapping[str, float]:
    """Return the seconds of typical actions on the page.

    Args:
        page: Page of the browser.
        address: Address of the page.
        number: Number of the first episode to open.
    """
    page.goto(address + "#/episodes")
    found = {"first rows": page.evaluate("window.firstRows") / 1000}
    searches = (("a first word", "q=keeper"), ("two words", "q=shoot+11"), ("a phrase", "q=%22low+past+him%22"))
    for name, query in (("outcome", "outcome=failed"), ("label", "label=after"), ("action", "action=12"), *searches):
        page.evaluate("location.hash = '#/episodes'")
        page.wait_for_timeout(300)
        act = f"() => {{ location.hash = '#/episodes?{query}'; }}"
        changed = f"(() => {{ const before = {COUNT}; return () => {COUNT} !== before; }})()"
        found[f"{'search' if query.startswith('q=') else 'filter by'} {name}"] = (
            page.evaluate(f"timed({act}, {changed})") / 1000
        )
    page.evaluate("location.hash = '#/run'")
    page.wait_for_timeout(300)
    show_why = "() => { location.hash = '#/why'; }"
    found["why, all episodes"] = (
        page.evaluate(f"timed({show_why}, () => document.querySelector('.failures td'))") / 1000
    )
    for name, address, seen, many in (
        ("an episode", f"#/episode/{number}", ".screen .frame img", 1),
        ("one of another group", f"#/episode/{number + GROUP}", ".screen .frame img", 1),
        ("a comparison", "#/compare?a=before&b=after", ".side .frame img", 2),
    ):
        found[name] = page.evaluate(SHOWN, [address, seen, many]) / 1000
    return found


def show(title: str, rounds: Sequence[Mapping[str, float]]) -> None:
    """Print a line for each measurement."""
    print(title)
    for name in rounds[0]:
        values = [1000 * one[name] for one in rounds]
        print(f"  {name:<24}{statistics.median(values):>9.1f} ms  ({min(values):.1f}–{max(values):.1f})", flush=True)


def main() -> None:
    """Measure and print everything."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "run"
        folder.mkdir()
        took = seconds(lambda: make(folder, count))
        lines = sum(path.stat().st_size for path in folder.glob("episodes/*/episodes.jsonl"))
        frames = [path.stat().st_size for path in folder.glob("episodes/*/frames/*.png")]
        print(
            f"{count:,} episodes, {len(frames):,} frames ({sum(frames) / 1e6:.0f} MB), records of {lines / 1e6:.0f} MB"
        )
        print(f"played and written in {took:.0f} s; {os.cpu_count()} cores", flush=True)
        show("the server's work", [answers(folder) for _ in range(ROUNDS)])
        show("report.html", [written(folder) for _ in range(ROUNDS)])
        report = folder / "report.html"
        print(f"  size {report.stat().st_size / 1e6:.1f} MB", flush=True)
        with serving(folder) as address, sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
            for title, where in (("over HTTP", address), ("as a file", report.as_uri())):
                rounds = []
                for number in range(ROUNDS):
                    page = browser.new_page(viewport={"width": 1280, "height": 800})
                    page.add_init_script(WATCH)
                    rounds.append(browse(page, where, count // 2 + 10 * number))
                    page.close()
                show(f"in Chromium, {title}", rounds)
            browser.close()


if __name__ == "__main__":
    main()
