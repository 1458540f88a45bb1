"""With whose settings an evaluation plays; and what is said where starts are not held out, or settings not shipped."""

import json
from pathlib import Path

import pytest

from configs.cli import parse_overrides
from envs.task.config import TaskConfig
from envs.task.suites import SUITES
from training.compare import command
from training.compare.participants import Participant, ScriptedParticipant
from training.compare.settings import as_shipped, notes_on_settings, notes_on_starts, tasks_of, with_test_rows
from training.config.compose import load


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def trained(*words: str) -> Participant:
    """One who was trained on what the words ask for."""
    config = load(words)
    player = Participant("runs/a")
    player.source, player.envs = Path("runs/a/config.yaml"), config.envs
    player.tasks = {name: config.tasks[name] for name in config.envs}
    return player


def tasks(*words: str) -> dict[str, TaskConfig]:
    config = load(words)
    return {name: config.tasks[name] for name in config.envs}


def test_tasks_of_a_run_and_a_file_uses_each_ones_settings() -> None:
    player = trained("env=sokoban,football", "env.max_turns=7")
    Path("sokoban.yaml").write_text("like: sokoban\nkwargs: {boxes: 2}\n")
    words = ["env=sokoban.yaml,football"]
    played, taken = tasks_of(load(words), player, parse_overrides(words))
    assert taken == ["football"] and played["football"].max_turns == 7
    assert (played["sokoban"].max_turns, played["sokoban"].kwargs["boxes"]) == (8, 2)
    assert notes_on_settings([player], taken, played) == [
        "settings of football from runs/a/config.yaml",
        "runs/a was trained with different settings of sokoban: max_turns, kwargs.boxes",
        "changed from configs/env, sokoban: kwargs.boxes",
        "changed from configs/env, football: max_turns",
    ]


def test_with_test_rows_uses_the_test_split_unless_overridden() -> None:
    words = ["env=questions", "env.kwargs.split=train"]
    player = trained(*words)
    played, _ = tasks_of(load(["env=questions"]), player, {})
    assert played["questions"].kwargs["split"] == "train"
    kept, notes = with_test_rows(played, {})
    assert kept["questions"].kwargs["split"] == "test" and notes_on_starts([player], kept) == []
    assert notes == ["questions uses split=test instead of split=train, because those rows are training data"]
    asked, notes = with_test_rows(tasks(*words), parse_overrides(words))
    assert asked["questions"].kwargs["split"] == "train" and notes == []
    (note,) = notes_on_starts([player], asked)
    assert note == "runs/a was trained on rows of questions (split=train): they are not held out"
    (note,) = notes_on_starts([trained("env=questions")], tasks("env=questions"))
    assert note == "runs/a was trained on rows of questions (split=all): they are not held out"
    assert notes_on_starts([player], tasks("env=questions", "env.kwargs.in_order=true"))[0].endswith("not held out")


def test_notes_on_starts_name_a_policy_trained_on_the_same_levels() -> None:
    levels = 'env.kwargs.levels="#####\\n#   #\\n#@$.#\\n#   #\\n#####"'
    words = ["env=sokoban", levels]
    assert "\n" in tasks(*words)["sokoban"].kwargs["levels"]
    (note,) = notes_on_starts([trained(*words)], tasks(*words))[:1]
    assert note == "runs/a was trained on the levels of sokoban: they are not held out"
    assert not any("levels" in note for note in notes_on_starts([trained("env=sokoban")], tasks(*words)))


@pytest.mark.slow
def test_notes_on_starts_of_an_env_with_one_start_warn() -> None:
    (note,) = notes_on_starts([], tasks("env=cliff_walking"))
    assert note == "cliff_walking starts in the same state from every seed: its starts also occur in training"
    assert notes_on_starts([], tasks("env=sokoban,arithmetic,academy_run_to_score")) == []


def test_as_shipped_is_false_for_a_changed_task() -> None:
    for suite in ("sokoban_global", "football_online"):
        shipped = tasks(f"env={suite}", "env.max_reply_tokens=4096")
        assert list(shipped) == list(SUITES[suite]) and all(as_shipped(*task) for task in shipped.items())
    changed = tasks("env=football_online", "tasks.football_online_hard.max_turns=10")
    assert [as_shipped(*task) for task in changed.items()] == [True, False]


def test_references_include_an_expert_for_tasks_that_have_one(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["env=arithmetic,frozen_lake", "env.image=false", "env.caption=true", "episodes=2", "policy=random"]
    command.main([*words, "save=out", "video=true"])
    rows = json.loads(Path("out/results.json").read_text())["rows"]
    assert [(row["policy"], row["task"]) for row in rows] == [
        ("random", "arithmetic"), ("random", "frozen_lake"), ("idle", "arithmetic"), ("idle", "frozen_lake"),
        ("expert", "arithmetic"),
    ]  # fmt: skip
    assert "arithmetic has no images: no video is written" in capsys.readouterr().err
    assert ScriptedParticipant("expert").is_reference
