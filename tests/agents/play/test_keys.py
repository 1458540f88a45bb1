"""Which keys play which actions, and how answers are put in."""

import pygame

from agents.play.entry import Picked, Typed, entry
from agents.play.keys import action_keys, caps
from envs.task.config import TaskConfig, load_task, task_names


def key(code: int, mod: int = 0) -> pygame.event.Event:
    return pygame.event.Event(pygame.KEYDOWN, key=code, mod=mod)


def letters(text: str) -> pygame.event.Event:
    return pygame.event.Event(pygame.TEXTINPUT, text=text)


def test_every_task_has_its_keys() -> None:
    for name in task_names():
        config = load_task(name)
        way = entry(config)
        assert isinstance(way, Picked if config.actions else Typed)
        assert {action for _, action in way.keys} == {
            action for part in config.action_parts for action in part if action
        }
    keys = dict(entry(load_task("football")).keys)
    assert (keys["← A"], keys["↓ S"], keys["Q"], keys["K"], keys["Space"]) == (
        "left",
        "bottom",
        "top_left",
        "shot",
        "idle",
    )


def test_keys_for_any_names() -> None:
    def shown(*names: str) -> dict[str, str]:
        keys = action_keys(names)
        assert keys is not None
        assert not set(keys) & {ord(letter) for letter in "hunr"}  # help, undo, next, restart
        return caps(keys)

    assert shown("up", "jump", "north", "Turn Left") == {"up": "↑ W", "jump": "J", "Turn Left": "T", "north": "O"}
    assert shown("hold", "hunt") == {"hold": "O", "hunt": "T"}
    assert shown("push_up", "push-down", "run") == {"push_up": "P", "push-down": "D", "run": "A"}
    assert len(shown(*(f"{number}th" for number in range(32)))) == 32
    assert action_keys([f"{number}th" for number in range(33)]) is None


def test_typed_entry_edits_and_submits_text() -> None:
    way = Typed(load_task("arithmetic"))
    assert [way.press(event) for event in (letters("1"), letters("²"), key(pygame.K_BACKSPACE))] == [None] * 3
    assert way.press(key(pygame.K_RETURN, pygame.KMOD_LSHIFT)) is None and way.press(letters("+")) is None
    assert way.press(key(pygame.K_RETURN)) == way.shown == "1\n+"
    way.press(key(pygame.K_BACKSPACE, pygame.KMOD_LCTRL))
    assert way.shown == "" and way.press(key(pygame.K_RETURN)) is None  # an empty answer is not sent


def test_choice_of_several_actions_is_submitted_together() -> None:
    way = entry(TaskConfig(actions=["up", "down"], actions_per_reply=3))
    assert way.press(key(pygame.K_RETURN)) is None
    presses = (pygame.K_UP, pygame.K_w, pygame.K_BACKSPACE, pygame.K_s, pygame.K_UP, pygame.K_UP, pygame.K_j)
    assert [way.press(key(code)) for code in presses] == [None] * 7
    assert way.press(key(pygame.K_RETURN)) == way.shown == "up, down, up"
    way.clear()
    assert way.shown == ""


def test_choice_of_parts_makes_one_action() -> None:
    way = entry(TaskConfig(actions=[["left", "right", ""], ["jump", "stay"]]))
    assert way.press(key(pygame.K_LEFT)) is None and way.shown == "left"
    assert way.press(key(pygame.K_LEFT)) is None  # no key of the second part
    assert way.press(key(pygame.K_SPACE)) == "left+stay"
