"""Opponents in self-play: their draw, results against them, past selves, and the groups of each seat."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.episodes.episode import Episode, Start
from agents.episodes.rewards import Rewards
from agents.policies.jobs import JobRunner
from agents.policies.scripted import scripted
from envs.task.config import load_task
from training.algorithm.groups import Group, with_advantages
from training.config.algo import AlgoConfig
from training.config.selfplay import SelfPlayConfig
from training.config.stages import StageConfig
from training.rollout.collector import Collector
from training.rollout.opponents import Opponents

TASKS = {"tictactoe": load_task("tictactoe"), "football": load_task("football")}
FOLDER = Path("/runs/one/selves")
ALL: dict[str, Any] = {"current": 0.5, "past": 0.3, "scripted": 0.2}


def opponents(algo: Mapping[str, Any] | None = None, **settings: Any) -> Opponents:
    return Opponents(SelfPlayConfig(**settings), TASKS, 7, FOLDER, AlgoConfig(**(algo or {})))


def group(results: str, opponent: str, role: str = "tictactoe/cross/past", rewards: float | None = None) -> Group:
    """A group with a result per letter: w, d or l."""
    names = {"w": "win", "d": "draw", "l": "loss"}
    episodes = [Episode(Start(0, number), result=names[one], seat="cross") for number, one in enumerate(results)]
    value = {"w": 1.0, "d": 0.0, "l": -1.0}
    totals = [value[one] if rewards is None else rewards for one in results]
    return Group(
        "tictactoe", 0, episodes, [Rewards({"outcome": total}, []) for total in totals], role=role, opponent=opponent
    )


def test_kinds_of_opponents_have_their_shares_and_seats_are_drawn_evenly() -> None:
    pool = opponents(**ALL)
    pool.add("self-000000")
    drawn = [pool.draw("tictactoe", step, number) for step in range(40) for number in range(25)]
    kinds = Counter(one.kind for one in drawn if one)
    assert {kind: round(count / 1000, 1) for kind, count in kinds.items()} == ALL
    alone = [one for one in drawn if one and one.kind != "current"]
    assert 0.45 < sum(one.lineup[0] == "self" for one in alone) / len(alone) < 0.55
    assert {one.lineup for one in drawn if one and one.kind == "current"} == {("self", "self")}
    past = [one for one in drawn if one and one.kind == "past"]
    assert {one.opponent for one in past} == {"self-000000"}
    assert {name for one in past for name in one.lineup} == {"self", "/runs/one/selves/self-000000"}
    assert drawn == [pool.draw("tictactoe", step, number) for step in range(40) for number in range(25)]


def test_tasks_without_seats_and_stages_without_shares_have_no_opponents() -> None:
    assert opponents(**ALL).draw("football", 0, 0) is None
    assert opponents().draw("tictactoe", 0, 0) is None


def test_policy_plays_itself_while_there_are_no_past_selves() -> None:
    drawn = opponents(past=1).draw("tictactoe", 0, 0)
    assert drawn is not None and (drawn.kind, drawn.opponent) == ("current", "self")


@pytest.mark.parametrize(("prioritise", "expected"), [("hard", 0.94), ("even", 0.5), ("uniform", 0.5)])
def test_opponents_that_win_more_are_drawn_more(prioritise: Any, expected: float) -> None:
    pool = opponents(scripted=1, opponents=["random", "expert"], prioritise=prioritise, decay=1.0)
    pool.observe([group("w" * 79 + "l" * 20, "random"), group("w" * 20 + "l" * 79, "expert")])
    # Shares of the points, each with half a point of one more match: 79.5 / 100 and 20.5 / 100.
    assert (pool.share("tictactoe", "random"), pool.share("tictactoe", "expert")) == (0.795, 0.205)
    drawn = Counter(one.opponent for n in range(2000) if (one := pool.draw("tictactoe", 3, n)))
    # hard: 0.795² / (0.795² + 0.205²) = 0.938
    assert drawn["expert"] / 2000 == pytest.approx(expected, abs=0.03)


def test_results_decay_and_metrics_are_those_of_the_step() -> None:
    pool = opponents(**ALL, decay=0.5)
    pool.add("self-000000")
    metrics = pool.observe([group("wwdl", "random"), group("ll", "self-000000"), group("wl", "self", "r")])
    assert metrics == {"points/random": 0.625, "points/past": 0.0}
    assert pool.results == {"tictactoe/random": [2.5, 4], "tictactoe/self-000000": [0, 2]}
    assert pool.observe([group("w", "random")]) == {"points/random": 1.0}
    assert pool.results["tictactoe/random"] == [2.25, 3]


def test_mean_of_a_role_follows_its_rewards() -> None:
    pool = opponents({"advantage": "spiral", "role_decay": 0.75}, **ALL)
    drawn = pool.draw("tictactoe", 0, 0)
    assert drawn is not None
    fresh = pool.group(drawn, replace(group("ww", "x"), role=""))
    assert fresh.role == f"tictactoe/cross/{drawn.kind}" and fresh.baseline == 0.0
    pool.observe([group("wwll", "x", "a"), group("wwww", "x", "b")])
    pool.observe([group("wwww", "x", "a")])
    assert pool.means == {"a": 0.75 * 0.0 + 0.25 * 1.0, "b": 1.0}
    assert opponents(**ALL).group(drawn, group("w", "x")).baseline is None


def test_advantage_of_spiral_is_the_reward_minus_the_mean_of_the_role() -> None:
    algo = AlgoConfig(advantage="spiral")
    cross, circle = group("wwwl", "x"), group("ll", "x")
    played = [
        replace(cross, baseline=0.5, rewards=[Rewards(r.parts, [r.parts] * 2) for r in cross.rewards]),
        replace(circle, baseline=-0.75, rewards=[Rewards(r.parts, [r.parts]) for r in circle.rewards]),
    ]
    first, second = with_advantages(played, algo)
    assert first.advantages is not None and second.advantages is not None
    assert [one.tolist() for one in second.advantages] == [[-0.25], [-0.25]]  # equal rewards are learned from too
    # Each turn has reward r, so that an episode of two turns has the total of `parts`: 1 or -1.
    assert [one.tolist() for one in first.advantages] == [[0.5, 0.5]] * 3 + [[-1.5, -1.5]]
    assert not replace(circle, baseline=-1.0).varied and not circle.varied


def test_start_and_newest_self_stay_and_the_weakest_leaves() -> None:
    pool = opponents(**ALL, keep=3)
    for name in ("self-0", "self-1", "self-2"):
        pool.add(name)
    pool.observe([group("wwww", "self-0"), group("wwww", "self-1"), group("llll", "self-2")])
    pool.add("self-3")
    assert pool.past == ["self-0", "self-2", "self-3"]
    assert set(pool.results) == {"tictactoe/self-0", "tictactoe/self-2"}
    pool.add("self-3")
    assert pool.past == ["self-0", "self-2", "self-3"]


def test_pool_is_restored_from_its_state() -> None:
    pool, other = opponents(**ALL), opponents(**ALL)
    pool.add("self-000000")
    pool.observe([group("wl", "random"), group("w", "self-000000")])
    other.restore(pool.state())
    assert other.state() == pool.state()
    draws = [[one.draw("tictactoe", 9, number) for number in range(50)] for one in (pool, other)]
    assert draws[0] == draws[1]


def test_past_selves_are_due_at_the_start_and_every_few_steps() -> None:
    pool = opponents(past=1, every=3)
    assert [step for step in range(8) if pool.due(step)] == [0, 3, 6]
    assert not opponents(current=1).due(0)


def collected(**settings: Any) -> list[Group]:
    """Groups of one step of tic-tac-toe with a random policy."""
    runner = JobRunner(TASKS, scripted("random"))
    collector = Collector(
        runner.play,
        {"tictactoe": TASKS["tictactoe"]},
        lambda step: {"tictactoe": 6},
        seed=1, stage=0, steps=1, group_size=4, opponents=opponents(**settings),
    )  # fmt: skip
    found = asyncio.run(collector.collect(0, 0)).played
    runner.close()
    return found


def test_policy_that_plays_itself_gives_a_group_for_each_seat() -> None:
    groups = collected(current=1)
    assert len(groups) == 12 and Counter(one.role for one in groups) == {
        "tictactoe/cross/current": 6,
        "tictactoe/circle/current": 6,
    }
    for one in groups:
        assert len(one.episodes) == 4 and len({episode.seat for episode in one.episodes}) == 1
        assert {(episode.player, episode.opponent) for episode in one.episodes} == {("", "self")}
    matches = Counter(episode.match for one in groups for episode in one.episodes)
    assert len(matches) == 24 and set(matches.values()) == {2}
    assert sum(rewards.parts["outcome"] for one in groups for rewards in one.rewards) == 0.0  # zero-sum


def test_policy_against_a_scripted_opponent_gives_one_group_of_one_seat() -> None:
    groups = collected(scripted=1, opponents=["expert"])
    assert len(groups) == 6 and {one.opponent for one in groups} == {"expert"}
    assert {one.role for one in groups} == {"tictactoe/cross/scripted", "tictactoe/circle/scripted"}
    assert {episode.result for one in groups for episode in one.episodes} <= {"loss", "draw"}


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"opponents": ["idle"]}, "opponents must be random, expert or expert:P"),
        ({"scripted": 1, "opponents": []}, "scripted needs opponents"),
        ({"decay": 2.0}, "decay must be from 0 to 1"),
    ],
)
def test_wrong_settings_are_refused(settings: dict, line: str) -> None:
    with pytest.raises(ValueError, match=line):
        SelfPlayConfig(**settings)


def test_selfplay_needs_rewards() -> None:
    with pytest.raises(ValueError, match="selfplay needs rewards"):
        StageConfig(kind="sft", selfplay=SelfPlayConfig(current=1))
