"""RLlib's PPO with our network: the only file of the baseline that knows Ray. Import it where Ray is installed.

Everything is in this process: one env runner with many envs, one learner. Ray itself is started all the same (RLlib
asks for its object store), small and silent.
"""

import json
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import ray
import torch
from gymnasium.spaces import Discrete
from gymnasium.vector import SyncVectorEnv
from gymnasium.wrappers.vector import NormalizeReward
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import ValueFunctionAPI
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.core.rl_module.torch import TorchRLModule
from ray.tune.registry import register_env
from torch import Tensor

from envs.task import Task
from training.baseline_config import BaselineConfig
from training.baseline_env import BaselineEnv, Played, starts
from training.baseline_policy import Network

LESSONS = "kickoff-lessons"
MINIBATCH = 256
OBJECT_STORE = 80 * 2**20
"""Bytes: weights alone pass through it."""


class Module(TorchRLModule, ValueFunctionAPI):
    """`Network` as RLlib wants it."""

    def setup(self) -> None:
        """Make the network."""
        seen, actions = self.observation_space, self.action_space
        assert seen is not None and seen.shape is not None and isinstance(actions, Discrete)
        self.network = Network(seen.shape, int(actions.n))

    def _forward(self, batch: dict[str, Any], **_: Any) -> dict[str, Tensor]:
        return {Columns.ACTION_DIST_INPUTS: self.network.logits(self.network.embed(batch[Columns.OBS]))}

    def _forward_train(self, batch: dict[str, Any], **_: Any) -> dict[str, Tensor]:
        embedded = self.network.embed(batch[Columns.OBS])
        return {Columns.ACTION_DIST_INPUTS: self.network.logits(embedded), Columns.EMBEDDINGS: embedded}

    def compute_values(self, batch: dict[str, Any], embeddings: Tensor | None = None) -> Tensor:
        """Values [B]; without the embeddings they are for the advantages alone, and nothing is learned from them."""
        if embeddings is not None:
            return self.network.values(embeddings)
        with torch.no_grad():
            parts = batch[Columns.OBS].split(MINIBATCH)
            return torch.cat([self.network.values(self.network.embed(part)) for part in parts])


class Lessons(SyncVectorEnv):
    """The envs of an env runner, side by side."""

    def __init__(self, context: Mapping[str, Any]) -> None:
        """Args: `context`, RLlib's: our own settings and `num_envs`."""
        self.played: list[Played] = []
        task, config = context["task"], context["config"]
        super().__init__(
            [
                partial(BaselineEnv, task, config, starts(config.seed, context["done"], index), self.played)
                for index in range(context["num_envs"])
            ]
        )


def make_lessons(context: Mapping[str, Any]) -> NormalizeReward:
    """The same with rewards divided by the running spread of returns: one learning rate fits every game."""
    return NormalizeReward(Lessons(context), gamma=context["config"].gamma)


@contextmanager
def quiet_ray() -> Iterator[None]:
    """A small Ray of our own while the work goes on; what it and RLlib have to say stays out of the progress."""
    os.environ.update({"RAY_USAGE_STATS_ENABLED": "0", "PYTHONWARNINGS": "ignore"})
    for name in ("ray", "ray.rllib", "ray.tune"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.init(
            address="local",
            num_cpus=1,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            object_store_memory=OBJECT_STORE,
        )
        try:
            yield
        finally:
            ray.shutdown()


class Learning:
    """PPO at work on a task."""

    def __init__(self, config: BaselineConfig, task: Task, done: int) -> None:
        """Args: `task`, as `lesson` made it; `done`, decisions learned from before, which choose the next starts."""
        register_env(LESSONS, make_lessons)
        untyped: Any = PPOConfig
        settings = (
            untyped()
            .environment(LESSONS, env_config={"task": task, "config": config, "done": done})
            .framework("torch")
            .env_runners(
                num_env_runners=0,
                num_envs_per_env_runner=config.envs,
                rollout_fragment_length=config.batch // config.envs,
                gym_env_vectorize_mode="vector_entry_point",
            )
            .learners(num_learners=0)
            .rl_module(rl_module_spec=RLModuleSpec(module_class=Module))
            .training(
                lr=[[0, config.lr], [config.steps, 0.0]],
                entropy_coeff=[[0, config.entropy], [config.steps, 0.0]],
                gamma=config.gamma,
                lambda_=0.95,
                clip_param=0.2,
                vf_clip_param=float("inf"),
                vf_loss_coeff=0.1,  # rewards are by their spread, and both heads share one body
                use_kl_loss=True,  # for its number in the metrics alone
                kl_coeff=0.0,
                grad_clip=0.5,
                num_epochs=config.epochs,
                minibatch_size=min(MINIBATCH, config.batch),
                train_batch_size_per_learner=config.batch,
            )
            .reporting(min_time_s_per_iteration=0)
            .debugging(seed=config.seed, log_level="ERROR")
        )
        self.algorithm = settings.build_algo()
        with suppress(OSError):
            Path(self.algorithm.logdir).rmdir()  # below ~/ray_results; nothing is written there
            Path(self.algorithm.logdir).parent.rmdir()

    @property
    def network(self) -> Network:
        """The network as it is now."""
        network: Network = self.algorithm.get_module().network
        return network

    def update(self) -> tuple[list[Played], dict[str, float]]:
        """Play and learn once: the episodes that ended, and RLlib's numbers under our names (env_steps: so far)."""
        result = self.algorithm.train()
        lessons = self.algorithm.env_runner.env.unwrapped
        played = list(lessons.played)
        lessons.played.clear()
        learner = result["learners"]["default_policy"]
        names = {
            "entropy": "entropy",
            "policy_kl": "mean_kl_loss",
            "loss": "policy_loss",
            "value_loss": "vf_loss",
            "explained_variance": "vf_explained_var",
            "grad_norm": "gradients_default_optimizer_global_norm",
            "learning_rate": "default_optimizer_learning_rate",
        }
        steps = {"env_steps": int(result["env_runners"]["num_env_steps_sampled_lifetime"])}
        return played, steps | {ours: float(learner[theirs]) for ours, theirs in names.items()}

    def save(self, folder: Path) -> None:
        """RLlib's own checkpoint, and the spread of returns, which is the env's."""
        self.algorithm.save_to_path((folder / "rllib").absolute())
        spread = {key: float(getattr(self._spread, key)) for key in ("mean", "var", "count")}
        (folder / "spread.json").write_text(json.dumps(spread), encoding="utf-8")

    def restore(self, folder: Path) -> None:
        """Go on from what `save` wrote."""
        self.algorithm.restore_from_path((folder / "rllib").absolute())
        for key, value in json.loads((folder / "spread.json").read_text(encoding="utf-8")).items():
            setattr(self._spread, key, np.float64(value))

    @property
    def _spread(self) -> Any:
        lessons = self.algorithm.env_runner.env
        while not isinstance(lessons, NormalizeReward):
            lessons = lessons.env
        return lessons.return_rms

    def close(self) -> None:
        """Stop PPO; Ray goes on."""
        self.algorithm.stop()
