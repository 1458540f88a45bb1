"""The solver and the dead-locks, against plain breadth-first search."""

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.sokoban import rules
from envs.sokoban.board import BOX, Board, read_board
from envs.sokoban.deadlock import find_homes, lost
from envs.sokoban.expert import Expert, step
from envs.sokoban.generate import generate
from envs.sokoban.solver.solve import solve

State = tuple[int, frozenset[int]]


class Plain:
    """Sokoban in plain Python: positions are (player, boxes), boards are texts."""

    def __init__(self, text: str) -> None:
        lines = text.split("\n")
        self.stride = max(map(len, lines)) + 1
        cells = "".join(line.ljust(self.stride, "#") for line in lines)
        self.walls = {place for place, symbol in enumerate(cells) if symbol == "#"}
        self.targets = frozenset(place for place, symbol in enumerate(cells) if symbol in ".*+")
        boxes = frozenset(place for place, symbol in enumerate(cells) if symbol in "$*")
        self.start: State = next(place for place, symbol in enumerate(cells) if symbol in "@+"), boxes

    def moves(self, state: State) -> list[tuple[State, bool]]:
        player, boxes = state
        found = []
        for jump in (-self.stride, self.stride, -1, 1):
            to = player + jump
            if to in self.walls:
                continue
            if to not in boxes:
                found.append(((to, boxes), False))
            elif to + jump not in self.walls and to + jump not in boxes:
                found.append(((to, boxes - {to} | {to + jump}), True))
        return found

    def fewest(self, start: State, pushes: bool = False) -> int | None:
        """Fewest moves, or pushes (walks cost nothing: 0-1 search); None where it is lost."""
        best = {start: 0}
        queue = deque([(0, start)])
        while queue:
            cost, state = queue.popleft()
            if cost > best[state]:
                continue
            if state[1] == self.targets:
                return cost
            for after, pushed in self.moves(state):
                price = cost + (int(pushed) if pushes else 1)
                if price < best.get(after, 1 << 30):
                    best[after] = price
                    if pushes and not pushed:
                        queue.appendleft((price, after))
                    else:
                        queue.append((price, after))
        return None


def checked(text: str) -> None:
    """Both optima and the plans are right."""
    plain = Plain(text)
    board = read_board(text)
    for what in ("moves", "pushes"):
        expected = plain.fewest(plain.start, what == "pushes")
        plan = solve(board, what)
        assert plan.within_limit
        if expected is None:
            assert plan.actions is None, text
            continue
        assert plan.actions is not None, text
        now = board.copy()
        pushed = sum(step(now, int(way)) for way in plan.actions)
        assert not (now == BOX).any(), text
        assert pushed == plan.pushes
        assert (plan.pushes if what == "pushes" else len(plan.actions)) == expected, text


