"""Real Ray, real processes, real kills."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agents.chat.types import Prompt
from agents.engines.base import EngineDead
from render.records.reading import read_episodes
from training.config.cluster import ClusterConfig

ray = pytest.importorskip("ray")
pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # Ray's and vLLM's own
    pytest.mark.timeout(600),
]

from ray.exceptions import RayActorError  # noqa: E402

from training.cluster.ray.calls import result, run_while_alive  # noqa: E402
from training.cluster.ray.engine_host import EngineHost  # noqa: E402
from training.cluster.ray.failures import RestartBudget  # noqa: E402
from training.cluster.ray.reservation import bundles, check_room, connect  # noqa: E402
from training.cluster.ray.router import RemoteEngine  # noqa: E402
from training.cluster.ray.weights import pieces, unpack  # noqa: E402

WORDS = [
    "env=football",
    "cluster=ray",
    "engine.kind=vllm",
    "engine.vllm.cpu_cache_gb=0.1",
    "checkpoint_every=1",
    "evaluation.episodes=4",
    "evaluation.every=0",
    "evaluation.videos=0",
    "evaluation.records=1",
    "stages=mgt",
    "stages.mgt.steps=5",
    "algo.groups=3",
    "algo.group_size=4",
]


# -- pieces -----------------------------------------------------------------------------------------------------------


def test_weight_pieces_are_unpacked_bit_by_bit() -> None:
    tensors = {
        "half": torch.randn(3, 5).bfloat16(),
        "whole": torch.randn(4),
        "scalar": torch.tensor(7, dtype=torch.int64),
        "turned": torch.randn(2, 6).T,
    }
    sent = list(pieces(tensors.items(), size=40))
    assert [[packed.name for packed in piece] for piece in sent] == [["half", "whole"], ["scalar", "turned"]]
    received = dict(unpack(packed) for piece in sent for packed in piece)
    assert list(received) == list(tensors)
    for name, tensor in tensors.items():
        assert received[name].dtype == tensor.dtype
        assert torch.equal(received[name], tensor)


def test_bundles_group_what_shares_a_machine() -> None:
    split = ClusterConfig(kind="ray", gpus_per_node=8, learners=2, engines=1, engine_gpus=4)
    assert bundles(split) == [{"GPU": 1, "CPU": 1}, {"GPU": 1, "CPU": 1}, {"GPU": 4, "CPU": 1}]
    colocated = ClusterConfig(kind="ray", gpus_per_node=8, learners=8, engines=4, engine_gpus=2, colocate=True)
    assert bundles(colocated) == [{"GPU": 2, "CPU": 3}] * 4
    assert bundles(ClusterConfig(kind="ray", learners=2, engines=1)) == [{"CPU": 1}] * 3


def test_check_room_in_a_small_cluster_has_a_one_line_error() -> None:
    config = ClusterConfig(kind="ray", gpus_per_node=8, learners=4, engines=4, rollout_workers=3)
    check_room(config, {"GPU": 8, "CPU": 11})
    with pytest.raises(ValueError, match=r"the run needs 8 GPUs, but the Ray cluster has 6; lower"):
        check_room(config, {"GPU": 6, "CPU": 11})
    with pytest.raises(ValueError, match=r"the run needs 11 CPUs, but the Ray cluster has 8; lower"):
        check_room(config, {"GPU": 8, "CPU": 8})


def test_connect_to_an_unreachable_cluster_has_a_one_line_error() -> None:
    with pytest.raises(ValueError, match=r"cluster.address=127.0.0.1:1 has no Ray: .* run `ray start"):
        connect(ClusterConfig(kind="ray", address="127.0.0.1:1"))


def test_restart_budget_when_exceeded_ends_what_is_awaited() -> None:
    async def lose() -> None:
        deaths = RestartBudget(limit=1)
        assert await deaths.guarded(asyncio.sleep(0, "done")) == "done"
        waiting = asyncio.create_task(deaths.guarded(asyncio.Event().wait()))
        deaths.count("engine", RuntimeError("first"))
        await asyncio.sleep(0)
        assert not waiting.done() and not deaths.final
        with pytest.raises(RuntimeError, match=r"cluster.restarts=1 actors died \(.*engine 1, worker 1\): second$"):
            deaths.count("worker", RuntimeError("second\nand more"))
        with pytest.raises(RuntimeError, match=r"cluster.restarts=1 actors died"):
            await waiting

    asyncio.run(lose())


# -- real Ray ---------------------------------------------------------------------------------------------------------


EMPTY = np.zeros(0, dtype=np.int32)
PROMPT = Prompt(EMPTY, EMPTY, (), (), 0, 1)


class Echo:
    """Answers with its own number, after a while."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.watched = 0

    async def generate(self, prompt: Prompt, temperature: float) -> int:
        await asyncio.sleep(0.05)
        return self.number

    async def live(self) -> None:
        self.watched += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.watched -= 1

    async def watchers(self) -> int:
        return self.watched


