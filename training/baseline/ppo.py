"""RLlib's PPO with the baseline's network. Only this file of the baseline imports Ray.

One env runner with many envs and one learner run in this process. RLlib still needs a small Ray instance for its object
store.
"""

import json
import logging
import os
import shutil
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import ray
import torch
from gymnasium.spaces import Discrete
from gymnasium.wrappers.utils import RunningMeanStd
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.connectors.connector_v2 import ConnectorV2
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import ValueFunctionAPI
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.core.rl_module.torch import TorchRLModule
from ray.rllib.utils.debug import update_global_seed_if_necessary
from ray.tune.registry import register_env
from torch import Tensor

from agents.seeds import mix
from configs.errors import UserError
from envs.task.task import Task
from training.baseline.config import BaselineConfig
from training.baseline.env import BaselineEnv
from training.baseline.policy import Network

ENV = "kickoff-baseline"
MINIBATCH = 256
OBJECT_STORE = 80 * 2**20
"""Size of Ray's object store in bytes. Only weights pass through it."""
METRICS = {
    "entropy": "entropy",
    "policy_kl": "mean_kl_loss",
    "loss": "policy_loss",
    "value_loss": "vf_loss",
    "explained_variance": "vf_explained_var",
    "grad_norm": "gradients_default_optimizer_global_norm",
    "learning_rate": "default_optimizer_learning_rate",
}
"""Name of a metric → RLlib's name."""


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


class ScaleRewards(ConnectorV2):
    """Division of rewards by the running standard deviation of discounted returns, so that one `lr` fits every game.

    RLlib has no such connector, and Gymnasium's NormalizeReward does not end a return where an episode is truncated.

    Args:
        gamma: Discount factor.
        envs: Number of envs.
    """

    def __init__(self, *, gamma: float, envs: int) -> None:
        super().__init__()
        self.gamma = gamma
        self.spread = RunningMeanStd()
        self._returns = np.zeros(envs)

    def __call__(self, *, batch: dict[str, Any], episodes: Sequence[Any], **_: Any) -> dict[str, Any]:
        """Scale the last reward of each env's episode."""
        stepped = [index for index, episode in enumerate(episodes) if episode.t > 0]  # the others have just begun
        rewards = np.array([episodes[index].get_rewards(-1) for index in stepped])
        returns = self._returns[stepped] * self.gamma + rewards
        self._returns[:] = 0.0
        self._returns[stepped] = returns
        if stepped:
            self.spread.update(returns)
        for index, reward in zip(stepped, rewards / np.sqrt(self.spread.var + 1e-8), strict=True):
            episodes[index].set_rewards(new_data=reward, at_indices=-1)
        return batch

    def get_state(self, *_: Any, **__: Any) -> dict[str, Any]:
        """Return the statistics for RLlib's checkpoint."""
        return dict(vars(self.spread))

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore the statistics."""
        vars(self.spread).update(state)


def log_end(episode: Any, metrics_logger: Any, **_: Any) -> None:
    """Log a finished episode. RLlib's own returns would be those of scaled rewards."""
    metrics_logger.log_value("ended", episode.get_infos(-1), reduce="item_series")


@contextmanager
def local_ray() -> Iterator[None]:
    """Start a small Ray for the duration of the context."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    logging.getLogger("ray.rllib").setLevel(logging.ERROR)  # RLlib's log_level begins after its first warning
    ray.init(
        address="local",
        num_cpus=1,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        object_store_memory=OBJECT_STORE,
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # Ray's handler ends with a long C++ trace
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
        register_env(ENV, lambda context: BaselineEnv(**context))
        untyped: Any = PPOConfig
        settings = (
            untyped()
            .environment(ENV, env_config={"task": task, "config": config})
            .framework("torch")
            .env_runners(
                num_env_runners=0,
                num_envs_per_env_runner=config.envs,
                rollout_fragment_length=config.batch // config.envs,
                gym_env_vectorize_mode="sync",
                env_to_module_connector=lambda *_: ScaleRewards(gamma=config.gamma, envs=config.envs),
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
            .callbacks(on_episode_end=log_end)
            .reporting(min_time_s_per_iteration=0)
            .debugging(seed=mix(config.seed) % 2**32, log_level="ERROR")
        )
        self.algorithm = settings.build_algo()
        with suppress(OSError):  # RLlib always makes an empty folder in ~/ray_results
            Path(self.algorithm.logdir).rmdir()
            Path(self.algorithm.logdir).parent.rmdir()

    @property
    def network(self) -> Network:
        """The network with its current weights."""
        network: Network = self.algorithm.get_module().network
        return network

    def update(self) -> tuple[list[dict[str, Any]], dict[str, float]]:
        """Collect one batch and update the network.

        Returns:
            The finished episodes (`success`, `reward`, `turns`), and the metrics of the update.
        """
        noise = mix(self.seed, self.done) % 2**32  # independent of earlier draws, so that a resume draws the same
        update_global_seed_if_necessary("torch", noise)
        result = self.algorithm.train()
        self.done = int(result["env_runners"]["num_env_steps_sampled_lifetime"])
        learner = result["learners"]["default_policy"]
        metrics = {ours: float(learner[theirs]) for ours, theirs in METRICS.items()}
        return result["env_runners"].get("ended", []), {"env_steps": self.done} | metrics

    def save(self, folder: Path, documents: Mapping[str, Any], then: Callable[[], None]) -> None:
        """Write RLlib's checkpoint and the JSON documents, call `then`, and begin new episodes as a resume does."""
        part = folder.with_name(f".{folder.name}")
        for old in (part, folder):
            shutil.rmtree(old, ignore_errors=True)
        self.algorithm.save_to_path((part / "rllib").absolute())
        for name, document in documents.items():
            (part / name).write_text(json.dumps(document), encoding="utf-8")
        part.rename(folder)
        then()
        self._begin_episodes()

    def restore(self, folder: Path) -> None:
        """Load a checkpoint written by `save`. Raise UserError if it is damaged."""
        try:
            self.algorithm.restore_from_path((folder / "rllib").absolute())
        except Exception as error:  # pickles fail in many ways
            why = str(error) or type(error).__name__
            raise UserError(f"{folder} is damaged: {why}; remove it to resume from an earlier one") from error
        self.done = int(self.algorithm.metrics.peek(("env_runners", "num_env_steps_sampled_lifetime")))
        self.algorithm.learner_group.foreach_learner(self._set_entropy)
        self._begin_episodes()

    def _set_entropy(self, learner: Any) -> None:
        """Set the position of the entropy schedule, which RLlib's checkpoint does not contain."""
        learner.entropy_coeff_schedulers_per_module["default_policy"].update(timestep=self.done)

    def _begin_episodes(self) -> None:
        """Make new envs, which depend on the seed and the decisions so far. RLlib's checkpoint contains no episodes."""
        runner = self.algorithm.env_runner
        runner.config.env_config["done"] = self.done
        with warnings.catch_warnings(action="ignore"):  # RLlib registers the env again
            runner.make_env()

    def close(self) -> None:
        """Stop PPO but keep Ray running."""
        self.algorithm.stop()
