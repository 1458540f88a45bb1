"""Plays episodes by SkyRL-gym's own `make`, `init` and `step`."""

import json
import sys
from typing import Any

import skyrl_gym

import envs.adapters.skyrl  # noqa: F401  (registers the env)
from configs.errors import UserError
from tests.envs.adapters.seen import seen


def play(job: dict[str, Any]) -> dict[str, Any]:
    """Play one start."""
    env = skyrl_gym.make("kickoff", extras={"extra_info": job["start"]})
    system = {"role": "system", "content": "Play."}
    messages, facts = env.init([system])
    assert messages[0] == system and len(messages) == 2
    shown, rewards, done = [], [], False
    for reply in job["replies"]:
        assert not done
        shown.append(seen(messages[-1]["content"]))
        out = env.step(reply)
        messages, done = out["observations"], out["done"]
        rewards.append(out["reward"])
    assert done and messages == []
    metrics = env.get_metrics()
    env.close()
    return {"seed": facts["seed"], "seen": shown, "reward": sum(rewards), "metrics": metrics}


def problem(extras: dict[str, Any]) -> str:
    """The error for these columns."""
    try:
        skyrl_gym.make("kickoff", extras=extras).init([])
    except UserError as error:
        return str(error)
    return ""


given = json.load(sys.stdin)
print(json.dumps({"played": [play(job) for job in given["jobs"]], "problems": [problem(one) for one in given["bad"]]}))
