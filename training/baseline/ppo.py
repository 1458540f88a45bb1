"""RLlib's PPO with the baseline's network. Only this file of the baseline imports Ray.

One env runner with many envs and one learner run in this process. RLlib still needs a small Ray instance for its object
store.
"""

import json
import logging
import os
import random
import signal
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import ray
import torch
from gymnasium.spaces import Discrete
from gymnasium.vector import SyncVectorEnv
from gymnasium.wrappers.utils import RunningMeanStd
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import ValueFunctionAPI
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.core.rl_module.torch import TorchRLModule
from ray.tune.registry import register_env
from torch import Tensor

from agents.seeds import mix
from envs.task.task import Task
from training.baseline.config import BaselineConfig, damaged
from training.baseline.env import BaselineEnv, FinishedEpisode, starts
from training.baseline.policy import Network

LESSONS = "kickoff-lessons"
MINIBATCH = 256
OBJECT_STORE = 80 * 2**20
"""Size of Ray's object store in bytes. Only weights pass through it."""


class Module(TorchRLModule, ValueFunctionAPI):
    """`Network` as an RLlib module."""

    def setup(self) -> None:
        """Create the network."""
        seen, actions = self.observation_space, self.action_space
        assert seen is not None and seen.shape is not None and isinstance(actions, Discrete)
        self.network = Network(seen.shape, int(actions.n))

    def _forward(self, batch: dict[str, Any], **_: Any) -> dict[str, Tensor]:
        return {Columns.ACTION_DIST_INPUTS: self.network.logits(self.network.embed(batch[Columns.OBS]))}

    def _forward_train(self, batch: dict[str, Any], **_: Any) -> dict[str, Tensor]:
        embedded = self.network.embed(batch[Columns.OBS])
        return {Columns.ACTION_DIST_INPUTS: self.network.logits(embedded), Columns.EMBEDDINGS: embedded}

    def compute_values(self, batch: dict[str, Any], embeddings: Tensor | None = None) -> Tensor:
        """Return values [B]. Without embeddings, no gradients are computed: the values are used for advantages only.

        Args:
            batch: RLlib's batch of B observations.
            embeddings: Features [B, 256] of the batch, or None.
        """
        if embeddings is not None:
            return self.network.values(embeddings)
        with torch.no_grad():
            parts = batch[Columns.OBS].split(MINIBATCH)
            return torch.cat([self.network.values(self.network.embed(part)) for part in parts])


