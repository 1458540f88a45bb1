"""OpenAI-compatible servers as engines, to evaluate hosted or `vllm serve`d models. Prompts and replies are text.

The `openai` package sends, times out and retries the requests. The API key is read from the environment. It appears
only in the request header, never in files, logs or errors.
"""

import asyncio
import base64
import json
import logging
import os
import re
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from agents.chat.types import Completion, ContextFull, Message, Prompt
from agents.engines.config import ServerConfig
from configs.errors import UserError, install_command
from envs.questions.places import places
from render.draw.images import png

try:
    import openai
except ImportError as error:
    raise UserError(f"policy=api:MODEL needs the package openai: {install_command('api')}") from error

if TYPE_CHECKING:
    from torch import Tensor

OPENAI = "https://api.openai.com/v1"
TOO_LONG = re.compile(r"context[_ ](length|size|window)|maximum model length|prompt is too long", re.IGNORECASE)
"""Server messages for a prompt and reply that exceed the context: OpenAI, vLLM, SGLang, llama.cpp, Anthropic."""
NO_REPLY = 599
"""HTTP status set on an answer without a reply. The SDK retries it as a server error."""
QUIET = 30.0
"""Minimum seconds between two warnings about failed requests."""
LONGEST_TEXT = 300
"""Maximum number of characters shown of a server's message."""
SHORTEST_SECRET = 8
"""Minimum length of a key that is removed from messages. Shorter ones (EMPTY, none) are placeholders."""


