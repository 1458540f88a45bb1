"""Settings of a task for an OpenEnv server, found by its schema, its metadata, its task API and one reset."""

import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from envs.openenv import actions
from envs.openenv.reading import clean, images_of
from envs.openenv.session import FULL, PAUSE, Access, FullError, ServerError, Session, fetch, printable
from envs.openenv.starts import held_out

OURS: Final = {"task", "split", "index", "seed", "max_turns"}
"""Metadata of a reset of Kickoff's own servers."""
TURNS: Final = 16
"""Maximum number of turns, if the server states none."""
REPLY_TOKENS: Final = 256
"""Maximum length of a reply in tokens."""
LONGEST_DESCRIPTION: Final = 500
"""Maximum length of the server's description in the prompt, in characters."""


def begin(access: Access, data: Mapping[str, Any]) -> tuple[dict[str, Any], Session]:
    """Open a session and start an episode. While all sessions are in use, try again for `FULL` seconds.

    Raises:
        ServerError: The server cannot be reached, is full, or gave no observation.
    """
    end = time.monotonic() + FULL
    while True:
        session = Session(access)
        try:
            return session.reset(data), session
        except FullError:
            session.close()
            if time.monotonic() + PAUSE > end:
                raise
            time.sleep(PAUSE)
        except BaseException:
            session.close()
            raise


def task_settings(
    access: Access, action: Mapping[str, Any], reset_data: Mapping[str, Any], image_field: str
) -> dict[str, Any]:
    """Return the settings of a task for a server.

    For Kickoff's own servers, the prompt is the server's text. For other servers, it begins with their description and
    the form of a reply, success is a positive return, and the reward is the return.

    Args:
        access: Access to the server.
        action: Arguments of `OpenEnvEnv` for actions that are given.
        reset_data: Other fields of the reset.
        image_field: Path of the images in an observation, or empty.

    Raises:
        ServerError: The server cannot be reached, or does not speak the protocol.
    """
    form = actions.proposed(fetch(access, "/schema"), action.get("action_field", "")) | dict(action)
    described = " ".join(_description(access).split())
    data, session = begin(access, {**reset_data, "seed": 0})
    try:
        found = data["observation"].get("metadata") or data.get("metadata")
        facts = found if isinstance(found, dict) and found.keys() >= OURS else None
        images = images_of(data["observation"], image_field)
        sessions = None if facts else _most_sessions(access, reset_data)
    finally:
        session.close()
    kwargs = {key: value for key, value in form.items() if value and key not in action}
    if images:
        kwargs |= {"image_size": list(images[0].shape[:2]), "images": len(images)}
    settings: dict[str, Any] = {
        "description": printable(described) or access.address.http,
        "kwargs": kwargs,
        "image": bool(images),
        "caption": not images,
        "history": -1,
        "max_turns": facts["max_turns"] if facts else TURNS,
        "max_reply_tokens": REPLY_TOKENS,
    }
    if facts:
        return settings
    if starts := _starts(access, reset_data.get("task")):
        kwargs["starts"] = starts
    if sessions is not None:
        settings["episodes_at_once"] = sessions
    return settings | {
        "instructions": clean(described[:LONGEST_DESCRIPTION]),
        "rules": True,
        "rules_text": _rules(form),
        "success": "return > 0",
        "reward": "return",
    }


def _rules(form: Mapping[str, Any]) -> str:
    """Return the sentence of the rules about the answer."""
    values = actions.named_values(form.get("action_values"))
    if values:
        return f"The answer is one of {', '.join(values)}."
    kinds = {"integer": "an integer", "number": "a number", "boolean": "true or false", "json": "a JSON value"}
    kind = kinds.get(form.get("action_type", ""))
    return f"The answer is {kind}." if kind else ""


def _description(access: Access) -> str:
    """Return the server's description of itself. It is optional."""
    try:
        found = fetch(access, "/metadata")
    except ServerError:
        return ""
    text = found.get("description") if isinstance(found, dict) else None
    return text if isinstance(text, str) else ""


def _most_sessions(access: Access, reset_data: Mapping[str, Any]) -> int | None:
    """Return the maximum number of sessions of a server that has no second one, else None."""
    second = Session(access)
    try:
        second.reset({**reset_data, "seed": 0})
    except FullError as full:
        return full.sessions or 1
    finally:
        second.close()
    return None


def _starts(access: Access, task: Any) -> dict[str, list[Any]]:
    """Return the argument `starts` for a server with the task API, else {}."""
    counts: dict[str, tuple[str, int]] = {}
    try:
        name = fetch(access, "/list_environments")[0] if task is None else task
        path = f"/{quote(str(name), safe='')}"
        for split in fetch(access, f"{path}/splits"):
            number = fetch(access, f"{path}/num_tasks", {"split": split["name"]})["num_tasks"]
            if isinstance(number, int) and number > 0:
                counts.setdefault(str(split["type"]), (str(split["name"]), number))
    except (ServerError, KeyError, IndexError, TypeError):
        return {}
    return held_out(counts)
