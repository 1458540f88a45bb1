"""Limits: sessions, sizes, malformed messages, idle and vanishing clients, other sites, and the token."""

import asyncio
import json
import random
import socket as sockets
import struct
from collections import Counter
from contextlib import AsyncExitStack, ExitStack
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from envs.serve import access
from envs.serve.protocol import LARGEST_MESSAGE
from tests.envs.serve.serve_fixture import ask, http, opened, problem, reply, serving, until

TOKEN = "0123456789abcdef"


def test_sessions_beyond_the_limit_are_refused() -> None:
    with serving("arithmetic", sessions=2) as (place, service):
        with opened(place) as first, opened(place) as second:
            assert [ask(socket, "reset", seed=1)["type"] for socket in (first, second)] == ["observation"] * 2
            with opened(place) as third:
                expected = ("CAPACITY_REACHED", "all 2 sessions are in use")
                assert problem(json.loads(third.recv(timeout=60))) == expected
                with pytest.raises(ConnectionClosed):
                    third.recv(timeout=60)
            assert http(place, "POST", "/reset", {"seed": 1}) == (503, {"detail": "all 2 sessions are in use"})
        assert until(lambda: service.sessions == 0)
        with opened(place) as again:
            assert ask(again, "reset", seed=1)["type"] == "observation"


def test_an_idle_session_is_closed() -> None:
    with serving("arithmetic", idle=1) as (place, service), opened(place) as socket:
        ask(socket, "reset", seed=1)
        assert http(place, "POST", "/reset", {"seed": 1})[0] == 200
        text = problem(json.loads(socket.recv(timeout=60)))
        assert text == ("SESSION_ERROR", "closed after 1 s without a request")
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=60)
        assert until(lambda: service.sessions == 0)


async def vanish(place: str, clients: int) -> None:
    """Cut the sockets of clients in mid-episode, half of them before the answer to a step."""
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(connect(f"ws://{place}/ws")) for _ in range(clients)]
        for number, socket in enumerate(sockets):
            await socket.send(json.dumps({"type": "reset", "data": {"seed": number}}))
            await socket.recv()
            await socket.send(json.dumps({"type": "step", "data": reply("up")}))
            if number % 2:
                await socket.recv()
        for socket in sockets:
            socket.transport.abort()  # without a closing handshake


def test_256_clients_that_vanish_leave_nothing() -> None:
    with serving("sokoban", sessions=256) as (place, service):
        world = service.worlds.by_name["sokoban"]
        for _ in range(2):
            asyncio.run(vanish(place, 256))
            assert until(lambda: service.sessions == 0)
            assert len(world.free) == 256  # all environments are free again, and no further ones were made


def test_large_messages_close_only_their_own_socket() -> None:
    with serving("arithmetic") as (place, _), opened(place) as good:
        before = ask(good, "reset", seed=1)
        with opened(place) as bad:
            with pytest.raises(ConnectionClosed) as closed:
                bad.send("x" * (LARGEST_MESSAGE + 1))
                bad.recv(timeout=60)
            assert closed.value.rcvd is not None and closed.value.rcvd.code == 1009
        with opened(place) as bad:  # announces 100 MB and sends little of it
            bad.socket.sendall(b"\x81\xff" + struct.pack("!Q", 100 * 2**20) + b"\0\0\0\0" + b"x" * 1000)
            with pytest.raises(ConnectionClosed):
                bad.recv(timeout=60)
        large = json.dumps({"seed": 1}) + " " * LARGEST_MESSAGE
        status, found = http(place, "POST", "/reset", headers={"content-type": "application/json"}, content=large)
        assert status == 422 and "bytes" in found["detail"]
        assert ask(good, "reset", seed=1)["data"]["observation"]["text"] == before["data"]["observation"]["text"]


