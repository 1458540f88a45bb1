"""A policy loaded by name steps through an env, and plays as the episode runner does."""

import asyncio
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

import envs  # noqa: F401  (registers the ids)
from agents.engines.config import EngineConfig
from agents.engines.factory import make_engine
from agents.episodes.episode import Episode, Start
from agents.episodes.policy import Policy, TurnContext
from agents.episodes.runner import EpisodeRunner
from agents.loop import LoopThread
from agents.models.load import LoadedModel, load_model
from agents.policies.loaded import InvalidReply, LoadedPolicy, load_policy
from agents.policies.model import VLMPolicy
from agents.policies.scripted import scripted
from configs.errors import UserError
from envs.task.config import TaskConfig, load_task
from envs.task.task import Observation, Task
from training.config.compose import load
from training.config.run import save

ENGINE = EngineConfig("transformers")


def football(turns: int = 4) -> TaskConfig:
    return load_task("football", {"env.max_turns": turns, "env.kwargs.render_size": [64, 96]})


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model("tiny")


@pytest.fixture(scope="module")
def run(model: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run's folder: its config and the exported model."""
    folder = tmp_path_factory.mktemp("runs") / "football"
    folder.mkdir()
    save(load(["env=football", "env.max_turns=4", "engine.kind=transformers"]), folder / "config.yaml")
    (folder / "checkpoint").mkdir()
    model.save(folder / "checkpoint")
    return folder


def step_through(policy: LoadedPolicy, start: Start) -> tuple[list[str], list[Any], bool]:
    """The replies and actions of an episode, and whether the env ended it."""
    texts: list[str] = []
    actions: list[Any] = []
    env = policy.make_env()
    try:
        observation, info = env.reset(seed=start.seed)
        policy.reset(env, seed=start.sampling_seed)
        over, reply = False, None
        while not over:
            action = policy.act(observation, info)
            if policy.reply is not reply:
                if len(texts) == policy.task.config.max_turns:
                    break
                reply = policy.reply
                texts.append(policy.text)
            actions.append(action)
            observation, _, terminated, truncated, info = env.step(action)
            over = terminated or truncated
    finally:
        env.close()
    return texts, actions, over


def played(task: Task, start: Start, policy: Policy) -> Episode:
    """The episode as the runner plays it."""
    return asyncio.run(EpisodeRunner(task).play([start], policy))[0]


def actions_of(task: Task, episode: Episode) -> list[Any]:
    return [task.env_action(action) for turn in episode.turns for action in turn.reply.actions]


@pytest.mark.parametrize("name", ["sokoban", "arithmetic", "sokoban_plan"])
@pytest.mark.parametrize("player", ["expert", "random"])
def test_load_policy_of_a_scripted_name_plays_as_the_runner_does(name: str, player: str) -> None:
    task = Task(name, load_task(name))
    with load_policy(player, task=name) as policy:
        for seed in range(3):
            start = Start(seed, 100 + seed)
            episode = played(task, start, scripted(player))
            texts, actions, over = step_through(policy, start)
            assert texts == [turn.words for turn in episode.turns]
            expected = actions_of(task, episode)
            assert actions == expected[: len(actions)]
            if player == "expert":
                assert over and episode.success


def test_load_policy_of_tiny_plays_as_the_runner_does_and_repeats(model: LoadedModel) -> None:
    start = Start(7, sampling_seed=11)
    task = Task("football", football())

    async def reference() -> Episode:
        policy = VLMPolicy(model.chat, await make_engine("tiny", ENGINE, model))
        try:
            return (await EpisodeRunner(task).play([start], policy))[0]
        finally:
            await policy.engine.close()

    episode = asyncio.run(reference())
    with load_policy("tiny", task=task.config, engine=ENGINE) as policy:
        first = step_through(policy, start)
        other = step_through(policy, Start(7, sampling_seed=12))
        again = step_through(policy, start)
    assert first == again
    assert first[0] == [turn.words for turn in episode.turns]
    assert first[1] == actions_of(task, episode)
    assert first[0] != other[0]


def test_load_policy_of_a_run_folder_takes_its_task_and_its_weights(run: Path) -> None:
    start = Start(3, sampling_seed=5)
    with load_policy(run, temperature=0) as policy:
        assert policy.task.name == "football" and policy.task.config.max_turns == 4
        own = step_through(policy, start)
        config = policy.task.config
    with load_policy("tiny", task=config, temperature=0, engine=ENGINE) as policy:
        assert step_through(policy, start) == own
    with load_policy(f"{run}/", task="sokoban", engine=ENGINE) as policy:
        assert policy.task.config.id == "kickoff/Sokoban-v0"


class Lines:
    """Says its lines in turn and keeps what it was shown."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        self.shown: list[Observation] = []

    def start_episode(self, task: Task) -> None:
        pass

    def with_temperature(self, temperature: float) -> Self:
        return self

    async def reply(self, context: TurnContext) -> str:
        self.shown.append(context.observation)
        return self.lines[min(context.turn, len(self.lines) - 1)]


def do(answer: str) -> str:
    return f"<think></think><answer>{answer}</answer>"


@pytest.mark.parametrize("per_reply", [1, 3])
def test_act_shows_the_policy_what_the_runner_shows_it(per_reply: int) -> None:
    overrides = {"env.max_turns": 4, "env.actions_per_reply": per_reply, "env.on_invalid": "skip"}
    task = Task("sokoban_text", load_task("sokoban_text", overrides))
    lines = [do(", ".join(["left", "up", "right"][:per_reply])), do("down"), "oops", do("right")]
    start = Start(2, 2)
    reference, own = Lines(*lines), Lines(*lines)
    assert len(played(task, start, reference).turns) == 4
    env = task.make()
    with LoadedPolicy(task, own, LoopThread()) as policy:
        observation, info = env.reset(seed=start.seed)
        policy.reset(env, start.sampling_seed)
        while len(own.shown) < 4:
            try:
                action = policy.act(observation, info)
            except InvalidReply:
                continue
            observation, _, _, _, info = env.step(action)
    assert any(shown.feedback for shown in reference.shown)
    for one, other in zip(own.shown, reference.shown, strict=True):
        assert (one.text, one.feedback) == (other.text, other.feedback)
        assert one.image is other.image is None or np.array_equal(one.image, other.image)  # type: ignore[arg-type]


def test_act_of_an_invalid_reply_raises_and_asks_again() -> None:
    task = Task("sokoban", load_task("sokoban"))
    env = task.make()
    with LoadedPolicy(task, Lines(do("fly"), do("left")), LoopThread()) as policy:
        with pytest.raises(RuntimeError, match=r"call reset\(env, seed\) before act"):
            policy.act(None)
        observation, info = env.reset(seed=1)
        policy.reset(env, seed=1)
        with pytest.raises(InvalidReply, match=r"^turn 1: .*fly"):
            policy.act(observation, info)
        assert policy.reply is not None and not policy.reply.valid and policy.text == do("fly")
        assert policy.act(observation, info) == task.parse(do("left")).actions[0]


@pytest.mark.parametrize(
    ("name", "task", "message"),
    [
        ("experrt", "football", "unknown policy 'experrt'; did you mean 'expert'? Known: expert, idle, random, "),
        ("tini", "football", "unknown policy 'tini'; did you mean 'tiny'?"),
        ("footbal", None, "unknown policy 'footbal'; did you mean 'runs/football'?"),
        ("runs/footbal", None, "unknown policy 'runs/footbal'; did you mean 'runs/football'? Known: runs/football"),
        ("else/where/deep", "football", "unknown policy 'else/where/deep'. Known: expert, idle, random, "),
        (
            "runs/empty",
            None,
            "policy runs/empty is neither a run folder (config.yaml) nor a model folder (config.json)",
        ),
        ("runs/football", None, "runs/football has no checkpoint/ yet, which a run writes at its end; resume the run"),
        ("tiny", None, "policy tiny needs a task, such as load_policy('tiny', task='football')"),
        ("tiny", "footbal", "unknown env 'footbal'; did you mean 'football'? Known: "),
        ("expert", "mine.yaml", "mine.yaml: No such file or directory"),
    ],
)
def test_load_policy_of_a_wrong_name_is_one_line(
    name: str, task: str | None, message: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "football").mkdir(parents=True)
    (tmp_path / "runs" / "football" / "config.yaml").write_bytes((run / "config.yaml").read_bytes())
    if "empty" in name:
        (tmp_path / "runs" / "empty").mkdir()
    with pytest.raises(UserError) as caught:
        load_policy(name, task=task)
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)
