"""TRL 1.16: tasks for the `environment_factory` of its GRPOTrainer, with images in every turn.

A model with tool calls answers through the tool `act`. `TurnTrainer` needs no tool calls: every reply is a turn, as in
Kickoff, with any chat template. It also gives Idefics3 and SmolVLM their images, which GRPOTrainer does not.
"""

import base64
import functools
import io
from collections.abc import Callable, Mapping
from typing import Any, Final

import datasets
import trl
from PIL import Image

from configs.errors import UserError
from envs.adapters.game import open_game
from envs.adapters.view import View
from envs.serve.worlds import FIRST
from envs.task.splits import Split

OVER: Final = "The episode is over."
"""What `act` returns after the last turn."""


class KickoffEnv:
    """Episodes of one task, one after the other. Its one tool is `act`."""

    def __init__(self, env: str, settings: Mapping[str, Any] | None = None) -> None:
        """Open a task.

        Args:
            env: Task of configs/env, or a path ending in .yaml.
            settings: `env.k` overrides. `env.rules` is true unless given.

        Raises:
            UserError: The task or a setting is invalid (one line).
        """
        self._game = open_game(env, settings)
        if self._game.seats > 1:
            raise UserError(f"env={env}: a trainer of TRL has one seat; env.kwargs.control must be 1")
        self._reward, self._done = 0.0, True

    def reset(self, seed: int | None = None, **row: Any) -> list[dict[str, Any]]:
        """Start an episode and return its first observation.

        Args:
            seed: Seed of the env. None for a random start of training.
            row: Other columns of the dataset. They are not used.
        """
        (view,) = self._game.reset(seed=seed)
        self._reward, self._done = 0.0, False
        return _blocks(view)

    def act(self, reply: str) -> list[dict[str, Any]] | str:
        """Play a reply and return the next observation.

        Args:
            reply: The whole reply: <think>reasoning</think><answer>answer</answer>.
        """
        if self._done:
            return OVER
        (view,) = self._game.step([reply])
        self._reward += view.reward
        self._done = view.done
        return OVER if view.done else _blocks(view)

    def get_reward(self) -> float:
        """Return the reward of the episode so far."""
        return self._reward


def environment(env: str, settings: Mapping[str, Any] | None = None) -> Callable[[], KickoffEnv]:
    """Return a task for `environment_factory`. An invalid setting is an error now.

    Args:
        env: Task of configs/env, or a path ending in .yaml.
        settings: `env.k` overrides.

    Raises:
        UserError: The task or a setting is invalid (one line).
    """
    KickoffEnv(env, settings)
    return functools.partial(KickoffEnv, env, settings)


def starts(count: int, split: Split = "train", first: int = 0) -> datasets.Dataset:
    """Return a dataset of starts. TRL repeats each row for its group, so that a group has one start.

    Args:
        count: Number of starts.
        split: Split of the starts.
        first: Index of the first one in its split.
    """
    seeds = range(FIRST[split] + first, FIRST[split] + first + count)
    return datasets.Dataset.from_list([{"prompt": [{"role": "user", "content": ""}], "seed": seed} for seed in seeds])


def _blocks(view: View) -> list[dict[str, Any]]:
    """Return the content of a view in the form of a chat template, with images of Pillow."""
    blocks = []
    for block in view.content:
        if block["type"] == "image_url":
            file = base64.b64decode(block["image_url"]["url"].partition(",")[2])
            block = {"type": "image", "image": Image.open(io.BytesIO(file)).convert("RGB")}
        blocks.append(block)
    return blocks


TURNS: Final = """\
{%- set turns = namespace(all=[]) -%}
{%- for message in messages -%}
  {%- set content = message.content -%}
  {%- if message.tool_calls and not (content | map(attribute='text') | join) -%}
    {%- set content = [{'type': 'text', 'text': message.tool_calls | tojson}] -%}
  {%- elif content is not string -%}
    {%- set content = content | rejectattr('text', 'equalto', '') | list -%}
  {%- endif -%}
  {%- set role = 'user' if message.role == 'tool' else message.role -%}
  {%- set turns.all = turns.all + [{'role': role, 'content': content}] -%}
{%- endfor -%}
{%- set messages = turns.all -%}
{%- set tools = none -%}
"""
"""Start of a chat template that presents the results of `act` as messages of the user, with their images."""


class TurnTrainer(trl.GRPOTrainer):  # type: ignore[misc]
    """GRPOTrainer for `environment_factory` in which every reply of the model is a turn.

    The arguments are those of GRPOTrainer. `processing_class` must be given; its chat template is changed.
    """

    def __init__(self, model: Any, *args: Any, processing_class: Any, **kwargs: Any) -> None:
        tokenizer = getattr(processing_class, "tokenizer", processing_class)
        if not processing_class.chat_template.startswith(TURNS):
            processing_class.chat_template = TURNS + processing_class.chat_template
        tokenizer.response_template = {"defaults": {"role": "assistant"}, "fields": {}}  # TRL asks whether there is one
        tokenizer.parse_response = functools.partial(_turn, tokenizer)
        super().__init__(model, *args, processing_class=processing_class, **kwargs)
        if self.model.config.model_type in ("idefics3", "smolvlm"):
            _take_images_of_turns(self.model, processing_class.image_processor)

    def _get_tool_suffix_ids(self, tool_messages: list[dict[str, Any]]) -> list[int]:
        """Return the tokens of the next observation, or too many to fit after the last turn, which ends the episode."""
        if any(message["content"] == OVER for message in tool_messages):
            return [self._tokenizer.pad_token_id] * (self.max_completion_length + 1)
        ids: list[int] = super()._get_tool_suffix_ids(tool_messages)
        return ids


def _turn(tokenizer: Any, ids: list[int], **_: Any) -> dict[str, Any]:
    """Return a reply as a message with one call of `act`."""
    text = tokenizer.decode(ids, skip_special_tokens=True)
    call = {"type": "function", "function": {"name": "act", "arguments": {"reply": text}}}
    return {"role": "assistant", "content": text, "tool_calls": [call]}


def _take_images_of_turns(model: Any, image_processor: Any) -> None:
    """Let Idefics3 take what GRPOTrainer gives it for the images of turns: one row for each, and token types."""
    base, generate = type(image_processor), model.generate

    def call(self: Any, images: Any, *args: Any, **kwargs: Any) -> Any:
        flat = isinstance(images, list) and images and isinstance(images[0], Image.Image)
        features = base.__call__(self, [[image] for image in images] if flat else images, *args, **kwargs)
        if flat:
            del features["pixel_attention_mask"]  # all images of a task have one size
        return features

    image_processor.__class__ = type(base.__name__, (base,), {"__call__": call})
    model.generate = lambda *args, token_type_ids=None, **kwargs: generate(*args, **kwargs)
