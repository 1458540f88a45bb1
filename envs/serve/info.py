"""Descriptions of the server: metadata and the OpenAPI document."""

from importlib.metadata import version
from typing import Any

from envs.serve.protocol import VERSION, schemas
from envs.serve.worlds import LISTED, Worlds
from envs.task.task import Observation


def metadata(worlds: Worlds) -> dict[str, Any]:
    """Return the name and the description of the served tasks."""
    lines = []
    for name, world in worlds.by_name.items():
        config, rules = world.task.config, world.task.words(Observation(None, ""), first=True)
        lines += [f"## {name}", config.description, f"At most {config.max_turns} turns.", rules]
    many = len(worlds.by_name) > 1
    described = "; ".join(f"{name}: {world.task.config.description}" for name, world in worlds.by_name.items())
    return {
        "name": "kickoff" if many else next(iter(worlds.by_name)),
        "description": described,
        "readme_content": "\n\n".join(line for line in lines if line),
        "version": version("kickoff-rl"),
        "author": "Kickoff",
        "documentation_url": None,
    }


def openapi() -> dict[str, Any]:
    """Return the OpenAPI document: the paths, with the schemas of actions and observations."""
    found = schemas()
    paths: dict[str, Any] = {}
    about = {
        "get": {
            "/health": "Status of the server",
            "/metadata": "Name and description of the tasks",
            "/schema": "JSON schemas of actions, observations and states",
            "/state": "State of an episode",
            "/list_environments": "Names of the served tasks",
            "/{name}/splits": "Splits of a task",
        },
        "post": {
            "/reset": "Start an episode",
            "/step": "Play a reply",
            "/mcp": "JSON-RPC; the tasks have no tools",
            "/{name}/tasks": f"Starts of a split: {', '.join(f'{LISTED[key]} of {key}' for key in LISTED)}",
            "/{name}/num_tasks": "Number of starts of a split",
            "/{name}/task": "One start of a split",
            "/{name}/task_range": "Some starts of a split",
        },
    }
    for method, summaries in about.items():
        for path, summary in summaries.items():
            paths[path] = {method: {"summary": summary, "responses": {"200": {"description": "OK"}}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "OpenEnv Environment HTTP API", "version": VERSION},
        "paths": paths,
        "components": {"schemas": {"Action": found["action"], "State": found["state"]}},
    }
