"""Every answer of the visual families, found a second time from the words alone, by the plainest means."""

import itertools
import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import TypeVar

import numpy as np
import pytest

from envs.visual.env import FAMILIES

T = TypeVar("T")

NOT_FOUND = "the question is of no known kind"


def matched(pattern: str, text: str) -> re.Match[str]:
    """The match of a pattern that must be there."""
    found = re.search(pattern, text)
    assert found is not None, (pattern, text)
    return found


def only(candidates: list[T]) -> T:
    """The one that is left."""
    assert len(candidates) == 1, candidates
    return candidates[0]


def items(described: str) -> list[tuple[str, int, int]]:
    return [(name, int(x), int(y)) for name, x, y in re.findall(r"(\w+ \w+) at \((\d+), (\d+)\)", described)]


def singular(word: str) -> str:
    return word.removesuffix("es") if word == "crosses" else word.removesuffix("s")


def solve_counting(described: str, text: str) -> str:
    things = [name.split() for name, _, _ in items(described)]
    colours, shapes = [colour for colour, _ in things], [shape for _, shape in things]
    if "different colours" in text:
        return str(len(set(colours)))
    if found := re.search(r"more (\w+) shapes than (\w+) shapes", text):
        return str(colours.count(found[1]) - colours.count(found[2]))
    if found := re.search(r"shapes are not (\w+)\?", text):
        return str(len(things) - colours.count(found[1]))
    if found := re.search(r"shapes are (\w+), but not (\w+)\?", text):
        return str(sum(shape == singular(found[1]) and colour != found[2] for colour, shape in things))
    if "How many shapes are there" in text:
        return str(len(things))
    words = matched(r"How many ([\w ]+) are there", text)[1].split()
    kept = things
    for word in words:
        kept = [thing for thing in kept if word in ("shapes", thing[0]) or singular(word) == thing[1]]
    assert shapes
    return str(len(kept))


def solve_spatial(described: str, text: str) -> str:
    if described.startswith("A grid"):
        return solve_grid(described, text)
    places = {name: (x, y) for name, x, y in items(described)}
    named = re.findall(r"the (\w+ \w+)(?= and|[?,]| to the left| above or)", text)
    if found := re.search(r"closest to the (\w+)", text):
        sign = {"left": (1, 0), "right": (-1, 0), "top": (0, 1), "bottom": (0, -1)}[found[1]]
        keys = {name: sign[0] * x + sign[1] * y for name, (x, y) in places.items()}
        first, second, *_ = sorted(keys.values())
        assert second - first >= 3  # percent of the picture: no near-tie
        return min(keys, key=keys.__getitem__)
    if found := re.match(r"Is the (.+) to the left or to the right of the (.+)\?", text):
        return "left" if places[found[1]][0] < places[found[2]][0] else "right"
    if found := re.match(r"Is the (.+) above or below the (.+)\?", text):
        return "above" if places[found[1]][1] < places[found[2]][1] else "below"
    if found := re.match(r"Seen from the (.+), where is the (.+)\?", text):
        (x0, y0), (x1, y1) = places[found[1]], places[found[2]]
        assert min(abs(x0 - x1), abs(y0 - y1)) >= 3
        return f"{'above' if y1 < y0 else 'below'} {'left' if x1 < x0 else 'right'}"
    if found := re.match(r"How many shapes are (.+) the (\w+ \w+)\?", text):
        axis, way = {"to the left of": (0, 1), "to the right of": (0, -1), "above": (1, 1), "below": (1, -1)}[found[1]]
        return str(sum(way * place[axis] < way * places[found[2]][axis] for place in places.values()))
    if found := re.match(r"Counted from the (left|top), which shape is number (\d+)", text):
        ordered = sorted(places, key=lambda name: places[name][found[1] == "top"])
        return ordered[int(found[2]) - 1]
    if "nearest" in text:
        apart = {name: math.dist(places[named[0]], place) for name, place in places.items() if name != named[0]}
        near, next_near, *_ = sorted(apart.values())
        assert next_near > 1.1 * near
        return min(apart, key=apart.__getitem__)
    one, other = matched(r"between the (\w+ \w+) and the (\w+ \w+)\?", text).groups()
    (x0, y0), (x1, y1) = places[one], places[other]
    on_line = []
    for name in set(places) - {one, other}:
        x, y = places[name]
        off = abs((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)) / math.dist((x0, y0), (x1, y1))
        inside = math.dist((x, y), (x0, y0)) < math.dist((x0, y0), (x1, y1)) > math.dist((x, y), (x1, y1))
        on_line += [name] if off < 10 and inside else []
    return only(on_line)


