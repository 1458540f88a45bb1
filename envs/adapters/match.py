"""Match: football with two seats, one on each side."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from configs.errors import UserError
from envs.adapters.view import View
from envs.serve.protocol import RequestError, Reset, checked
from envs.serve.session import blocks, encoded_images
from envs.serve.worlds import FIRST
from envs.task.reply import Reply
from envs.task.splits import VALIDATION_FIRST, split_of_seed
from envs.task.task import Observation, Outcome, Task

SEATS = 2


class Match:
    """Football with two seats: the left team's player, then the right team's.

    Both reply at the same time, and each sees the pitch from its own side. An invalid reply ends the match for both, or
    with `env.on_invalid=skip` is played as `idle`. Each seat has its own success and reward.
    """

    seats = SEATS

    def __init__(self, task: Task) -> None:
        """Create the env.

        Args:
            task: Football task with `env.kwargs.control` of [1, 1].

        Raises:
            UserError: The task is not football, or a setting does not allow two seats (one line).
        """
        from envs.football.parallel import FootballParallelEnv  # needs PettingZoo

        self._task, config = task, task.config
        if config.id != "kickoff/Football-v0" or config.actions_per_reply > 1:
            raise UserError(f"env={task.name}: two seats need kickoff/Football-v0 and env.actions_per_reply=1")
        if config.reward not in ("success", "return"):
            raise UserError(f"env.reward={config.reward}: two seats have success or return")
        difficulty: dict[str, Any] = {} if config.difficulty is None else {"difficulty": config.difficulty}
        alone = {key: value for key, value in config.kwargs.items() if key != "control"}
        try:
            Task(task.name, replace(config, kwargs=alone)).make().close()  # checks the settings
            self._env = FootballParallelEnv(**config.kwargs, **difficulty)
        except ValueError as error:
            raise UserError(f"env={task.name}: {error}") from None
        if config.image and self._env.env.game.observer.kind != "pixels":
            raise UserError(f"env={task.name}: images of two seats need env.kwargs.observation=pixels")
        self._agents = list(self._env.possible_agents)
        self._ended = "not started"

    def reset(self, **start: Any) -> list[View]:
        """Start a match, as described in `Game`."""
        try:
            asked = checked(Reset, start)
        except RequestError as error:
            raise UserError(str(error)) from None
        seed = asked.seed
        if seed is None and asked.index is not None:
            seed = FIRST[asked.split or "train"] + asked.index
        seed = secrets.randbelow(VALIDATION_FIRST) if seed is None else seed
        self._seen, infos = self._env.reset(seed=seed)
        self._turn, self._ended, self._returns = 0, "", [0.0] * SEATS
        facts = {"task": self._task.name, "split": split_of_seed(seed), "seed": seed}
        kinds = [facts | {"seat": agent, "kind": infos[agent]["kind"]} for agent in self._agents]
        return self._views(self._observe(infos, ("", "")), [0.0] * SEATS, kinds)

    def step(self, replies: Sequence[str]) -> list[View]:
        """Play one action of each seat."""
        if self._ended:
            raise UserError(f"no match is in progress ({self._ended}); send reset first")
        read = [self._task.parse(reply) for reply in replies]
        self._turn += 1
        if self._task.config.on_invalid == "end" and not all(reply.valid for reply in read):
            self._ended = "invalid"
            problems = [reply.problem and f"The reply was invalid: {reply.problem}." for reply in read]
            seen = [Observation(None, "", problem) for problem in problems]
            return self._views(seen, [0.0] * SEATS, self._facts(read, [0.0] * SEATS, [False] * SEATS))
        return self._play(read)

    def _play(self, read: Sequence[Reply]) -> list[View]:
        config = self._task.config
        actions = [reply.actions[0] if reply.valid else 0 for reply in read]
        self._seen, earned, over, cut, infos = self._env.step(dict(zip(self._agents, actions, strict=True)))
        first = self._agents[0]
        if over[first]:
            self._ended = "completed"
        elif cut[first] or self._turn >= config.max_turns:
            self._ended = "truncated"
        rewards, successes, feedback = [], [], []
        for seat, agent in enumerate(self._agents):
            self._returns[seat] += earned[agent]
            outcome = Outcome(self._seen[agent], infos[agent], earned[agent], over[agent], cut[agent], "")
            successes.append(self._task.succeeded(outcome, self._returns[seat]))
            rewards.append(earned[agent] if config.reward == "return" else float(bool(self._ended) and successes[seat]))
            said = infos[agent]["feedback"]
            feedback.append(said and self._task.labelled(actions[seat], said))
        facts = self._facts(read, [earned[agent] for agent in self._agents], successes)
        return self._views(self._observe(infos, feedback), rewards, facts)

    def close(self) -> None:
        """End the match."""
        self._ended = "closed"

    def _observe(self, infos: dict[str, dict[str, Any]], feedback: Sequence[str]) -> list[Observation]:
        seen = []
        for agent, said in zip(self._agents, feedback, strict=True):
            seat: Any = SimpleNamespace(observation_space=self._env.observation_space(agent))
            seen.append(self._task.observe(seat, self._seen[agent], infos[agent], said))
        return seen

    def _facts(self, read: Sequence[Reply], earned: Sequence[float], successes: Sequence[bool]) -> list[dict[str, Any]]:
        return [
            {
                "turn": self._turn,
                "valid": reply.valid,
                "success": success,
                "ended": self._ended,
                "env_reward": reward,
                "seat": agent,
            }
            for reply, reward, success, agent in zip(read, earned, successes, self._agents, strict=True)
        ]

    def _views(
        self, seen: Sequence[Observation], rewards: Sequence[float], facts: Sequence[dict[str, Any]]
    ) -> list[View]:
        return [
            View(blocks(self._task.words(one, self._turn == 0), encoded_images(one)), reward, bool(self._ended), fact)
            for one, reward, fact in zip(seen, rewards, facts, strict=True)
        ]
