"""Instruments: read a thermometer, a ruler or a dial, and compute with the reading."""

import numpy as np

from envs.visual.puzzle import Puzzle, pick, pick_kind
from render.visual.instruments import Dial, Ruler, Scale, Thermometers
from render.visual.sheet import COLOURS, PAPERS, Scene

KINDS = {
    "read": (0.0, 1.0),
    "length": (0.0, 1.0),
    "change": (0.3, 1.0),
    "compare": (0.4, 1.0),
    "left": (0.5, 1.0),
}
DIALS = (("km/h", "speed", 200), ("bar", "pressure", 20), ("kg", "weight", 100), ("litres", "amount", 50))
NUMBER = "Answer with a whole number."


def gauge(rng: np.random.Generator, difficulty: float) -> Puzzle:
    """Return a puzzle about an instrument. Readings are numbered marks below difficulty 0.25, then any mark."""
    kind = pick_kind(rng, KINDS, difficulty)
    if kind == "length":
        return _ruler(rng, difficulty)
    if kind == "compare" or rng.random() < 0.4:
        return _thermometer(rng, kind, difficulty)
    return _dial(rng, kind, difficulty)


def _value(rng: np.random.Generator, scale: Scale, difficulty: float) -> int:
    """Return a random value on a mark, away from both ends of the scale."""
    step = scale.coarse if difficulty < 0.25 else scale.fine
    return scale.low + step * int(rng.integers(1, (scale.high - scale.low) // step))


def _thermometer(rng: np.random.Generator, kind: str, difficulty: float) -> Puzzle:
    low = pick(rng, (0, 10) if difficulty < 0.4 else (-20, -10, 0))
    scale = Scale(low, low + 50, 5 if difficulty < 0.4 else 2 if difficulty < 0.8 else 1, 10)
    values = [_value(rng, scale, difficulty)]
    if kind == "compare":
        while len(values) < 2:
            other = _value(rng, scale, difficulty)
            values += [other] if other != values[0] else []
        answer, word = abs(values[0] - values[1]), "warmer" if values[0] > values[1] else "colder"
        text = f"By how many degrees does thermometer A show a {word} temperature than thermometer B?"
        thought, seen = f"{max(values)}-({min(values)})={answer}", f"{values[0]} {values[1]}"
    else:
        text, answer, thought, seen = _ask(rng, kind, scale, values[0], "temperature", "degrees", "thermometer")
    shown = " and ".join(f"{letter} at {value}" for letter, value in zip("AB", values, strict=False))
    described = f"Thermometers with a scale from {scale.low} to {scale.high} degrees: {shown}."
    scene = Thermometers(scale, tuple(values), int(rng.integers(len(PAPERS))))
    return Puzzle(scene, f"{text} {NUMBER}", answer, thought, described, seen)


def _dial(rng: np.random.Generator, kind: str, difficulty: float) -> Puzzle:
    unit, what, top = pick(rng, DIALS)
    coarse = top // 10
    parts = [part for part in (1, 2, 5, 10) if coarse % part == 0 and part <= (2 if difficulty < 0.5 else 10)]
    scale = Scale(0, top, coarse // (parts[-1] if difficulty >= 0.25 else 1), coarse)
    value = _value(rng, scale, difficulty)
    text, answer, thought, seen = _ask(rng, kind, scale, value, what, unit, "dial")
    described = f"A dial from 0 to {top} {unit}; the needle is at {value}."
    scene: Scene = Dial(scale, value, unit, int(rng.integers(len(PAPERS))))
    return Puzzle(scene, f"{text} {NUMBER}", answer, thought, described, seen)


def _ask(
    rng: np.random.Generator, kind: str, scale: Scale, value: int, what: str, unit: str, tool: str
) -> tuple[str, int, str, str]:
    """Return question, answer, worked solution and transcript."""
    if kind == "left":
        text = f"By how many {unit} must the {what} rise to reach the end of the scale?"
        return text, scale.high - value, f"{scale.high}-({value})={scale.high - value}", f"{scale.high} {value}"
    if kind == "change":
        change = scale.fine * int(rng.integers(1, 10))
        up = bool(rng.random() < 0.5)
        answer = value + change if up else value - change
        text = f"The {what} {'rises' if up else 'falls'} by {change} {unit}. What is it then?"
        return text, answer, f"{value}{'+' if up else '-'}{change}={answer}", str(value)
    return f"What {what} does the {tool} show, in {unit}?", value, f"{value} {unit}", str(value)


def _ruler(rng: np.random.Generator, difficulty: float) -> Puzzle:
    """Return a puzzle about the length of a bar on a ruler.

    With increasing difficulty: whole centimetres from 0, from any mark, half centimetres, and millimetres.
    """
    step = 10 if difficulty < 0.3 else 5 if difficulty < 0.7 else 1
    length = 10 if difficulty < 0.7 else 6  # centimetres (millimetre marks need room)
    scale = Scale(0, 10 * length, step, 10)
    start = 0 if difficulty < 0.15 else step * int(rng.integers(0, 5 * length // step))
    end = start + step * int(rng.integers(10 // step, (10 * length - start) // step + 1))
    colour = pick(rng, [name for name in COLOURS if name != "yellow"])
    size, unit = (10, "centimetres") if step == 10 else (1, "millimetres")
    answer = (end - start) // size
    text = f"The numbers of the ruler are centimetres. How many {unit} long is the {colour} bar? {NUMBER}"
    thought = f"{end // size}-{start // size}={answer}"
    described = f"A ruler; a {colour} bar lies from {start / 10:g} cm to {end / 10:g} cm."
    scene = Ruler(scale, start, end, colour, int(rng.integers(len(PAPERS))))
    return Puzzle(scene, text, answer, thought, described, f"{end // size} {start // size}")