def solve_grid(described: str, text: str) -> str:
    cells = {name: (int(r), int(c)) for r, c, name in re.findall(r"row (\d+), column (\d+): (\w+ \w+)", described)}
    at = {place: name for name, place in cells.items()}
    assert len(at) == len(cells)
    if found := re.match(r"Which shape is directly (.+) the (\w+ \w+)\?", text):
        row, column = cells[found[2]]
        steps = {"above": (-1, 0), "below": (1, 0), "to the left of": (0, -1), "to the right of": (0, 1)}
        down, right = steps[found[1]]
        return at[row + down, column + right]
    if found := re.match(r"Start at the (\w+ \w+) and go (.+), in cells", text):
        row, column = cells[found[1]]
        for count, way in re.findall(r"(\d+) (?:to the )?(\w+)", found[2]):
            down, right = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}[way]
            row, column = row + down * int(count), column + right * int(count)
        return at[row, column]
    if found := re.match(r"Which shape is in row (\d+) .*, column (\d+)", text):
        return at[int(found[1]), int(found[2])]
    found = matched(r"In which (row|column), .* is the (\w+ \w+)\?", text)
    return str(cells[found[2]][found[1] == "column"])


def solve_numbers(described: str, text: str) -> str:
    """Bars, lines and tables."""
    rows: dict[str, dict[str, int]] = {}
    for line in described.splitlines()[1:]:
        name, rest = line.split(": ")
        parts = re.findall(r"(?:([\w ]+?) )?(\d+)(?:, |$)", rest)
        rows[name] = {column: int(value) for column, value in parts}
    columns = list(next(iter(rows.values())))

    if found := re.match(r"The price is for one piece. What do all the (.+) of this order cost", text):
        return str(sum(rows[name]["Price"] * rows[name]["Amount"] for name in found[1].split(" and ")))
    if found := re.match(r"What is the sum of the values of (\w+) for (.+)\? ", text):
        if set(re.split(", | and ", found[2])) == set(columns) and len(columns) > 1:
            return str(sum(rows[found[1]].values()))
    if found := re.search(r"highest sum of its values", text):
        totals = {name: sum(values.values()) for name, values in rows.items()}
        return only([name for name in totals if totals[name] == max(totals.values())])
    if found := re.match(r"For how many \w+ is the value for (.+) higher than that for (.+)\?", text):
        assert all(values[found[1]] != values[found[2]] for values in rows.values())
        return str(sum(values[found[1]] > values[found[2]] for values in rows.values()))
    if found := re.match(r"For which \w+ is the value for (.+) furthest above that for (.+)\?", text):
        gains = {name: values[found[1]] - values[found[2]] for name, values in rows.items()}
        return only([name for name in gains if gains[name] == max(gains.values()) > 0])

    column = next((name for name in columns if f" for {name}" in text), columns[0])
    single = {name: values[column] for name, values in rows.items()}

    def value(named: str) -> int:
        row, _, series = named.partition(", ")
        return rows[row][series or columns[0]]

    if found := re.match(r"What is the value of (.+)\?", text):
        return str(value(found[1]))
    if found := re.match(r"By how much is the value of (.+) higher than that of (.+)\?", text):
        return str(value(found[1]) - value(found[2]))
    if found := re.match(r"How many \w+ have a value above (\d+)", text):
        assert int(found[1]) not in single.values()
        return str(sum(number > int(found[1]) for number in single.values()))
    if found := re.match(r"Which \w+ has the (?:(second|third) )?(highest|lowest) value", text):
        ordered = sorted(single.values(), reverse=found[2] == "highest")
        wanted = ordered[{None: 0, "second": 1, "third": 2}[found[1]]]
        return only([name for name, number in single.items() if number == wanted])
    if found := re.match(r"What is the sum of all values", text):
        return str(sum(single.values()))
    if found := re.match(r"What is the sum of the values of (.+?)(?: for .+)?\? ", text):
        return str(sum(single[name] for name in re.split(", | and ", found[1])))
    if found := re.match(r"Which \w+ shows the largest (increase|decrease)", text):
        sign = 1 if found[1] == "increase" else -1
        names = list(single)
        gains = {b: sign * (single[b] - single[a]) for a, b in itertools.pairwise(names)}
        return only([name for name in gains if gains[name] == max(gains.values()) > 0])
    raise AssertionError(NOT_FOUND)


