"""Environment on an OpenEnv server."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from configs.errors import UserError
from envs.openenv import discovery
from envs.openenv.actions import KINDS, ActionForm, named_values, proposed
from envs.openenv.reading import LONGEST_TEXT, clean, images_of, info_of, limited, lookup, text_of
from envs.openenv.session import (
    Access,
    ActionError,
    FullError,
    ServerError,
    Session,
    fetch,
    parse_address,
    warn_once,
)
from envs.openenv.starts import checked, selected
from envs.task.splits import VALIDATION_FIRST
from envs.texts import FreeText
from render.draw.images import fit

REWARD_FIELDS: Final = ("metadata.env_reward", "reward")
"""Fields with the reward. Kickoff's own servers give the reward of the environment in the first one."""


class OpenEnvEnv(gymnasium.Env[dict[str, Any], str]):
    """An environment on a server that speaks OpenEnv's protocol.

    ## Description
    Every environment has one session: a WebSocket, which the first reset opens. `openenv:ADDRESS` as the id of a task
    stands for this environment, with the arguments that the server's answers suggest (`task_settings`).

    A server that is slow, closes the connection or sends something else than the protocol ends the episode:
    `truncated`, the reward 0, and the reason in `info["failed"]`. A failed reset gives an empty observation with that
    entry, and with `full` if all sessions are in use. The first failure of any other kind is logged as a warning. The
    next reset opens a new session.

    ## Action Space
    `Text`: the answer. It becomes the field `action_field` of the server's action. An answer that is no value of that
    field, or that the server rejects as invalid, has no effect, and `info["feedback"]` has the reason.

    ## Observation Space
    `Dict(text: Text)`, with `image_size` also `image: Box uint8 [H, W, 3]`, and with `images` greater than 1 also
    `image_count` and `more_images`, as in `kickoff/Questions-v0`. An observation without an image has a black one.

    `info` has `text`, `feedback`, `legal_actions` and `success` (False if the server does not report it), `kind`, and
    the server's `metadata`.

    ## Rewards
    The server's.

    ## Starting State
    The server's, for the seed that it is sent.

    ## Episode End
    Terminated if the server reports `done`, or truncated if its metadata states that a limit ended the episode.

    ## Arguments
    - `address`: `http://HOST:PORT` or `ws://HOST:PORT`.
    - `image_size`: (height, width) in pixels. Images are scaled to fit. None: no images.
    - `images`: maximum number of images of an observation.
    - `image_field`, `text_field`: paths of the images and of the text in an observation, if the rules of `reading` find
      the wrong ones. `text_field` may be a list, or `none`.
    - `reward_field`: path of the reward in an answer.
    - `action_field`: path of the field with the answer. Empty: from the server's schema, also for the next three.
    - `action_type`: `string`, `integer`, `number`, `boolean` or `json`.
    - `action_form`: text with the answer at `{}`, for a field of type `string`.
    - `action_values`: answer → value of the field, or a list of answers, whose values are 0, 1, …
    - `action_data`: other fields of every action.
    - `reset_data`: other fields of every reset, such as `task`.
    - `starts`: split of the seed (train, validation, test) → [split of the server, first index, end]. A reset then
      selects a start by `split` and `index` instead of a seed. None: seeds.
    - `timeout`, `connect_timeout`: maximum times in seconds for an answer, and for a connection.
    - `token_variable`: name of the environment variable with the server's token.
    - `render_mode`: "rgb_array", the image of the observation.

    ## Version History
    v0: first version.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 4}
    remote = True
    """`reset` and `step` wait for a server. `agents.episodes.remote` runs them in threads."""

    def __init__(
        self,
        address: str,
        image_size: tuple[int, int] | None = None,
        images: int = 1,
        image_field: str = "",
        text_field: str | Sequence[str] = "",
        reward_field: str = "",
        action_field: str = "",
        action_type: str = "",
        action_form: str = "",
        action_values: Mapping[str, Any] | Sequence[Any] | None = None,
        action_data: Mapping[str, Any] | None = None,
        reset_data: Mapping[str, Any] | None = None,
        starts: Mapping[str, Sequence[Any]] | None = None,
        timeout: float = 60.0,
        connect_timeout: float = 10.0,
        token_variable: str = "",
        render_mode: str | None = None,
    ) -> None:
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode must be rgb_array or None, got {render_mode!r}")
        if image_size is not None and (len(image_size) != 2 or min(image_size) < 1):
            raise ValueError(f"image_size must be (height, width), got {image_size}")
        if action_type and action_type not in KINDS:
            raise ValueError(f"action_type must be one of {', '.join(KINDS)}, got {action_type!r}")
        if images < 1 or not (0 < timeout < math.inf and 0 < connect_timeout < math.inf):
            raise ValueError("images, timeout and connect_timeout must be greater than 0")
        self.render_mode = render_mode
        self.access = Access(parse_address(address), timeout, connect_timeout, token_variable)
        self.image_field, self.reward_field = image_field, reward_field
        self.text_fields = [text_field] if isinstance(text_field, str) and text_field else list(text_field)
        self.reset_data = dict(reset_data or {})
        given = {
            "action_field": action_field, "action_type": action_type, "action_form": action_form,
            "action_values": named_values(action_values),
        }  # fmt: skip
        self._action: dict[str, Any] = {key: value for key, value in given.items() if value}
        self._action_data = dict(action_data or {})
        self._form: ActionForm | None = None
        self._starts = checked(starts)
        self._size = None if image_size is None else (int(image_size[0]), int(image_size[1]))
        self._images = images
        self.observation_space: spaces.Dict = spaces.Dict({"text": FreeText(LONGEST_TEXT)})
        if self._size is not None:
            self.observation_space["image"] = spaces.Box(0, 255, (*self._size, 3), np.uint8)
            if images > 1:
                self.observation_space["image_count"] = spaces.Discrete(images + 1)
                self.observation_space["more_images"] = spaces.Box(0, 255, (images - 1, *self._size, 3), np.uint8)
        self.action_space = FreeText(LONGEST_TEXT)
        self._session: Session | None = None
        self._closed = False
        self._failed = ""
        self._seen: dict[str, Any] = self._observation("", [])
        self._info: dict[str, Any] = {}

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Start an episode. Without a seed, it is a training start."""
        super().reset(seed=seed)
        seed = int(self.np_random.integers(VALIDATION_FIRST)) if seed is None else seed
        self._closed, self._failed = False, ""
        self._seen, self._info = self._observation("", []), info_of({})
        try:
            self._read(self._begin(seed))
        except ServerError as error:
            self._fail(error)
        return self._seen, self._info

    def _begin(self, seed: int) -> dict[str, Any]:
        """Return the answer to a reset. If the server has closed an idle session, open a new one."""
        if self._form is None:
            self._form = self._find_form()
        data = {**self.reset_data, **selected(self._starts, seed)}
        if self._session is not None:
            try:
                return self._session.reset(data)
            except ServerError as error:
                self._drop()
                if error.kind not in ("closed", "SESSION_ERROR"):
                    raise
        answer, session = discovery.begin(self.access, data)
        if self._closed:  # by another thread
            session.close()
            raise ServerError("closed")
        self._session = session
        return answer

    def step(self, action: str) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Send an answer."""
        if self._failed or self._session is None or self._form is None:
            return self._seen, 0.0, False, True, self._info
        try:
            data = self._session.step(self._form.payload(action))
            reward = self._reward(data)
            self._read(data)
        except ActionError as error:
            self._info = self._info | {"feedback": f"The action was rejected: {error}."}
            return self._seen, 0.0, False, False, self._info
        except ServerError as error:
            self._fail(error)
            return self._seen, 0.0, False, True, self._info
        done, truncated = data.get("done", False), limited(self._info["metadata"])
        return self._seen, reward, done and not truncated, done and truncated, self._info

    def _find_form(self) -> ActionForm:
        """Return the form of the actions, from the arguments and the server's schema."""
        given = self._action
        if "action_field" not in given:
            given = proposed(fetch(self.access, "/schema")) | given
        return ActionForm(
            given["action_field"],
            given.get("action_type", "string"),
            given.get("action_form", "{}"),
            given.get("action_values") or {},
            self._action_data,
        )

    def _reward(self, data: dict[str, Any]) -> float:
        fields = (self.reward_field,) if self.reward_field else REWARD_FIELDS
        found = next((value for field in fields if (value := lookup(data, field)) is not None), 0.0)
        if not isinstance(found, int | float) or not math.isfinite(found):
            raise ServerError(f"the reward {clean(repr(found)[:80])} is no finite number", "reward")
        return float(found)

    def _read(self, data: dict[str, Any]) -> None:
        """Store the observation and the info of an answer."""
        observation = data["observation"]
        if not isinstance(data.get("done", False), bool):
            raise ServerError("done is neither true nor false", "done")
        metadata = observation.get("metadata") or data.get("metadata")
        text = text_of(observation, self.text_fields)
        images = [] if self._size is None else images_of(observation, self.image_field)
        self._seen = self._observation(text, [fit(image, self._size) for image in images if self._size])
        self._info = info_of(metadata if isinstance(metadata, dict) else {}, observation, text)

    def _observation(self, text: str, images: list[NDArray[np.uint8]]) -> dict[str, Any]:
        """Return an observation. Missing images are black."""
        seen: dict[str, Any] = {"text": text}
        if self._size is not None:
            stack = np.zeros((self._images, *self._size, 3), np.uint8)
            for place, image in enumerate(images[: self._images]):
                stack[place] = image
            seen["image"] = stack[0]
            if self._images > 1:
                seen |= {"image_count": max(1, min(len(images), self._images)), "more_images": stack[1:]}
        return seen

    def _fail(self, error: ServerError) -> None:
        """End the episode and the session."""
        self._drop()
        address = self.access.address.http
        self._failed = f"{address}: {error}"
        self._info = self._info | {"failed": self._failed, "feedback": self._failed, "success": False}
        if isinstance(error, FullError):  # no failure if another episode ends soon
            self._info["full"] = True
        elif not self._closed:
            warn_once(address, error)

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def render(self) -> Any:
        """Return the image of the observation, or None without `render_mode`."""
        if self.render_mode is None:
            return None
        return np.zeros((64, 64, 3), np.uint8) if self._size is None else np.array(self._seen["image"])

    def close(self) -> None:
        """Close the session. A step of another thread ends."""
        self._closed = True
        self._drop()

    def random_answer(self, rng: np.random.Generator) -> str:
        """Return a random legal action, as far as the server or `action_values` list any, else a digit."""
        legal = self._info.get("legal_actions") or list(self._form.values if self._form is not None else ())
        if legal and all(isinstance(part, list) and part for part in legal):
            return "+".join(str(rng.choice([str(name) for name in part])) for part in legal)
        names = [str(name) for name in legal if isinstance(name, str | int)]
        return str(rng.choice(names)) if names else str(rng.integers(10))

    def task_settings(self) -> dict[str, Any]:
        """Return settings of a task for this server, found by its schema, its metadata and one reset.

        Raises:
            UserError: The server cannot be reached, or does not speak the protocol (one line).
        """
        try:
            return discovery.task_settings(self.access, self._action, self.reset_data, self.image_field)
        except ServerError as error:
            raise UserError(f"openenv:{self.access.address.http}: {error}") from None
