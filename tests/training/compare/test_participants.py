"""What a policy's name means, and the one line where it means nothing that can play."""

import shutil
from pathlib import Path

import pytest

from agents.episodes.starts import TEST_FIRST, held_out_starts
from agents.models.load import tiny_folder
from agents.policies.recorded import save_settings
from agents.policies.scripted import scripted
from configs.errors import UserError
from envs.task.config import load_task
from render.records.episode import Episode, Turn
from render.records.writing import EpisodeWriter
from training.compare.participants import (
    ModelParticipant,
    Participant,
    RecordParticipant,
    ScriptedParticipant,
    ServerParticipant,
)
from training.compare.resolve import participant, participants
from training.config.compose import load
from training.config.run import save

CONFIG = load(["env=arithmetic"])
TASKS = {"arithmetic": CONFIG.tasks["arithmetic"]}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def run(name: str = "runs/a", checkpoint: bool = True) -> Path:
    folder = Path(name)
    folder.mkdir(parents=True)
    save(load(["env=arithmetic", "env.max_reply_tokens=30"]), folder / "config.yaml")
    (folder / "metrics.jsonl").touch()
    if checkpoint:
        (folder / "checkpoint").symlink_to(tiny_folder(), target_is_directory=True)
    return folder


def record(folder: str, count: int = 3, policy: str = "human", task: str = "arithmetic") -> Path:
    with EpisodeWriter(folder) as writer:
        for number in range(count):
            turn = Turn("1+1=", "<think></think><answer>2</answer>", "", "2", True, 1.0, {}, "1+1=", None, 0)
            writer.write(Episode(task, TEST_FIRST + number, policy, -1, 0, True, "completed", 1.0, {}, (turn,)))
    return Path(folder)


def refused(name: str) -> str:
    with pytest.raises(UserError) as caught:
        participant(name, CONFIG).check(TASKS)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_participants_have_the_type_that_their_name_means() -> None:
    run()
    record("plays/arithmetic")
    kinds: dict[str, type[Participant]] = {
        "random": ScriptedParticipant, "expert": ScriptedParticipant, "tiny": ModelParticipant,
        "api:gpt-5": ServerParticipant,
        "human": RecordParticipant, "plays/arithmetic": RecordParticipant, "runs/a": ModelParticipant,
    }  # fmt: skip
    players = participants(list(kinds), CONFIG)
    assert {player.name: type(player) for player in players} == kinds
    assert [player.is_reference for player in players] == [True, True] + [False] * 5
    assert [player.label for player in players][3:] == ["api-gpt-5", "human", "plays-arithmetic", "runs-a"]
    player = players[-1]
    assert isinstance(player, ModelParticipant) and player.path == "runs/a/checkpoint"
    assert player.envs == ["arithmetic"] and player.tasks["arithmetic"].max_reply_tokens == 30
    with pytest.raises(UserError, match="policy: tiny and tiny share the folder name tiny; remove one"):
        participants(["tiny", "random", "tiny"], CONFIG)
    with pytest.raises(UserError, match="policy: runs/a and runs/a share the folder name runs-a; remove"):
        participants(["runs/a", "runs/a/"], CONFIG)
    line = "policy: api:a/b and api:a-b share the folder name api-a-b; remove one"
    with pytest.raises(UserError, match=line):
        participants(["api:a/b", "api:a-b"], CONFIG)
    shutil.copytree("runs/a", "random")
    with pytest.raises(UserError, match=r"policy: random and \./random share the folder name random"):
        participants(["./random"], CONFIG)


def test_participant_that_does_not_exist_is_refused_with_a_suggestion() -> None:
    assert refused("tini").startswith("unknown policy 'tini'; did you mean 'tiny'? Known: api:<model>, expert, human, ")
    run("runs/football")
    assert (
        refused("runs/footbal") == "unknown policy 'runs/footbal'; did you mean 'runs/football'? Known: runs/football"
    )
    assert refused("football").startswith("unknown policy 'football'; did you mean 'runs/football'?")
    assert refused("nowhere/at/all") == "policy: model folder 'nowhere/at/all' does not exist"
    line = "policy=plays/chess: no such record; create one with python -m agents.play env=chess"
    assert refused("plays/chess") == line
    assert refused("api:") == "policy=api: lacks a model name; set policy=api:MODEL"
    Path("empty").mkdir()
    assert refused("empty") == "policy: 'empty' is not a model folder: it has no config.json"


def test_participant_for_an_unfinished_run_says_how_to_evaluate_it() -> None:
    folder = run(checkpoint=False)
    start = "policy=runs/a: this run is not finished and has no checkpoint/ yet; "
    assert refused("runs/a") == f"{start}resume it with python -m training.run resume=runs/a"
    good = folder / "checkpoints" / "good-000020"
    shutil.copytree(tiny_folder(), good)
    assert refused("runs/a") == (
        f"{start}evaluate its last good weights with policy=runs/a/checkpoints/good-000020, "
        "or resume it with python -m training.run resume=runs/a"
    )
    player = participant(str(good), CONFIG)
    player.check(TASKS)
    assert player.source == folder / "config.yaml" and player.tasks["arithmetic"].max_reply_tokens == 30


