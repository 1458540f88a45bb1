"""Plays rows by NeMo-Gym's own agent and client, on our server, with a model that replies from a list."""

import asyncio
import base64
import hashlib
import io
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

from nemo_gym.global_config import HEAD_SERVER_KEY_NAME, NEMO_GYM_CONFIG_DICT_ENV_VAR_NAME
from nemo_gym.server_utils import ServerClient
from omegaconf import OmegaConf
from PIL import Image
from responses_api_agents.gymnasium_agent.app import GymnasiumAgent, GymnasiumAgentConfig, GymnasiumAgentRunRequest

REQUESTS: list[dict[str, Any]] = []
REPLIES: list[str] = []


class Model(BaseHTTPRequestHandler):
    """Model with one endpoint, which calls `act` with the next reply."""

    def do_POST(self) -> None:
        REQUESTS.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        call = {
            "type": "function_call", "id": "1", "call_id": f"call_{len(REQUESTS)}", "name": "act",
            "status": "completed", "arguments": json.dumps({"reply": REPLIES.pop(0)}),
        }  # fmt: skip
        answer = {
            "id": "r", "created_at": 0.0, "model": "m", "object": "response", "output": [call], "tools": [],
            "parallel_tool_calls": False, "tool_choice": "auto",
        }  # fmt: skip
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def seen(content: list[dict[str, Any]]) -> dict[str, Any]:
    """The text and the images of one turn."""
    urls = [part["image_url"] for part in content if part["type"] == "input_image"]
    images = [Image.open(io.BytesIO(base64.b64decode(url.partition("base64,")[2]))) for url in urls]
    return {
        "text": "\n".join(part["text"] for part in content if part["type"] == "input_text"),
        "images": [hashlib.sha256(image.convert("RGB").tobytes()).hexdigest() for image in images],
    }


async def play(agent: GymnasiumAgent, row: dict[str, Any], replies: list[str]) -> dict[str, Any]:
    """Play one row."""
    REQUESTS.clear()
    REPLIES[:] = replies
    incoming: Any = SimpleNamespace(cookies={})
    result = await agent.run(incoming, GymnasiumAgentRunRequest.model_validate(row))
    newest = [request["input"][-1] for request in REQUESTS]
    return {
        "seed": row["seed"],
        "seen": [seen(one["content"] if "content" in one else one["output"]) for one in newest],
        "reward": result.reward,
        "success": float(result.info["success"]),
    }


async def main() -> None:
    """Play all rows."""
    given = json.load(sys.stdin)
    model = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=model.serve_forever, daemon=True).start()
    places = {
        "kickoff": ("resources_servers", given["port"]),
        "model": ("responses_api_models", model.server_address[1]),
    }
    servers: dict[str, Any] = {
        name: {kind: {name: {"host": "127.0.0.1", "port": port}}} for name, (kind, port) in places.items()
    }
    servers[HEAD_SERVER_KEY_NAME] = {"host": "127.0.0.1", "port": 1}
    os.environ[NEMO_GYM_CONFIG_DICT_ENV_VAR_NAME] = OmegaConf.to_yaml(OmegaConf.create(servers))
    config = GymnasiumAgentConfig(
        host="", port=0, entrypoint="", name="agent", max_steps=20,
        resources_server={"type": "resources_servers", "name": "kickoff"},
        model_server={"type": "responses_api_models", "name": "model"},
    )  # fmt: skip
    agent = GymnasiumAgent(config=config, server_client=ServerClient.load_from_global_config())
    played = [await play(agent, *job) for job in zip(given["rows"], given["replies"], strict=True)]
    print(json.dumps(played), flush=True)


asyncio.run(main())
