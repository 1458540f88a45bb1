"""A server as an engine: real requests to a server that misbehaves."""

import asyncio
import base64
import io
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import envs  # noqa: F401  (registers the ids)
from agents.chat.types import Completion, Message, Prompt
from agents.engines.config import ServerConfig
from agents.engines.server import ServerEngine
from agents.episodes.episode import Ended, Episode, Start
from agents.episodes.runner import EpisodeRunner
from agents.policies.model import VLMPolicy
from configs.errors import UserError
from envs.task.config import TaskConfig, load_task
from envs.task.task import Task

ROOT = Path(__file__).parents[3]
KEY = "sk-abc123-very-secret-key"
NONE = np.zeros(0, dtype=np.int32)
RIGHT = {"choices": [{"message": {"content": "<think></think><answer>4</answer>"}, "finish_reason": "stop"}]}
Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers requests with the server's script, line by line; the last line goes on for ever."""

    server: "Server"
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            number = len(self.server.requests) - 1
            self.server.going += 1
            self.server.most = max(self.server.most, self.server.going)
        self.server.times.append(time.monotonic())
        self.server.script[min(number, len(self.server.script) - 1)](self)
        with self.server.lock:
            self.server.going -= 1

    def send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", self.server.form)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, script: list[Answer]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = script
        self.lock = threading.Lock()
        self.form = "application/json"
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.times: list[float] = []
        self.going = self.most = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that hangs up is what the tests are about


@contextmanager
def serving(*script: Answer) -> Iterator[Server]:
    with Server(list(script)) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


def says(document: Any, status: int = 200, **headers: str) -> Answer:
    return lambda handler: handler.send(status, json.dumps(document).encode(), **headers)


def raw(body: bytes, status: int = 200) -> Answer:
    return lambda handler: handler.send(status, body)


def hangs(handler: Handler) -> None:
    time.sleep(3)


def hangs_up(handler: Handler) -> None:
    handler.close_connection = True
    handler.connection.close()


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def question(text: str = "2+2=", seed: int = 7) -> Prompt:
    return Prompt(NONE, NONE, (), (), seed, 16, (Message("user", text),))


def ask(server: Server | str, *prompts: Prompt, temperature: float = 1.0, **settings: Any) -> list[Completion]:
    url = server if isinstance(server, str) else server.url

    async def all_of_them() -> list[Completion]:
        engine = ServerEngine("some/model", ServerConfig(url=url, **settings))
        try:
            return await asyncio.gather(*(engine.generate(prompt, temperature) for prompt in prompts or [question()]))
        finally:
            await engine.close()

    return asyncio.run(all_of_them())


def fails(server: Server | str, **settings: Any) -> str:
    with pytest.raises(UserError) as caught:
        ask(server, **settings)
    text = str(caught.value)
    assert "\n" not in text and len(text) < 500
    error: BaseException | None = caught.value
    while error is not None:  # nothing behind it either
        assert KEY not in f"{error!r}{error.__dict__}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return text


