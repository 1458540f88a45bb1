"""Session of one client: episodes of the served tasks, played by replies.

The rules of an episode are those of training (`agents.episodes.runner`): the limit of turns, invalid replies, and the
end of lost training episodes.
"""

import base64
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import gymnasium

from envs.questions.places import places
from envs.serve.protocol import Code, RequestError, Reset
from envs.serve.worlds import Start, Worlds
from envs.task.task import Observation, Outcome, Task
from render.draw.images import png

log = logging.getLogger(__name__)


@dataclass
class Episode:
    """An episode in progress, or the last one."""

    id: str
    start: Start
    env: gymnasium.Env[Any, Any]
    seen: Observation
    info: dict[str, Any]
    turns: int = 0
    env_return: float = 0.0
    success: bool = False
    ended: str = ""
    """Reason of the end: completed, truncated or invalid. Empty during the episode."""

    @property
    def task(self) -> Task:
        """Task of the episode."""
        return self.start.world.task


class Session:
    """Session of one client. One thread at a time may use it."""

    def __init__(self, worlds: Worlds) -> None:
        self._worlds = worlds
        self._episode: Episode | None = None

    def reset(self, asked: Reset) -> dict[str, Any]:
        """Start an episode and return the data of its first observation.

        Raises:
            RequestError: The start does not exist, or the environment failed.
        """
        start = self._worlds.start(asked)
        self.close()
        env = start.world.borrow()
        try:
            observation, info = env.reset(seed=start.seed)
            seen = start.world.task.observe(env, observation, info)
        except Exception as error:
            raise self._failed(env, start, error) from None
        self._episode = Episode(asked.episode_id or str(uuid.uuid4()), start, env, seen, info)
        facts = {
            "episode_id": self._episode.id,
            "task": start.world.name,
            "split": start.split,
            "index": start.index,
            "seed": start.seed,
            "kind": str(info.get("kind", "")),
            "max_turns": start.world.task.config.max_turns,
        }
        return _data(self._episode, None, "", facts)

    def step(self, message: str) -> dict[str, Any]:
        """Play a reply and return the data of the next observation.

        Raises:
            RequestError: No episode is in progress, or the environment failed.
        """
        episode = self._episode
        if episode is None or episode.ended:
            over = "no episode is in progress" if episode is None else f"the episode is over ({episode.ended})"
            raise RequestError(Code.EXECUTION_ERROR, f"{over}; send reset first")
        task, config = episode.task, episode.task.config
        reply = task.parse(message)
        earned, feedback, outcome = 0.0, "", None
        if reply.valid:
            try:
                outcome = task.play(episode.env, reply)
                earned, feedback = outcome.reward, outcome.feedback
                self._follow(episode, outcome)
            except Exception as error:
                self._episode = None
                raise self._failed(episode.env, episode.start, error) from None
        else:
            feedback = f"The reply was invalid: {reply.problem}."
            episode.seen = replace(episode.seen, feedback=feedback if config.feedback else "")
            episode.ended = "invalid" if config.on_invalid == "end" else ""
        episode.turns += 1
        if not episode.ended and episode.turns >= config.max_turns:
            episode.ended = "truncated"
        reward = earned if config.reward == "return" else float(bool(episode.ended) and episode.success)
        facts = {
            "turn": episode.turns,
            "valid": reply.valid,
            "success": episode.success,
            "ended": episode.ended,
            "env_reward": earned,
        }
        score = task.score(episode.info) if outcome is not None else None
        data = _data(episode, reward, feedback, facts if score is None else facts | {"score": score})
        if episode.ended:
            episode.start.world.give_back(episode.env)
        return data

    def _follow(self, episode: Episode, outcome: Outcome) -> None:
        """Update an episode by the outcome of a valid reply."""
        task = episode.task
        episode.env_return += outcome.reward
        episode.success = task.succeeded(outcome, episode.env_return)
        episode.info = outcome.info
        episode.seen = task.observe(episode.env, outcome.observation, outcome.info, outcome.feedback)
        lost = task.config.end_when_lost and outcome.info.get("deadlock") and episode.start.split == "train"
        if outcome.terminated:
            episode.ended = "completed"
        elif outcome.truncated or lost:
            episode.ended = "truncated"

    def state(self) -> dict[str, Any]:
        """Return the state of the session."""
        episode = self._episode
        if episode is None:
            return {"episode_id": None, "step_count": 0}
        return {
            "episode_id": episode.id,
            "step_count": episode.turns,
            "task": episode.start.world.name,
            "split": episode.start.split,
            "seed": episode.start.seed,
            "success": episode.success,
            "ended": episode.ended,
            "env_return": episode.env_return,
        }

    @property
    def done(self) -> bool:
        """True unless an episode is in progress."""
        return self._episode is None or bool(self._episode.ended)

    def close(self) -> None:
        """End the session. Its environment is free for another one."""
        episode, self._episode = self._episode, None
        if episode is not None and not episode.ended:
            episode.start.world.give_back(episode.env)

    def _failed(self, env: gymnasium.Env[Any, Any], start: Start, error: Exception) -> RequestError:
        """Close an environment that failed and return the error for the client."""
        if not isinstance(error, ValueError):
            log.exception("task %s failed with seed %d", start.world.name, start.seed)
        try:
            env.close()
        except Exception:
            log.exception("task %s: close failed", start.world.name)
        return RequestError(
            Code.EXECUTION_ERROR, f"task {start.world.name}, seed {start.seed}: {type(error).__name__}: {error}"
        )


def _data(episode: Episode, reward: float | None, feedback: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Return the data of an observation message."""
    task, seen = episode.task, episode.seen
    text = task.words(seen, first=episode.turns == 0)
    files = encoded_images(seen)
    observation = {
        "text": text,
        "image": {"type": "image", "mime": "image/png", "data": files[0]} if files else None,
        "content": blocks(text, files),
        "legal_actions": legal_actions(task, episode.info),
        "feedback": feedback,
        "metadata": facts,
    }
    return {"observation": observation, "reward": reward, "done": bool(episode.ended), "metadata": facts}


def encoded_images(seen: Observation) -> list[str]:
    """Return the images of an observation as PNG files in base64."""
    return [base64.b64encode(png(image)).decode() for image in seen.images]


def blocks(text: str, files: Sequence[str]) -> list[dict[str, Any]]:
    """Return the content blocks of OpenAI's chat API for a turn: its text, and its PNG files in base64."""
    left = iter(files)
    return [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{next(left)}"}}
        if part is None
        else {"type": "text", "text": part}
        for part in places(text, len(files))
    ]


def legal_actions(task: Task, info: dict[str, Any]) -> list[Any]:
    """Return the names of the legal actions, all of them if the environment does not list any."""
    parts = task.config.action_parts
    legal = info.get("legal_actions")
    if task.config.in_parts:
        listed = [range(len(part)) for part in parts] if legal is None else legal
        return [[name for i in ids if (name := part[int(i)])] for part, ids in zip(parts, listed, strict=True)]
    names = parts[0] if parts else []
    return [name for i in (range(len(names)) if legal is None else legal) if (name := names[int(i)])]
