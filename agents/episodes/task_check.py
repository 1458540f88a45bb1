"""Task check: tries a task once before it is played, so that wrong settings fail with a one-line error."""

import gymnasium

from agents.chat.conversation import Conversation
from agents.chat.images import check_pixels
from agents.chat.template import Chat
from agents.episodes.process import look_ahead
from configs.errors import UserError
from envs.task.config import TaskConfig, task_names
from envs.task.splits import TEST_FIRST, VALIDATION_FIRST
from envs.task.task import Task

_MISFITS = (TypeError, KeyError, AttributeError, AssertionError, gymnasium.error.Error)
"""Exceptions that envs raise for kwargs of an unexpected type."""


def check_images(name: str, settings: TaskConfig, chat: Chat | None) -> None:
    """Raise UserError if a task shows images and its model reads text only."""
    if not settings.image or chat is None or chat.takes_images:
        return
    as_text = f"{name}_text"
    instead = f"play {as_text}" if as_text in task_names() else "set its image=false and caption=true"
    raise UserError(f"tasks.{name}: the task shows images, but the model reads text only; {instead}")


def check_task(
    name: str, settings: TaskConfig, chat: Chat | None, longest: int | None = None, max_pixels: int = 0
) -> None:
    """Try a task once with the chat template and the context size of its model.

    Args:
        name: name of the task.
        settings: settings of the task.
        chat: chat template of the model; None for policies without tokens.
        longest: context size in tokens; None for no limit.
        max_pixels: maximum number of pixels of an image; 0 for no limit.

    Raises:
        UserError: the env, its settings and the model do not fit together.
    """
    check_images(name, settings, chat)
    try:
        _try(name, settings, chat, longest, max_pixels)
    except ValueError as error:
        raise UserError(str(error)) from error
    except _MISFITS as error:
        raise UserError(f"tasks.{name}: {settings.id} does not work with these kwargs: {error}") from error


def _try(name: str, settings: TaskConfig, chat: Chat | None, longest: int | None, max_pixels: int) -> None:
    """Create the env, check the first observation and take one step."""
    task = Task(name, settings)
    env = task.make()
    for first in (VALIDATION_FIRST, TEST_FIRST):
        env.reset(seed=first)  # a narrow setting may have no item in a held-out split
    observation, info = env.reset(seed=0)
    if info.get("failed"):
        env.close()
        raise UserError(f"tasks.{name}: {info['failed']}")
    seen = task.observe(env, observation, info)
    if (settings.reward, settings.success) == ("success", "info") and "success" not in info:
        raise UserError(
            f"tasks.{name}: {settings.id} reports no success in its info; set success to terminated or 'return >= 1'"
        )
    task.score(info)
    if settings.transcribes:
        task.transcript(env)
        task.expert_thought(env, settings.think)
    if settings.reward == "process":
        look_ahead(task, env)
    after, _, terminated, truncated, info = task.step(env, env.action_space.sample())
    if info.get("failed"):
        env.close()
        raise UserError(f"tasks.{name}: {info['failed']}")
    task.score(info)
    if not (terminated or truncated):
        task.observe(env, after, info)
    env.close()
    if chat is None:
        return
    for image in seen.images:
        chat.images.check(*image.shape[:2])
    conversation = Conversation(chat, settings.history)
    conversation.ask(task.words(seen, first=False), task.words(seen, first=True), seen.image, seen.more)
    prompt = conversation.prompt(0, settings.max_reply_tokens)
    check_pixels(prompt.images, max_pixels)
    if longest and len(prompt.tokens) + settings.max_reply_tokens > longest:
        raise UserError(
            f"tasks.{name}: a first prompt of {len(prompt.tokens)} tokens and a reply of max_reply_tokens="
            f"{settings.max_reply_tokens} do not fit a context of {longest}; lower max_reply_tokens or the image's size"
        )
