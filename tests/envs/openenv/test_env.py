"""An env on a server: observations, actions and seeds, and episodes that end if the server fails."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from configs.errors import UserError
from envs.openenv import discovery, session
from envs.openenv import env as module
from envs.openenv.session import parse_address
from envs.task.splits import TEST_FIRST
from tests.envs.openenv.server_fixture import Answer, base64_of, error, make, picture, server, slowly, told
from tests.envs.serve.serve_fixture import serving, until


@pytest.fixture(autouse=True)
def _unwarned() -> Iterator[None]:
    session.warned.clear()
    yield


def test_a_served_task_passes_gymnasiums_checker() -> None:
    with serving("sokoban") as (place, _):
        check_env(make(f"http://{place}", image_size=(84, 84), images=2).unwrapped, skip_render_check=True)


def test_an_episode() -> None:
    image = picture()
    answer = Answer(image=base64_of(image), legal_actions=["a", "b"], feedback="ok", metadata={"kind": "small"})
    with server(answer) as address:
        env = make(address, image_size=image.shape[:2], render_mode="rgb_array")
        seen, info = env.reset(seed=TEST_FIRST + 3)
        assert seen["text"] == "look" and np.array_equal(seen["image"], image) and np.array_equal(env.render(), image)
        assert info == {
            "success": False, "kind": "small", "text": "look", "legal_actions": ["a", "b"], "feedback": "ok",
            "metadata": {"kind": "small"},
        }  # fmt: skip
        ends = [env.step(word)[1:4] for word in ("one", "two", "three")]
        assert ends == [(0.25, False, False), (0.25, False, False), (0.25, True, False)]
        env.reset(seed=4)
        env.close()
        assert until(lambda: answer.log[-1] == {"type": "close"})
    assert answer.log[:-1] == [
        {"type": "reset", "data": {"seed": TEST_FIRST + 3}},
        *({"type": "step", "data": {"message": word}} for word in ("one", "two", "three")),
        {"type": "reset", "data": {"seed": 4}},
    ]


def test_actions_resets_and_fields_are_arguments() -> None:
    answer = Answer(message="hi", score={"now": 2}, image=base64_of(picture()))
    arguments = {
        "text_field": ["message"], "reward_field": "observation.score.now", "action_field": "arguments.n",
        "action_type": "integer", "action_data": {"tool": "play"}, "reset_data": {"task": "x"},
        "starts": {"train": ["a", 0, 7], "validation": ["a", 7, 8], "test": ["b", 0, 5]},
    }  # fmt: skip
    with server(answer, http={}) as address:
        env = make(address.replace("http", "ws") + "/ws", **arguments)
        seen, _ = env.reset(seed=TEST_FIRST + 6)
        assert seen == {"text": "hi"}
        assert env.step("7")[1] == 2.0
        _, reward, terminated, truncated, info = env.step("seven")
        assert (reward, terminated, truncated) == (0.0, False, False)
        assert info["feedback"] == "The action was rejected: 'seven' is no integer."
    assert answer.log[0] == {"type": "reset", "data": {"task": "x", "split": "b", "index": 1}}
    assert answer.log[1:] == [{"type": "step", "data": {"tool": "play", "arguments": {"n": 7}}}]


def test_images_are_fitted_and_missing_ones_are_black() -> None:
    image, wide = picture(16, 16), np.full((8, 16, 3), 9, np.uint8)
    answer = Answer(images=[base64_of(image), base64_of(wide), base64_of(image)])
    with server(answer) as address:
        env = make(address, image_size=(16, 16), images=2)
        seen, _ = env.reset(seed=0)
        assert seen["image_count"] == 2 and np.array_equal(seen["image"], image)
        assert (seen["more_images"][0, 4:12] == 9).all() and not seen["more_images"][0, :4].any()
        answer.observation = {"text": "blind"}
        assert seen in env.observation_space
        seen, *_ = env.step("x")
        assert seen["image_count"] == 1 and not seen["image"].any() and not seen["more_images"].any()


def test_limits_of_the_server_truncate() -> None:
    for metadata in ({"ended": "truncated"}, {"TimeLimit.truncated": True}, {"truncated": True}):
        with server(Answer(metadata=metadata)) as address:
            env = make(address)
            env.reset(seed=0)
            assert [env.step("x")[2:4] for _ in range(3)][-1] == (False, True)


def test_rewards_of_the_env_and_success_are_read_from_our_metadata() -> None:
    def answer(message: dict[str, Any]) -> str:
        return told({"text": "a"}, reward=1, done=True, metadata={"success": True, "env_reward": -0.5})

    with server(answer) as address:
        env = make(address)
        env.reset(seed=0)
        _, reward, terminated, _, info = env.step("x")
        assert (reward, terminated, info["success"]) == (-0.5, True, True)
        assert make(address, reward_field="reward").unwrapped.reward_field == "reward"


def begun(message: dict[str, Any], then: Any) -> Any:
    """An answer to a step, after a good one to the reset."""
    return told({"text": "a"}) if message["type"] == "reset" else then


NONSENSE: dict[str, Any] = {
    "no JSON: 'hello'": "hello",
    "a binary message instead of JSON text": b"\x00",
    "not a message of OpenEnv's protocol: '[1]'": "[1]",
    "not a message of OpenEnv's protocol: 'null'": "null",
    'not a message of OpenEnv\'s protocol: \'{"type": "observation"}\'': '{"type": "observation"}',
    "no observation: ": '{"type": "state", "data": {}}',
    'no observation: \'{"type": "observation"': '{"type": "observation", "data": {"observation": 3}}',
    "done is neither true nor false": told({}, done="yes"),
    "the reward 'high' is no finite number": told({}, reward="high"),
    "the reward nan is no finite number": told({}, reward=float("nan")),
    "a broken image: ": told({"image": "data:image/png;base64,aGVsbG8="}),
    "EXECUTION_ERROR: it broke [31m in two lines": error("EXECUTION_ERROR", "it broke \x1b[31m in\ntwo lines"),
    "closed the connection (code 1000)": None,
    "no JSON: '[[[[": "[" * 100_000,
}


@pytest.mark.parametrize("reason", NONSENSE)
def test_nonsense_ends_the_episode_with_one_line(reason: str, caplog: pytest.LogCaptureFixture) -> None:
    with server(lambda message: begun(message, NONSENSE[reason])) as address, caplog.at_level(logging.WARNING):
        env = make(address, image_size=(16, 16))
        for _ in range(2):
            env.reset(seed=0)
            seen, reward, terminated, truncated, info = env.step("x")
            assert (seen["text"], reward, terminated, truncated) == ("a", 0.0, False, True)
            assert info["failed"].startswith(f"{address}: {reason}") and info["failed"] == info["feedback"]
            assert info["failed"].isprintable() and len(info["failed"]) < 400 and not info["success"]
            assert env.step("x")[1:4] == (0.0, False, True)  # until the next reset
        env.close()
    (line,) = [record.getMessage() for record in caplog.records if record.name == session.__name__]
    assert line == f"{info['failed']}. The episode ends; further failures of this kind are not reported."


def test_random_messages_never_raise() -> None:
    rng = np.random.default_rng(0)
    good = told({"text": "a", "image": base64_of(picture()), "legal_actions": ["a"], "metadata": {"kind": 3}})

    def answer(message: dict[str, Any]) -> str | bytes:
        if rng.random() < 0.7:
            return good
        mixed = list(good)
        for _ in range(int(rng.integers(1, 4))):
            place = int(rng.integers(min(200, len(mixed))))
            mixed[place : place + int(rng.integers(3))] = [str(rng.choice(list('{}[]":,0e-x\\')))]
        return "".join(mixed)

    with server(answer) as address:
        env = make(address, image_size=(20, 30))
        failed = 0
        for seed in range(150):
            seen, info = env.reset(seed=seed)
            assert seen in env.observation_space
            for _ in range(2):
                seen, reward, _, truncated, info = env.step("x")
                assert seen in env.observation_space and np.isfinite(reward)
                assert truncated == ("failed" in info)
            failed += "failed" in info
        env.close()
    assert 20 < failed < 150


def test_an_action_that_the_server_rejects_does_not_end_the_episode() -> None:
    refusal = error("VALIDATION_ERROR", "Invalid message")
    with server(lambda message: begun(message, refusal)) as address:
        env = make(address)
        env.reset(seed=0)
        _, reward, terminated, truncated, info = env.step("x")
        assert (reward, terminated, truncated) == (0.0, False, False)
        assert info["feedback"] == "The action was rejected: Invalid message." and "failed" not in info


def test_a_slow_server_ends_the_episode_after_the_timeout() -> None:
    with server(slowly(2, Answer())) as address:
        env = make(address, timeout=0.3)
        env.reset(seed=0)
        begin = time.monotonic()
        assert env.step("x")[2:4] == (False, True)
        assert 0.25 < time.monotonic() - begin < 1.9
        _, info = env.reset(seed=1)  # in a new session
        assert "failed" not in info
        env.close()


def test_a_server_that_dies_and_returns() -> None:
    with server(Answer()) as address:
        env = make(address, connect_timeout=0.5)
        env.reset(seed=0)
    for _ in range(2):
        _, info = env.reset(seed=0)
        assert info["failed"] == f"{address}: no connection (Connection refused)"
        assert env.step("x")[1:4] == (0.0, False, True)
    with server(Answer(), port=int(address.rpartition(":")[2])):
        _, info = env.reset(seed=0)
        assert "failed" not in info and env.step("x")[1] == 0.25
        env.close()


def test_a_reset_waits_for_a_server_that_starts() -> None:
    with server(Answer()) as address:
        pass
    port = int(address.rpartition(":")[2])
    found: list[dict[str, Any]] = []
    thread = threading.Thread(
        target=lambda: found.append(make(address, connect_timeout=30, action_field="message").reset(seed=0)[1])
    )
    thread.start()
    time.sleep(0.3)
    with server(Answer(), port=port):
        thread.join()
    assert "failed" not in found[0]


def test_an_idle_session_that_was_closed_is_opened_again() -> None:
    with serving("reasoning", idle=0.5) as (place, service):
        env = make(f"http://{place}")
        assert env.reset(seed=0)[1]["text"]
        assert until(lambda: service.sessions == 0)
        _, info = env.reset(seed=1)
        assert "failed" not in info and service.sessions == 1
        env.close()
        assert until(lambda: service.sessions == 0)


def test_a_full_server_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(Answer(), sessions=1) as address:
        one, two = make(address), make(address)
        one.reset(seed=0)
        _, info = two.reset(seed=0)
        assert info["failed"] == f"{address}: all sessions are in use (full)" and info["full"]
        monkeypatch.setattr(discovery, "FULL", 30)
        threading.Timer(0.3, one.close).start()
        assert "failed" not in two.reset(seed=0)[1]
        two.close()


def test_a_large_message_ends_the_episode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "LARGEST_MESSAGE", 2**20)
    with server(lambda message: begun(message, told({"text": "x" * 2**20}))) as address:
        env = make(address)
        env.reset(seed=0)
        assert env.step("x")[4]["failed"] == f"{address}: an answer of more than 1 MB"


def test_a_token_is_sent_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "0123456789abcdef")
    with serving("reasoning", token="0123456789abcdef") as (place, _):
        _, info = make(f"http://{place}", action_field="message", connect_timeout=1).reset(seed=0)
        assert "refused the connection (HTTP 401" in info["failed"] and "a token is missing" in info["failed"]
        env = make(f"http://{place}", token_variable="MY_TOKEN")
        assert "failed" not in env.reset(seed=0)[1]
        env.close()
    with pytest.raises(UserError, match="token_variable=NONE_SET: the environment variable is not set"):
        make("http://127.0.0.1:1", token_variable="NONE_SET").unwrapped.task_settings()


def test_closing_ends_a_step_of_another_thread(caplog: pytest.LogCaptureFixture) -> None:
    with server(slowly(1, Answer())) as address:
        env = make(address)
        env.reset(seed=0)
        found: list[Any] = []
        thread = threading.Thread(target=lambda: found.append(env.unwrapped.step("x")))
        thread.start()
        time.sleep(0.2)
        env.close()
        thread.join(timeout=30)
        assert found and found[0][2:4] == (False, True)
        assert session.__name__ not in {record.name for record in caplog.records}


@pytest.mark.parametrize(
    ("text", "http", "socket"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", "ws://127.0.0.1:8000/ws"),
        ("ws://localhost:8000/ws", "http://localhost:8000", "ws://localhost:8000/ws"),
        ("https://user-space.hf.space/", "https://user-space.hf.space", "wss://user-space.hf.space/ws"),
        ("http://[::1]:80/sub", "http://[::1]:80/sub", "ws://[::1]:80/sub/ws"),
    ],
)
def test_addresses(text: str, http: str, socket: str) -> None:
    address = parse_address(text)
    assert address == (http, socket) and address.local == ("hf.space" not in text)


@pytest.mark.parametrize(
    "text", ["127.0.0.1:8000", "ftp://a", "http://", "http://a:99999", "http://u:p@a", "http://a?b"]
)
def test_a_wrong_address_is_one_line(text: str) -> None:
    with pytest.raises(UserError, match="expected an address such as openenv:http://127"):
        parse_address(text)


@pytest.mark.parametrize(
    ("kwargs", "problem"),
    [
        ({"timeout": 0}, "images, timeout and connect_timeout must be greater than 0"),
        ({"images": 0}, "images, timeout and connect_timeout must be greater than 0"),
        ({"image_size": (3,)}, r"image_size must be \(height, width\)"),
        ({"action_type": "text"}, "action_type must be one of string, integer"),
        ({"render_mode": "human"}, "render_mode must be rgb_array or None"),
    ],
)
def test_wrong_arguments_are_one_line(kwargs: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        module.OpenEnvEnv("http://127.0.0.1:1", **kwargs)


def test_random_answers_are_legal() -> None:
    rng = np.random.default_rng(0)

    def answers(legal: Any, **kwargs: Any) -> set[str]:
        with server(Answer(legal_actions=legal)) as address:
            env = make(address, **kwargs)
            env.reset(seed=0)
            draw: Callable[[np.random.Generator], str] = env.unwrapped.random_answer
            return {draw(rng) for _ in range(50)}

    assert answers(["up", "down"]) == {"up", "down"}
    assert answers([1, 3]) == {"1", "3"}
    assert answers([["a"], ["b", "c"]]) == {"a+b", "a+c"}
    assert answers([], action_field="message", action_values=["x", "y"]) == {"x", "y"}
    assert answers(None) == set("0123456789")
    assert json.dumps(sorted(answers([])))
