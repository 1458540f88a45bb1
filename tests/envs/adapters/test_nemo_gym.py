"""Episodes by NeMo-Gym's own agent over HTTP: the same observations and rewards as ours."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from configs.errors import UserError
from envs.adapters.nemo_gym import main
from tests.envs.adapters.library_fixture import ROOT, our_episodes, run_in

ALONE = ("hydra-core", "omegaconf", "antlr4-python3-runtime==4.9.3", "itsdangerous", "yappi", "devtools", "asttokens",
         "executing", "orjson", "gprof2dot", "pydot")  # fmt: skip
"""What the agent imports of NeMo-Gym's 36 requirements, next to what Kickoff's tests have."""


@contextmanager
def serving(*words: str) -> Iterator[int]:
    """The port of a server in a process."""
    command = [sys.executable, "-m", "envs.adapters.nemo_gym", *words, "port=0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", process.stdout.readline())
        assert found is not None
        yield int(found[1])
    finally:
        process.terminate()
        process.communicate()


def rows_of(path: Path, *words: str) -> list[dict[str, Any]]:
    main([*words, f"rows={path}"])
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", ["sokoban", "football"])
def test_nemo_gyms_agent_sees_our_images_and_gets_our_rewards(name: str, tmp_path: Path) -> None:
    ours = our_episodes(name, range(2))
    rows = rows_of(tmp_path / "rows.jsonl", f"env={name}", "starts=2")
    with serving(f"env={name}") as port:
        given = {"port": port, "rows": rows, "replies": [one["replies"] for one in ours]}
        theirs = run_in("nemo-gym==0.7.0", "nemo_gym_program.py", given, ALONE)
    assert theirs == [{key: one[key] for key in ("seed", "seen", "reward", "success")} for one in ours]


def test_rows_hold_the_first_observation(tmp_path: Path) -> None:
    first, second = rows_of(tmp_path / "rows.jsonl", "env=sokoban", "starts=2", "split=test")
    assert (first["seed"], second["seed"]) == (2**30 + 2**29, 2**30 + 2**29 + 1)
    asked = first["responses_create_params"]
    image, text = asked["input"][0]["content"]
    assert image["image_url"].startswith("data:image/png;base64,") and text["text"].startswith("Push every box")
    assert [tool["name"] for tool in asked["tools"]] == ["act"]


@pytest.mark.slow
def test_messages_and_mistakes() -> None:
    with serving("env=sokoban_text", "env.max_turns=2") as port, httpx2.Client(timeout=60) as client:

        def post(path: str, value: Any) -> tuple[int, Any]:
            answer = client.post(f"http://127.0.0.1:{port}{path}", json=value)
            return answer.status_code, answer.json()

        assert post("/reset", {}) == (422, {"detail": "seed: each row needs a whole number; rows=FILE writes rows"})
        none = {"detail": "no episode is in progress; POST /reset starts one"}
        assert post("/step", {}) == (404, none)
        status, started = post("/ng-rollout/7/reset", {"seed": 3})
        assert status == 200 and started["observation"] is None and started["info"]["supports_explicit_close"]
        assert post("/step", {"response": 1})[0] == 422
        part = {"type": "output_text", "text": "<think></think><answer>up</answer>"}
        message = {"response": {"output": [{"type": "message", "content": [part]}]}}
        status, played = post("/step", message)
        assert status == 200 and "#" in played["observation"] and not played["terminated"]
        status, played = post("/step", message)
        assert (played["observation"], played["truncated"], played["reward"]) == (None, True, 0.0)
        assert post("/step", message) == (404, none)
        rewards = [{"reward": 1.0, "info": {"success": True}}, {"reward": 0.0}]
        means = {"mean/reward": 0.5, "mean/success": 0.5}
        metrics = {"group_level_metrics": [], "agent_metrics": means, "key_metrics": means}
        assert post("/aggregate_metrics", {"verify_responses": rewards}) == (200, metrics)


def refused(*words: str) -> str:
    """The error of the command."""
    with pytest.raises(UserError) as error:
        main(words)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_mistakes_of_the_command(tmp_path: Path) -> None:
    assert refused() == "env=NAME is missing, such as env=sokoban; python -m envs lists the tasks"
    assert refused("env=sokban").startswith("unknown env 'sokban'; did you mean 'sokoban'?")
    assert refused("env=sokoban", "prot=1").startswith("unknown key prot; did you mean port?")
    absent = tmp_path / "absent" / "rows.jsonl"
    assert refused("env=sokoban", f"rows={absent}") == f"rows={absent}: No such file or directory"
    two = "env=football: NeMo-Gym's agent has one seat; env.kwargs.control must be 1"
    assert refused("env=football", "env.kwargs.control=[1,1]") == two
