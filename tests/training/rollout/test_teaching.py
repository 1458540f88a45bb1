"""Sources of a teacher's replies: shares of the tasks, equal seeds, and labels on the policy's states."""

import asyncio
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import envs  # noqa: F401  (registers the ids)
from agents.chat.template import Chat
from agents.chat.types import NO_TOKENS, Completion, Prompt
from agents.demonstrate import main
from agents.engines.config import EngineConfig
from agents.engines.transformers import TransformersEngine
from agents.episodes.episode import Episode
from agents.episodes.starts import TRAIN_SEEDS
from agents.models.load import LoadedModel, load_model
from agents.policies.jobs import Job, JobRunner
from agents.policies.model import VLMPolicy
from configs.errors import UserError
from envs.task.config import load_task
from training.algorithm.groups import Trajectory
from training.config.algo import AlgoConfig
from training.config.stages import StageConfig
from training.rollout.source import Batch
from training.rollout.teaching import DemonstrationSource, DistillationSource

TASKS = {name: load_task(name) for name in ("arithmetic", "twins_text", "freeway")}
TASKS["twins"] = load_task("twins", {"env.think": "work"})
TASKS["sokoban"] = load_task("sokoban")


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model("tiny")


class Player:
    """Player of jobs that keeps them."""

    def __init__(self, model: LoadedModel) -> None:
        engine = TransformersEngine(model.vlm, model.chat.eos, EngineConfig())
        self.runner = JobRunner(TASKS, VLMPolicy(model.chat, engine))
        self.jobs: list[Job] = []

    async def __call__(self, job: Job) -> list[Episode]:
        self.jobs.append(job)
        return await self.runner.play(job)


def stage(**settings: Any) -> StageConfig:
    algo = AlgoConfig(**settings.pop("algo", {"minibatch": 12, "groups": 6}))
    usual: dict[str, Any] = {"kind": "sft", "demonstrations": 40, "steps": 3}
    return StageConfig(**(usual | settings), algo=algo)


def batches(source: DemonstrationSource | DistillationSource, steps: int = 3) -> list[Batch]:
    async def collected() -> list[Batch]:
        return [await source.collect(step, 0) for step in range(steps)]

    return asyncio.run(collected())


def said(chat: Chat, trajectories: list[Trajectory]) -> list[str]:
    return [chat.text(one.sequence.tokens[one.sequence.loss_mask]) for one in trajectories]


def test_demonstrations_are_divided_by_the_weights(model: LoadedModel) -> None:
    player = Player(model)
    source = DemonstrationSource(player, TASKS, stage(tasks={"arithmetic": 1, "twins_text": 2}), 0, 0, model.chat)
    for batch in batches(source):
        replies = said(model.chat, batch.trajectories)
        assert len(replies) == 12 and sum("<answer>" in reply for reply in replies) == 12
        assert sum(len(reply.split("<answer>")[1].split("<")[0]) > 1 for reply in replies) == 4  # two-digit sums
        assert batch.groups == []
        assert all((one.advantages == one.sequence.loss_mask).all() for one in batch.trajectories)
        tokens = sum(int(one.sequence.loss_mask.sum()) for one in batch.trajectories)
        assert batch.metrics == {"reply_tokens": tokens}
    assert [job.task for job in player.jobs] == ["arithmetic", "twins_text"]  # played once, at the start
    assert all(start.seed < TRAIN_SEEDS for job in player.jobs for start in job.starts)


def test_demonstrations_follow_the_seed_and_continue_after_a_resume(model: LoadedModel) -> None:
    def source(seed: int) -> DemonstrationSource:
        return DemonstrationSource(Player(model), TASKS, stage(tasks=["arithmetic"]), seed, 0, model.chat)

    first = [said(model.chat, batch.trajectories) for batch in batches(source(1))]
    again = [said(model.chat, batch.trajectories) for batch in batches(source(1))]
    assert first == again != [said(model.chat, batch.trajectories) for batch in batches(source(2))]
    stopped, resumed = source(1), source(1)
    batches(stopped, 2)
    resumed.restore(stopped.state())
    assert said(model.chat, asyncio.run(resumed.collect(2, 0)).trajectories) == first[2]


