"""verifiers 0.4: a taskset of starts, and an env in which one model plays them, or two play football.

Its commands find both by the name of the module `kickoff_verifiers`. The images are data URLs in user messages.
"""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import verifiers.v1 as vf
from verifiers.v1.dialects.chat import message_to_wire

from envs.adapters.game import open_game
from envs.serve.worlds import FIRST, LISTED
from envs.task.splits import Split


class KickoffData(vf.TaskData):  # type: ignore[misc]
    """One start of a task."""

    env: str
    """Name of the task."""
    settings: dict[str, Any]
    """`env.k` overrides."""
    seed: int
    """Seed of the env."""


class KickoffTask(vf.Task[KickoffData]):  # type: ignore[misc]
    """One start. `KickoffEnv` records its rewards."""


class KickoffConfig(vf.TasksetConfig):  # type: ignore[misc]
    """Settings of the taskset."""

    env: str = "sokoban"
    """Name of a task in configs/env, or a path ending in .yaml."""
    settings: dict[str, Any] = {}
    """`env.k` overrides, such as {"env.kwargs.room": [7, 7]}. `env.rules` is true unless given."""
    split: Split = "train"
    """Split of the starts. `train` has no end; the others have 1,000 starts."""


class KickoffTaskset(vf.Taskset[KickoffTask, KickoffConfig]):  # type: ignore[misc]
    """Starts of one task, by seed. Start 0 of `test` is the first episode of every evaluation."""

    def __init__(self, config: KickoffConfig) -> None:
        super().__init__(config)
        open_game(config.env, config.settings)  # an invalid setting is an error now
        self.INFINITE = config.split == "train"

    def load(self) -> Iterator[KickoffTask]:
        """Yield the starts of the split."""
        config = self.config
        for index in itertools.count() if self.INFINITE else range(LISTED[config.split]):
            name = f"{config.env}-{config.split}-{index}"
            seed = FIRST[config.split] + index
            data = KickoffData(name=name, prompt=None, env=config.env, settings=config.settings, seed=seed)
            yield KickoffTask(data, config.task)


class KickoffHarness(vf.Harness[vf.HarnessConfig]):  # type: ignore[misc]
    """One request for one reply, without tools and without a process of its own."""

    APPENDS_SYSTEM_PROMPT = True
    SUPPORTS_RESUME = True
    EXECUTES_CODE = False
    NEEDS_CONTAINER = False

    async def launch(
        self,
        ctx: vf.ModelContext,
        trace: vf.Trace,
        runtime: vf.Runtime,
        endpoint: str,
        secret: str,
        mcp_urls: dict[str, str],
        data: vf.TaskData,
    ) -> vf.ProgramResult:
        """Ask for the reply to the conversation so far."""
        system, messages = self.resolve_prompt(data)
        wire = [message_to_wire(message) for message in messages]
        wire = [{"role": "system", "content": system}, *wire] if system else wire
        tls = endpoint.startswith("https")  # reading the certificates takes longer than a request
        async with httpx.AsyncClient(timeout=None, verify=tls) as client:
            response = await client.post(
                f"{endpoint}/chat/completions",
                json={"model": ctx.model, "messages": wire},
                headers={"Authorization": f"Bearer {secret}"},
            )
        return vf.ProgramResult(int(not response.is_success), "", "" if response.is_success else response.text)


class KickoffEnvConfig(vf.EnvConfig):  # type: ignore[misc]
    """Settings of the env: who plays."""

    player: vf.AgentConfig = vf.AgentConfig(runtime=vf.SubprocessConfig())
    """Model that plays. In football with two seats, that of the left team."""
    opponent: vf.AgentConfig = vf.AgentConfig(runtime=vf.SubprocessConfig())
    """Model of the right team. Other tasks do not use it."""


class KickoffEnv(vf.Env[KickoffEnvConfig]):  # type: ignore[misc]
    """Episodes: each turn is one user message with the text and the images, and one reply.

    Each trace has the reward of its seat as `reward`, and the metrics `success`, `turns` and `valid_replies`.
    """

    async def run(self, task: KickoffTask, agents: vf.Agents) -> None:
        """Play one episode."""
        game = open_game(task.data.env, task.data.settings)
        seats = [agents.player, agents.opponent][: game.seats]
        rewards, valid, turns = [0.0] * game.seats, [0] * game.seats, 0
        try:
            views = game.reset(seed=task.data.seed)
            async with AsyncExitStack() as stack:
                chats = [await stack.enter_async_context(seat.interaction(task)) for seat in seats]
                while not views[0].done:
                    told = [[vf.UserMessage(content=view.content)] for view in views]
                    segments = await asyncio.gather(*(chat.turn(said) for chat, said in zip(chats, told, strict=True)))
                    if any(segment.terminated for segment in segments):
                        break
                    views = game.step([_reply(segment) for segment in segments])
                    turns += 1
                    rewards = [total + view.reward for total, view in zip(rewards, views, strict=True)]
                    valid = [count + view.facts["valid"] for count, view in zip(valid, views, strict=True)]
        finally:
            game.close()
        for chat, reward, view, count in zip(chats, rewards, views, valid, strict=True):
            chat.trace.record_reward("reward", reward)
            success = float(view.facts.get("success", False))
            chat.trace.record_metrics({"success": success, "turns": turns, "valid_replies": count / max(1, turns)})


def _reply(segment: vf.Segment) -> str:
    """Return the whole reply. A server that separates the reasoning has removed the tags of `<think>`."""
    message = next(one for one in reversed(segment.messages) if isinstance(one, vf.AssistantMessage))
    thinking = message.reasoning_content
    return (message.content or "") if thinking is None else f"<think>{thinking}</think>{message.content or ''}"


__all__ = ["KickoffEnv", "KickoffHarness", "KickoffTaskset"]
