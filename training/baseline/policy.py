"""The baseline's network and policy: a small CNN on images, or an MLP on football's simple115v2.

This file does not need Ray: a trained baseline needs only torch.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, cast

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from agents.episodes.policy import TurnContext
from agents.seeds import mix
from configs.errors import UserError
from envs.football.observations import Observer
from envs.task.config import TaskConfig
from envs.task.task import Observation, Task
from render.records.files import write_whole
from training.baseline.config import read
from training.baseline.env import PATCH, available_actions, observation_space, training_task

WEIGHTS = "policy.safetensors"


class Network(nn.Module):
    """Observations → action logits and values.

    Images [H, W, 3] are split into patches of 7x7 (12 per side for 84x84), followed by two convolutions and a layer of
    256 units. This is similar to Mnih et al. (2015), but twice as fast on a CPU and faster to train. Vectors [F] pass
    through two layers of 256 units.
    """

    def __init__(self, shape: tuple[int, ...], actions: int) -> None:
        """Create a network.

        Args:
            shape: Shape of an observation, [H, W, 3] or [F].
            actions: Number of actions A.
        """
        super().__init__()
        self.shape = tuple(shape)
        self.pixels = len(shape) == 3
        body: list[nn.Module]
        if self.pixels:
            eyes = nn.Sequential(
                nn.Conv2d(3, 32, PATCH, stride=PATCH), nn.ReLU(),
                nn.Conv2d(32, 32, 3, stride=2, padding=1), nn.ReLU(),
                nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.Flatten(),
            )  # fmt: skip
            with torch.no_grad():
                width = eyes(torch.zeros(1, 3, *shape[:2])).shape[1]
            body = [*eyes, nn.Linear(width, 256), nn.ReLU()]
        else:
            body = [nn.Linear(shape[0], 256), nn.Tanh(), nn.Linear(256, 256), nn.Tanh()]
        self.body = nn.Sequential(*body)
        self.policy = nn.Linear(256, actions)
        self.value = nn.Linear(256, 1)
        for layer in self.body:
            if isinstance(layer, nn.Conv2d | nn.Linear):
                _begin(layer, 2**0.5)
        _begin(self.policy, 0.01)  # the initial policy is almost uniform
        _begin(self.value, 1.0)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # the layout of images, which avoids copies

    def embed(self, observations: Tensor) -> Tensor:
        """Map observations (uint8 [B, H, W, 3] or float32 [B, F]) to features [B, 256] for both heads."""
        if self.pixels:
            observations = observations.permute(0, 3, 1, 2).to(torch.float32).div(255.0)
        return cast(Tensor, self.body(observations))

    def logits(self, embedded: Tensor) -> Tensor:
        """Map features [B, 256] to action logits [B, A]."""
        return cast(Tensor, self.policy(embedded))

    def values(self, embedded: Tensor) -> Tensor:
        """Map features [B, 256] to values [B]."""
        return cast(Tensor, self.value(embedded)).squeeze(-1)


@dataclass(frozen=True)
class BaselinePolicy:
    """A trained network in place of a language model. It replies with an action name and an empty thought."""

    network: Network
    actions: tuple[str, ...]
    """Names of its actions, in order."""
    temperature: float = 1.0

    def start_episode(self, task: Task) -> None:
        """Do nothing: the policy has no memory."""

    def with_temperature(self, temperature: float) -> Self:
        """Return the same policy at another temperature. 0 is greedy."""
        return replace(self, temperature=temperature)

    def check(self, task: Task) -> None:
        """Raise ValueError (one line) if actions or observations differ from those of the training."""
        if task.config.actions_per_reply > 1:
            turns = task.config.with_single_actions().max_turns
            raise ValueError(
                f"task {task.name} accepts {task.config.actions_per_reply} actions per reply, but the baseline plays "
                f"one; set env.actions_per_reply=1 env.max_turns={turns}"
            )
        env = task.make()
        try:
            self._look(task, env, task.observe(env, *env.reset(seed=0)))
        finally:
            env.close()

    def _look(self, task: Task, env: gymnasium.Env[Any, Any], observation: Observation) -> NDArray[Any]:
        """Return the input of the network."""
        names = (
            () if task.config.in_parts else tuple(str(task.config.actions[at]) for at in available_actions(task.config))
        )
        if names != self.actions:
            raise ValueError(f"task {task.name}: the baseline was trained with actions {', '.join(self.actions)}")
        seen = _seen(task, observation) if self.network.pixels else features(env)
        if seen.shape != self.network.shape:
            learned, came = ("x".join(map(str, shape)) for shape in (self.network.shape, seen.shape))
            raise ValueError(f"task {task.name}: the baseline was trained on {learned}, but observations are {came}")
        return seen

    async def reply(self, context: TurnContext) -> str:
        """Return a well-formed reply with the chosen action."""
        seen = self._look(context.task, context.env, context.observation)
        with torch.inference_mode():
            logits = self.network.logits(self.network.embed(torch.from_numpy(seen).unsqueeze(0)))[0].double()
        if self.temperature == 0:
            chosen = int(logits.argmax())
        else:
            shares = torch.softmax(logits / self.temperature, 0).numpy()
            chosen = int(np.random.default_rng(mix(context.seed, context.turn)).choice(len(shares), p=shares))
        return f"<think></think><answer>{self.actions[chosen]}</answer>"


def _seen(task: Task, observation: Observation) -> NDArray[np.uint8]:
    """Return the image given to a language model."""
    if observation.image is None:
        raise ValueError(f"task {task.name} has no images, but the baseline was trained on pixels")
    return observation.image


def features(env: gymnasium.Env[Any, Any]) -> NDArray[np.float32]:
    """Return the simple115v2 vector [115] of a football env with any observation. Raise ValueError for other envs."""
    game, matches = getattr(env.unwrapped, "game", None), getattr(env.unwrapped, "matches", None)
    if game is None or matches is None:
        raise ValueError("the baseline was trained on simple115v2, which only football provides")
    vector: NDArray[np.float32] = Observer("simple115v2", game.seats, (0, 0), 0, (0, 0), "").look(matches)[0]
    return vector


def load_baseline(folder: Path) -> BaselinePolicy:
    """Load the newest weights of a baseline as a policy. Raise UserError (one line) if there are none."""
    config, task = read(folder)
    path = folder / WEIGHTS
    if not path.is_file():
        raise UserError(f"{folder} has no {WEIGHTS} yet; continue with python -m training.baseline resume={folder}")
    try:
        weights = load_file(path)
        network = Network(
            observation_space(training_task(config, task), config).shape or (), len(available_actions(task))
        )
        network.load_state_dict(weights)
    except (SafetensorError, RuntimeError) as error:
        raise UserError(f"{path} is damaged or from another version: {str(error).splitlines()[0]}") from None
    return policy_of(network, task)


def policy_of(network: Network, task: TaskConfig) -> BaselinePolicy:
    """Return a trained network as a policy of its task."""
    return BaselinePolicy(network, tuple(str(task.actions[index]) for index in available_actions(task)))


def save_network(network: Network, folder: Path) -> None:
    """Write the weights for `load_baseline` atomically."""
    write_whole(folder / WEIGHTS, save({name: value.contiguous() for name, value in network.state_dict().items()}))


def _begin(layer: nn.Conv2d | nn.Linear, gain: float) -> None:
    """Initialise a layer with orthogonal weights and zero bias."""
    nn.init.orthogonal_(layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