def test_every_demonstration_is_drawn_as_often_as_the_passes_say(model: LoadedModel) -> None:
    settings = stage(tasks=["arithmetic"], demonstrations=18, passes=2, steps=9)  # 12 turns per step, pools of 18
    player = Player(model)
    source = DemonstrationSource(player, TASKS, settings, 0, 0, model.chat)
    replies = [reply for batch in batches(source, 9) for reply in said(model.chat, batch.trajectories)]
    for pool in range(3):
        drawn = replies[36 * pool : 36 * (pool + 1)]
        assert sorted(drawn[:18]) == sorted(drawn[18:]) and drawn[:18] != drawn[18:]
    assert [len(job.starts) for job in player.jobs] == [18, 18, 18]
    assert len({start.seed for job in player.jobs for start in job.starts}) == 54


def test_a_file_teaches_instead_of_the_expert(tmp_path: Path, model: LoadedModel) -> None:
    path = tmp_path / "sums.jsonl"
    main(["env=arithmetic", "episodes=5", f"out={path}"])
    player = Player(model)
    settings = stage(tasks=["arithmetic"], teachers={"arithmetic": str(path)})
    (batch,) = batches(DemonstrationSource(player, TASKS, settings, 0, 0, model.chat), 1)
    assert player.jobs == [] and len(batch.trajectories) == 12
    assert len(set(said(model.chat, batch.trajectories))) <= 5


def test_a_random_teacher_teaches_the_reply_format(model: LoadedModel) -> None:
    settings = stage(tasks=["freeway"], teachers={"freeway": "random"}, demonstrations=12)
    (batch,) = batches(DemonstrationSource(Player(model), TASKS, settings, 0, 0, model.chat), 1)
    answers = {reply.removeprefix("<think></think>") for reply in said(model.chat, batch.trajectories)}
    assert answers <= {f"<answer>{name}</answer>" for name in TASKS["freeway"].actions} and len(answers) > 1


def test_distillation_labels_the_policys_states(model: LoadedModel) -> None:
    player = Player(model)
    settings = stage(kind="distill", tasks=["sokoban"])
    for batch in batches(DistillationSource(player, TASKS, settings, 0, 0), 2):
        assert batch.groups == [] and batch.metrics["turns"] * 6 == pytest.approx(len(batch.trajectories))
        assert 0 <= batch.metrics["success"] <= 1 and batch.metrics["valid"] > 0.8
        assert "live_groups" not in batch.metrics
        form = r"<think>[-#@$.*+/]{19}</think><answer>(up|down|left|right|, )+</answer>"
        assert all(re.fullmatch(form, reply) for reply in said(model.chat, batch.trajectories))
    assert [len(job.starts) for job in player.jobs] == [6, 6]
    seeds = [start.seed for job in player.jobs for start in job.starts]
    assert len(set(seeds)) == 12 and max(seeds) < TRAIN_SEEDS
    assert not any(job.teaching is None or job.teaching.demonstrate for job in player.jobs)


class Server:
    """An engine that replies with text, of which every `invalid`-th reply is invalid."""

    max_context = None

    def __init__(self, invalid: int) -> None:
        self.invalid, self.replies, self.closed = invalid, 0, False

    async def generate(self, prompt: Prompt, temperature: float) -> Completion:
        self.replies += 1
        text = "No idea." if self.replies % self.invalid == 0 else "<think></think><answer>7</answer>"
        return Completion(NO_TOKENS, NO_TOKENS.astype(np.float32), True, NO_TOKENS, text)

    async def close(self) -> None:
        self.closed = True


