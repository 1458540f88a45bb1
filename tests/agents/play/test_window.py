"""A person at the keyboard, for real: the command, an X server, key strokes; what is on the screen and what is kept."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pygame
import pytest
from numpy.typing import NDArray
from PIL import ImageGrab

import envs  # noqa: F401  (registers the ids)
from agents.episodes.episode import Episode
from agents.episodes.runner import EpisodeRunner
from agents.episodes.starts import TEST_FIRST, held_out_starts
from agents.play.person import Closed, Person, SeenTask
from agents.play.screen import View, draw, draw_help, wrapped
from agents.play.session import main
from agents.policies.recorded import RecordedPolicy
from agents.policies.scripted import scripted
from configs.cli import parse_overrides
from configs.errors import UserError
from envs.task.config import load_task
from envs.task.task import Task
from render.draw.window import KeyWindow
from render.records.reading import read_episodes


@pytest.fixture(scope="module")
def display(needs: Callable[[str], str]) -> Iterator[str]:
    """An X server's display."""
    needs("xdotool")
    out, into = os.pipe()
    server = subprocess.Popen(
        [needs("Xvfb"), "-displayfd", str(into), "-screen", "0", "1200x800x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=[into],
        stderr=subprocess.DEVNULL,
    )
    os.close(into)
    with os.fdopen(out) as told:
        yield f":{told.readline().strip()}"
    server.terminate()
    server.wait()


class Played:
    """The command under way, and hands at its keyboard."""

    def __init__(self, display: str, folder: Path, *words: str) -> None:
        self.display = display
        self._env = os.environ | {"DISPLAY": display}
        self._env.pop("SDL_VIDEODRIVER", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "agents.play", *words], cwd=folder, env=self._env, stdout=subprocess.PIPE, text=True
        )

    def _xdotool(self, *words: str) -> str:
        done = subprocess.run(["xdotool", *words], env=self._env, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def until(self, title: str) -> None:
        """Wait until the window's title ends so."""
        deadline = time.monotonic() + 60
        shown = ""
        while time.monotonic() < deadline and self.process.poll() is None:
            shown = self._xdotool("getwindowfocus", "getwindowname")
            if shown.endswith(title):
                return
            time.sleep(0.02)
        raise AssertionError(f"{title!r} was expected, the window says {shown!r}; status {self.process.poll()}")

    def press(self, *keys: str, then: str) -> None:
        """Press keys, and wait for the title."""
        self._xdotool("key", *keys)
        self.until(then)

    def screen(self) -> NDArray[np.uint8]:
        """[H, W, 3], all of the display."""
        return np.asarray(ImageGrab.grab(xdisplay=self.display).convert("RGB"))

    def end(self) -> tuple[int, str]:
        """The status and what was printed, once it has ended."""
        out, _ = self.process.communicate(timeout=60)
        return self.process.returncode, out


@pytest.fixture
def play(display: str, tmp_path: Path) -> Iterator[Callable[..., Played]]:
    """Starts the command in a folder of its own."""
    started: list[Played] = []

    def begin(*words: str) -> Played:
        started.append(Played(display, tmp_path, *words))
        return started[-1]

    yield begin
    for one in started:
        one.process.kill()
        one.process.communicate()


def by_expert(task: Task, episodes: int) -> list[Episode]:
    return asyncio.run(EpisodeRunner(task).play(held_out_starts(TEST_FIRST, episodes), scripted("expert")))


OPENING = "Opening a window with {}, from start {}. In the window, H or F1 shows the help.\n"
ARROWS = {"up": "Up", "down": "Down", "left": "Left", "right": "Right"}
LETTERS = {"up": "w", "down": "s", "left": "a", "right": "d"}


@pytest.mark.browser
def test_window_plays_sokoban_by_keyboard(play: Callable[..., Played], tmp_path: Path) -> None:
    single = ("env.actions_per_reply=1", "env.max_turns=15", "env.think=word")
    words = ("env=sokoban", *single)
    task = Task("sokoban", load_task("sokoban", parse_overrides(single)))
    experts = by_expert(task, 2)
    moves = [[turn.reply.answer for turn in episode.turns] for episode in experts]
    first, second = (f"Success in {len(plan)} turns – Enter continues" for plan in moves)

    window = play(*words, "episodes=3")
    window.until("start 1 of 3, turn 1")
    before = window.screen()
    window.press("h", then="help")  # a sheet over the game: darker all around
    assert window.screen().mean() < 0.7 * before.mean()
    window.press("Escape", then="turn 1")
    np.testing.assert_array_equal(window.screen(), before)
    for number, move in enumerate(moves[0][:-1]):
        window.press(ARROWS[move], then=f"turn {number + 2}")
    window.press(ARROWS[moves[0][-1]], then=first)
    window.press("Return", then="start 2 of 3, turn 1")

    window.press("Up", then="turn 2")
    window.press("u", "h", "h", then="turn 2")  # asks before it makes the episode practice
    window.press("u", "u", then="turn 1")
    for number, move in enumerate(moves[1][:-1]):
        window.press(LETTERS[move], then=f"turn {number + 2}")
    window.press(LETTERS[moves[1][-1]], then=second)
    window.press("n", then="start 3 of 3, turn 1")

    window.press("Up", then="turn 2")
    window.press("Escape", "h", "Escape", then="turn 2")  # asks too: the episode is not finished
    window._xdotool("key", "Escape", "Escape")  # it is given up by that: it cannot be met again as if it were new
    assert window.end() == (0, OPENING.format("sokoban", "1 of 3") + "plays/sokoban: 1 of 2 succeeded, 2 new\n")

    won, practised, left = read_episodes(tmp_path / "plays" / "sokoban")
    assert (won.policy, won.seed, won.success, won.ended) == ("human", TEST_FIRST, True, "completed")
    assert won.rewards == {"outcome": 1.0, "format": pytest.approx(0.1)}  # as a model's
    assert won.reward == pytest.approx(1.1) and (won.step, won.group) == (-1, 0)
    assert [turn.action for turn in won.turns] == moves[0]
    for turn, experts_turn in zip(won.turns, experts[0].turns, strict=True):
        np.testing.assert_array_equal(turn.frame, experts_turn.observation.image)  # what a model is shown
    assert (practised.policy, practised.seed, practised.success) == ("practice", TEST_FIRST + 1, True)
    assert (left.policy, left.seed, left.success, left.ended) == ("human", TEST_FIRST + 2, False, "invalid")
    assert [turn.reply for turn in left.turns] == ["<think></think><answer>up</answer>", "gives up"]
    recorded = RecordedPolicy(tmp_path / "plays" / "sokoban", task)
    again = asyncio.run(EpisodeRunner(task).play(recorded.starts, recorded))
    assert [episode.success for episode in again] == [True, False] and recorded.practised == {TEST_FIRST + 1}

    window = play(*words, "episodes=5")  # goes on after the three
    window.until("start 4 of 5, turn 1")
    window.press("Up", then="turn 2")
    window.press("n", "n", then="Given up – Enter continues")
    window.press("Return", then="start 5 of 5, turn 1")
    window.press("Up", then="turn 2")
    window.press("r", "r", then="turn 1")
    window._xdotool("key", "Escape")  # practice that was begun is kept as that
    told = "plays/sokoban: 3 of 5 starts are already played, 2 left\n" + OPENING.format("sokoban", "4 of 5")
    assert window.end() == (0, told + "plays/sokoban: 1 of 3 succeeded, 1 new\n")
    *_, lost, practised = read_episodes(tmp_path / "plays" / "sokoban")
    assert (lost.policy, lost.seed, lost.success, lost.ended) == ("human", TEST_FIRST + 3, False, "invalid")
    assert (practised.policy, practised.seed) == ("practice", TEST_FIRST + 4)


@pytest.mark.browser
def test_window_plays_questions_by_keyboard(play: Callable[..., Played], tmp_path: Path) -> None:
    task = Task("arithmetic", load_task("arithmetic"))
    gold = [episode.turns[0].reply.answer for episode in by_expert(task, 2)]
    window = play("env=arithmetic", "out=kept")
    window.until("start 1 of 20, turn 1")
    window.press("9", "BackSpace", *gold[0], "Return", then="Right – Enter continues")
    window.press("Return", then="start 2 of 20, turn 1")
    window.press(
        "h", "u", "Return", then=f"Wrong; the answer is {gold[1]} – Enter continues"
    )  # letters are no commands
    window.press("r", then="turn 1")  # the answer has counted; this is practice
    window.press(*gold[1], "Return", then="Right – Enter continues")
    window.press("n", then="start 3 of 20, turn 1")
    window.press("F1", then="help")
    window._xdotool("key", "F1", "Escape")  # nothing is lost: it closes at once
    assert window.end() == (0, OPENING.format("arithmetic", "1 of 20") + "kept/arithmetic: 1 of 2 succeeded, 2 new\n")
    episodes = list(read_episodes(tmp_path / "kept" / "arithmetic"))
    assert [(e.policy, e.success, e.turns[0].action) for e in episodes] == [
        ("human", True, gold[0]),
        ("human", False, "hu"),
        ("practice", True, gold[1]),
    ]
    assert episodes[0].turns[0].prompt.endswith("=") and episodes[0].turns[0].frame is None


@pytest.mark.browser
def test_a_killed_session_keeps_what_is_finished(play: Callable[..., Played], tmp_path: Path) -> None:
    gold = by_expert(Task("geometry", load_task("geometry")), 1)[0].turns[0].reply.answer
    window = play("env=geometry")
    window.until("start 1 of 20, turn 1")
    window.press(*gold, "Return", then="Right – Enter continues")
    window.process.kill()
    (won,) = read_episodes(tmp_path / "plays" / "geometry")
    assert won.success and won.turns[0].frame is not None


class Closing:
    """A window without a display, whose own button is pressed at once."""

    def __init__(self) -> None:
        self.surface = pygame.Surface((1120, 760))
        self.titles: list[str] = []

    def show(self, title: str) -> None:
        self.titles.append(title)

    def wait(self) -> pygame.event.Event:
        return pygame.event.Event(pygame.QUIT)


@pytest.mark.parametrize("script", [[], ["<think></think><answer>up</answer>"]])
def test_the_windows_button_closes_it(script: list[str]) -> None:
    task = SeenTask("sokoban", load_task("sokoban"))
    pygame.display.init()  # SDL's dummy driver
    window = Closing()
    person = Person(task, cast(KeyWindow, window), "plays")
    person.prepare("1 of 1", "0 of 0", script, practice=False)
    runner = EpisodeRunner(task)
    if not script:
        with pytest.raises(Closed):
            asyncio.run(runner.play(held_out_starts(TEST_FIRST, 1), person))
        assert window.titles == ["Kickoff: sokoban, start 1 of 1, turn 1"]
        return
    (episode,) = asyncio.run(runner.play(held_out_starts(TEST_FIRST, 1), person))
    assert [turn.words for turn in episode.turns] == [*script, "gives up"]  # one reply was given, and it counts
    with pytest.raises(Closed):
        asyncio.run(person.finished(episode))


def test_a_line_that_fits_keeps_its_spaces() -> None:
    pygame.font.init()
    font = pygame.font.Font(None, 20)
    width = font.size("m" * 12)[0]
    assert wrapped("#  @ #\n  $", font, width) == ["#  @ #", "  $"]
    assert wrapped("one two three four", font, font.size("three four")[0]) == ["one two", "three four"]
    assert wrapped("m" * 30 + "\0", font, width) == ["m" * 12, "m" * 12, "m" * 6]
    assert wrapped("", font, width) == [""]


@pytest.mark.parametrize("size", [(1120, 760), (640, 480)])
def test_long_texts_scroll(size: tuple[int, int]) -> None:
    surface = pygame.Surface(size)
    text = "\n".join(f"line {number}" for number in range(100))
    shown = View("task", None, "", text, "Read.", (("Start", "1 of 2"),), False, (), (("H", "help"),), "12", "Type")
    most = draw(surface, shown)
    assert 50 < most < 100
    top = pygame.surfarray.array3d(surface)
    shown = View(**{**vars(shown), "scroll": most + 5})
    assert draw(surface, shown) == most and (pygame.surfarray.array3d(surface) != top).any()
    assert draw(surface, View(**{**vars(shown), "text": "short"})) == 0
    draw_help(surface, "Help", ["a paragraph " * 60] * 5)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no display: DISPLAY is not set; play on a machine with a desktop, or under xvfb-run"),
        (["env=sokobann"], "unknown env 'sokobann'; did you mean 'sokoban'?"),
        (
            ["env=academies"],
            "env=academies is a suite; name one of its tasks: academy_empty_goal_close, academy_empty_goal",
        ),
        (["episodes=0"], "episodes=0: a whole number of at least 1 is expected"),
        (["first=-1"], "first=-1: a whole number of at least 0 is expected"),
        (["episode=3"], "unknown key episode; did you mean episodes?"),
        (["env.kwargs.boxes=99"], "boxes must be"),
    ],
)
def test_play_with_a_wrong_setting_is_one_line(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError) as caught:
        main(words)
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_play_without_a_display_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    with pytest.raises(UserError, match=r"^no display: SDL_VIDEODRIVER=dummy; play on"):
        main([f"out={tmp_path}"])
    command = [sys.executable, "-m", "agents.play", f"out={tmp_path}"]
    env = {name: value for name, value in os.environ.items() if name != "SDL_VIDEODRIVER"} | {"DISPLAY": ":65000"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, OPENING.format("sokoban", "1 of 20")) and done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: no display: ")