def solve_pie(described: str, text: str) -> str:
    shares = {name: int(share) for name, share in re.findall(r"(\w+) (\d+)%", described)}
    hidden = re.search(r"(\w+) \?", described)
    if hidden:
        shares[hidden[1]] = 100 - sum(shares.values())
    assert sum(shares.values()) == 100
    whole = int(found[1]) if (found := re.match(r"The whole is (\d+)", text)) else 100
    if found := re.search(r"in the slice (\w+)\?", text):
        return str(Fraction(shares[found[1]] * whole, 100))
    if found := re.search(r"more of them are in (\w+) than in (\w+)\?", text):
        return str(Fraction((shares[found[1]] - shares[found[2]]) * whole, 100))
    if found := re.search(r"has the (largest|smallest) slice", text):
        ordered = sorted(shares.values(), reverse=found[1] == "largest")
        assert abs(ordered[0] - ordered[1]) >= 4
        return only([name for name in shares if shares[name] == ordered[0]])
    if found := re.search(r"more than ([\d.]+)%", text):
        return str(sum(share > float(found[1]) for share in shares.values()))
    if found := re.search(r"points is (\w+) larger than (\w+)\?", text):
        return str(shares[found[1]] - shares[found[2]])
    if found := re.search(r"percent are (\w+) and (\w+) together", text):
        return str(shares[found[1]] + shares[found[2]])
    return str(shares[matched(r"How many percent is (\w+)\?", text)[1]])


def solve_clock(described: str, text: str) -> str:
    times = []
    for hour, minute in re.findall(r"(\d+), the long hand at minute (\d+)", described):
        times.append(60 * int(hour) + int(minute))
    time = times[0]

    def said(minutes: int) -> str:
        return f"{(minutes // 60 - 1) % 12 + 1}:{minutes % 60:02d}"

    if len(times) == 2:
        return str(times[1] - times[0])
    if "degrees" in text:
        apart = abs(360 * Fraction(time % 720, 720) - 6 * (time % 60)) % 360
        return str(min(apart, 360 - apart))
    if found := re.search(r"in (\d+) minutes\?", text):
        return said(time + int(found[1]))
    if found := re.search(r"show (\d+) minutes ago", text):
        return said(time - int(found[1]))
    if found := re.search(r"next show (\d+):(\d+)\?", text):
        return str((60 * int(found[1]) + int(found[2]) - time) % 720)
    return said(time)


def solve_functions(described: str, text: str) -> str:
    graphs = {}
    for name, points in re.findall(r"([fgh]) is [a-z -]+ through ([^;]+?)[;.]", described + ";"):
        pairs = re.findall(r"\((-?\d+), (-?[\d/]+)\)", points)
        graphs[name] = {int(x): Fraction(y) for x, y in pairs}
    f = graphs["f"]
    if found := re.match(r"Which of .* has the (largest|smallest) value at x = (-?\d+)", text):
        values = {name: graph[int(found[2])] for name, graph in graphs.items()}
        best = (max if found[1] == "largest" else min)(values.values())
        return only([name for name in values if values[name] == best])
    if found := re.match(r"At which (x|y) do the lines", text):
        meeting = only([(x, y) for x, y in f.items() if graphs["g"].get(x) == y])
        return str(meeting[found[1] == "y"])
    if found := re.match(r"What is the value of the function at x = (-?\d+)", text):
        return str(f[int(found[1])])
    if "cross the y-axis" in text:
        return str(f[0])
    if found := re.match(r"What is f\((-?\d+)\) \+ f\((-?\d+)\)", text):
        return str(f[int(found[1])] + f[int(found[2])])
    if found := re.match(r"What is f\(f\((-?\d+)\)\)", text):
        return str(f[int(f[int(found[1])])])
    if "x-axis" in text:
        zeros = [x for x, y in f.items() if y == 0]
        assert len(zeros) == (2 if "twice" in text else 1)
        return str(zeros[-1])
    if found := re.match(r"What is the (smallest|largest) value", text):
        return str((max if found[1] == "largest" else min)(f.values()))
    if "slope" in text:
        (x0, y0), *_, (x1, y1) = f.items()
        return str((y1 - y0) / (x1 - x0))
    assert text.startswith("Which formula")
    options = re.findall(r"([A-D]): y = (.+?)(?=, [A-D]:|\. Answer)", text)
    return only([letter for letter, formula in options if all(value(formula, x) == y for x, y in f.items())])


