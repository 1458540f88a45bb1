"""OpenAI-compatible servers as engines, to evaluate hosted or `vllm serve`d models. Prompts and replies are text.

The API key is read from the environment. It appears only in the request header, never in files, logs or errors.
"""

import asyncio
import base64
import logging
import os
import random
import re
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import httpx2 as httpx
import numpy as np

from agents.chat.types import Completion, ContextFull, Message, Prompt
from agents.engines.config import ServerConfig
from configs.errors import UserError
from render.draw.images import png

if TYPE_CHECKING:
    from torch import Tensor

OPENAI = "https://api.openai.com/v1"
FIRST_WAIT, LONGEST_WAIT = 0.5, 120.0
"""Seconds before the first retry, and maximum seconds before any retry."""
TOO_LONG = re.compile(r"context[_ ](length|size|window)|maximum model length|prompt is too long", re.IGNORECASE)
"""Server messages for a prompt and reply that exceed the context: OpenAI, vLLM, SGLang, llama.cpp, Anthropic."""
QUIET = 30.0
"""Minimum seconds between two warnings about retries."""
LONGEST_TEXT = 300
"""Maximum number of characters shown of a server's message."""


class _TemporaryError(Exception):
    """A request failed with an error that may be temporary."""

    def __init__(self, problem: str, wait: float = 0.0) -> None:
        super().__init__(problem)
        self.wait = wait
        """Seconds requested by the server."""


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
            parts = httpx.URL(self.url)
        except httpx.InvalidURL as error:
            raise UserError(f"engine.server.url: {error}") from None
        if not parts.host or parts.scheme not in ("http", "https") or parts.userinfo:
            raise UserError("engine.server.url must have the form https://host/v1, without user or password")
        self._key = os.environ.get(config.key, "").strip()
        if not self._key and self.url == OPENAI:
            raise UserError(f"{OPENAI} needs a key: set the environment variable {config.key}")
        if not (self._key.isascii() and self._key.isprintable()):
            raise UserError(f"the environment variable {config.key} contains characters that are not allowed in a key")
        self._slots = asyncio.Semaphore(config.concurrency)
        self._limit = "max_tokens"
        self._next_warning = 0.0
        self._client: httpx.AsyncClient | None = None

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
        for tries in range(self.config.retries + 1):
            try:
                completion = _completion(await self._post(body | {self._limit: prompt.max_tokens}))
                return replace(completion, text=self._redacted(completion.text or ""))  # the text is stored in records
            except _TemporaryError as failed:
                problem = str(failed)
                wait = max(failed.wait, _usual_wait(tries))
            if wait > LONGEST_WAIT:
                problem = f"the required wait of {wait:.0f} s is too long; {problem}"
                break
            if tries < self.config.retries:
                self._warn(problem, wait)
                await asyncio.sleep(wait)
        asked = "1 request" if tries == 0 else f"{tries + 1} requests"
        raise UserError(f"{self.url}: {asked} for a reply of {self.model} failed: {self._clean(problem)}")

    def _warn(self, problem: str, wait: float) -> None:
        """Warn about a retry, at most once per `QUIET` seconds: many requests fail for one reason."""
        if time.monotonic() >= self._next_warning:
            self._next_warning = time.monotonic() + QUIET
            text = f"{self.url}: {self._clean(problem)}; retrying in {wait:.0f} s"
            logging.getLogger(__name__).warning("%s", text)

    async def _post(self, body: dict[str, Any]) -> Any:
        """Send one request and return the server's answer."""
        if self._client is None:
            headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
            limits = httpx.Limits(max_connections=self.config.concurrency)
            self._client = httpx.AsyncClient(headers=headers, limits=limits, timeout=None)
        try:
            async with self._slots, asyncio.timeout(self.config.timeout):
                response = await self._client.post(f"{self.url}/chat/completions", json=body)
        except TimeoutError:
            raise _TemporaryError(f"no answer within {self.config.timeout:g} s (engine.server.timeout)") from None
        except httpx.HTTPError as error:
            raise _TemporaryError(f"no connection ({type(error).__name__}: {error})") from None
        status = response.status_code
        if status in (401, 403):
            given = f"rejects the key in {self.config.key}" if self._key else f"needs a key: set {self.config.key}"
            raise UserError(f"{self.url} {given} (HTTP {status})")
        if status == 200:
            try:
                return response.json()
            except ValueError:
                raise _TemporaryError(f"the answer is not JSON: {response.text}") from None
        reason = _error_message(response)
        if status in (408, 409, 425, 429) or status >= 500:
            raise _TemporaryError(f"HTTP {status}: {reason}", _retry_after(response.headers.get("retry-after", "")))
        if status in (400, 413) and TOO_LONG.search(response.text):
            raise ContextFull(self._clean(reason))
        if "max_completion_tokens" in reason and "max_tokens" in body:  # OpenAI's newer name
            self._limit = "max_completion_tokens"
            return await self._post(body | {self._limit: body.pop("max_tokens")})
        raise UserError(f"{self.url} rejects a request for {self.model}: HTTP {status}: {self._clean(reason)}")

    def _redacted(self, text: str) -> str:
        """Return a text with the API key removed, in case the server repeats the key."""
        return text.replace(self._key, f"${self.config.key}") if self._key else text

    def _clean(self, text: str) -> str:
        """Return a text without the API key, as one short line."""
        return " ".join(self._redacted(text).split())[:LONGEST_TEXT]

    async def load_weights(self, weights: "Iterable[tuple[str, Tensor]]", version: int) -> None:
        """Raise NotImplementedError: a server's weights cannot be updated."""
        raise NotImplementedError("a server's model is evaluated, not trained")

    async def sleep(self) -> None:
        """Do nothing: the server manages its own memory."""

    async def wake(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None


def _error_message(response: httpx.Response) -> str:
    """Return the server's error message."""
    try:
        error = response.json()["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError):
        return response.text or "no reason given"


def _message(message: Message) -> dict[str, Any]:
    """Return a message in the API's format, with the image first as in training."""
    if message.image is None:
        return {"role": message.role, "content": message.text}
    url = f"data:image/png;base64,{base64.b64encode(png(message.image)).decode()}"
    image = {"type": "image_url", "image_url": {"url": url}}
    words = [{"type": "text", "text": message.text}] if message.text else []
    return {"role": message.role, "content": [image, *words]}


def _completion(answer: Any) -> Completion:
    """Return the reply in a server's answer. Thinking that the server separated is put back in front of the text."""
    try:
        choice = answer["choices"][0]
        reply = choice["message"]
        text = reply.get("content") or reply.get("refusal") or ""
        thinking = reply.get("reasoning_content") or reply.get("reasoning") or ""
        finished = choice.get("finish_reason") != "length"
        if not (isinstance(text, str) and isinstance(thinking, str)):
            raise TypeError
    except (KeyError, IndexError, TypeError, AttributeError):
        raise _TemporaryError(f"the answer contains no reply: {answer}") from None
    if thinking and "<think>" not in text:
        text = f"<think>{thinking}</think>{text}"
    usage = answer.get("usage")
    count = usage.get("completion_tokens") if isinstance(usage, dict) else 0
    none = np.zeros(0, dtype=np.int32)
    return Completion(none, none.astype(np.float32), finished, none, text, count if isinstance(count, int) else 0)


def _usual_wait(tries: int) -> float:
    """Return the seconds before a retry, with jitter to spread requests that failed together."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2.0**tries) * random.uniform(0.5, 1.0)


def _retry_after(value: str) -> float:
    """Return the seconds in a Retry-After header, given as a number or a date; 0 for anything else."""
    if value.strip().isdigit():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    return max(0.0, ((date if date.tzinfo else date.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds())