def teach(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    monkeypatch.setattr("agents.policies.jobs.make_teacher", lambda name, settings: VLMPolicy(None, server))  # type: ignore[arg-type]


def test_invalid_replies_of_a_server_are_replaced_by_those_of_more_episodes(
    model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(invalid=3)
    teach(monkeypatch, server)
    player = Player(model)
    settings = stage(tasks=["arithmetic"], teachers={"arithmetic": "api:seven"}, demonstrations=12)
    (batch,) = batches(DemonstrationSource(player, TASKS, settings, 0, 0, model.chat), 1)
    assert said(model.chat, batch.trajectories) == ["<think></think><answer>7</answer>"] * 12
    assert [len(job.starts) for job in player.jobs] == [12, 4, 1] and server.replies == 17  # 4 and 1 were invalid
    asyncio.run(player.runner.close_engines())
    assert server.closed


def test_distillation_from_a_server_skips_tasks_without_a_share(
    model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    teach(monkeypatch, Server(invalid=100))
    tasks = ["arithmetic", "twins_text"]
    settings = stage(
        kind="distill", tasks=tasks, teachers=dict.fromkeys(tasks, "api:seven"), algo={"minibatch": 1, "groups": 1}
    )
    player = Player(model)
    source = DistillationSource(player, TASKS, settings, 0, 0)
    for batch in batches(source, 2):
        assert said(model.chat, batch.trajectories) == ["<think></think><answer>7</answer>"]
    assert [(job.task, len(job.starts)) for job in player.jobs] == [
        ("arithmetic", 1),
        ("twins_text", 0),
        ("arithmetic", 0),
        ("twins_text", 1),
    ]


@pytest.mark.parametrize("source", [DemonstrationSource, DistillationSource])
def test_a_teacher_without_a_valid_reply_ends_the_run(
    source: type[DemonstrationSource | DistillationSource], model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    teach(monkeypatch, Server(invalid=1))
    chat = (model.chat,) if source is DemonstrationSource else ()
    kind = "sft" if chat else "distill"
    settings = stage(kind=kind, tasks=["arithmetic"], teachers={"arithmetic": "api:seven"})
    line = (
        r"^no valid reply of the teacher: api:seven in arithmetic; tasks\.arithmetic\.rules=true describes the form of "
        r"replies$"
    )
    with pytest.raises(UserError, match=line):
        batches(source(Player(model), TASKS, settings, 0, 0, *chat), 1)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (
            {"teachers": {"sums": "exprt"}},
            r"teachers\.sums must be .* or a file ending in .jsonl or .parquet, got 'exprt'",
        ),
        ({"teachers": {"sums": "api:"}}, r"teachers\.sums must be api:MODEL, random, idle, expert or .*, got 'api:'"),
        ({"kind": "distill", "teachers": {"sums": "a.jsonl"}}, r"teachers\.sums must be .*expert, got 'a.jsonl'"),
        ({"algo": {"entropy_coef": 0.1}}, "entropy_coef needs sampled replies; set it to 0 in a stage of kind sft"),
    ],
)
def test_settings_that_cannot_teach_are_refused(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        stage(**settings)


def test_teachers_replies_have_their_own_loss() -> None:
    assert stage(algo={"loss": "gspo", "correction": "tis"}).learned.loss == "cross_entropy"
    assert stage(kind="distill", algo={"correction": "tis"}).learned.correction == "none"
    assert stage(kind="rl", algo={"loss": "gspo"}).learned.loss == "gspo"
    assert np.isclose(stage(algo={"lr": 0.1}).learned.lr, 0.1)


def test_swap_replaces_a_share_of_the_replies_in_tasks_with_transcripts(model: LoadedModel) -> None:
    settings = stage(tasks=["twins", "freeway"], teachers={"freeway": "random"}, swap=0.5)
    (batch,) = batches(DemonstrationSource(Player(model), TASKS, settings, 0, 0, model.chat), 1)
    whole = [reply.startswith("<think>") for reply in said(model.chat, batch.trajectories)]
    assert whole.count(False) == 3 and len(whole) == 12  # half of the six pictures, and none of the six frames


def test_questions_with_different_texts_are_not_swapped(model: LoadedModel) -> None:
    settings = stage(tasks=["arithmetic"], swap=1.0)
    (batch,) = batches(DemonstrationSource(Player(model), TASKS, settings, 0, 0, model.chat), 1)
    whole = [reply.startswith("<think>") for reply in said(model.chat, batch.trajectories)]
    assert np.mean(whole) > 0.8  # the same sum can be drawn twice
