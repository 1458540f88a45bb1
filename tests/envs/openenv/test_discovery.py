"""The address of a server stands for a task, whose settings are found by the server's answers."""

import threading
from pathlib import Path
from typing import Any

import pytest
import uvicorn
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from configs.errors import UserError
from envs.openenv.actions import WHOLE
from envs.serve.workers import bind
from envs.task.config import load_task
from envs.task.openenv import task_name
from envs.task.task import Task
from tests.envs.openenv.server_fixture import SCHEMA, Answer, base64_of, picture, server, told
from tests.envs.serve.serve_fixture import serving


def test_a_served_task() -> None:
    with serving("sokoban", "reasoning") as (place, _):
        task = load_task(f"openenv:http://{place}")  # seed 0 selects the first task
        assert task.kwargs == {
            "action_field": "message", "action_type": "string", "action_form": WHOLE, "image_size": [84, 84],
            "images": 1,
        }  # fmt: skip
        assert (task.image, task.caption, task.rules, task.instructions) == (True, False, False, "")
        assert (task.success, task.reward, task.history, task.max_turns) == ("info", "success", -1, 8)


def test_another_server_with_text() -> None:
    pages = {"/schema": SCHEMA, "/metadata": {"name": "guess", "description": "Guess\na number."}}
    with server(Answer(), pages) as address:
        task = load_task(f"openenv:{address}", {"env.max_turns": "3"})
    assert task.kwargs == {"action_field": "message", "action_type": "string", "action_form": "{}"}
    assert (task.image, task.caption, task.rules, task.instructions) == (False, True, True, "Guess a number.")
    assert (task.success, task.reward, task.max_turns) == ("return > 0", "return", 3)
    assert task.episodes_at_once is None and "starts" not in task.kwargs


def test_another_server_with_images_one_session_and_whole_numbers() -> None:
    pages = {"/schema": {"action": {"properties": {"n": {"type": "integer"}}}}}
    with server(Answer(screenshot=base64_of(picture(20, 30))), pages, sessions=1) as address:
        task = load_task(f"openenv:{address}")
    assert task.kwargs["image_size"] == [20, 30] and task.image and not task.caption
    assert (task.episodes_at_once, task.rules_text) == (1, "The answer is an integer.")


def test_a_server_with_the_task_api() -> None:
    async def session(socket: WebSocket) -> None:
        await socket.accept()
        while (await socket.receive_json())["type"] != "close":
            await socket.send_text(told({"question": "1 + 1?"}))

    async def splits(request: Request) -> Response:
        return JSONResponse([{"name": "train", "type": "train"}, {"name": "dev", "type": "validation"}])

    async def num_tasks(request: Request) -> Response:
        return JSONResponse({"num_tasks": {"train": 50, "dev": 9}[(await request.json())["split"]]})

    app = Starlette(
        routes=[
            WebSocketRoute("/ws", session),
            Route("/schema", lambda request: JSONResponse(SCHEMA)),
            Route("/list_environments", lambda request: JSONResponse(["maths"])),
            Route("/maths/splits", splits),
            Route("/maths/num_tasks", num_tasks, methods=["POST"]),
        ]
    )
    running = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="websockets-sansio"))
    listening = bind("127.0.0.1", 0)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        task = load_task(f"openenv:http://127.0.0.1:{listening.getsockname()[1]}")
    finally:
        running.should_exit = True
        thread.join()
        listening.close()
    # the test split is the last fifth of the training split
    assert task.kwargs["starts"] == {"train": ["train", 0, 40], "validation": ["dev", 0, 9], "test": ["train", 40, 50]}


def test_a_file_overrides_what_is_found(tmp_path: Path) -> None:
    with server(Answer(view=base64_of(picture()))) as address:
        file = tmp_path / "mine.yaml"
        settings: dict[str, Any] = {"id": f"openenv:{address}", "success": "terminated", "max_turns": 2}
        file.write_text(yaml.safe_dump(settings | {"kwargs": {"image_field": "view", "action_type": "json"}}))
        task = load_task(str(file))
        assert (task.success, task.max_turns, task.reward) == ("terminated", 2, "return")
        assert task.kwargs["image_field"] == "view" and task.kwargs["image_size"] == [20, 30]
        assert task.kwargs["action_type"] == "json" and task.rules_text == "The answer is a JSON value."


def test_a_file_like_a_local_task_takes_only_the_connection(tmp_path: Path) -> None:
    file = tmp_path / "served.yaml"
    with serving("sokoban") as (place, _):
        file.write_text(f"like: sokoban\nid: openenv:http://{place}\nthink: usual\nkwargs: {{text_field: none}}\n")
        task, local = load_task(str(file)), load_task("sokoban")
        assert task.kwargs.keys() == {
            "action_field",
            "action_type",
            "action_form",
            "image_size",
            "images",
            "text_field",
        }
        assert (task.actions, task.history, task.max_turns) == (local.actions, 0, 8)
        env = Task("served", task).make()
        env.close()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openenv:http://127.0.0.1:8000", "openenv_127_0_0_1_8000"),
        ("openenv:wss://user-space.hf.space/ws", "openenv_user_space_hf_space_ws"),
        ("folder/sums.yaml", "sums"),
        ("football", "football"),
    ],
)
def test_names(name: str, expected: str) -> None:
    assert task_name(name) == expected


def test_servers_that_cannot_be_asked_are_one_line(tmp_path: Path) -> None:
    with server(Answer(), {}) as address:
        with pytest.raises(UserError, match=rf"openenv:{address}: HTTP 404 for /schema"):
            load_task(f"openenv:{address}")
    with pytest.raises(UserError, match=rf"openenv:{address}: no connection \(Connection refused\)"):
        load_task(f"openenv:{address}")
    with server(lambda message: "hello") as address, pytest.raises(UserError, match="no JSON: 'hello'"):
        load_task(f"openenv:{address}")
    with pytest.raises(UserError, match="openenv:nothing: expected an address"):
        load_task("openenv:nothing")
    file = tmp_path / "wrong.yaml"
    file.write_text("id: openenv:http://127.0.0.1:1\nkwargs: {timout: 3}\n")
    with pytest.raises(UserError, match=r"wrong.yaml: openenv:\S+ does not accept these kwargs: .*timout"):
        load_task(str(file))
