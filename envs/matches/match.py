"""Match: one game between seats, and its rules for seats that leave it."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from envs.matches.games import Game, View

Result = Literal["win", "draw", "loss"]


class Match:
    """One game between named seats, each of which plays one agent.

    A seat chooses an action when it is `ready`. The game advances as soon as all acting seats have chosen.

    A seat that leaves before the end loses, unless the match has reached its limit of turns. If one other seat is left,
    it wins and the match is over. If several are left, they continue, and random legal actions are played for the seat
    that has left. Otherwise, the seat with the highest return wins. Equal returns are a draw.
    """

    def __init__(self, game: Game, seats: Sequence[str]) -> None:
        """Create the match; raise ValueError if the seats do not fit the game's agents."""
        if len(seats) != len(game.agents):
            raise ValueError(f"{len(seats)} seats for {len(game.agents)} agents: {', '.join(game.agents)}")
        self.game = game
        self.seats = list(seats)
        self.agent_of = dict(zip(seats, game.agents, strict=True))
        """Seat → agent of the env."""
        self._rng = np.random.default_rng(0)
        self._clear()

    def _clear(self) -> None:
        self.returns = dict.fromkeys(self.seats, 0.0)
        """Seat → sum of the rewards so far."""
        self.left: set[str] = set()
        """Seats that have left the match and lost."""
        self.out_of_turns = False
        self._chosen: dict[str, Any] = {}
        self._new = dict.fromkeys(self.seats, 0.0)

    def reset(self, seed: int | None = None) -> None:
        """Start a match."""
        self._rng = np.random.default_rng(seed)
        self._clear()
        self.game.reset(seed)

    @property
    def over(self) -> bool:
        """True if the match has ended."""
        return self.out_of_turns or len(self.left) >= len(self.seats) - 1 or not self.game.acting

    @property
    def truncated(self) -> bool:
        """True if a limit ended the match."""
        return self.over and (self.out_of_turns or self.game.truncated)

    @property
    def waiting(self) -> list[str]:
        """Seats that must choose an action now."""
        if self.over:
            return []
        acting = self.game.acting
        present = [seat for seat in self.seats if seat not in self.left and seat not in self._chosen]
        return [seat for seat in present if self.agent_of[seat] in acting]

    def ready(self, seat: str) -> bool:
        """Return True if a seat must choose an action now, or if the match is over."""
        return self.over or seat in self.waiting

    def view(self, seat: str) -> View:
        """Return what a seat sees now."""
        return self.game.view(self.agent_of[seat])

    def choose(self, seat: str, action: Any) -> None:
        """Choose the action of a seat that is `waiting`. The game advances if it was the last one."""
        self._chosen[seat] = action
        self._advance()

    def leave(self, seat: str, *, out_of_turns: bool = False) -> None:
        """Leave the match before its end. With `out_of_turns`, the match ends for all seats, and nobody loses by it.

        Seats that leave in the same decision all lose, also if the first of them has ended the match.
        """
        if self.over:
            if self.left and not out_of_turns:
                self.left.add(seat)
            return
        self._chosen.pop(seat, None)
        if out_of_turns:
            self.out_of_turns = True
        else:
            self.left.add(seat)
            self._advance()

    def new_reward(self, seat: str) -> float:
        """Return the rewards of a seat since the last call."""
        reward, self._new[seat] = self._new[seat], 0.0
        return reward

    def result(self, seat: str) -> Result | None:
        """Return the result of a seat, or None before the end."""
        if seat in self.left:
            return "loss"
        if not self.over:
            return None
        present = [other for other in self.seats if other not in self.left]
        best = max(self.returns[other] for other in present)
        if self.returns[seat] < best and len(present) > 1:
            return "loss"
        return "win" if sum(self.returns[other] == best for other in present) == 1 else "draw"

    def _advance(self) -> None:
        while not self.over and not self.waiting:
            acting = self.game.acting
            actions = {
                self.agent_of[seat]: self._chosen[seat] if seat in self._chosen else self._any_action(seat)
                for seat in self.seats
                if self.agent_of[seat] in acting
            }
            self._chosen = {}
            rewards = self.game.step(actions)
            for seat, agent in self.agent_of.items():
                self.returns[seat] += rewards.get(agent, 0.0)
                self._new[seat] += rewards.get(agent, 0.0)

    def _any_action(self, seat: str) -> Any:
        """Return a random legal action for a seat that has left."""
        return random_action(self, seat, self._rng)


def random_action(match: Match, seat: str, rng: np.random.Generator) -> Any:
    """Return a random legal action of a seat whose actions are numbers."""
    legal = match.view(seat).legal
    if legal is None:
        return int(rng.integers(match.game.env.action_space(match.agent_of[seat]).n))
    return int(rng.choice(legal))
