"""`python -m envs.check` and `python -m envs` as a user meets them."""

import re
from pathlib import Path
from typing import Any, cast

import gymnasium
import numpy as np
import pytest

from configs.errors import UserError
from envs.__main__ import main as list_envs
from envs.check import main
from envs.football.scenarios import SCENARIOS
from envs.geometry.families.table import FAMILIES as GEOMETRY
from envs.sheet import sections
from envs.visual.env import FAMILIES as VISUAL


class Toy(gymnasium.Env[Any, Any]):
    """A walk to the right end of a strip, with faults to choose from."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012

    def __init__(self, fault: str = "", render_mode: str | None = None) -> None:
        self.render_mode, self.fault, self.made = render_mode, fault, 0
        self.observation_space = gymnasium.spaces.Discrete(10)
        self.action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.made += 1
        self.place = self.made % 7 if self.fault == "seed" else int(self.np_random.integers(5))
        return self.place, self._info()

    def step(self, action: Any) -> Any:
        if self.fault == "crash":
            raise RuntimeError("out of\nmemory")
        self.place = min(max(self.place + 2 * int(action) - 1, 0), 9)
        reward = float(self.made) if self.fault == "reward" else float(self.place == 9)
        reward = float("nan") if self.fault == "nan" and self.place > 4 else reward
        ended = self.place == 9
        return self.place, reward, np.bool_(ended) if self.fault == "numpy" else ended, False, self._info()

    def _info(self) -> dict[str, Any]:
        return (
            {}
            if self.fault == "silent"
            else {"success": self.place == 9 or self.fault == "easy", "text": str(self.place)}
        )

    def render(self) -> Any:
        width = 90 + self.place if self.fault == "shapes" else 100
        strip = np.zeros((50, width, 4 if self.fault == "alpha" else 3), np.uint8)
        if self.fault not in ("blank", "still"):
            strip[:, 10 * self.place : 10 * self.place + 10] = 255
        if self.fault == "still":
            strip[10:] = 50
        return strip / np.float32(255) if self.fault == "float" else strip


gymnasium.register("test/Toy-v0", cast(Any, Toy))


def checked(capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str) -> tuple[str, int]:
    """The report on a task, and the number of problems to fix."""
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    wrong = 0
    try:
        main([str(path)])
    except SystemExit as end:
        assert end.code == 1
        wrong = 1
    out, err = capsys.readouterr()
    assert out.startswith(f"{path}:\n")
    lines = out.splitlines()[1:]
    assert all(re.match(r"  (ok|note|wrong) +\S", line) for line in lines)  # one line each
    count = sum(line.startswith("  wrong") for line in lines)
    assert (count > 0) == bool(wrong)
    assert err == (f"{count} problem{'s' if count > 1 else ''} to fix\n" if count else "")
    return out, count


TASK = "id: test/Toy-v0\ninstructions: Go right.\nactions: [left, right]\nmax_turns: 8\n"


def test_check_of_a_sound_task_finds_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    report, wrong = checked(capsys, tmp_path, TASK)
    assert wrong == 0
    assert "ok     the same seed and actions give the same episode" in report
    assert "ok     images of 50x100" in report
    assert "note   the embedded tiny model takes image_size=[84, 84] only" in report
    assert re.search(r"ok     20 random episodes: \d+% succeed, \d+ ended by the env, \d\.\d of 8 turns", report)
    report, _ = checked(capsys, tmp_path, TASK + "image_size: [84, 84]\n")
    assert "images of 84x84" in report and "note" not in report


def test_check_of_numpy_values_writes_a_record(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = TASK + "success: terminated\nkwargs: {fault: numpy}\n"
    assert checked(capsys, tmp_path, task)[1] == 0

    def no_room(*_: Any) -> None:
        raise OSError("no room")

    monkeypatch.setattr("envs.check.EpisodeWriter.write", no_room)
    report, wrong = checked(capsys, tmp_path, task)
    assert wrong == 1 and "OSError: no room" in report


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("score: points\n", "task mine: score: test/Toy-v0 has no number 'points' in its info"),
        ("text_from: misson\n", "task mine: text_from=misson needs a Dict observation, this env gives Discrete(10)"),
    ],
)
def test_check_of_a_misspelt_key_says_which(
    line: str, problem: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    report, wrong = checked(capsys, tmp_path, TASK + line)
    assert wrong == 1 and problem in report


FAULTS = {
    "seed": "reset(seed=0) gives two different starts: a group of episodes needs the same start",
    "reward": "the same seed and actions give different rewards",
    "crash": "the env fails under random actions: RuntimeError: out of memory",
    "silent": "success=info, but info has no 'success': set it to terminated or a bound such as 'return >= 1'",
    "blank": "every image has a single colour",
    "still": "the image never changes",
    "shapes": "images differ in shape",
    "float": "task mine: test/Toy-v0: an image must be uint8 from 0 to 255, got float32; scale and convert it",
    "nan": "task mine: test/Toy-v0 gave the reward nan; it must be a finite number",
    "alpha": "task mine: test/Toy-v0: an image must be uint8 [H, W, 3], got shape (50, 100, 4)",
}


@pytest.mark.filterwarnings("ignore:.*NaN value:UserWarning")  # Gymnasium's, before our own line
@pytest.mark.parametrize("fault", FAULTS)
def test_check_reports_what_is_wrong(fault: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    report, wrong = checked(capsys, tmp_path, f"{TASK}kwargs: {{fault: {fault}}}\n")
    assert wrong == 1
    assert f"  wrong  {FAULTS[fault]}" in report


def test_check_notes_what_is_unusual(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    report, wrong = checked(capsys, tmp_path, f"{TASK}kwargs: {{fault: easy}}\n".replace("instructions", "description"))
    assert wrong == 0
    assert "note   random actions always succeed" in report
    assert "note   the prompt is empty" in report


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id: test/Toi-v0\n", "unknown env id 'test/Toi-v0'; did you mean 'test/Toy-v0'?"),
        (TASK + "kwargs: {colour: red}\n", "test/Toy-v0 does not accept these kwargs:"),
        ("id: test/Toy-v0\n", "task mine: Discrete(2) needs action names (actions: [...])"),
        ("id: test/Toy-v0\nactions: [a, b, c]\n", "task mine: 3 action names do not fit Discrete(2)"),
        (
            "id: nowhere.to.be.found:Toy-v0\nactions: [a]\n",
            "nowhere.to.be.found:Toy-v0 cannot be created: No module named",
        ),
    ],
)
def test_check_reports_an_env_that_cannot_be_made(
    text: str, message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    report, wrong = checked(capsys, tmp_path, text)
    assert wrong == 1 and f"  wrong  {message}" in report


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id: x\nmaxturns: 3\n", "unknown key maxturns; did you mean max_turns?"),
        ("id: x\nmax_turns: three\n", "max_turns=three: a whole number of at least 1 is expected"),
        ("id: [\n", "mine.yaml:2: "),
        ("- id\n", "a mapping (key: value) is expected"),
    ],
)
def test_check_of_a_file_without_a_task_is_one_line(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        main([str(path)])
    assert message in str(caught.value) and str(path) in str(caught.value)


def test_check_of_a_missing_file_is_one_line() -> None:
    with pytest.raises(UserError, match=r"nowhere\.yaml"):
        main(["nowhere.yaml"])
    with pytest.raises(UserError, match="which task"):
        main([])


def test_the_list_names_ids_and_tasks(capsys: pytest.CaptureFixture[str]) -> None:
    list_envs([])
    listed = capsys.readouterr().out
    for line in (r"  kickoff/Football-v0 +envs\.football", "  arithmetic +Addition of", r"  frozen_lake +Gymnasium's"):
        assert re.search(line, listed), line
    assert listed.count("academy_run_to_score_with_keeper") == 1  # variants stand under their suite alone
    assert max(map(len, listed.partition("Suites")[2].splitlines())) <= 120


def test_the_list_shows_the_suite_that_the_default_recipe_plays(capsys: pytest.CaptureFixture[str]) -> None:
    list_envs([])
    listed = capsys.readouterr().out
    assert "  all                  football, sokoban, geometry, visual, reasoning\n" in listed
    assert "  all (recipe=tiny)    football x2, sokoban x2, tiny_geometry, tiny_visual, tiny_reasoning\n" in listed


def test_sheet_shows_every_task_family_and_scenario(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("envs.sheet.task_names", lambda: ["arithmetic", "frozen_lake"])
    monkeypatch.setattr("envs.sheet.DEFAULT_TASKS", {"arithmetic": ("gcd",)})
    drawn = list(sections(84))
    names = [{tile.title for tile in section.tiles} for section in drawn]
    assert names == [{"arithmetic", "frozen_lake"}, set(GEOMETRY), set(VISUAL), set(SCENARIOS), {"gcd"}]
    assert {tile.image.shape for section in drawn for tile in section.tiles} == {(84, 84, 3)}
    target = tmp_path / "sheet.png"
    list_envs([f"sheet={target}", "size=84"])
    assert f"93 images in {target}" in capsys.readouterr().out  # 2 + 56 + 14 + 20 + 1
    first = target.read_bytes()
    list_envs([f"sheet={target}", "size=84"])
    assert target.read_bytes() == first
    for bad in ("sheet=a.jpg", "sheet=/nowhere/a.png", "sheets=a.png", "size=40", "size=large"):
        with pytest.raises(UserError):
            list_envs([bad])