@st.composite
def rooms(draw: st.DrawFn) -> str:
    """A small room with anything in it, solvable or not."""
    rows, columns = draw(st.integers(3, 4)), draw(st.integers(3, 4))
    boxes = draw(st.integers(1, 3))
    cells = rows * columns
    order = draw(st.permutations(range(cells)))
    symbols = [" "] * cells
    for place in order[: draw(st.integers(0, cells // 4))]:
        symbols[place] = "#"
    free = [place for place in range(cells) if symbols[place] == " "]
    targets = set(draw(st.permutations(free))[:boxes])
    things = draw(st.permutations(free))
    for place in free:
        thing = "$" if place in things[:boxes] else "@" if place == things[boxes] else " "
        symbols[place] = {"$": "*", "@": "+", " ": "."}[thing] if place in targets else thing
    inner = ["".join(symbols[row * columns : (row + 1) * columns]) for row in range(rows)]
    edge = "#" * (columns + 2)
    return "\n".join([edge, *(f"#{line}#" for line in inner), edge])


@settings(max_examples=250, deadline=None)
@given(rooms())
def test_plans_are_optimal(text: str) -> None:
    checked(text)


@pytest.mark.parametrize("seed", range(12))
def test_new_levels_have_valid_certificates(seed: int) -> None:
    room, boxes = [((6, 6), 1), ((7, 7), 2), ((6, 6), 2), ((7, 6), 3)][seed % 4]
    level = generate(room, boxes, seed / 12, seed)
    text = "\n".join("".join("# .*$@+"[code] for code in row) for row in level.board[:, :-1])
    plain = Plain(text)
    assert level.pushes == plain.fewest(plain.start, pushes=True)
    checked(text)


CERTIFICATES = {
    ((10, 10), 4): [(13, 20), (11, 18), (13, 56), (11, 29), (12, 23), (12, 44), (13, 24), (11, 24), (11, 29), (15, 42)],
    ((13, 13), 5): [(19, 48), (18, 32), (19, 40), (17, 37), (20, 44), (17, 34), (16, 39), (15, 34), (16, 45), (16, 28)],
}
"""Fewest pushes and moves of the levels of seeds 0 to 9, found by an A* search over moves in one direction."""


@pytest.mark.parametrize("size", CERTIFICATES)
def test_certificates_stay_the_same(size: tuple[tuple[int, int], int]) -> None:
    found = []
    for seed in range(10):
        level = generate(*size, 0.5, seed)
        plan = solve(level.board)
        assert plan.actions is not None
        now = level.board.copy()
        assert plan.pushes == sum(step(now, int(way)) for way in plan.actions)
        assert not (now == BOX).any()
        found.append((level.pushes, len(plan.actions)))
    assert found == CERTIFICATES[size]


@settings(max_examples=150, deadline=None)
@given(rooms())
def test_positions_called_dead_cannot_be_solved(text: str) -> None:
    """Every position that can be reached: none that can be solved is called dead."""
    plain = Plain(text)
    board = read_board(text)
    flat = board.reshape(-1)
    homes = np.empty(flat.size, np.uint8)
    find_homes(flat, board.shape[1], homes)
    seen = {plain.start}
    queue = [plain.start]
    arrangements = {plain.start[1]: [plain.start]}
    before: dict[State, list[State]] = {}
    while queue:
        state = queue.pop()
        for after, _ in plain.moves(state):
            before.setdefault(after, []).append(state)
            if after not in seen:
                seen.add(after)
                queue.append(after)
                arrangements.setdefault(after[1], []).append(after)
    solvable = {state for state in seen if state[1] == plain.targets}
    queue = list(solvable)
    while queue:
        for state in before.get(queue.pop(), []):
            if state not in solvable:
                solvable.add(state)
                queue.append(state)
    floor = np.where(np.isin(flat, (2, 3, 6)), 2, np.where(np.isin(flat, (4, 5)), 1, flat)).astype(np.uint8)
    for boxes, states in arrangements.items():
        position = floor.copy()
        for place in boxes:
            position[place] = 3 if floor[place] == 2 else 4
        if lost(position, board.shape[1], homes):
            assert not solvable & set(states), text


DEADLOCKS = {
    "in a corner": ("######\n#$   #\n# @. #\n#    #\n######", True),
    "along a wall without targets": ("######\n# $  #\n# @. #\n#    #\n######", True),
    "along a wall with a target": ("######\n# $ .#\n# @  #\n#    #\n######", False),
    "two side by side at a wall": ("#######\n# $$ .#\n#  @ .#\n#     #\n#######", True),
    "four in a square": ("########\n#  @ ..#\n# $$   #\n# $$ ..#\n#      #\n########", True),
    "four in a square at home": ("########\n#  @   #\n# **   #\n# **   #\n#      #\n########", False),
    "two boxes along a wall with one target": ("########\n# $ $. #\n# @    #\n#   .  #\n########", True),
    "two side by side in the open": ("#######\n#  @  #\n# $$ .#\n#    .#\n#     #\n#######", False),
}


@pytest.mark.parametrize("name", DEADLOCKS)
def test_deadlocks_equal_those_by_hand(name: str) -> None:
    text, dead = DEADLOCKS[name]
    board = read_board(text)
    boards = board[None].copy()
    state = np.zeros((1, rules.FIELDS), np.int64)
    homes = np.zeros((1, board.size), np.uint8)
    rules.start(boards, state, homes, 0, rules.SALTS)
    assert bool(state[0, rules.DEADLOCK]) == dead


def test_solver_stops_at_its_limit() -> None:
    board = generate((10, 10), 4, 0.5, 3).board
    plan = solve(board, "moves", node_limit=10)
    assert plan.actions is None and not plan.within_limit and plan.nodes == 10
    with pytest.raises(ValueError, match="fewest must be moves or pushes"):
        solve(board, "steps")


def test_the_expert_keeps_to_its_plan_and_finds_back() -> None:
    board: Board = generate((8, 8), 3, 0.5, 5).board.copy()
    expert = Expert()
    plan = expert.plan(board)
    assert len(plan) == len(solve(board).actions)  # type: ignore[arg-type]
    step(board, plan[0])
    assert expert.plan(board) == plan[1:]
    while expert.plan(board):
        step(board, expert.plan(board)[0])
    assert not (board == BOX).any()
    assert expert.plan(read_board(DEADLOCKS["in a corner"][0])) == []