@pytest.fixture
def small_ray() -> Iterator[None]:
    connect(ClusterConfig(kind="ray", rollout_workers=1))
    yield
    ray.shutdown()


@pytest.mark.slow
@pytest.mark.ray
def test_router_keeps_an_episode_on_its_engine_and_shares_episodes_out(small_ray: None) -> None:
    async def episode(engine: RemoteEngine, turns: int) -> list[Any]:
        return [await engine.generate(PROMPT, 1.0) for _ in range(turns)]

    async def play() -> None:
        hosts = {n: ray.remote(Echo).options(num_cpus=0).remote(n) for n in range(2)}
        engine = RemoteEngine(offset=1)
        early = asyncio.create_task(episode(engine, 1))  # it waits until there are engines
        await asyncio.sleep(0)
        engine.connect(hosts, 3, 100)
        assert (engine.version, engine.max_context, await early) == (3, 100, [1])
        played = await asyncio.gather(*(episode(engine, 3) for _ in range(4)))
        assert sorted(played) == [[0, 0, 0], [0, 0, 0], [1, 1, 1], [1, 1, 1]]

    asyncio.run(play())


class Mortal(Echo):
    """Answers once, then never."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.left = 1
        self.hangs = asyncio.Event()

    async def generate(self, prompt: Prompt, temperature: float) -> int:
        self.left -= 1
        if self.left < 0:
            self.hangs.set()
            await asyncio.Event().wait()
        return self.number

    async def asked_again(self) -> None:
        await self.hangs.wait()


@pytest.mark.slow
@pytest.mark.ray
def test_router_after_the_death_of_an_engine_moves_its_episode_and_leaves_the_other(small_ray: None) -> None:
    async def episode(engine: RemoteEngine) -> list[Any]:
        return [await engine.generate(PROMPT, 1.0) for _ in range(4)]

    async def play() -> None:
        hosts = {n: ray.remote(kind).options(num_cpus=0).remote(n) for n, kind in enumerate((Mortal, Echo))}
        engine = RemoteEngine(offset=0)
        engine.connect(hosts, 0, None)
        running = [asyncio.create_task(episode(engine)) for _ in range(2)]
        await hosts[0].asked_again.remote()
        ray.kill(hosts[0])  # in the middle of its second reply
        assert sorted(await asyncio.gather(*running)) == [[0, 1, 1, 1], [1, 1, 1, 1]]

    asyncio.run(play())


@pytest.mark.slow
@pytest.mark.ray
def test_run_while_alive_raises_when_an_actor_dies(small_ray: None) -> None:
    async def lose() -> None:
        actors = [ray.remote(Echo).options(num_cpus=0).remote(n) for n in range(2)]
        for _ in range(2):
            assert await run_while_alive(asyncio.sleep(0.5, "sent"), actors, "lost") == "sent"
        while await actors[0].watchers.remote():  # calls that wait for a death end with the work
            await asyncio.sleep(0.05)
        waiting = asyncio.create_task(run_while_alive(asyncio.Event().wait(), actors, "an engine died"))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        ray.kill(actors[1])
        with pytest.raises(RuntimeError, match=r"^an engine died: "):
            await waiting

    asyncio.run(lose())


class Fragile:
    """An engine that dies at its first reply."""

    async def generate(self, prompt: Prompt, temperature: float) -> None:
        raise EngineDead("vLLM's process has died: OutOfMemoryError: no memory")


class FragileHost(EngineHost):
    async def begin(self) -> None:
        self.engine = Fragile()


@pytest.mark.slow
@pytest.mark.ray
def test_engine_host_reports_the_cause_of_a_death_before_it_exits(small_ray: None) -> None:
    async def lose() -> None:
        host = ray.remote(FragileHost).options(num_cpus=0).remote(None)
        await host.begin.remote()
        life = asyncio.ensure_future(result(host.live.remote()))
        with pytest.raises(RayActorError):
            await result(host.generate.remote(PROMPT, 1.0))
        with pytest.raises(EngineDead, match=r"^vLLM's process has died: OutOfMemoryError: no memory$"):
            await life

    asyncio.run(lose())


def vllm_core(actor: int) -> int:
    """The process that generates for the vLLM engine of an actor."""
    threads = Path(f"/proc/{actor}/task").iterdir()
    children = [child for thread in threads for child in (thread / "children").read_text().split()]
    (core,) = [int(child) for child in children if "EngineCore" in Path(f"/proc/{child}/cmdline").read_text()]
    return core


FUNCTIONS = """
import os
from pathlib import Path