def test_participant_for_a_results_folder_is_refused() -> None:
    record("results/episodes/tiny")
    line = "policy=results contains results but no model; its records: results/episodes/tiny"
    assert refused("results") == line


def test_scripted_participant_without_an_expert_is_refused() -> None:
    settings = load(["env=frozen_lake"]).tasks
    with pytest.raises(UserError, match=r"policy=expert: frozen_lake has no expert \(FrozenLake-v1 has no expert_act"):
        ScriptedParticipant("expert").check(settings)
    ScriptedParticipant("random").check(settings)
    assert type(ScriptedParticipant("idle").policy("frozen_lake")) is type(scripted("idle"))


def test_server_participant_without_a_key_is_refused_before_playing() -> None:
    line = "https://api.openai.com/v1 needs a key: set the environment variable OPENAI_API_KEY"
    assert refused("api:gpt-5") == line


def test_record_participant_plays_its_own_starts(capsys: pytest.CaptureFixture[str]) -> None:
    folder = record("plays/arithmetic")
    save_settings(TASKS["arithmetic"], folder)
    player = participant("human", CONFIG)
    player.check(TASKS)
    usual = held_out_starts(TEST_FIRST, 2)
    assert player.starts("arithmetic", usual) == list(usual)
    assert [start.seed for start in player.starts("arithmetic", held_out_starts(TEST_FIRST, 9))] == [
        TEST_FIRST, TEST_FIRST + 1, TEST_FIRST + 2
    ]  # fmt: skip
    with pytest.raises(UserError, match=r"contains none of the first 4 held-out starts; increase episodes="):
        player.starts("arithmetic", held_out_starts(TEST_FIRST + 100, 4))
    (note,) = player.notes("arithmetic", ["arithmetic"], held_out_starts(TEST_FIRST, 9))
    assert note.endswith("3 of 9 starts (0 practised, 6 not played): the success rate covers only these")
    assert player.notes("arithmetic", ["arithmetic"], usual) == []
    record("plays/algebra", 2, task="algebra")
    player.check(load(["env=arithmetic,algebra"]).tasks)
    (note,) = player.notes("sums", ["arithmetic", "algebra"], usual[:2] + held_out_starts(TEST_FIRST, 4)[2:])
    assert note.startswith("human in sums: 5 of 8 starts (0 practised, 3 not played)")
    with (folder / "episodes.jsonl").open("a") as file:
        file.write('{"schema": 2, "ta')  # the machine went down
    again = participant("plays/arithmetic", CONFIG)
    again.check(TASKS)
    assert len(again.starts("arithmetic", held_out_starts(TEST_FIRST, 9))) == 3
    assert "episodes.jsonl line 4 is torn (a run was killed while writing): skipped" in capsys.readouterr().err


def test_record_participant_with_other_settings_is_refused() -> None:
    folder = record("plays/arithmetic")
    save_settings(load_task("arithmetic", {"env.kwargs.digits": "3"}), folder)
    assert refused("human").startswith("plays/arithmetic was played with different settings: env.kwargs was {")
    assert (
        refused(str(record("plays/other", task="algebra")))
        == "plays/other contains episodes of algebra, none of arithmetic"
    )
    newer = record("plays/newer", 1)
    lines = (newer / "episodes.jsonl").read_text().replace('"schema":3', '"schema":9')
    (newer / "episodes.jsonl").write_text(lines)
    assert "line 1 has schema 9, this Kickoff reads up to 3: update Kickoff to read it" in refused("plays/newer")


def test_model_participant_with_images_of_another_size_is_refused() -> None:
    football = load(["env=football", "env.kwargs.image_size=[112,112]"]).tasks
    with pytest.raises(UserError, match="policy=tiny: the model needs images of 84x84, got 112x112"):
        participant("tiny", CONFIG).check(football)


def test_idle_in_a_task_without_a_no_op_has_a_note() -> None:
    tasks = {name: load_task(name) for name in ("sokoban", "football", "arithmetic", "football_online_easy")}
    idle = participant("idle", CONFIG)
    idle.check(tasks)
    usual = held_out_starts(TEST_FIRST, 2)
    assert [note for name in tasks for note in idle.notes(name, [name], usual)] == [
        "idle in sokoban: plays 'up' in every turn, since no action does nothing (env.idle)"
    ]
    expert = participant("expert", CONFIG)
    expert.check(tasks)
    assert expert.notes("sokoban", ["sokoban"], usual) == []