def test_generate_sends_messages_and_returns_the_reply() -> None:
    frame = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    messages = (
        Message("user", "Look.", frame),
        Message("assistant", "<think>hm</think><answer>up</answer>"),
        Message("user", "", frame[::-1]),
    )
    with serving(says(RIGHT)) as server:
        (completion,) = ask(server, Prompt(NONE, NONE, (), (), 2**40 + 5, 16, messages), temperature=0.7)
    assert completion.text == "<think></think><answer>4</answer>" and completion.finished
    assert [len(part) for part in (completion.tokens, completion.logprobs, completion.versions)] == [0, 0, 0]
    ((path, headers, body),) = server.requests
    assert path == "/v1/chat/completions" and headers["authorization"] == f"Bearer {KEY}"
    assert {key: body[key] for key in body if key != "messages"} == {
        "model": "some/model",
        "temperature": 0.7,
        "seed": 5,
        "max_tokens": 16,
    }
    first, second, third = body["messages"]
    assert second == {"role": "assistant", "content": "<think>hm</think><answer>up</answer>"}
    assert [part["type"] for part in first["content"]] == ["image_url", "text"]
    assert first["content"][1]["text"] == "Look."
    assert [part["type"] for part in third["content"]] == ["image_url"]
    for message, sent in ((first, frame), (third, frame[::-1])):
        head, data = message["content"][0]["image_url"]["url"].split(",")
        assert head == "data:image/png;base64"
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), sent)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Is <image>like <image> or <image>?", ["Is ", 0, "like ", 1, " or ", 2, "?"]),
        ("<image><image><image>Which?", [0, 1, 2, "Which?"]),
        ("Which?", [0, 1, 2, "Which?"]),
        ("", [0, 1, 2]),
    ],
)
def test_several_images_are_sent_at_their_places(text: str, parts: list[str | int]) -> None:
    frames = [np.full((4, 6, 3), number, np.uint8) for number in range(3)]
    messages = (Message("user", text, frames[0], tuple(frames[1:])),)
    with serving(says(RIGHT)) as server:
        ask(server, Prompt(NONE, NONE, (), (), 0, 16, messages))
    ((_, _, body),) = server.requests
    sent: list[str | int] = []
    for part in body["messages"][0]["content"]:
        if part["type"] == "text":
            sent.append(part["text"])
        else:
            data = base64.b64decode(part["image_url"]["url"].partition(",")[2])
            sent.append(int(np.asarray(Image.open(io.BytesIO(data)))[0, 0, 0]))
    assert sent == parts


@pytest.mark.parametrize(
    ("message", "reason", "text", "finished"),
    [
        ({"content": "cut of"}, "length", "cut of", False),
        ({"content": None}, "stop", "", True),
        ({"content": None, "refusal": "I will not."}, "stop", "I will not.", True),
        (
            {"content": "<answer>4</answer>", "reasoning_content": "2+2"},
            "stop",
            "<think>2+2</think><answer>4</answer>",
            True,
        ),
    ],
)
def test_generate_reads_other_forms_of_answers(message: dict[str, Any], reason: str, text: str, finished: bool) -> None:
    answer = {"choices": [{"message": message, "finish_reason": reason}]}
    for usage, count in (({"usage": {"completion_tokens": 7}}, 7), ({}, 0), ({"usage": None}, 0), ({"usage": []}, 0)):
        with serving(says(answer | usage)) as server:
            (completion,) = ask(server)
        assert (completion.text, completion.finished, completion.count) == (text, finished, count)


def test_generate_reads_answers_without_a_json_content_type() -> None:
    with serving(says(RIGHT)) as server:
        server.form = "text/plain"
        (completion,) = ask(server)
    assert completion.text == "<think></think><answer>4</answer>"


BUSY = says({"error": {"message": "slow down"}}, 429)
BROKEN = says({"error": {"message": "we are sorry"}}, 503)


@pytest.mark.parametrize("failure", [BUSY, BROKEN, hangs, hangs_up, raw(b"<html>"), raw(b"{}"), raw(b"", 502)])
def test_temporary_failures_are_retried(failure: Answer) -> None:
    with serving(failure, failure, says(RIGHT)) as server:
        (completion,) = ask(server, timeout=0.5 if failure is hangs else 60)
    assert completion.text == "<think></think><answer>4</answer>"
    assert len(server.requests) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (BUSY, "HTTP 429: slow down"),
        (BROKEN, "HTTP 503: we are sorry"),
        (raw(b"", 500), "HTTP 500: no reason given"),
        (hangs, "no answer within 0.5 s (engine.server.timeout)"),
        (hangs_up, "no connection (RemoteProtocolError: Server disconnected without sending a response.)"),
        (raw(b"<html>\n<b>hello"), "no reply in the answer: <html> <b>hello"),
        (raw(b'{"choices": []}'), 'no reply in the answer: {"choices": []}'),
        (raw(b'{"error": {"message": "provider is down", "code": 502}}'), "no reply in the answer: provider is down"),
        (raw(f"Bearer {KEY}".encode(), 500), "HTTP 500: Bearer $OPENAI_API_KEY"),
    ],
)
def test_lasting_failure_is_one_line_after_all_retries(failure: Answer, told: str) -> None:
    timeout = 0.5 if failure is hangs else 60
    for retries in (2, 0):
        with serving(failure) as server:
            line = f"{server.url}: no reply of some/model (engine.server.retries={retries}): {told}"
            assert fails(server, timeout=timeout, retries=retries) == line
            assert len(server.requests) == 1 + retries


