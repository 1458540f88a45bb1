"""HTTP: descriptions, episodes by their id, and the task API."""

import re
from collections.abc import Iterator

import httpx2
import pytest

from tests.envs.serve.serve_fixture import http, reply, serving


@pytest.fixture(scope="module")
def place() -> Iterator[str]:
    with serving("sokoban", "arithmetic") as (place, _):
        yield place


def test_descriptions(place: str) -> None:
    assert http(place, "GET", "/health") == (200, {"status": "healthy"})
    assert http(place, "GET", "/list_environments") == (200, ["sokoban", "arithmetic"])
    about = http(place, "GET", "/metadata")[1]
    assert about["name"] == "kickoff" and "Sokoban" in about["description"]
    assert "You are the blue worker." in about["readme_content"]
    schema = http(place, "GET", "/schema")[1]
    assert set(schema) == {"action", "observation", "reset_observation", "state"}
    assert schema["action"]["required"] == ["message"]
    document = http(place, "GET", "/openapi.json")[1]
    assert document["info"]["version"] == "1.0.0" and {"/reset", "/step", "/state"} <= set(document["paths"])
    found = http(place, "POST", "/mcp", {})
    assert found[0] == 200 and found[1]["jsonrpc"] == "2.0"


def test_an_episode_by_its_id(place: str) -> None:
    first = http(place, "POST", "/reset", {"task": "arithmetic", "seed": 4, "episode_id": "mine"})[1]
    assert first["reward"] is None and not first["done"] and first["metadata"]["seed"] == 4
    assert http(place, "GET", "/state?episode_id=mine")[1]["step_count"] == 0
    status, last = http(place, "POST", "/step", {"episode_id": "mine", "action": reply("7")})
    assert status == 200 and last["done"] and last["reward"] in (0.0, 1.0)
    gone = "no episode 'mine' is in progress; POST /reset starts one"
    assert http(place, "POST", "/step", {"episode_id": "mine", "action": reply("7")}) == (404, {"detail": gone})


def test_a_reset_without_an_id_gives_one(place: str) -> None:
    name = http(place, "POST", "/reset", {"task": "sokoban", "seed": 4})[1]["metadata"]["episode_id"]
    status, found = http(place, "POST", "/step", {"episode_id": name, "action": reply("up")})
    assert status == 200 and found["metadata"]["turn"] == 1
    status, found = http(place, "POST", "/step", {"action": reply("up")})
    assert status == 422 and found["detail"].startswith("episode_id: send the one that POST /reset returned")


def test_splits_and_starts(place: str) -> None:
    splits = http(place, "GET", "/sokoban/splits")[1]
    assert splits == [{"name": name, "type": name} for name in ("train", "validation", "test")]
    assert http(place, "POST", "/sokoban/num_tasks", {"split": "test"}) == (200, {"num_tasks": 1000})
    listed = http(place, "POST", "/sokoban/tasks", {"split": "test"})[1]["tasks"]
    assert len(listed) == 1000
    third = {"id": "sokoban-test-3", "task": "sokoban", "split": "test", "index": 3, "seed": 2**30 + 2**29 + 3}
    assert listed[3] == third
    assert http(place, "POST", "/sokoban/task", {"split": "test", "index": 3}) == (200, {"task": third})
    part = http(place, "POST", "/sokoban/task_range", {"split": "test", "start": 3, "stop": 5})
    assert part == (200, {"tasks": listed[3:5]})
    status, found = http(place, "POST", "/sokoban/task", {"split": "test", "index": 1000})
    assert (status, found["detail"]) == (422, "index=1000: test has the indices 0 to 999")
    status, found = http(place, "GET", "/sokban/splits")
    assert status == 422 and found["detail"].startswith("unknown task 'sokban'; did you mean 'sokoban'?")


def test_unknown_paths_and_methods(place: str) -> None:
    assert http(place, "GET", "/nothing") == (404, {"detail": "Not Found"})
    assert http(place, "GET", "/reset") == (405, {"detail": "Method Not Allowed"})


def test_the_page_runs_only_its_own_script(place: str) -> None:
    answer = httpx2.get(f"http://{place}/")
    policy = answer.headers["content-security-policy"]
    nonce = re.search(r"script-src 'nonce-([^']+)'", policy)
    assert nonce and f'<script nonce="{nonce[1]}">' in answer.text and "NONCE" not in answer.text
    assert "default-src 'none'" in policy and "connect-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert '["sokoban","arithmetic"]' in answer.text and "://" not in answer.text.replace("http://www.w3.org", "")
