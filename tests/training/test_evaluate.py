"""`python -m training.evaluate`: success of one player on held-out episodes."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agents.models import tiny_folder
from envs.schema import ConfigError
from training import evaluate
from training.config import load, read, save
from training.statistics import wilson


def result(folder: Path, *words: str) -> dict[str, Any]:
    evaluate.main([*words, f"json={folder / 'result.json'}"])
    document: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return document


def test_the_command_line(tmp_path: Path) -> None:
    words = ["env=arithmetic", "policy=random", "episodes=200", "json=result.json"]
    command = [sys.executable, "-m", "training.evaluate", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "written to result.json\n")
    document = json.loads((tmp_path / "result.json").read_text())
    assert document.keys() == {"task", "policy", "temperature", "blind", "success", "return", "valid", "turns"}
    assert (document["task"], document["policy"], document["blind"]) == ("arithmetic", "random", False)
    mean = document["success"]["mean"]
    assert mean < 0.1 and document["return"] == mean  # a guess at two or three digits
    assert document["success"]["ci95"] == list(wilson(round(mean * 200), 200))
    assert (document["valid"], document["turns"]) == (1.0, 1.0)
    assert done.stdout.startswith(f"arithmetic: random succeeds in {mean:.1%} of 200 held-out episodes (95% interval ")


def test_the_scripted_players(tmp_path: Path) -> None:
    assert result(tmp_path, "env=arithmetic", "policy=expert")["success"]["mean"] == 1.0
    assert result(tmp_path, "env=arithmetic")["success"] == {"mean": 1.0, "n": 256, "ci95": list(wilson(256, 256))}
    assert result(tmp_path, "env=arithmetic", "policy=idle")["success"]["mean"] == 0.0
    football = result(tmp_path, "env=football", "policy=random", "episodes=4")
    assert football["success"]["n"] == 4 and 1 <= football["turns"] <= load([]).tasks["football"].max_turns


@pytest.mark.parametrize("env", ["arithmetic", "football"])
def test_the_embedded_model(env: str, tmp_path: Path) -> None:
    words = [f"env={env}", "policy=tiny", "episodes=6", "engine.max_batch=4"]
    once = result(tmp_path, *words)
    assert once == result(tmp_path, *words, "engine.threads=1")
    assert 0 <= once["valid"] <= 1 and once["success"]["n"] == 6
    assert result(tmp_path, *words, "temperature=0")["temperature"] == 0


@pytest.fixture
def a_run(tmp_path: Path) -> Path:
    """What a run of football with longer games and another instruction leaves behind."""
    run = tmp_path / "runs" / "longer"
    run.mkdir(parents=True)
    (run / "checkpoint").symlink_to(tiny_folder(), target_is_directory=True)
    (run / "metrics.jsonl").touch()
    words = ["env=football", "env.max_turns=3", "env.instructions=Score!", "env.kwargs.difficulty=0.2"]
    save(load(words), run / "config.yaml")
    return run


def test_a_runs_checkpoint_plays_with_the_settings_of_the_run(a_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [f"policy={a_run}", "episodes=4", "temperature=0"]
    once = result(a_run, *words)
    assert f"settings of football from {a_run}/config.yaml" in capsys.readouterr().err
    assert once["task"] == "football" and once["turns"] <= 3
    again = result(a_run, f"policy={a_run}/checkpoint", *words[1:], "env=football")
    assert again == once | {"policy": f"{a_run}/checkpoint"}
    settings = [f"env.{word}" for word in ("max_turns=3", "instructions=Score!", "kwargs.difficulty=0.2")]
    assert result(a_run, "policy=tiny", *words[1:], *settings) == once | {"policy": "tiny"}


def test_words_of_the_command_line_are_stronger_than_the_run(a_run: Path) -> None:
    config = load(["env=football"])
    name, source = evaluate.run_of(str(a_run))
    assert (name, source) == (str(a_run / "checkpoint"), a_run / "config.yaml")
    run = read(source)
    words = ["env.max_turns=2", "tasks.football.kwargs.difficulty=0.9", "episodes=4"]
    task = evaluate.tasks_of(config, run, words)["football"]
    assert (task.max_turns, task.instructions) == (2, "Score!")
    assert task.kwargs == config.tasks["football"].kwargs | {"difficulty": 0.9}
    other = load(["env=arithmetic"])
    assert evaluate.tasks_of(other, run, ["env=arithmetic"]) == {"arithmetic": other.tasks["arithmetic"]}


def test_several_envs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = result(tmp_path, "env=arithmetic,algebra", "policy=expert", "episodes=8")
    assert [(one["task"], one["success"]["mean"]) for one in document["results"]] == [
        ("arithmetic", 1.0),
        ("algebra", 1.0),
    ]
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == ["arithmetic", "algebra"]


def test_a_model_on_a_server(tmp_path: Path) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            left, right = asked["messages"][0]["content"].splitlines()[-1].rstrip("=").split("+")
            words = f"<think></think><answer>{int(left) + int(right)}</answer>"
            body = json.dumps({"choices": [{"message": {"content": words}}]}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        words = ["env=arithmetic", "policy=api:some/model", "episodes=20"]
        document = result(tmp_path, *words, f"engine.server.url=http://127.0.0.1:{server.server_address[1]}/v1")
        server.shutdown()
    assert document["policy"] == "api:some/model" and document["success"]["mean"] == 1.0


MISTAKES = {
    "policy=randm": "unknown policy 'randm'; did you mean 'random'? Known: api:<model>, expert, idle, random, ",
    "policy=runs/gone/checkpoint": "policy: model folder 'runs/gone/checkpoint' does not exist",
    "policy=/": "policy: '/' is not a model folder: it has no config.json",
    "episodes=0": "episodes must be at least 1, got 0",
    "temperature=-1": "temperature must not be negative, got -1.0",
    "episode=3": "unknown key episode; did you mean episodes?",
    "json=/nowhere/result.json": "json: the folder of /nowhere/result.json does not exist",
    "env.kwargs.digits=99": "digits must be from 1 to 12, got 99",
    "env.kwargs.digit=3": "kickoff/Arithmetic-v0 does not take these kwargs: ",
}


@pytest.mark.parametrize("word", MISTAKES)
def test_mistakes(word: str) -> None:
    with pytest.raises(ConfigError) as caught:
        evaluate.main(["env=arithmetic", word])
    assert str(caught.value).startswith(MISTAKES[word])
    assert "\n" not in str(caught.value)


def test_one_episode_has_no_other_to_be_shown() -> None:
    with pytest.raises(ConfigError, match="blind needs at least 2 episodes"):
        evaluate.main(["env=football", "policy=random", "episodes=1", "blind=true"])


def test_images_of_another_size() -> None:
    for size in ("[112,112]", "[84,112]"):
        with pytest.raises(ConfigError, match=r"the model sees images of 84x84, got \d+x112"):
            evaluate.main(["env=football", "policy=tiny", "episodes=2", f"env.kwargs.image_size={size}"])
