"""Questions about numbers in rows and columns, shared by bar charts, line charts and tables."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from envs.visual.puzzle import listed, pick, sample

Asked = tuple[str, int | str, str, str]
"""Question, answer, worked solution and transcript: the values to read, in the order of the question or of the rows."""

NUMBER = "Answer with a whole number."
ORDINALS = ("", "", "second ", "third ")


class Numbers(NamedTuple):
    """A table of numbers with its title and labels."""

    title: str
    noun: str
    """Singular noun for a row, such as "team"."""
    unit: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[int, ...], ...]

    def named(self, row: int, column: int) -> str:
        """Return the name of a number: its row and, if there are several columns, its column."""
        return f"{self.rows[row]}, {self.columns[column]}" if len(self.columns) > 1 else self.rows[row]

    def of(self, column: int) -> str:
        """Return a suffix such as ` for 2021` if there are several columns, else ""."""
        return f" for {self.columns[column]}" if len(self.columns) > 1 else ""


def describe(numbers: Numbers) -> str:
    """Return a text description with every number."""
    lines = [f"{numbers.title} ({numbers.unit})."]
    for name, values in zip(numbers.rows, numbers.values, strict=True):
        parts = [f"{column} {value}" for column, value in zip(numbers.columns, values, strict=True)]
        lines.append(f"{name}: {', '.join(parts) if len(parts) > 1 else values[0]}")
    return "\n".join(lines)


def ask(rng: np.random.Generator, kind: str, numbers: Numbers) -> Asked | None:
    """Return a question of this kind, or None if the numbers give no clear answer.

    Args:
        rng: Random generator.
        kind: Kind of question, such as "read" or "total".
        numbers: Table to ask about.
    """
    column = int(rng.integers(len(numbers.columns)))
    series = [values[column] for values in numbers.values]
    if kind == "read":
        row = int(rng.integers(len(series)))
        return (
            f"What is the value of {numbers.named(row, column)}? {NUMBER}",
            series[row],
            str(series[row]),
            str(series[row]),
        )
    if kind == "extreme":
        return _ranked(rng, numbers, column, 1)
    if kind == "rank":
        return _ranked(rng, numbers, column, 2 + int(rng.integers(2))) if len(series) > 3 else None
    if kind == "above":
        ordered = sorted(set(series))
        place = int(rng.integers(len(ordered) - 1))
        limit = (ordered[place] + ordered[place + 1]) // 2
        more = [name for name, value in zip(numbers.rows, series, strict=True) if value > limit]
        if limit in series:
            return None  # a value at the limit would be hard to judge
        text = f"How many {plural(numbers.noun)} have a value above {limit}{numbers.of(column)}? {NUMBER}"
        return text, len(more), ", ".join(more), spaced(series)
    if kind == "difference":
        one, other = sample(rng, range(len(series)), 2)
        one, other = (one, other) if series[one] > series[other] else (other, one)
        if series[one] == series[other]:
            return None
        high, low = numbers.named(one, column), numbers.named(other, column)
        text = f"By how much is the value of {high} higher than that of {low}?"
        answer = series[one] - series[other]
        thought = f"{series[one]}-{series[other]}={answer}"
        return f"{text} {NUMBER}", answer, thought, f"{series[one]} {series[other]}"
    if kind == "total":
        rows = sorted(sample(rng, range(len(series)), min(len(series), 2 + int(rng.integers(2)))))
        named = listed([numbers.rows[row] for row in rows])
        parts = [series[row] for row in rows]
        text = f"What is the sum of the values of {named}{numbers.of(column)}? {NUMBER}"
        return text, sum(parts), _sum(parts), spaced(parts)
    if kind == "all":
        text = f"What is the sum of all values{numbers.of(column)}? {NUMBER}"
        return (text, sum(series), _sum(series), spaced(series)) if len(series) < 7 else None
    return _across(rng, kind, numbers)


def _ranked(rng: np.random.Generator, numbers: Numbers, column: int, place: int) -> Asked | None:
    word, sign = pick(rng, [("highest", -1), ("lowest", 1)])
    ordered = sorted(range(len(numbers.rows)), key=lambda row: sign * numbers.values[row][column])
    values = [numbers.values[row][column] for row in ordered]
    if values.count(values[place - 1]) > 1:
        return None
    name = numbers.rows[ordered[place - 1]]
    text = f"Which {numbers.noun} has the {ORDINALS[place]}{word} value{numbers.of(column)}? Answer with its name."
    return text, name, f"{ORDINALS[place]}{word}: {name} {values[place - 1]}", with_names(numbers, [column])


def _across(rng: np.random.Generator, kind: str, numbers: Numbers) -> Asked | None:
    """Return a question that involves several columns, or None."""
    if len(numbers.columns) < 2:
        return None
    if kind == "row total":
        row = int(rng.integers(len(numbers.rows)))
        values = numbers.values[row]
        text = f"What is the sum of the values of {numbers.rows[row]} for {listed(numbers.columns)}? {NUMBER}"
        return text, sum(values), _sum(values), spaced(values)
    if kind == "combined":
        totals = [sum(values) for values in numbers.values]
        best = max(totals)
        if sorted(totals)[-2] > best - 2:
            return None
        name = numbers.rows[totals.index(best)]
        text = f"Which {numbers.noun} has the highest sum of its values for {listed(numbers.columns)}?"
        thought = f"{name}: {_sum(numbers.values[totals.index(best)])}"
        return f"{text} Answer with its name.", name, thought, with_names(numbers, range(len(numbers.columns)))
    one, other = sorted(sample(rng, range(len(numbers.columns)), 2))
    gains = [values[other] - values[one] for values in numbers.values]
    if kind == "exceeds":
        count = sum(gain > 0 for gain in gains)
        text = f"For how many {plural(numbers.noun)} is the value for {numbers.columns[other]} higher than that for"
        pairs = spaced([values[column] for values in numbers.values for column in (other, one)])
        return f"{text} {numbers.columns[one]}? {NUMBER}", count, f"{count} of {len(gains)}", pairs
    best = max(gains)
    if kind != "gain" or best <= 0 or gains.count(best) > 1:
        return None
    row = gains.index(best)
    text = f"For which {numbers.noun} is the value for {numbers.columns[other]} furthest above that for"
    thought = f"{numbers.rows[row]}: {numbers.values[row][other]}-{numbers.values[row][one]}={best}"
    text = f"{text} {numbers.columns[one]}? Answer with its name."
    return text, numbers.rows[row], thought, with_names(numbers, (other, one))


def with_names(numbers: Numbers, columns: Sequence[int]) -> str:
    """Return each row's name and its values in these columns."""
    rows = zip(numbers.rows, numbers.values, strict=True)
    return " ".join(f"{name} {spaced([values[column] for column in columns])}" for name, values in rows)


def spaced(values: Iterable[object]) -> str:
    """Return values separated by spaces."""
    return " ".join(map(str, values))


def _sum(parts: Sequence[int]) -> str:
    return f"{'+'.join(map(str, parts))}={sum(parts)}"


def plural(noun: str) -> str:
    """Return the plural: teams, countries, days."""
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"