class ServerEngine:
    """Engine for a model on a server."""

    def __init__(self, model: str, config: ServerConfig) -> None:
        """Check the settings and the API key.

        Raises:
            UserError: the URL is invalid, or the API key is missing or malformed.
        """
        self.version = 0
        self.max_context: int | None = None
        self.model = model
        self.config = config
        self.url = (config.url or os.environ.get("OPENAI_BASE_URL") or OPENAI).rstrip("/")
        try:
            parts = urlsplit(self.url)
            valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and "@" not in parts.netloc
        except ValueError:  # such as a port that is no number
            valid = False
        if not valid:
            raise UserError("engine.server.url must have the form https://host/v1, without user or password")
        self._key = os.environ.get(config.key, "").strip()
        if not self._key and self.url == OPENAI:
            raise UserError(f"{OPENAI} needs a key: set the environment variable {config.key}")
        if not (self._key.isascii() and self._key.isprintable()):
            raise UserError(f"the environment variable {config.key} contains characters that are not allowed in a key")
        self._slots = asyncio.Semaphore(config.concurrency)
        self._limit = "max_tokens"
        self._next_warning = 0.0
        self._client = openai.AsyncOpenAI(
            api_key=self._key or "none",
            base_url=self.url,
            timeout=config.timeout,
            max_retries=config.retries,
            http_client=openai.DefaultAsyncHttpxClient(event_hooks={"response": [self._check]}),
        )
        self._options: Any = {} if self._key else {"headers": {"Authorization": openai.Omit()}}

    async def generate(self, prompt: Prompt, temperature: float) -> Completion:
        """Generate the reply to a prompt's messages, as text.

        Raises:
            UserError: the request was rejected, or all retries failed.
            ContextFull: the prompt and its reply exceed the server's context.
        """
        body = {
            "model": self.model,
            "messages": [_message(message) for message in prompt.messages],
            "temperature": temperature,
            "seed": prompt.seed % 2**31,
        }
        async with self._slots:
            return _completion(await self._post(body | {self._limit: prompt.max_tokens}))

    async def _post(self, body: dict[str, Any]) -> Any:
        """Send a request and return the server's answer."""
        try:
            answer = await self._client.post("/chat/completions", body=body, cast_to=object, options=self._options)
            return json.loads(answer) if isinstance(answer, str) else answer  # text without a JSON content type
        except openai.APITimeoutError:
            problem = f"no answer within {self.config.timeout:g} s (engine.server.timeout)"
        except openai.APIConnectionError as error:
            problem = f"no connection ({type(error.__cause__).__name__}: {error.__cause__})"
        except openai.APIStatusError as error:
            status, problem = error.status_code, self._problem(error.response)
            if status in (401, 403):
                given = f"rejects the key in {self.config.key}" if self._key else f"needs a key: set {self.config.key}"
                raise UserError(f"{self.url} {given} (HTTP {status})") from None
            if status in (400, 413) and TOO_LONG.search(error.response.text):
                raise ContextFull(problem.partition(": ")[2]) from None
            if "max_completion_tokens" in problem and "max_tokens" in body:  # OpenAI's newer name
                self._limit = "max_completion_tokens"
                return await self._post(body | {self._limit: body.pop("max_tokens")})
        retries = f"engine.server.retries={self.config.retries}"
        raise UserError(f"{self.url}: no reply of {self.model} ({retries}): {self._clean(problem)}")

    async def _check(self, response: Any) -> None:
        """Mark an answer without a reply as a server error, and warn about requests that will be retried.

        Many requests fail for one reason, so there is at most one warning per `QUIET` seconds.
        """
        await response.aread()
        if response.status_code == 200 and not _has_reply(response):
            response.status_code = NO_REPLY
        if (response.status_code == 429 or response.status_code >= 500) and time.monotonic() >= self._next_warning:
            self._next_warning = time.monotonic() + QUIET
            text = f"{self.url}: {self._problem(response)}; up to {self.config.retries} retries"
            logging.getLogger(__name__).warning("%s", text)

    def _problem(self, response: Any) -> str:
        """Return the status and the server's error message as one short line without the API key."""
        try:
            error = response.json()["error"]
            reason = str(error["message"] if isinstance(error, dict) else error)
        except (ValueError, KeyError, TypeError):
            reason = response.text or "no reason given"
        status = response.status_code
        return self._clean(f"{'no reply in the answer' if status == NO_REPLY else f'HTTP {status}'}: {reason}")

    def _clean(self, text: str) -> str:
        """Return a text without the API key, as one short line."""
        if len(self._key) >= SHORTEST_SECRET:
            text = text.replace(self._key, f"${self.config.key}")
        return " ".join(text.split())[:LONGEST_TEXT]

    async def load_weights(self, weights: "Iterable[tuple[str, Tensor]]", version: int) -> None:
        """Raise NotImplementedError: a server's weights cannot be updated."""
        raise NotImplementedError("a server's model is evaluated, not trained")

    async def sleep(self) -> None:
        """Do nothing: the server manages its own memory."""

    async def wake(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _message(message: Message) -> dict[str, Any]:
    """Return a message in the API's format, with each image at its place as in training."""
    if message.image is None:
        return {"role": message.role, "content": message.text}
    images = iter([message.image, *message.more])
    parts = places(message.text, 1 + len(message.more))
    content = [_image_part(next(images)) if part is None else {"type": "text", "text": part} for part in parts]
    return {"role": message.role, "content": content}


def _image_part(image: NDArray[np.uint8]) -> dict[str, Any]:
    """Return an image in the API's format."""
    url = f"data:image/png;base64,{base64.b64encode(png(image)).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def _has_reply(response: Any) -> bool:
    """Return True if a server's answer contains a reply."""
    try:
        _completion(response.json())
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return False
    return True


def _completion(answer: Any) -> Completion:
    """Return the reply in a server's answer. Thinking that the server separated is put back in front of the text."""
    choice = answer["choices"][0]
    reply = choice["message"]
    text = reply.get("content") or reply.get("refusal") or ""
    thinking = reply.get("reasoning_content") or reply.get("reasoning") or ""
    if not (isinstance(text, str) and isinstance(thinking, str)):
        raise TypeError(f"the reply is no text: {reply}")
    if thinking and "<think>" not in text:
        text = f"<think>{thinking}</think>{text}"
    usage = answer.get("usage")
    count = usage.get("completion_tokens") if isinstance(usage, dict) else 0
    none = np.zeros(0, dtype=np.int32)
    finished = choice.get("finish_reason") != "length"
    return Completion(none, none.astype(np.float32), finished, none, text, count if isinstance(count, int) else 0)
