"""Plays episodes in verifiers' own env: our replies come from a model's server."""

import asyncio
import json
import sys
from typing import Any

import verifiers.v1 as vf

from envs.adapters.verifiers import KickoffConfig, KickoffEnvConfig
from tests.envs.adapters.chat_server import chat_server
from tests.envs.adapters.seen import seen


async def play(job: dict[str, Any]) -> dict[str, Any]:
    """Play one start. `replies` are those of the player, or a list for each seat."""
    replies = job["replies"] if isinstance(job["replies"][0], list) else [job["replies"]]
    models = dict(zip(["player", "opponent"], replies, strict=False))
    taskset = KickoffConfig(id="kickoff_verifiers", env=job["env"], settings=job["settings"], split=job["split"])
    with chat_server(models) as server:
        agents = {name: {"model": name} for name in ("player", "opponent")}
        env = vf.load_environment(KickoffEnvConfig(taskset=taskset, **agents))
        client = vf.EvalClientConfig(base_url=server.address, api_key_var="NONE")
        async with env.serving():
            (task,) = [task for task in env.taskset.take(job["index"] + 1)][job["index"] :]
            episode = await env.run_episode(task, vf.ModelContext(model="player", client=client))
    assert episode.ok, episode.errors
    traces = {trace.agent.name: trace for trace in episode.traces}
    return {
        name: {
            "seed": task.data.seed,
            "seen": [seen(one["messages"][-1]["content"]) for one in server.requests if one["model"] == name],
            "messages": [len(one["messages"]) for one in server.requests if one["model"] == name],
            "reward": traces[name].reward,
            "metrics": traces[name].metrics,
        }
        for name in models
    }


async def main() -> None:
    """Play all jobs."""
    print(json.dumps([await play(job) for job in json.load(sys.stdin)]))


asyncio.run(main())
