"""Keyboard layout: assigns keys to actions."""

import string
from collections.abc import Sequence

import pygame

_NATURAL: dict[tuple[str, ...], tuple[int, ...]] = {
    ("left", "west"): (pygame.K_LEFT, pygame.K_a, pygame.K_KP4),
    ("right", "east"): (pygame.K_RIGHT, pygame.K_d, pygame.K_KP6),
    ("up", "top", "north", "forward"): (pygame.K_UP, pygame.K_w, pygame.K_KP8),
    ("down", "bottom", "south", "back"): (pygame.K_DOWN, pygame.K_s, pygame.K_KP2),
    ("top_left", "up_left", "north_west"): (pygame.K_q, pygame.K_KP7),
    ("top_right", "up_right", "north_east"): (pygame.K_e, pygame.K_KP9),
    ("bottom_left", "down_left", "south_west"): (pygame.K_z, pygame.K_KP1),
    ("bottom_right", "down_right", "south_east"): (pygame.K_c, pygame.K_KP3),
    ("idle", "wait", "noop", "stay", "nothing"): (pygame.K_SPACE, pygame.K_KP5),
    ("short_pass",): (pygame.K_j,),
    ("high_pass",): (pygame.K_i,),
    ("long_pass",): (pygame.K_l,),
    ("shot",): (pygame.K_k,),
    ("sprint",): (pygame.K_f,),
    ("release_sprint",): (pygame.K_g,),
    ("release_direction",): (pygame.K_t,),
    ("sliding",): (pygame.K_x,),
    ("dribble",): (pygame.K_b,),
    ("release_dribble",): (pygame.K_v,),
}
"""Conventional keys for descriptive action names."""

COMMANDS = "hunr"
"""Letters reserved for commands: help, undo, next, restart."""

_CAPS = {
    pygame.K_LEFT: "←", pygame.K_RIGHT: "→", pygame.K_UP: "↑", pygame.K_DOWN: "↓", pygame.K_SPACE: "Space",
}  # fmt: skip


def action_keys(names: Sequence[str]) -> dict[int, str] | None:
    """Return the action of each pygame key, or None if there are more actions than keys.

    A name without conventional keys takes the first free key of: its initials, its letters, any letter, any digit.
    """
    free = [letter for letter in string.ascii_lowercase if letter not in COMMANDS] + list("1234567890")
    taken: dict[int, str] = {}
    for name in names:
        plain = name.lower().replace(" ", "_").replace("-", "_")
        for known, keys in _NATURAL.items():
            if plain in known:
                taken |= {key: name for key in keys if key not in taken}
    for name in names:
        if name in taken.values():
            continue
        words = name.lower().replace("_", " ").replace("-", " ").split()
        wanted = [*(word[0] for word in words), *"".join(words), *free]
        key = next((ord(letter) for letter in wanted if letter in free and ord(letter) not in taken), None)
        if key is None:
            return None
        taken[key] = name
    return taken


def caps(keys: dict[int, str]) -> dict[str, str]:
    """Return the labels of each action's keys, at most two. Number pad keys are omitted."""
    shown: dict[str, list[str]] = {}
    for key, name in keys.items():
        if key in _CAPS or key < 128:
            shown.setdefault(name, []).append(_CAPS.get(key) or chr(key).upper())
    return {name: " ".join(labels[:2]) for name, labels in shown.items()}