def test_failed_requests_are_logged_once_per_interval(caplog: pytest.LogCaptureFixture) -> None:
    slow = says({"error": f"slow down, {KEY}"}, 429)
    with serving(slow, BUSY, says(RIGHT)) as server:
        ask(server, question(), question(), concurrency=1)
    assert [record.getMessage() for record in caplog.records] == [
        f"{server.url}: HTTP 429: slow down, $OPENAI_API_KEY; up to 6 retries"
    ]


def test_nothing_logs_the_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with serving(BUSY, says(RIGHT)) as server:
        ask(server)
    assert caplog.records and not any(KEY in f"{record.getMessage()}{record.__dict__}" for record in caplog.records)


def test_retry_after_header_lengthens_the_wait() -> None:
    with serving(says({}, 429, Retry_After="1"), says(RIGHT)) as server:
        ask(server)
    first, second = server.times
    assert second - first >= 1.0


def test_retry_after_of_a_day_fails_at_once() -> None:
    with serving(says({"error": "come back tomorrow"}, 429, Retry_After="86400")) as server:
        assert fails(server).endswith("HTTP 429: come back tomorrow")
        assert len(server.requests) == 1


@pytest.mark.parametrize("key", ["x", "EMPTY", "none", KEY])
def test_replies_are_never_altered(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even a reply that contains the key: replies are parsed, scored and recorded."""
    monkeypatch.setenv("OPENAI_API_KEY", key)
    message = {"content": f"<answer>{key} x+1=EMPTY none</answer>", "reasoning_content": f"x is {key}."}
    with serving(says({"choices": [{"message": message}]})) as server:
        (completion,) = ask(server)
    assert completion.text == f"<think>x is {key}.</think><answer>{key} x+1=EMPTY none</answer>"


@pytest.mark.parametrize("key", ["x", "EMPTY", "none"])
def test_placeholder_keys_are_not_removed_from_messages(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with serving(says({"error": {"message": "the text is EMPTY, none: maximum x"}}, 404)) as server:
        assert fails(server).endswith("HTTP 404: the text is EMPTY, none: maximum x")


def test_a_missing_package_is_one_line() -> None:
    program = "import sys; sys.modules['openai'] = None\nimport agents.engines.server"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    wanted = "UserError: policy=api:MODEL needs the package openai: pip install -e '.[api]'"
    assert done.returncode == 1 and done.stderr.splitlines()[-1].endswith(wanted)


def test_refused_requests_are_not_retried() -> None:
    with serving(says({"error": {"message": f"Incorrect API key provided: {KEY}"}}, 401)) as server:
        assert fails(server) == f"{server.url} rejects the key in OPENAI_API_KEY (HTTP 401)"
        assert len(server.requests) == 1
    with serving(says({"error": {"message": f"no model\nsome/model for {KEY}"}}, 404)) as server:
        assert fails(server).endswith("): HTTP 404: no model some/model for $OPENAI_API_KEY")
        assert len(server.requests) == 1


def test_unreachable_server_is_one_line() -> None:
    with serving(says(RIGHT)) as server:
        url = server.url
    assert fails(url, retries=1).startswith(
        f"{url}: no reply of some/model (engine.server.retries=1): no connection (ConnectError"
    )


def test_server_key_comes_from_the_environment_and_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "mine")
    with serving(says(RIGHT)) as server:
        ask(server, key="MY_KEY")
        ask(server, key="NO_KEY")
    assert [headers.get("authorization") for _, headers, _ in server.requests] == ["Bearer mine", None]
    with serving(says({}, 401)) as server:
        assert fails(server, key="NO_KEY") == f"{server.url} needs a key: set NO_KEY (HTTP 401)"
    assert fails("", key="NO_KEY") == "https://api.openai.com/v1 needs a key: set the environment variable NO_KEY"
    monkeypatch.setenv("MY_KEY", "schlüssel")
    assert (
        fails("", key="MY_KEY") == "the environment variable MY_KEY contains characters that are not allowed in a key"
    )
    with pytest.raises(ValueError, match="key must be the name of an environment variable") as caught:
        ServerConfig(key=KEY)
    assert KEY not in str(caught.value)


def test_server_url_comes_from_the_environment_and_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(says(RIGHT)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/")
        ask("")
    assert server.requests[0][0] == "/v1/chat/completions"
    for url in ("http://", "http://me:secret@host/v1", "http://host:port/v1", "http://[::1/v1"):
        assert fails(url) == "engine.server.url must have the form https://host/v1, without user or password"


def test_a_newer_name_of_the_limit_is_learned() -> None:
    wrong = says(
        {"error": {"message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."}}, 400
    )
    with serving(wrong, says(RIGHT)) as server:
        ask(server, question(), question(), retries=0, concurrency=1)
        asked = [{key for key in body if key.startswith("max")} for _, _, body in server.requests]
    assert asked == [{"max_tokens"}] + [{"max_completion_tokens"}] * 2


def test_no_more_requests_at_once_than_allowed() -> None:
    three = threading.Barrier(3)

    def with_two_others(handler: Handler) -> None:
        three.wait(60)
        says(RIGHT)(handler)

    with serving(with_two_others) as server:
        ask(server, *[question(seed=seed) for seed in range(12)], concurrency=3)
        assert (len(server.requests), server.most) == (12, 3)


def play(server: Server) -> Episode:
    """Football from pixels, two turns with a history of one."""
    settings = load_task("football")
    config = TaskConfig(
        id=settings.id, kwargs=settings.kwargs, actions=settings.actions, instructions="Play.", max_turns=2, history=1
    )

    async def played() -> list[Episode]:
        engine = ServerEngine("m", ServerConfig(url=server.url))
        try:
            return await EpisodeRunner(Task("football", config)).play([Start(3, 4)], VLMPolicy(None, engine))
        finally:
            await engine.close()

    (episode,) = asyncio.run(played())
    return episode


MOVE = says({"choices": [{"message": {"content": "<think></think><answer>right</answer>"}}]})


def test_a_policy_plays_on_a_server() -> None:
    """Messages carry words and pictures of both turns."""
    with serving(MOVE) as server:
        episode = play(server)
    assert [turn.reply.answer for turn in episode.turns] == ["right", "right"] and episode.sequences == ()
    first, second = (body["messages"] for _, _, body in server.requests)
    assert first == second[:1] and first[0]["content"][1]["text"] == "Play."
    assert [message["role"] for message in second] == ["user", "assistant", "user"]
    assert second[1]["content"] == "<think></think><answer>right</answer>"
    assert first[0]["content"][0] != second[2]["content"][0]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"message": "This model's maximum context length is 8192 tokens.", "code": "context_length_exceeded"}, 400),
        ({"message": "You passed 99 input tokens. However, the model's context length is only 64 tokens."}, 400),
        ({"message": "The decoder prompt (length 99) is longer than the maximum model length of 64."}, 400),
        ({"message": "the request exceeds the available context size", "type": "exceed_context_size_error"}, 400),
        ({"message": "prompt is too long: 200001 tokens > 200000 maximum"}, 413),
    ],
)
def test_an_episode_ends_where_the_context_is_full(error: dict[str, str], status: int) -> None:
    full = says({"error": error}, status)
    with serving(MOVE, full) as server:
        episode = play(server)
        assert (len(episode.turns), episode.ended, len(server.requests)) == (1, Ended.CONTEXT, 2)
    with serving(full) as server:
        lost = play(server)
        assert (lost.turns, lost.ended, lost.problem) == ([], Ended.CONTEXT, error["message"])