def value(formula: str, x: int) -> Fraction:
    """A formula's value, read from its own notation."""
    factor, inside, tail = r"(-?)(?:\((\d+/\d+)\)|(\d+))?", r"(x|[(|]x(?: [+-] \d+)?[)|])", r"(?: ([+-]) ([\d/]+))?"
    found = re.fullmatch(factor + inside + r"(\^\d)?" + tail, formula)
    assert found, formula
    a = Fraction(found[2] or found[3] or 1) * (-1 if found[1] else 1)
    shift = re.search(r"([+-]) (\d+)", found[4])
    t = Fraction(x) + (int(shift[1] + shift[2]) if shift else 0)
    power = t ** int(found[5][1:]) if found[5] else abs(t) if "|" in found[4] else t
    return a * power + (Fraction(found[7]) * (1 if found[6] == "+" else -1) if found[7] else 0)


def solve_maze(described: str, text: str) -> str:
    lines = described.split("\n")[1:]
    size = len(lines) // 2
    places, around = {}, {}
    for row, column in itertools.product(range(size), repeat=2):
        middle = lines[2 * row + 1]
        if middle[3 * column + 1] != " ":
            places[middle[3 * column + 1]] = row, column
        sides = []
        if lines[2 * row][3 * column + 1] == " ":
            sides.append((row - 1, column))
        if lines[2 * row + 2][3 * column + 1] == " ":
            sides.append((row + 1, column))
        if middle[3 * column] == " ":
            sides.append((row, column - 1))
        if middle[3 * column + 3] == " ":
            sides.append((row, column + 1))
        around[row, column] = sides
    start = places.pop("S")
    apart, edge = {start: 0}, [start]
    while edge:
        edge = sorted({b for a in edge for b in around[a]} - set(apart))
        apart |= dict.fromkeys(edge, max(apart.values()) + 1)
    if "reached" in text:
        return only([letter for letter, place in places.items() if place in apart])
    path = [places.pop("G")]
    while path[-1] != start:
        before = [cell for cell in around[path[-1]] if apart[cell] == apart[path[-1]] - 1]
        path.append(before[0])
        assert "length" in text or "shortest" in text or len(before) == 1  # there is one way only
    path.reverse()
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(path)]
    if "direction is the first step" in text:
        return {(-1, 0): "up", (1, 0): "down", (0, -1): "left", (0, 1): "right"}[steps[0]]
    if "shortest" in text:
        return str(len(steps))
    if "change its direction" in text:
        return str(sum(a != b for a, b in itertools.pairwise(steps)))
    return only([letter for letter, place in places.items() if place in path])


def solve_matrix(described: str, text: str) -> str:
    rows = [line.split(": ")[1].rstrip(".").split(", ") for line in described.split("\n")[:3]]
    options = dict(re.findall(r"([A-F]): (\d \w+ \w+ \w+)", described))
    assert len(set(options.values())) == len(options)
    fitting = []
    for letter, option in options.items():
        ninth = [[*row[:2], option] if row[2] == "?" else row for row in rows]
        grids = [np.array([[cell.split()[k] for cell in row] for row in ninth]) for k in range(4)]
        if all(ruled(grid) for grid in grids):
            fitting.append(letter)
    return only(fitting)


def ruled(grid: np.ndarray) -> bool:
    """Whether one of the rules holds in all nine cells."""
    rows_alike = all(len(set(row)) == 1 for row in grid)
    columns_alike = all(len(set(column)) == 1 for column in grid.T)
    thrice = all(sorted(row) == sorted(grid[0]) and len(set(row)) == 3 for row in grid)
    steps = {int(b) - int(a) for row in grid for a, b in itertools.pairwise(row)} if grid[0, 0].isdigit() else {0, 1}
    return rows_alike or columns_alike or thrice or len(steps) == 1


def solve_network(described: str, text: str) -> str:
    nodes = matched(r"A network of (.+?)\.", described)[1].split(", ")
    lines = {frozenset(pair): int(n or 1) for *pair, n in re.findall(r"([A-Z])-([A-Z])(?: \((\d+)\))?", described)}
    if found := re.search(r"between (\w) and (\w)\?", text):
        return str(lines[frozenset(found.groups())])
    if "most lines" in text:
        degrees = {node: sum(node in pair for pair in lines) for node in nodes}
        return only([node for node in nodes if degrees[node] == max(degrees.values())])
    if found := re.search(r"lines (?:that )?end at (\w)\?", text):
        own = [number for pair, number in lines.items() if found[1] in pair]
        return str(sum(own) if "sum" in text else len(own))
    start, goal = matched(r"from (\w) to (\w)", text).groups()
    ways: list[tuple[int, list[str]]] = []

    def walk(path: list[str], length: int) -> None:  # every way without a loop
        if path[-1] == goal:
            ways.append((length, path))
            return
        for node in nodes:
            pair = frozenset((path[-1], node))
            if node not in path and pair in lines:
                walk([*path, node], length + lines[pair])

    walk([start], 0)
    best = min(length for length, _ in ways)
    if "comes after" in text:
        return only([path[1] for length, path in ways if length == best])
    return str(best)


