"""Policies loaded by name that step through any Gymnasium env, one action at a time."""

from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import gymnasium

from agents.engines.config import EngineConfig
from agents.episodes.policy import Policy, TurnContext
from agents.episodes.task_check import check_images
from agents.loop import LoopThread
from agents.models.config import folders_near, may_be_hub_name
from agents.policies.scripted import SCRIPTED_POLICIES, scripted
from configs.errors import UserError, suggest
from configs.files import load_yaml
from configs.schema import build
from envs.task.config import TaskConfig, load_task
from envs.task.openenv import task_name
from envs.task.reply import Reply
from envs.task.task import Observation, Task


class InvalidReply(ValueError):  # noqa: N818  (named for the reply)
    """The reply is not a valid action of the task."""


class LoadedPolicy:
    """Policy loaded together with its task.

    Call `reset` after the env's `reset`, then `act` once for each step. An episode's replies depend only on its seed.
    `act` takes the observation and info of each step, so any env that fits the task can be used.

    Example::

        policy = agents.load_policy("runs/football")
        env = policy.make_env()
        observation, info = env.reset(seed=7)
        policy.reset(env, seed=7)
        action = policy.act(observation, info)
    """

    def __init__(self, task: Task, policy: Policy, loop: LoopThread) -> None:
        self.task = task
        """Task that presents the env to the policy."""
        self.reply: Reply | None = None
        """Newest reply, with its thinking and answer, or None before the first."""
        self.text = ""
        """Newest reply as text."""
        self._policy = policy
        self._loop = loop
        self._context: TurnContext | None = None
        self._left: deque[Any] = deque()
        self._newest: Any = None
        self._feedback: list[str] = []

    def make_env(self, render_mode: str | None = None) -> gymnasium.Env[Any, Any]:
        """Create an env of the policy's task. `render_mode` is passed to Gymnasium."""
        return self.task.make(render_mode)

    def reset(self, env: gymnasium.Env[Any, Any], seed: int = 0) -> None:
        """Start an episode in an env. `seed` determines all sampling."""
        self._context = TurnContext(
            self.task, env, Observation(None, ""), -1, seed, self._policy.start_episode(self.task)
        )
        self._left.clear()
        self._newest, self._feedback = None, []
        self.reply, self.text = None, ""

    def act(self, observation: Any, info: dict[str, Any] | None = None) -> Any:
        """Return the next action for the env.

        If a reply contains several actions, they are returned one by one before the policy is asked again.

        Args:
            observation: newest observation of the env.
            info: info returned with it. Tasks with `caption` read its `text`, tasks with `feedback` its `feedback`.

        Raises:
            InvalidReply: the reply is not a valid action of the task.
            RuntimeError: `reset` has not been called.
            ContextFull: the prompt does not fit the engine's context.
        """
        if self._context is None:
            raise RuntimeError("call reset(env, seed) before act(observation, info)")
        info = info or {}
        if self._newest is not None and info.get("feedback"):
            self._feedback.append(self.task.labelled(self._newest, info["feedback"]))
        if not self._left:
            self._ask(self._context, observation, info)
        self._newest = self._left.popleft()
        return self.task.env_action(self._newest)

    def _ask(self, context: TurnContext, observation: Any, info: dict[str, Any]) -> None:
        context.observation = self.task.observe(context.env, observation, info, " ".join(self._feedback))
        self._newest, self._feedback = None, []
        context.turn += 1
        self.text = self._loop.run(self._policy.reply(context))
        self.reply = self.task.parse(self.text)
        if not self.reply.valid:
            self._feedback = [f"The reply was invalid: {self.reply.problem}."]
            raise InvalidReply(f"turn {context.turn + 1}: {self.reply.problem}: {self.text!r}")
        self._left.extend(self.task.actions_of(context.env, self.reply))

    def close(self) -> None:
        """Stop the engine and the event loop."""
        engine = getattr(self._policy, "engine", None)
        if engine is not None:
            self._loop.run(engine.close())
        self._loop.close()

    def __enter__(self) -> Self:
        """Return the policy."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the policy."""
        self.close()


def load_policy(
    name: str | Path, task: str | TaskConfig | None = None, temperature: float = 1.0, engine: EngineConfig | None = None
) -> LoadedPolicy:
    """Load a policy that steps through Gymnasium envs.

    Args:
        name: run folder such as runs/football, `tiny`, model folder or hub name, or random, idle or expert.
        task: task to play: a name in configs/env, a path ending in .yaml, or a `TaskConfig`. None selects the first
            task that the run was trained on; other policies need a task.
        temperature: sampling temperature; 0 is greedy.
        engine: settings of generation; None uses the run's own settings, else the defaults.

    Raises:
        UserError: the policy or task does not exist, the run has no checkpoint yet, or the task shows images to a model
            that reads text only.
        ValueError: the model cannot be loaded.
    """
    text = str(name).rstrip("/") or str(name)
    folder = Path(text)
    _check_name(text)
    settings = load_yaml(folder / "config.yaml") if (folder / "config.yaml").is_file() else {}
    config = _task_of(settings, task, text)
    if text in SCRIPTED_POLICIES:
        return LoadedPolicy(config, scripted(text).with_temperature(temperature), LoopThread())
    path = text
    if settings:
        path = str(folder / "checkpoint")
        if not Path(path).is_dir():
            raise UserError(f"{folder} has no checkpoint/ yet, which a run writes at its end; resume the run first")
    engine = engine or build(EngineConfig, settings.get("engine", {}), "engine")
    from agents.engines.factory import make_engine  # slow imports, needed only for models
    from agents.models.load import load_chat
    from agents.policies.model import VLMPolicy

    chat = load_chat(path)
    check_images(config.name, config.config, chat)
    loop = LoopThread()
    try:
        made = loop.run(make_engine(path, engine))
    except BaseException:
        loop.close()
        raise
    return LoadedPolicy(config, VLMPolicy(chat, made, temperature), loop)


def _check_name(name: str) -> None:
    """Raise UserError if a name is no policy, no folder and cannot be a hub's name, OWNER/MODEL."""
    folder = Path(name)
    if name in (*SCRIPTED_POLICIES, "tiny"):
        return
    if folder.is_dir():
        if not any((folder / file).is_file() for file in ("config.yaml", "config.json")):
            raise UserError(f"policy {name} is neither a run folder (config.yaml) nor a model folder (config.json)")
        return
    if may_be_hub_name(name) and not name.startswith("runs/"):
        return
    here = folders_near(name)
    known = here if here and len(folder.parts) > 1 else [*SCRIPTED_POLICIES, "tiny", *here]
    raise UserError(suggest("policy", name, known))


def _task_of(settings: dict[str, Any], task: str | TaskConfig | None, name: str) -> Task:
    """Return the task to play."""
    if isinstance(task, TaskConfig):
        return Task(task.id, task)
    if isinstance(task, str):
        return Task(task_name(task), load_task(task))
    if not settings:
        raise UserError(f"policy {name} needs a task, such as load_policy({name!r}, task='football')")
    first = settings["envs"][0]
    return Task(first, build(TaskConfig, settings["tasks"][first], f"tasks.{first}"))