def malformed(chance: random.Random) -> str | bytes:
    """A message with an error, or by chance a valid one."""
    kind = chance.choice(["reset", "step", "state", "mcp", "x"])
    text = json.dumps({"type": kind, "data": {"message": "up"} if kind == "step" else {"seed": 1}})
    place, noise = chance.randrange(len(text)), chance.choice(["", "\0", "[" * 999, "9" * 9999, "NaN", "\\ud800"])
    wrong: Any = chance.choice([None, 1, [], "x", {"seed": -1}, {"message": 1}, {"index": 10**30}])
    return chance.choice(
        [
            text[:place],
            text[:place] + noise + text[place + 1 :],
            chance.randbytes(40),
            chance.randbytes(40).decode("latin-1"),
            json.dumps({"type": kind, "data": wrong}),
            json.dumps({kind: "type"}),
        ]
    )


def test_malformed_messages_are_answered_and_disturb_nobody() -> None:
    chance, codes = random.Random(0), Counter[str]()
    with serving("sokoban") as (place, service), opened(place) as good, ExitStack() as stack:
        first = ask(good, "reset", seed=5, episode_id="good")
        host, port = place.split(":")
        half_open = [stack.enter_context(sockets.create_connection((host, int(port)))) for _ in range(50)]
        for number, connection in enumerate(half_open):
            connection.sendall(b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket"[: number + 1])
        for _ in range(4):
            with opened(place) as bad:
                for _ in range(25):  # 4 · 25 · 100 = 10,000 messages
                    for _ in range(100):
                        bad.send(malformed(chance))
                    for _ in range(100):
                        answer = json.loads(bad.recv(timeout=60))
                        codes[answer["data"].get("code", "answered") if answer["type"] == "error" else "answered"] += 1
                        assert answer["type"] != "error" or "\n" not in answer["data"]["message"]
        with opened(place) as bad, pytest.raises(ConnectionClosed):
            bad.send("x" * 10**8)
            bad.recv(timeout=60)
        assert codes.total() == 10_000
        assert {"INVALID_JSON", "UNKNOWN_TYPE", "VALIDATION_ERROR", "EXECUTION_ERROR", "answered"} == {*codes}
        assert ask(good, "state")["data"]["step_count"] == 0
        assert ask(good, "step", **reply("up"))["data"]["metadata"]["turn"] == 1
        assert ask(good, "reset", seed=5, episode_id="good") == first
        assert until(lambda: service.sessions == 1)


def test_a_silent_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "PATIENCE", 0.2)
    with serving("arithmetic") as (place, _):
        host, port = place.split(":")
        for start in (b"", b"GET /health HTTP/1.1\r\nHos"):
            with sockets.create_connection((host, int(port)), timeout=10) as half_open:
                half_open.sendall(start)
                assert half_open.recv(100) == b""


def test_requests_of_other_sites_are_refused() -> None:
    with serving("arithmetic") as (place, _):
        with pytest.raises(InvalidStatus) as refused, opened(place, origin="https://example.org"):
            pass
        assert refused.value.response.status_code == 403
        with opened(place, origin=f"http://{place}") as own:
            assert ask(own, "reset", seed=1)["type"] == "observation"
        assert http(place, "GET", "/health", headers={"Host": "example.org"})[0] == 400
        text = {"content-type": "text/plain"}
        status, found = http(place, "POST", "/reset", headers=text, content=b'{"seed": 1}')
        assert (status, found["detail"]) == (422, "send the body as Content-Type: application/json")


def test_a_token_is_asked_for() -> None:
    with serving("arithmetic", token=TOKEN) as (place, _):
        missing = "a token is missing; send the header Authorization: Bearer TOKEN"
        assert http(place, "GET", "/schema") == (401, {"detail": missing})
        wrong = {"Authorization": "Bearer fedcba9876543210"}
        assert http(place, "GET", "/schema", headers=wrong) == (403, {"detail": "the token is wrong"})
        assert http(place, "GET", "/health")[0] == 200
        right = {"Authorization": f"Bearer {TOKEN}"}
        assert http(place, "GET", "/schema", headers=right)[0] == 200
        with pytest.raises(InvalidStatus) as refused, opened(place):
            pass
        assert refused.value.response.status_code == 401 and missing in str(refused.value.response.body)
        with opened(place, additional_headers=right) as socket:
            assert ask(socket, "reset", seed=1)["type"] == "observation"
        with opened(place, f"?token={TOKEN}") as socket:  # the page of a browser
            assert ask(socket, "reset", seed=1)["type"] == "observation"