def solve_rotation(described: str, text: str) -> str:
    pattern = np.array([row.split() for row in matched(r"Pattern: (.+?)\.", described)[1].split(" / ")])
    found = re.findall(r"([A-D]): ([\w /]+)", described.split("Options: ")[1])
    options = {letter: np.array([row.split() for row in rows.split(" / ")]) for letter, rows in found}
    for one, other in itertools.combinations(options.values(), 2):
        assert not np.array_equal(one, other)
    turns = [np.rot90(pattern, -quarter) for quarter in (1, 2, 3)]
    if "is not the pattern" in text:
        return only([name for name, image in options.items() if not any(np.array_equal(image, t) for t in turns)])
    if "mirrored" in text:
        wanted = pattern[:, ::-1]
    else:
        wanted = turns[2 if "counterclockwise" in text else 0 if "clockwise" in text else 1]
    return only([name for name, image in options.items() if np.array_equal(image, wanted)])


def solve_gauge(described: str, text: str) -> str:
    if described.startswith("A ruler"):
        start, end = matched(r"from ([\d.]+) cm to ([\d.]+) cm", described).groups()
        return str((Fraction(end) - Fraction(start)) * (10 if "millimetres" in text else 1))
    low, high = matched(r"from (-?\d+) to (\d+)", described).groups()
    values = [int(value) for value in re.findall(r"at (-?\d+)", described)]
    assert all(int(low) < value < int(high) for value in values)
    if "thermometer B" in text:
        assert ("warmer" in text) == (values[0] > values[1])
        return str(abs(values[0] - values[1]))
    if "end of the scale" in text:
        return str(int(high) - values[0])
    if found := re.search(r"(rises|falls) by (\d+)", text):
        return str(values[0] + int(found[2]) * (1 if found[1] == "rises" else -1))
    return str(values[0])


def solve_tangle(described: str, text: str) -> str:
    orders = [order.split() for order in matched(r"stage: (.+)\.", described)[1].split("; ")]
    crossings = []  # pairs of lines whose order turns round
    for before, after in itertools.pairwise(orders):
        for one, other in itertools.combinations(before, 2):
            if after.index(one) > after.index(other):
                crossings.append({one, other})
                assert abs(before.index(one) - before.index(other)) == 1  # only neighbours: no three in one place
    if found := re.match(r"To which letter does line (\d) lead", text):
        return "ABCDEF"[orders[-1].index(found[1])]
    if found := re.match(r"Which line leads to (\w)", text):
        return orders[-1]["ABCDEF".index(found[1])]
    if found := re.search(r"does line (\d) cross", text):
        return str(sum(found[1] in pair for pair in crossings))
    return str(crossings.count(set(matched(r"lines (\d) and (\d) cross", text).groups())))


SOLVERS: dict[str, Callable[[str, str], str]] = {
    "counting": solve_counting,
    "spatial": solve_spatial,
    "bar_chart": solve_numbers,
    "line_chart": solve_numbers,
    "pie_chart": solve_pie,
    "table": solve_numbers,
    "clock": solve_clock,
    "gauge": solve_gauge,
    "function_graph": solve_functions,
    "maze": solve_maze,
    "tangle": solve_tangle,
    "matrix": solve_matrix,
    "network": solve_network,
    "rotation": solve_rotation,
}


def test_every_family_has_its_second_solver() -> None:
    assert list(SOLVERS) == list(FAMILIES)


@pytest.mark.slow
@pytest.mark.parametrize("family", SOLVERS)
def test_the_words_alone_lead_to_the_answer(family: str) -> None:
    for seed in range(550):
        difficulty = seed % 11 / 10
        puzzle = FAMILIES[family](np.random.default_rng(seed), difficulty)
        assert SOLVERS[family](puzzle.described, puzzle.text) == str(puzzle.answer), (seed, puzzle)
        assert len(puzzle.text) <= 400
        assert len(str(puzzle.answer)) <= 20
        assert puzzle.thought