from training.algorithm.advantages import dr_grpo
from training.algorithm.losses import dapo


def loss(streams, config, weight):
    (Path(__file__).parent / f"loss-{os.getpid()}").touch()
    value, limited = dapo(streams, config, weight)
    return value, limited | True


def advantage(groups, config):
    return [[4 * turns for turns in group] for group in dr_grpo(groups, config)]


def reward(episode):
    return [0.01 * turn.reply_tokens + 0.1 * (episode.start.sampling_seed % 3) for turn in episode.turns]
"""


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.vllm
def test_run_on_ray_survives_deaths_and_uses_functions_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two learner ranks, two rollout workers and a vLLM engine; each kind is killed once."""
    from agents.models.load import load_model
    from training.config.compose import load
    from training.prepare import prepare, start_cluster
    from training.runs.run_folder import RunFolder
    from training.trainer import run

    (tmp_path / "our_ray_functions.py").write_text(FUNCTIONS)
    monkeypatch.syspath_prepend(tmp_path)  # as `python -m` does with the current folder
    monkeypatch.chdir(tmp_path)
    own = [f"algo.{key}=our_ray_functions:{key}" for key in ("loss", "advantage")]
    config = load([*WORDS, *own, "env.reward=our_ray_functions:reward", f"out={tmp_path}", "name=killed"])

    async def killer(cluster: Any, folder: Path) -> None:
        metrics = folder / "metrics.jsonl"

        async def after_step(step: int) -> None:
            while not metrics.is_file() or metrics.read_text().count('"loss"') < step:
                await asyncio.sleep(0.05)

        await after_step(1)
        os.kill(vllm_core(await cluster.engines[0].pid.remote()), signal.SIGKILL)  # the actor itself lives on
        await after_step(2)
        os.kill(await cluster.workers[1].pid.remote(), signal.SIGKILL)
        await after_step(3)
        ray.kill(cluster._ranks.actors[1])

    async def train() -> tuple[dict[str, Any], dict[str, int]]:
        chat = prepare(config)
        cluster = await start_cluster(config)
        try:
            folder = RunFolder.create(config)
            killing = asyncio.create_task(killer(cluster, folder.path))
            summary = await run(folder, cluster, chat, 0.0)
            await killing
            return summary, cluster.replaced  # type: ignore[attr-defined]
        finally:
            await cluster.close()

    summary, replaced = asyncio.run(train())
    assert replaced == {"learner": 1, "engine": 1, "worker": 1}
    assert summary["stages"][0]["steps"] == 5
    lines = [json.loads(line) for line in (tmp_path / "killed" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "loss" in line] == [1, 2, 3, 4, 5]
    for line in lines:  # every group is whole, sampled with the weights it is learned with, and learned from
        assert (line["staleness/max"], line["skipped_updates"]) == (0, 0)
        assert line["clip_fraction"] == pytest.approx(1.0)  # our loss calls every token limited
        assert line["mismatch"] < 1e-4  # the engines, the new one too, have the learners' weights
    trained, first = load_model(str(tmp_path / "killed" / "checkpoint")), load_model("tiny")
    change = [(a - b).abs().max() for a, b in zip(trained.vlm.parameters(), first.vlm.parameters(), strict=True)]
    assert 1e-5 < float(max(change)) < 0.1
    ranks = {int(path.name.removeprefix("loss-")) for path in tmp_path.glob("loss-*")}
    assert len(ranks) == 4 and os.getpid() not in ranks  # two ranks, and the two that replaced them
    played = list(read_episodes(tmp_path / "killed" / "episodes" / "train"))
    assert {episode.step for episode in played} == {1, 2, 3, 4, 5}
    for episode in played:
        turns = [turn.rewards["outcome"] for turn in episode.turns]
        shared = [reward - 0.01 * turn.reply_tokens for reward, turn in zip(turns, episode.turns, strict=True)]
        assert shared == pytest.approx([shared[0]] * len(shared)) and round(shared[0], 6) in (0.0, 0.1, 0.2)
    for step, group in {(episode.step, episode.group) for episode in played}:
        ours = [episode for episode in played if (episode.step, episode.group) == (step, group)]
        totals = np.array([episode.reward for episode in ours])
        expected = 4 * (totals - totals.mean())
        assert [episode.advantage for episode in ours] == pytest.approx(expected.tolist(), abs=1e-6)
