"""SeatEnv: one seat of a match as a Gymnasium env."""

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np

from envs.matches.games import unmasked
from envs.matches.match import Match, random_action

Expert = Callable[[Any, Sequence[int] | None], Sequence[int]]
"""(observation, legal actions) → the best actions. All of them are equally good."""


def strength_of(name: str) -> float | None:
    """Return the strength of a scripted opponent, or None if the name is none.

    `random` has 0 and `expert` 1. `expert:P` plays the expert's action with probability P, else a random legal action.
    """
    if name in ("random", "expert"):
        return float(name == "expert")
    base, _, number = name.partition(":")
    try:
        strength = float(number)
    except ValueError:
        return None
    return strength if base == "expert" and 0 <= strength <= 1 else None


class SeatEnv(gymnasium.Env[Any, Any]):
    """One seat of a match.

    With an opponent, the env is complete: `reset` starts a match, and the opponent plays the other seats. The seat
    is drawn from the seed, or is `options["seat"]`. Without an opponent, the caller plays the other seats of the same
    match: it resets the match, chooses the seat's action in the match, and calls `step` when the seat is ready again.

    `info` holds the env's own entries, `kind` (the seat), `legal_actions` if the env has a mask, `text` if there is
    `describe`, and at the end `result` (win, draw or loss) and `success` (True for a win). An illegal action loses.
    """

    def __init__(
        self,
        match: Match,
        seat: str = "",
        *,
        opponent: float | None = None,
        expert: Expert | None = None,
        describe: Callable[[Any], str] | None = None,
    ) -> None:
        """Create the env.

        Args:
            match: Match that is played.
            seat: Name of the seat. Empty: drawn at `reset`.
            opponent: Strength of the scripted opponent (`strength_of`). None: the caller plays the other seats.
            expert: Expert of the game. None: the PettingZoo env's own `expert_action(agent)`, if it has one.
            describe: Text of an observation.
        """
        self.match = match
        self.seat = seat or match.seats[0]
        self.opponent = opponent
        self._expert, self._describe = expert, describe
        self._drawn = not seat
        self._bots = np.random.default_rng(0)
        self._seed = self._turn = 0
        env, agent = match.game.env, match.game.agents[0]
        self.observation_space = unmasked(env.observation_space(agent))
        self.action_space = env.action_space(agent)
        self.render_mode = getattr(env, "render_mode", None)
        self.metadata = env.metadata
        if expert is not None or hasattr(env, "expert_action"):
            self.expert_action = self._expert_action

    @property
    def shared(self) -> bool:
        """True if the caller plays the other seats."""
        return self.opponent is None

    @property
    def legal_actions(self) -> tuple[int, ...] | None:
        """Legal actions of the seat, or None if the env has no mask."""
        return self.match.view(self.seat).legal

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start a match, as described in the class docstring."""
        super().reset(seed=seed)
        self._seed = int(self.np_random.integers(2**31)) if seed is None else seed
        self._turn = 0
        if not self.shared:
            self.match.reset(self._seed)
            self._bots = np.random.default_rng(self._seed)
            if self._drawn:
                self.seat = (options or {}).get("seat") or self.match.seats[self._seed % len(self.match.seats)]
            self._others()
        self.match.new_reward(self.seat)
        return self._seen()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Play an action and, with an opponent, the other seats until the next turn of this seat."""
        self._turn += 1
        if not self.shared:
            legal = self.legal_actions
            if legal is None or int(action) in legal:
                self.match.choose(self.seat, action)
                self._others()
            else:
                self.match.leave(self.seat)
        observation, info = self._seen()
        over, truncated = self.match.over, self.match.truncated
        return observation, self.match.new_reward(self.seat), over and not truncated, truncated, info

    def render(self) -> Any:
        """Return the PettingZoo env's frame."""
        return self.match.game.env.render()

    def close(self) -> None:
        """Close the PettingZoo env."""
        self.match.game.env.close()

    def _expert_action(self) -> Any:
        """Return the expert's action. Of equally good ones, one is drawn, always the same in one state."""
        return self._best(self.seat, np.random.default_rng([self._seed, self.match.seats.index(self.seat), self._turn]))

    def _best(self, seat: str, rng: np.random.Generator) -> Any:
        if self._expert is None:
            return self.match.game.env.expert_action(self.match.agent_of[seat])
        view = self.match.view(seat)
        return int(rng.choice(self._expert(view.observation, view.legal)))

    def _others(self) -> None:
        """Let the opponent choose an action of every other seat that must act, until it is this seat's turn."""
        while others := [seat for seat in self.match.waiting if seat != self.seat]:
            best = self.opponent and self._bots.random() < self.opponent
            seat = others[0]
            action = self._best(seat, self._bots) if best else random_action(self.match, seat, self._bots)
            self.match.choose(seat, action)

    def _seen(self) -> tuple[Any, dict[str, Any]]:
        """Return the observation and the info of the seat."""
        view = self.match.view(self.seat)
        info = dict(view.info)
        if view.legal is not None:
            info["legal_actions"] = list(view.legal)
        if self._describe is not None:
            info["text"] = self._describe(view.observation)
        result = self.match.result(self.seat)
        if self.match.left - {self.seat}:
            info["feedback"] = "The other side left the match."
        return view.observation, info | {"kind": self.seat, "success": result == "win", "result": result or ""}
