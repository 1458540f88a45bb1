"""Tries a task before it is played: a mistake in its settings is one clear line."""

import gymnasium

from agents.chat.conversation import Conversation
from agents.chat.template import Chat
from configs.errors import UserError
from envs.task.config import TaskConfig
from envs.task.task import Task

_MISFITS = (TypeError, KeyError, AttributeError, AssertionError, gymnasium.error.Error)
"""What an env raises for a kwarg of a type that it did not expect."""


def check_task(name: str, settings: TaskConfig, chat: Chat | None, longest: int | None = None) -> None:
    """Try a task with the model that is to play it, if one does, and its context; UserError where they do not fit."""
    try:
        _try(name, settings, chat, longest)
    except ValueError as error:
        raise UserError(str(error)) from error
    except _MISFITS as error:
        raise UserError(f"tasks.{name}: {settings.id} does not work with these kwargs: {error}") from error


def _try(name: str, settings: TaskConfig, chat: Chat | None, longest: int | None) -> None:
    """Make the env once, look at its first frame and take a step."""
    task = Task(name, settings)
    env = task.make()
    observation, info = env.reset(seed=0)
    seen = task.observe(env, observation, info)
    if (settings.reward, settings.success) == ("success", "info") and "success" not in info:
        raise UserError(
            f"tasks.{name}: {settings.id} does not tell success in its info; set success to terminated or 'return >= 1'"
        )
    task.score(info)
    env.step(env.action_space.sample())
    env.close()
    if chat is None:
        return
    if seen.image is not None:
        chat.images.check(*seen.image.shape[:2])
    conversation = Conversation(chat, settings.history)
    conversation.ask(task.words(seen, first=False), task.words(seen, first=True), seen.image)
    prompt = len(conversation.prompt(0, settings.max_reply_tokens).tokens)
    if longest and prompt + settings.max_reply_tokens > longest:
        raise UserError(
            f"tasks.{name}: a first prompt of {prompt} tokens and a reply of max_reply_tokens="
            f"{settings.max_reply_tokens} do not fit a context of {longest}; lower max_reply_tokens or the image's size"
        )
