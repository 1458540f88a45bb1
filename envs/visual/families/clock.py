"""Clocks: read the time and compute with it."""

import numpy as np

from envs.visual.puzzle import Puzzle, pick, pick_kind
from render.visual.clock import NUMERALS, STYLES, Clocks

KINDS = {
    "read": (0.0, 1.0),
    "later": (0.1, 1.0),
    "earlier": (0.3, 1.0),
    "until": (0.3, 1.0),
    "gap": (0.5, 1.0),
    "angle": (0.6, 1.0),
}
FORM = "Answer as hours:minutes, such as 4:05."


def clock(rng: np.random.Generator, difficulty: float) -> Puzzle:
    """Return a puzzle about one or more clocks.

    Times are quarter hours below difficulty 0.25, multiples of five minutes below 0.6, then any minute. At high
    difficulty the clocks have fewer numerals.
    """
    kind = pick_kind(rng, KINDS, difficulty)
    step = 15 if difficulty < 0.25 else 5 if difficulty < 0.6 else 1
    time = int(rng.integers(60, 720) // step * step)  # minutes since midnight, from 1:00 to 11:59
    numerals = pick(rng, NUMERALS[: 1 if difficulty < 0.25 else 3 if difficulty < 0.6 else 4])
    times = [time]
    if kind == "gap":
        time, later = sorted((time, 60 + (time - 60 + step * int(rng.integers(1, 600 // step))) % 660))
        times = [time, later]
        text = "How many minutes pass from the time of the upper clock to that of the lower one, on the same morning?"
        text = f"{text} Answer with a whole number."
        answer: int | str = later - time
        thought = f"{said(time)} to {said(later)}: {later - time}"
    elif kind == "angle":
        time -= time % 2  # an even minute gives an angle in whole degrees
        times = [time]
        apart = abs(60 * (time // 60) - 11 * (time % 60)) // 2
        answer = min(apart, 360 - apart)
        text = "How many degrees is the smaller angle between the two hands? Answer with a whole number."
        hour, minute = (time % 720) / 2, 6 * (time % 60)
        thought = f"hands at {hour:g} and {minute} degrees: {answer}"
    else:
        text, answer, thought = _ask(rng, kind, time, step)
    scene = Clocks(tuple(divmod(t, 60) for t in times), numerals, int(rng.integers(len(STYLES))))
    seen = " ".join(f"{t // 60 % 12 or 12} {t % 60}" for t in times)  # hour and minute of each clock
    return Puzzle(scene, text, answer, thought, _describe(times), seen)


def said(time: int) -> str:
    """Return a time, given in minutes since midnight, in 12-hour format."""
    return f"{time // 60 % 12 or 12}:{time % 60:02d}"


def _ask(rng: np.random.Generator, kind: str, time: int, step: int) -> tuple[str, int | str, str]:
    if kind == "read":
        return f"What time does the clock show? {FORM}", said(time), f"{time // 60} hours {time % 60} minutes"
    minutes = step * int(rng.integers(1, 180 // step))
    if kind == "later":
        text = f"What time will this clock show in {minutes} minutes? {FORM}"
        return text, said(time + minutes), f"{said(time)} + {minutes} minutes"
    if kind == "earlier":
        text = f"What time did this clock show {minutes} minutes ago? {FORM}"
        return text, said(time - minutes), f"{said(time)} - {minutes} minutes"
    text = f"In how many minutes will this clock next show {said(time + minutes)}? Answer with a whole number."
    return text, minutes, f"{said(time)} to {said(time + minutes)}: {minutes}"


def _describe(times: list[int]) -> str:
    """Return a text description of the hands of each clock."""
    shown = []
    for time in times:
        past = f"{time % 60 / 60:.0%} of the way past" if time % 60 else "exactly at"
        shown.append(f"the short hand {past} {time // 60}, the long hand at minute {time % 60}")
    if len(shown) == 1:
        return f"A clock: {shown[0]}."
    return f"Upper clock: {shown[0]}. Lower clock: {shown[1]}."