class PPOVectorEnv(SyncVectorEnv):
    """The parallel envs of an env runner.

    Rewards are divided by the running standard deviation of discounted returns, so that one learning rate fits every
    game.
    """

    def __init__(self, context: Mapping[str, Any]) -> None:
        """Create the envs.

        Args:
            context: RLlib's env context with `task`, `config` and `num_envs`.
        """
        self.config: BaselineConfig = context["config"]
        self.played: list[FinishedEpisode] = []
        self.spread = RunningMeanStd()
        task, config = context["task"], self.config
        super().__init__(
            [
                partial(BaselineEnv, task, config, starts(config.seed, 0, index), self.played)
                for index in range(context["num_envs"])
            ]
        )

    def begin(self, done: int) -> None:
        """Set the starts for the next resets to those after `done` decisions."""
        for index, env in enumerate(self.envs):
            cast(BaselineEnv, env).starts = starts(self.config.seed, done, index)

    def reset(self, **how: Any) -> tuple[Any, dict[str, Any]]:
        """Begin an episode in every env."""
        self._returns, self._over = np.zeros(self.num_envs), np.zeros(self.num_envs, bool)
        return super().reset(**how)

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Apply one action in every env. Begin the next episode instead if the last one has ended."""
        stepped: tuple[Any, ...] = super().step(actions)
        observations, rewards, terminated, truncated, infos = stepped
        self._returns = self._returns * self.config.gamma + rewards
        if not self._over.all():
            self.spread.update(self._returns[~self._over])
        self._over = terminated | truncated
        self._returns[self._over] = 0.0
        return observations, rewards / np.sqrt(self.spread.var + 1e-8), terminated, truncated, infos


@contextmanager
def quiet_ray() -> Iterator[None]:
    """Start a small local Ray for the duration of the context, with the output of Ray and RLlib suppressed."""
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
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # Ray's handler aborts with a long C++ trace
        try:
            yield
        finally:
            ray.shutdown()


class Learning:
    """PPO training on a task."""

    def __init__(self, config: BaselineConfig, task: Task) -> None:
        """Create the algorithm.

        Args:
            config: Config of the baseline.
            task: Task created by `training_task`.
        """
        self.seed, self.done = config.seed, 0
        register_env(LESSONS, PPOVectorEnv)
        untyped: Any = PPOConfig
        settings = (
            untyped()
            .environment(LESSONS, env_config={"task": task, "config": config})
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
                vf_loss_coeff=config.vf_coef,
                use_kl_loss=True,  # only for the metric
                kl_coeff=0.0,
                grad_clip=0.5,
                num_epochs=config.epochs,
                minibatch_size=min(MINIBATCH, config.batch),
                train_batch_size_per_learner=config.batch,
            )
            .reporting(min_time_s_per_iteration=0)
            .debugging(seed=mix(config.seed) % 2**32, log_level="ERROR")
        )
        self.algorithm = settings.build_algo()
        with suppress(OSError):
            Path(self.algorithm.logdir).rmdir()  # an empty folder below ~/ray_results
            Path(self.algorithm.logdir).parent.rmdir()

    @property
    def network(self) -> Network:
        """The network with its current weights."""
        network: Network = self.algorithm.get_module().network
        return network

    def update(self) -> tuple[list[FinishedEpisode], dict[str, float]]:
        """Collect one batch and update the network.

        Returns:
            The finished episodes, and RLlib's metrics under Kickoff's names. `env_steps` is the total so far.
        """
        noise = mix(self.seed, self.done) % 2**32  # independent of earlier draws, so that a resume draws the same
        torch.manual_seed(noise)
        np.random.seed(noise)
        random.seed(noise)
        result = self.algorithm.train()
        self.done = int(result["env_runners"]["num_env_steps_sampled_lifetime"])
        played = list(self._lessons.played)
        self._lessons.played.clear()
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
        return played, {"env_steps": self.done} | {ours: float(learner[theirs]) for ours, theirs in names.items()}

    def save(self, folder: Path) -> None:
        """Write RLlib's checkpoint and the reward statistics. Begin new episodes, as a resume does."""
        self.algorithm.save_to_path((folder / "rllib").absolute())
        spread = {key: float(getattr(self._lessons.spread, key)) for key in ("mean", "var", "count")}
        (folder / "spread.json").write_text(json.dumps(spread), encoding="utf-8")
        self._begin()

    def restore(self, folder: Path, done: int) -> None:
        """Load a checkpoint written by `save` after `done` decisions. Raise UserError if it is damaged."""
        try:
            self.algorithm.restore_from_path((folder / "rllib").absolute())
            for key, value in json.loads((folder / "spread.json").read_text(encoding="utf-8")).items():
                setattr(self._lessons.spread, key, np.float64(value))
        except Exception as error:  # pickles fail in many ways
            raise damaged(folder.parent, error) from error
        self.done = done
        self.algorithm.learner_group.foreach_learner(self._set_entropy)
        self._begin()

    def _set_entropy(self, learner: Any) -> None:
        """Set the position of the entropy schedule, which RLlib's checkpoint does not contain."""
        learner.entropy_coeff_schedulers_per_module["default_policy"].update(timestep=self.done)

    def _begin(self) -> None:
        """Begin new episodes in every env, determined by the seed and the decisions so far."""
        self._lessons.begin(self.done)
        self.algorithm.env_runner.sample(num_timesteps=0, force_reset=True)

    @property
    def _lessons(self) -> PPOVectorEnv:
        lessons: PPOVectorEnv = self.algorithm.env_runner.env.unwrapped
        return lessons

    def close(self) -> None:
        """Stop PPO but keep Ray running."""
        self.algorithm.stop()
