"""Tasks on OpenEnv servers are evaluated and trained on like local ones, also while the server fails now and then."""

import json
import math
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.episodes.starts import TEST_FIRST
from render.records.reading import read_episodes
from tests.envs.openenv.server_fixture import SCHEMA, base64_of, picture, server, told
from tests.envs.serve.serve_fixture import serving, until
from training import run
from training.compare import command
from training.runs.metrics import read_metrics

pytestmark = pytest.mark.slow

RECIPE = """
checkpoint_every: 2
evaluation: {episodes: 4, every: 2, validation_episodes: 4, videos: 1, records: 4}
algo: {groups: 2, group_size: 4, warmup_updates: 1, temperature: 1.5}
stages:
  mgt: {tasks: [env], steps: 2}
"""


def served(folder: Path, place: str) -> str:
    """A file of the served Sokoban, with the prompts of the local one."""
    file = folder / "served.yaml"
    file.write_text(f"like: sokoban\nid: openenv:http://{place}\nthink: usual\nkwargs: {{text_field: none}}\n")
    return str(file)


def image_bytes(frame: NDArray[np.uint8] | None) -> bytes:
    """The pixels of a recorded frame, which must be there."""
    assert frame is not None
    return frame.tobytes()


def played(folder: Path, env: str) -> tuple[list[Any], dict[str, Any]]:
    """The rows of an evaluation, and what was seen, said and earned in each episode of a policy."""
    command.main([f"env={env}", "policy=tiny,random", "floors=false", "episodes=8", f"save={folder}"])
    found = json.loads((folder / "results.json").read_text())["rows"]
    rows = [{key: row[key] for key in ("policy", "success", "return", "valid", "turns", "kinds")} for row in found]
    episodes = {
        policy: [
            (one.seed, one.success, one.ended, one.kind, [(turn.reply, image_bytes(turn.frame)) for turn in one.turns])
            for one in read_episodes(folder / "episodes" / policy)
        ]
        for policy in ("tiny", "random")
    }
    return rows, episodes


def test_a_served_task_has_the_results_of_the_local_one(tmp_path: Path) -> None:
    local = played(tmp_path / "local", "sokoban")
    with serving("sokoban") as (place, service):
        assert played(tmp_path / "served", served(tmp_path, place)) == local
        assert until(lambda: service.sessions == 0)
    rows, episodes = local
    assert [row["policy"] for row in rows] == ["tiny", "random"] and rows[0]["return"] != rows[1]["return"]
    assert [len(found) for found in episodes.values()] == [8, 8]


def trained(folder: Path, env: str, *words: str) -> list[dict[str, Any]]:
    """The metrics of the two steps of a run."""
    (folder / "few.yaml").write_text(RECIPE)
    run.main([f"env={env}", f"recipe={folder / 'few.yaml'}", f"out={folder}", "name=run", *words])
    return [row for row in read_metrics(folder / "run") if row.get("stage") == "mgt"]


def test_a_run_trains_on_a_served_task(tmp_path: Path) -> None:
    with serving("sokoban") as (place, service):
        steps = trained(tmp_path, served(tmp_path, place))
        assert until(lambda: service.sessions == 0)
    assert [row["step"] for row in steps] == [1, 2]
    assert all(math.isfinite(row["loss"]) and row["updates"] > 0 for row in steps)
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["task"] == "served"
    for episode in read_episodes(tmp_path / "run" / "episodes" / "after"):
        assert episode.task == "served" and all(turn.frame is not None for turn in episode.turns)


def test_a_run_continues_while_a_server_fails_now_and_then(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    image, steps, state = base64_of(picture(84, 84)), [0], threading.local()

    def answer(message: dict[str, Any]) -> str | None:
        if message["type"] == "close":
            return None
        if message["type"] == "reset":
            state.count = 0
            return told({"text": "Say something.", "image": image})
        steps[0] += 1
        state.count += 1
        if steps[0] % 5 == 0:
            return "nonsense"
        return told({"text": "Go on.", "image": image}, reward=steps[0] % 2, done=state.count == 2)

    with server(answer, {"/schema": SCHEMA}) as address:
        found = trained(tmp_path, f"openenv:{address}", "env.max_turns=3", "env.max_reply_tokens=24")
    assert [row["step"] for row in found] == [1, 2]
    assert sum(row.get("episodes/failed", 0) for row in found) > 0
    assert all(math.isfinite(row["loss"]) for row in found)
    lines = [record.getMessage() for record in caplog.records if record.name == "envs.openenv.session"]
    assert len(lines) == 1 and lines[0].startswith(f"{address}: no JSON: 'nonsense'")


def test_an_evaluation_states_how_many_episodes_the_server_ended(tmp_path: Path) -> None:
    def answer(message: dict[str, Any]) -> str | None:
        seed = message.get("data", {}).get("seed", 0)
        if seed >= TEST_FIRST and seed % 4 == 0:
            return "nonsense"
        return None if message["type"] == "close" else told({"text": "a"}, reward=1, done=message["type"] == "step")

    with server(answer, {"/schema": SCHEMA}) as address:
        words = ["policy=random", "floors=false", "episodes=8", f"save={tmp_path / 'saved'}"]
        command.main([f"env=openenv:{address}", *words])
    document = json.loads((tmp_path / "saved" / "results.json").read_text())
    assert document["rows"][0]["success"]["mean"] == 0.75 and document["rows"][0]["problem"] == ""
    (note,) = [note for note in document["notes"] if "failed" in note]
    assert note.endswith(
        f"the env failed in 2 of 8 episodes, which count as no success: {address}: no JSON: 'nonsense'"
    )
    ended = [episode.ended for episode in read_episodes(tmp_path / "saved" / "episodes" / "random")]
    assert sorted(ended) == ["completed"] * 6 + ["error"] * 2


def test_an_evaluation_without_any_start_is_stopped_with_one_line(tmp_path: Path) -> None:
    def answer(message: dict[str, Any]) -> str | None:
        return "nonsense" if message.get("data", {}).get("seed", 0) >= TEST_FIRST else told({"text": "a"})

    words = ["policy=random", "floors=false", "episodes=2", f"save={tmp_path / 'saved'}"]
    with server(answer, {"/schema": SCHEMA}) as address, pytest.raises(SystemExit):
        command.main([f"env=openenv:{address}", *words])
    document = json.loads((tmp_path / "saved" / "results.json").read_text())
    assert document["rows"][0]["problem"].endswith(f"no episode could start: {address}: no JSON: 'nonsense'")
    assert not any("failed" in note for note in document["notes"])
