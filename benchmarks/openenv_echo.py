"""OpenEnv's own server for an env that echoes its action, for `serve_speed`.

It runs in OpenEnv's virtual environment: `build/venv-openenv/bin/python benchmarks/openenv_echo.py PORT`.
"""

import sys

import uvicorn
from openenv.core.env_server.http_server import create_app
from openenv.core.env_server.interfaces import Environment
from openenv.core.env_server.types import Action, Observation, State


class EchoAction(Action):
    """A text."""

    message: str


class EchoObservation(Observation):
    """The same text."""

    message: str


class Echo(Environment):
    """An episode of eight echoes."""

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(self) -> None:
        super().__init__()
        self._state = State()

    def reset(self, seed: int | None = None, episode_id: str | None = None) -> EchoObservation:
        """Start an episode."""
        self._state = State(episode_id=episode_id)
        return EchoObservation(message="ready")

    def step(self, action: EchoAction) -> EchoObservation:
        """Return the action."""
        self._state.step_count += 1
        return EchoObservation(message=action.message, reward=0.0, done=self._state.step_count >= 8)

    @property
    def state(self) -> State:
        """Number of echoes."""
        return self._state


if __name__ == "__main__":
    app = create_app(Echo, EchoAction, EchoObservation, env_name="echo", max_concurrent_envs=512)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
