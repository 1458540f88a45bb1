"""`python -m training.evaluate`: success of players on held-out episodes, side by side."""

import asyncio
import gc
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import gymnasium
import imageio.v3 as iio
import numpy as np
import pytest

from agents.episodes.policy import TurnContext
from agents.episodes.starts import TEST_FIRST
from agents.models.load import tiny_folder
from configs.cli import parse_overrides
from configs.errors import UserError
from envs.task.suites import SUITES
from envs.task.task import Task
from render.records.reading import read_records
from training.compare import command as evaluate
from training.compare.comparison import Comparison, EvaluationSpec
from training.compare.participants import ModelParticipant, ScriptedParticipant
from training.compare.resolve import participant
from training.compare.results import Results
from training.compare.settings import tasks_of
from training.config.compose import load
from training.config.run import save
from training.evaluation.statistics import wilson
from training.runs.display import ProgressBars


def result(folder: Path, *words: str) -> dict[str, Any]:
    evaluate.main(["floors=false", *words, f"json={folder / 'result.json'}"])
    document: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return document


@pytest.mark.slow
def test_evaluate_as_a_command_prints_and_writes_the_result(tmp_path: Path) -> None:
    words = ["env=arithmetic", "policy=random", "episodes=200", "json=result.json", "floors=false"]
    command = [sys.executable, "-m", "training.evaluate", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    document = json.loads((tmp_path / "result.json").read_text())
    assert document.keys() >= {"task", "policy", "temperature", "blind", "success", "return", "valid", "turns"}
    assert (document["task"], document["policy"], document["blind"]) == ("arithmetic", "random", False)
    mean = document["success"]["mean"]
    assert mean < 0.1 and document["return"] == mean  # a guess at two or three digits
    assert document["success"]["ci95"] == list(wilson(round(mean * 200), 200))
    assert (document["valid"], document["turns"]) == (1.0, 1.0)
    assert done.stderr.splitlines()[-1] == "written to result.json"
    assert f"random  {mean:.0%} (" in done.stdout and "success" not in done.stderr  # said once
    assert done.stdout.splitlines()[0].rstrip() == "arithmetic · 200 held-out episodes each · T=1"


def test_evaluate_scripted_policies_measures_their_success(tmp_path: Path) -> None:
    assert result(tmp_path, "env=arithmetic", "policy=expert")["success"]["mean"] == 1.0
    assert result(tmp_path, "env=arithmetic")["success"] == {"mean": 1.0, "n": 256, "ci95": list(wilson(256, 256))}
    assert result(tmp_path, "env=arithmetic", "policy=idle")["success"]["mean"] == 0.0
    football = result(tmp_path, "env=football", "policy=random", "episodes=4")
    assert football["success"]["n"] == 4 and 1 <= football["turns"] <= load([]).tasks["football"].max_turns


@pytest.mark.slow
@pytest.mark.parametrize("env", ["arithmetic", "football"])
def test_evaluate_tiny_twice_gives_the_same_result(env: str, tmp_path: Path) -> None:
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


def test_evaluate_a_run_uses_the_settings_of_the_run(a_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [f"policy={a_run}", "episodes=4", "temperature=0"]
    once = result(a_run, *words)
    shown = capsys.readouterr()
    assert f"settings of football from {a_run}/config.yaml" in shown.err and "expert" not in shown.out
    assert once["task"] == "football" and once["turns"] <= 3
    again = result(a_run, f"policy={a_run}/checkpoint", *words[1:], "env=football")
    assert again == once | {"policy": f"{a_run}/checkpoint"}
    settings = [f"env.{word}" for word in ("max_turns=3", "instructions=Score!", "kwargs.difficulty=0.2")]
    assert result(a_run, "policy=tiny", *words[1:], *settings) == once | {"policy": "tiny"}


def test_tasks_of_a_run_with_overrides_uses_the_overrides(a_run: Path) -> None:
    config = load(["env=football"])
    trained = participant(str(a_run), config)
    assert isinstance(trained, ModelParticipant)
    assert (trained.path, trained.source) == (str(a_run / "checkpoint"), a_run / "config.yaml")
    words = ["env.max_turns=2", "tasks.football.kwargs.difficulty=0.9", "episodes=4"]
    tasks, taken = tasks_of(config, trained, parse_overrides(words))
    task = tasks["football"]
    assert (task.max_turns, task.instructions, taken) == (2, "Score!", ["football"])
    assert task.kwargs == config.tasks["football"].kwargs | {"difficulty": 0.9}
    other = load(["env=arithmetic"])
    assert tasks_of(other, trained, {"env": "arithmetic"}) == (
        {"arithmetic": other.tasks["arithmetic"]},
        ["arithmetic"],
    )


def test_evaluate_several_envs_has_a_table_for_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = result(tmp_path, "env=arithmetic,algebra", "policy=expert", "episodes=8")
    assert [(one["task"], one["success"]["mean"]) for one in document["results"]] == [
        ("arithmetic", 1.0),
        ("algebra", 1.0),
    ]
    assert [line.partition(" · ")[0] for line in capsys.readouterr().out.splitlines() if "held-out" in line] == [
        "arithmetic",
        "algebra",
    ]


@pytest.mark.slow
def test_evaluate_several_policies_writes_results_and_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["env=visual", "env.kwargs.image_size=[84,84]", "policy=expert,random", "episodes=20", "save=out"]
    evaluate.main([*words, "json=two.json", "evaluation.records=3"])
    document = json.loads((tmp_path / "out" / "results.json").read_text())
    assert document["schema"] == 1 and document["published"] == []
    assert document["notes"] == ["changed from configs/env, visual: kwargs.image_size"]
    rows = {row["policy"]: row for row in document["rows"]}
    assert list(rows) == ["expert", "random", "idle"] and all(row["floor"] for row in rows.values())  # each once
    expert = rows["expert"]
    assert (expert["task"], expert["n"], expert["success"]["mean"], expert["score"]) == ("visual", 20, 1.0, None)
    assert sum(kind["n"] for kind in expert["kinds"].values()) == 20 and len(expert["kinds"]) > 5
    assert [row["policy"] for row in json.loads(Path("two.json").read_text())["results"]] == ["expert", "random"]
    episodes = list(read_records(tmp_path / "out" / "episodes" / "random"))
    assert [episode["seed"] for episode in episodes] == list(range(TEST_FIRST, TEST_FIRST + 20))
    failed = [episode for episode in episodes if not episode["success"]]
    pictured = [episode for episode in episodes if episode["pictured"]]
    assert pictured == failed[:3] and all(episode["turns"][0]["frame"] for episode in pictured)
    assert {turn["frame"] for episode in episodes if not episode["pictured"] for turn in episode["turns"]} == {None}
    assert {(episode["policy"], episode["task"], episode["step"]) for episode in episodes} == {("random", "visual", -1)}
    assert {episode["kind"] for episode in episodes} <= set(expert["kinds"])
    shown = capsys.readouterr().out
    assert "| expert | 100% (84–100) | 1.00 | 100% | 1.0 |" in (tmp_path / "out" / "results.md").read_text()
    assert "visual · success by kind" in shown and "100% (84–100)" in shown
    with pytest.raises(UserError, match="save=out: the folder is not empty; choose another folder, or remove it"):
        evaluate.main(words)

    shutil.copytree("out/episodes/expert", "plays/visual")  # as if a person had played the first three
    played = Path("plays/visual/episodes.jsonl")
    played.write_text("".join(played.read_text().splitlines(keepends=True)[:3]))
    evaluate.main([*words[:2], "policy=human,out/episodes/random", "episodes=20", "floors=false", "json=human.json"])
    note = "in visual: 3 of 20 starts (0 practised, 17 not played): the success rate covers only these"
    noted = capsys.readouterr().err
    assert noted.count(note) == 1 and f"human {note}\n" in noted
    human, again = json.loads(Path("human.json").read_text())["results"]
    assert (human["policy"], human["n"], human["success"]["mean"], human["floor"]) == ("human", 3, 1.0, False)
    assert again["success"]["mean"] == sum(episode["success"] for episode in episodes) / 20
    shutil.copytree("out/episodes/expert", "lost")  # played under other rules
    lines = Path("lost/episodes.jsonl").read_text().replace('"success":true', '"success":false')
    Path("lost/episodes.jsonl").write_text(lines)
    with pytest.raises(SystemExit):
        evaluate.main([*words[:2], "policy=lost", "episodes=3", "floors=false", "json=lost.json"])
    told = "was no success (completed, 1 turn) when recorded, but is a success (completed, 1 turn) with the "
    assert told in json.loads(Path("lost.json").read_text())["problem"]
    with pytest.raises(UserError, match="blind=true replaces images, but policy=human uses none; remove one of them"):
        evaluate.main([*words[:2], "policy=human", "blind=true"])


@pytest.mark.slow
def test_evaluate_a_suite_has_a_row_for_the_suite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Sokoban-Global's sizes, as text so that it is quick."""
    own = ["env.image=false", "env.caption=true", "env.kwargs.observation=text"]
    evaluate.main(
        ["env=sokoban_global", *own, "policy=expert", "floors=false", "episodes=3", f"save={tmp_path / 'out'}"]
    )
    document = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [row["task"] for row in document["rows"]] == [*SUITES["sokoban_global"], "sokoban_global"]
    *parts, whole = document["rows"]
    assert {row["suite"] for row in parts} == {"sokoban_global"} and whole["suite"] == ""
    assert list(whole["kinds"]) == [
        "7x7, 2 boxes", "7x7, 3 boxes", "10x10, 3 boxes", "10x10, 4 boxes", "10x10, 5 boxes", "13x11, 3 boxes",
        "13x11, 4 boxes", "13x13, 5 boxes",
    ]  # fmt: skip
    assert whole["n"] == 24 and whole["score"]["n"] == 24
    assert whole["score"]["mean"] == pytest.approx(sum(row["score"]["mean"] for row in parts) / 8)
    assert document["published"] == []  # in symbols it is not what others have measured
    changed = f"changed from configs/env, {', '.join(SUITES['sokoban_global'])}: image, caption, kwargs.observation"
    assert document["notes"] == [changed]
    shown = capsys.readouterr().out
    assert "sokoban_global · 24 held-out episodes each" in shown and "LMM-R1 (3B)" not in shown
    assert "sokoban_global_7x7_2 ·" not in shown  # it is a line of the suite's table


@pytest.mark.slow
# imageio's own reader leaves ffmpeg's input open until it is collected
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_evaluate_with_video_writes_mp4_and_gif(tmp_path: Path) -> None:
    words = ["env=sokoban", "env.max_turns=3", "policy=random", "floors=false", "episodes=2", "video=true"]
    evaluate.main([*words, f"save={tmp_path}", "evaluation.videos=1"])
    for name in ("random.mp4", "random.gif"):
        film = iio.imread(tmp_path / "videos" / name)
        gc.collect()
        assert film.shape[0] >= 4 + 8 and film.shape[1:] == (570, 480, 3)  # a start, three moves, the end for a while
    with pytest.raises(UserError, match=r"video=true needs a folder for the videos; set save=FOLDER"):
        evaluate.main([*words])


class Handler(BaseHTTPRequestHandler):
    """Adds numbers, until it has answered so many times."""

    left = 10**9
    ends = "stop"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        left, right = asked["messages"][0]["content"].splitlines()[-1].rstrip("=").split("+")
        words = f"<think></think><answer>{int(left) + int(right)}</answer>"
        body = json.dumps(
            {
                "choices": [{"message": {"content": words}, "finish_reason": self.ends}],
                "usage": {"completion_tokens": 7},
            }
        ).encode()
        type(self).left -= 1
        self.send_response(200 if type(self).left >= 0 else 404)
        self.end_headers()
        self.wfile.write(body if type(self).left >= 0 else b'{"error": {"message": "the model `some/model` is gone"}}')

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def adding(answers: int) -> Iterator[str]:
    Handler.left = answers
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"engine.server.url=http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()


def test_evaluate_a_model_on_a_server_uses_its_replies(tmp_path: Path) -> None:
    with adding(10**9) as url:
        document = result(tmp_path, "env=arithmetic", "policy=api:some/model", "episodes=20", url, f"save={tmp_path}/s")
    assert document["policy"] == "api:some/model" and document["success"]["mean"] == 1.0
    (turn,) = next(iter(read_records(tmp_path / "s" / "episodes" / "api-some-model")))["turns"]
    assert turn["reply_tokens"] == 7 and turn["prompt"].endswith("=")
    told = "api:some/model in arithmetic: the prompt lacks the actions and the reply format; env.rules=true adds them"
    assert json.loads((tmp_path / "s" / "results.json").read_text())["notes"] == [told]


def test_evaluate_with_cut_replies_has_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Handler, "ends", "length")
    words = ["env=arithmetic", "policy=api:m", "env.rules=true", "episodes=4", "floors=false"]
    with adding(10**9) as url:
        evaluate.main([*words, url, f"save={tmp_path / 'out'}"])
    notes = json.loads((tmp_path / "out" / "results.json").read_text())["notes"]
    assert notes[-1] == "api:m in arithmetic: 4 of 4 replies were cut at 32 tokens (env.max_reply_tokens)"
    assert len(notes) == 2 and notes[0].startswith("changed from configs/env")


def test_evaluate_with_a_server_that_fails_keeps_finished_episodes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["env=arithmetic", "policy=api:some/model,expert", "episodes=20", "engine.server.concurrency=1"]
    with adding(5) as url, pytest.raises(SystemExit) as caught:
        evaluate.main([*words, url, f"save={tmp_path / 'out'}"])
    assert caught.value.code == 1
    document = json.loads((tmp_path / "out" / "results.json").read_text())
    rows = {row["policy"]: row for row in document["rows"]}
    (table,) = document["tables"]
    assert [row[0] for row in table["rows"]] == list(rows) and "api:some/model was stopped: after 5" in table["notes"][
        0
    ]
    assert list(rows) == ["api:some/model", "expert", "random", "idle"] and rows["expert"]["n"] == 20
    assert rows["api:some/model"]["n"] == 5 and rows["api:some/model"]["success"]["mean"] == 1.0
    problem = rows["api:some/model"]["problem"]
    assert problem.startswith("after 5 of 20 episodes: http://127.0.0.1:")
    told = "/v1: no reply of some/model (engine.server.retries=6): HTTP 404: the model `some/model` is gone"
    assert problem.endswith(told)
    assert len(list(read_records(tmp_path / "out" / "episodes" / "api-some-model"))) == 5
    assert "api:some/model was stopped: after 5 of 20 episodes" in " ".join(capsys.readouterr().out.split())


class NanLater(gymnasium.Env[Any, Any]):
    """The reward of a start with an odd seed is not a number in its second turn."""

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(self, render_mode: str | None = None) -> None:
        self.observation_space = gymnasium.spaces.Discrete(1)
        self.action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.odd, self.turn = bool((seed or 0) % 2), 0
        return 0, {}

    def step(self, action: Any) -> Any:
        self.turn += 1
        reward = np.float32("nan" if self.odd and self.turn == 2 else 1)
        return 0, reward, np.bool_(self.turn == 2), False, {}


def test_evaluate_with_a_reward_that_is_not_a_number_keeps_finished_episodes(tmp_path: Path) -> None:
    gymnasium.register("test/NanLater-v0", cast(Any, NanLater), disable_env_checker=True)
    task = tmp_path / "later.yaml"
    task.write_text(
        "id: test/NanLater-v0\nactions: [a, b]\nimage: false\ncaption: true\nsuccess: terminated\nmax_turns: 4\n"
    )
    words = [f"env={task}", "policy=random", "episodes=6", "floors=false", f"save={tmp_path / 'out'}"]
    with pytest.raises(SystemExit) as caught:
        evaluate.main(words)
    assert caught.value.code == 1
    (row,) = json.loads((tmp_path / "out" / "results.json").read_text())["rows"]
    records = list(read_records(tmp_path / "out" / "episodes" / "random"))
    assert row["n"] == len(records) > 0
    assert all(record["success"] is True and record["seed"] % 2 == 0 for record in records)
    told = "task later: test/NanLater-v0 gave the reward np.float32(nan); it must be a finite number"
    assert row["problem"] == f"after {len(records)} of 6 episodes: {told}"


class Broken:
    """Answers, then fails as a defect does, or as Ctrl-C."""

    def __init__(self, name: str, replies: int, error: BaseException) -> None:
        self.participant = ScriptedParticipant(name)
        self.left, self.error = replies, error
        self.participant.policy = lambda task: self  # type: ignore[method-assign]

    def start_episode(self, task: Task) -> None:
        pass

    def with_temperature(self, temperature: float) -> "Broken":
        return self

    async def reply(self, context: TurnContext) -> str:
        self.left -= 1
        if self.left < 0:
            raise self.error
        return "<think></think><answer>1</answer>"


def comparison(out: Path, *players: ScriptedParticipant, env: str = "arithmetic") -> list[dict[str, Any]]:
    config = load([f"env={env}"])
    tasks = {name: config.tasks[name] for name in config.envs}
    with suppress(KeyboardInterrupt), ProgressBars() as bars:
        asyncio.run(Comparison(tasks, EvaluationSpec(4, records=4), Results(out)).play(players, bars))
    rows: list[dict[str, Any]] = json.loads((out / "results.json").read_text())["rows"]
    return rows


def test_comparison_with_a_failing_policy_continues_with_the_next(tmp_path: Path) -> None:
    broken = Broken("broken", 3, RuntimeError("the env\nis at its end"))
    first, second = comparison(tmp_path, broken.participant, ScriptedParticipant("expert"))
    assert (first["n"], first["problem"]) == (3, "after 3 of 4 episodes: RuntimeError: the env is at its end")
    assert len(list(read_records(tmp_path / "episodes" / "broken"))) == 3
    assert (second["policy"], second["n"], second["problem"]) == ("expert", 4, "")


def test_comparison_with_ctrl_c_keeps_finished_episodes(tmp_path: Path) -> None:
    stopped = Broken("stopped", 3, KeyboardInterrupt())
    first, second = comparison(
        tmp_path, ScriptedParticipant("expert"), stopped.participant, ScriptedParticipant("random")
    )
    assert (first["policy"], first["n"], second["policy"], second["n"]) == ("expert", 4, "stopped", 3)
    assert second["problem"] == "after 3 of 4 episodes: interrupted"
    assert len(list(read_records(tmp_path / "episodes" / "stopped"))) == 3


def test_comparison_of_an_incomplete_suite_has_no_figures(tmp_path: Path) -> None:
    tired = Broken("tired", 5, RuntimeError("tired"))
    easy, hard, suite = comparison(tmp_path, tired.participant, env="football_online")
    assert (easy["n"], hard["n"], hard["suite"]) == (4, 1, "football_online")
    assert (suite["task"], suite["n"], suite["success"], suite["score"]) == ("football_online", 0, None, None)
    assert suite["problem"] == "football_online_hard: after 1 of 4 episodes: RuntimeError: tired"
    assert list(suite["kinds"].values()) == [{"mean": 0.0, "n": 4, "ci95": list(wilson(0, 4)), "score": easy["score"]}]


def test_evaluate_with_an_unreachable_server_reports_no_connection(tmp_path: Path) -> None:
    with adding(5) as url:
        pass
    words = ["env=arithmetic", "policy=api:m", "episodes=4", "floors=false", "engine.server.retries=0", url]
    with pytest.raises(SystemExit) as caught:
        evaluate.main([*words, f"save={tmp_path / 'out'}"])
    (row,) = json.loads((tmp_path / "out" / "results.json").read_text())["rows"]
    assert caught.value.code == 1 and (row["n"], row["success"], row["kinds"]) == (0, None, {})
    assert "after 0 of 4 episodes: http://127.0.0.1:" in row["problem"] and "no connection" in row["problem"]


MISTAKES = {
    "policy=randm": "unknown policy 'randm'; did you mean 'random'? Known: api:<model>, expert, human, idle, random, ",
    "policy=runs/gone/checkpoint": "policy: model folder 'runs/gone/checkpoint' does not exist",
    "policy=/": "policy: '/' is not a model folder: it has no config.json",
    "policy=random,tiny,random": "policy: random and random share the folder name random; remove one",
    "policy=random,,tiny": "policy must be one name, or several separated by commas, got 'random,,tiny'",
    "policy=human": "plays/arithmetic contains no played episodes; record them with python -m agents.play env=",
    "json=/tmp": "json=/tmp is a folder; name a file, or use save= for a folder",
    "blind=1": "blind=1: true or false is expected",
    "episodes=0": "episodes=0: a whole number of at least 1 is expected",
    "temperature=-1": "temperature=-1: a number of at least 0 is expected",
    "episode=3": "unknown key episode; did you mean episodes?",
    "json=/nowhere/result.json": "json=/nowhere/result.json: the folder of this file does not exist",
    "env.kwargs.digits=99": "digits must be from 1 to 12, got 99",
    "env.kwargs.digit=3": "kickoff/Arithmetic-v0 does not accept these kwargs: ",
}


@pytest.mark.parametrize("word", MISTAKES)
def test_evaluate_with_an_invalid_override_has_a_one_line_error(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        evaluate.main(["env=arithmetic", word])
    assert str(caught.value).startswith(MISTAKES[word])
    assert "\n" not in str(caught.value)


def test_evaluate_blind_with_one_episode_is_refused() -> None:
    with pytest.raises(UserError, match="blind=true needs at least 2 episodes"):
        evaluate.main(["env=football", "policy=random", "episodes=1", "blind=true"])


def test_evaluate_with_images_of_another_size_is_refused() -> None:
    for size in ("[112,112]", "[84,112]"):
        with pytest.raises(UserError, match=r"the model needs images of 84x84, got \d+x112"):
            evaluate.main(["env=football", "policy=tiny", "episodes=2", f"env.kwargs.image_size={size}"])
