"""Ladder: matches of every policy against every other one on the same held-out starts, from both sides."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Final

from agents.episodes.episode import Episode
from agents.episodes.runner import EpisodeRunner
from agents.episodes.starts import TEST_FIRST, held_out_starts
from agents.policies.jointly import JointRounds, jointly
from configs.errors import UserError
from envs.task.config import TaskConfig
from envs.task.task import Task
from training.compare.comparison import EvaluationSpec
from training.compare.participants import Participant, RecordParticipant
from training.compare.results import Results
from training.evaluation.ratings import Ladder, Tally, rate
from training.evaluation.statistics import wilson
from training.runs.display import ProgressBars

TALLIES: Final = {"win": Tally(win=1), "draw": Tally(draw=1), "loss": Tally(loss=1)}
CLEAR: Final = 2.0
"""Standard errors from which a residual is noted."""


def check_ladder(players: Sequence[Participant], tasks: Mapping[str, TaskConfig]) -> None:
    """Raise UserError (one line) unless several policies can play matches of one task of two seats."""
    if len(tasks) != 1 or any(len(config.seats) != 2 for config in tasks.values()):
        raise UserError("ladder=true needs one task with two seats, such as env=football_duel")
    if len(players) < 2:
        raise UserError("ladder=true needs at least two policies, such as policy=tiny,expert,random")
    for player in players:
        if isinstance(player, RecordParticipant):
            raise UserError(f"policy={player.name}: a record cannot answer another policy; play with agents.play")


class LadderGames:
    """Matches of all pairs of players, with results written to `out`.

    Args:
        task: Task with two seats.
        spec: Evaluation settings. `episodes` is the number of starts; each is played from both sides.
        out: Files of the results.
    """

    def __init__(self, task: Task, spec: EvaluationSpec, out: Results) -> None:
        self.task = task
        self.spec = spec
        self.out = out
        self.starts = held_out_starts(TEST_FIRST, spec.episodes)
        self._rounds = JointRounds()
        self._runner = EpisodeRunner(task)

    async def play(self, players: Sequence[Participant], bars: ProgressBars) -> None:
        """Play all matches that are left, and write the ladder after each pair."""
        tallies: dict[tuple[str, str], Tally] = {}
        matches: list[dict[str, Any]] = []
        recorded: dict[str, list[Episode]] = {player.label: [] for player in players}
        try:
            for player in players:
                await player.open()
            for one, two in combinations(players, 2):
                for lineup in ((one, two), (two, one)):
                    played = await self._matches(lineup, bars)
                    results = [episodes[lineup.index(one)].result for episodes in played]
                    own = [TALLIES[result] for result in results]
                    tallies[one.name, two.name] = sum(own, tallies.get((one.name, two.name), Tally()))
                    matches += [_line(self.task.config.seats, lineup, episodes) for episodes in played]
                    for player, seat in zip(lineup, (0, 1), strict=True):
                        room = self.spec.records - len(recorded[player.label])
                        recorded[player.label] += [episodes[seat] for episodes in played[: max(0, room)]]
                known = [player.name for player in players if any(player.name in pair for pair in tallies)]
                self.out.ladder = self._document(rate(known, tallies), tallies, matches)
                self.out.write()
        finally:
            self._runner.close()
            for player in players:
                await player.close()
        for player in players:
            if recorded[player.label]:
                self.out.record(self.task, player.label, recorded[player.label], player.chat)

    async def _matches(self, lineup: tuple[Participant, Participant], bars: ProgressBars) -> list[list[Episode]]:
        """Return the matches of two players, the first one in the first seat, in the order of the starts."""
        label = f"{lineup[0].label}--{lineup[1].label}"
        place = {start.seed: number for number, start in enumerate(self.starts)}
        done = _pairs(self.out.unfinished.episodes(label, self.task.name), len(lineup))
        left = [start for start in self.starts if start.seed not in {pair[0].start.seed for pair in done}]
        names = [player.name for player in lineup]
        policies = [
            jointly(player.policy(self.task.name).with_temperature(self.spec.temperature), self._rounds)
            for player in lineup
        ]
        with (
            bars.bar(" – ".join(names), len(self.starts), [pair[0] for pair in done]) as bar,
            self.out.unfinished.writer(label, self.task.name) as write,
        ):

            def keep(episodes: list[Episode]) -> None:
                list(map(write, episodes))
                done.append(episodes)
                bar.episode(episodes[0])

            try:
                await self._runner.play_matches(left, policies, names, done=keep)
            except UserError:
                raise
            except Exception as error:  # from custom envs and servers
                raise UserError(
                    f"{' – '.join(names)}: {type(error).__name__}: {' '.join(str(error).split())}"
                ) from error
        return sorted(done, key=lambda episodes: place[episodes[0].start.seed])

    def _document(
        self, ladder: Ladder, tallies: Mapping[tuple[str, str], Tally], matches: list[dict[str, Any]]
    ) -> dict[str, Any]:
        """Return the content of `ladder` in results.json."""
        of_player: dict[str, Tally] = {}
        for (one, two), tally in tallies.items():
            of_player[one] = of_player.get(one, Tally()) + tally
            of_player[two] = of_player.get(two, Tally()) + tally.reverse
        ranked = sorted(ladder.ratings, key=lambda name: -ladder.ratings[name].elo)
        players = []
        for name in ranked:
            rating, tally = ladder.ratings[name], of_player[name]
            elo = {"mean": rating.elo, "ci95": [rating.low, rating.high]}
            rates = {key: _rate(getattr(tally, key), tally.games) for key in ("points", "win", "draw", "loss")}
            players.append({"policy": name, "elo": elo, **rates, "n": tally.games})
        pairs = []
        for (one, two), tally in tallies.items():
            fit = ladder.residuals[one, two]
            counts = {"win": tally.win, "draw": tally.draw, "loss": tally.loss, "n": tally.games}
            figures = {"points": _rate(tally.points, tally.games), "expected": fit.expected, "z": fit.z}
            pairs.append({"policy": one, "other": two, **counts, **figures})
        first = self.task.config.seats[0]
        of_first = sum((TALLIES[match["result"]] for match in matches), Tally())
        return {
            "task": self.task.name,
            "seats": self.task.config.seats,
            "starts": len(self.starts),
            "temperature": self.spec.temperature,
            "players": players,
            "pairs": pairs,
            "first_seat": {"seat": first, "points": _rate(of_first.points, of_first.games)},
            "fit": {"chi2": ladder.chi2, "freedom": ladder.freedom, "p": ladder.p},
            "cycles": [list(cycle) for cycle in ladder.cycles],
            "notes": _notes(ladder, first, _rate(of_first.points, of_first.games)),
            "matches": matches,
        }


def _notes(ladder: Ladder, seat: str, points: Mapping[str, Any]) -> list[str]:
    """Return sentences on what the ratings do not show."""
    low, high = points["ci95"]
    notes = [f"The seat {seat} gets {points['mean']:.0%} ({100 * low:.0f}–{100 * high:.0f}) of the points."]
    for cycle in ladder.cycles:
        notes.append(f"Cycle: {' beats '.join((*cycle, cycle[0]))}. One rating per policy cannot describe it.")
    if ladder.freedom > 0:
        fit = f"chi² {ladder.chi2:.1f} with {ladder.freedom} degrees of freedom, p = {ladder.p:.2g}"
        far = [f"{one} – {two}" for (one, two), residual in ladder.residuals.items() if abs(residual.z) > CLEAR]
        clear = ladder.p < 0.05
        notes.append(
            f"The ratings {'do not describe all pairs' if clear else 'describe the pairs'} ({fit})"
            + (f"; see {', '.join(far)}." if clear and far else ".")
        )
    return notes


def _rate(count: float, games: int) -> dict[str, Any]:
    return {"mean": count / games, "ci95": list(wilson(count, games)), "n": games}


def _line(seats: Sequence[str], lineup: Sequence[Participant], episodes: Sequence[Episode]) -> dict[str, Any]:
    """Return one match: its seed, the policy of each seat, and the result of the first seat."""
    who = {seat: player.name for seat, player in zip(seats, lineup, strict=True)}
    first = episodes[0]
    return {"seed": first.start.seed, "match": first.match, "seats": who, "result": first.result}


def _pairs(episodes: Sequence[Episode], seats: int) -> list[list[Episode]]:
    """Return the complete matches among finished episodes, each in the order of the seats."""
    found: dict[str, list[Episode]] = {}
    for episode in episodes:
        found.setdefault(episode.match, []).append(episode)
    return [match[-seats:] for match in found.values() if len(match) >= seats]
