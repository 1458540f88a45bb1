"""Our envs in other people's programs: Gymnasium by name, Stable-Baselines3, PettingZoo. RLlib: docs/worlds.md."""

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common import env_checker
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy

from envs.__main__ import ids
from envs.football.env import FootballEnv
from envs.football.parallel import FootballParallelEnv

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

EMPTY_GOAL: dict[str, Any] = {"scenario": "academy_empty_goal_close", "frame_skip": 8, "image_size": (84, 84)}
TRAINABLE: list[tuple[str, str, dict[str, Any]]] = [
    ("CnnPolicy", "kickoff/Football-v0", EMPTY_GOAL),
    ("MlpPolicy", "kickoff/Football-v0", EMPTY_GOAL | {"observation": "simple115v2"}),
    ("CnnPolicy", "kickoff/Sokoban-v0", {"room": (6, 6), "boxes": 1, "image_size": (84, 84), "max_steps": 10}),
]
"""What SB3 trains: its policy, the id, keywords."""


class IsSuccess(gymnasium.Wrapper[Any, Any, Any, Any]):
    """What SB3 plots as success is called `is_success`."""

    def step(self, action: Any) -> Any:
        *given, info = self.env.step(action)
        return *given, info | {"is_success": info["success"]}


def test_make_by_name_needs_no_import_and_no_pettingzoo() -> None:
    """Every id can be made; what needs PettingZoo says in one line what to install."""
    program = (
        "import sys; sys.modules['pettingzoo'] = None\nimport gymnasium\n"
        f"for id in {ids()}: print(gymnasium.make('envs:' + id).spec.id)\n"
        "import envs.football.parallel"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ids()
    wanted = "ImportError: FootballParallelEnv needs PettingZoo: pip install -e '.[pettingzoo]'"
    assert done.returncode == 1 and done.stderr.splitlines()[-1] == wanted


@pytest.mark.parametrize("id", ids())
def test_gymnasium_make_vec_works_in_every_mode(id: str) -> None:
    """Beside our vector entry point, which tests/envs/test_registry.py compares step by step."""
    ours = gymnasium.make_vec(f"envs:{id}", num_envs=2)
    theirs = gymnasium.make_vec(id, num_envs=2, vectorization_mode="sync")
    assert ours.spec is not None and theirs.spec is not None and ours.spec.id == theirs.spec.id == id
    assert (ours.observation_space, ours.action_space) == (theirs.observation_space, theirs.action_space)
    assert list(ours.reset(seed=5)[1]["state_hash"]) == list(theirs.reset(seed=5)[1]["state_hash"])
    ours.close()
    theirs.close()


@pytest.mark.parametrize(("policy", "id", "kwargs"), TRAINABLE)
def test_stable_baselines_trains_on_every_env(policy: str, id: str, kwargs: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env_checker.check_env(gymnasium.make(id, **kwargs))
    keywords: dict[str, Any] = {"env_kwargs": kwargs, "wrapper_class": IsSuccess}
    many = make_vec_env(id, 4, seed=0, monitor_kwargs={"info_keywords": ("success",)}, **keywords)
    model = PPO(policy, many, n_steps=64, batch_size=128, n_epochs=1, seed=0, device="cpu").learn(256)
    assert model.num_timesteps == 256
    episodes: Any = model.ep_info_buffer
    assert len(episodes) >= 4
    won = [episode["success"] for episode in episodes]
    assert won == list(model.ep_success_buffer or ())
    if "Football" in id:
        assert won == [episode["r"] == 1 for episode in episodes]
        assert 0 < sum(won) < len(won)
    returns, lengths = evaluate_policy(model, many, n_eval_episodes=4, return_episode_rewards=True)
    assert len(returns) == 4 and max(lengths) <= 400  # type: ignore[arg-type]


@pytest.mark.parametrize("id", ids())
def test_stable_baselines_checks_pass_on_the_documented_ids(id: str) -> None:
    """docs/worlds.md names the ids and the reason: spaces of texts."""
    kwargs: dict[str, Any] = {"tasks": ["gcd"]} if "Reasoning" in id else {}
    env = gymnasium.make(id, **kwargs)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if isinstance(env.action_space, gymnasium.spaces.Text):
            with pytest.raises(AssertionError, match=r"`reset\(\)` method must be a numpy array"):
                env_checker.check_env(env)
        else:
            env_checker.check_env(env)


@pytest.mark.parametrize("observation", ["simple115v2", "smm", "raw"])
def test_stable_baselines_checks_pass_on_footballs_observations(observation: str) -> None:
    kwargs: dict[str, Any] = EMPTY_GOAL | {"observation": observation}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # recommendations about unusual shapes
        env_checker.check_env(gymnasium.make("kickoff/Football-v0", **kwargs))


@pytest.mark.parametrize(
    ("scenario", "control", "observation"),
    [
        ("academy_3_vs_1_with_keeper", (2, 1), "pixels"),
        ("5_vs_5", (4, 4), "simple115v2"),
        ("academy_3_vs_1_with_keeper", (0, 1), "text"),
        ("breakaway", 1, "smm"),
        ("1_vs_1_easy", (1, 1), "raw"),
    ],
)
def test_pettingzoo_checks_pass(scenario: str, control: int | tuple[int, int], observation: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it imports a game in its own old way
        from pettingzoo.test import parallel_api_test, parallel_seed_test

    def make() -> FootballParallelEnv:
        return FootballParallelEnv(scenario, control, observation=observation, image_size=(48, 72))

    parallel_api_test(make(), num_cycles=40)
    parallel_seed_test(make, num_cycles=40)
    env = make()
    seen, _ = env.reset(seed=1)
    single = FootballEnv(scenario, observation, image_size=(48, 72))
    for agent in env.agents:
        assert env.observation_space(agent).contains(seen[agent])
        assert env.action_space(agent) == single.action_space
        if observation != "raw":  # where the other side's numbers are other spaces
            assert env.observation_space(agent) == single.observation_space


def test_agents_are_the_players_of_the_single_env() -> None:
    """Three seats: the same match, each agent with its own view, reward and words."""
    kwargs: dict[str, Any] = {"observation": "simple115v2", "rewards": "scoring,checkpoints"}
    env = FootballParallelEnv("academy_3_vs_1_with_keeper", (2, 1), **kwargs)
    single = FootballEnv("academy_3_vs_1_with_keeper", control=(2, 1), **kwargs)
    agents = ["left_1", "left_2", "right_1"]
    seen, infos = env.reset(seed=4)
    expected, _ = single.reset(seed=4)
    paid = np.zeros(3)
    rng = np.random.default_rng(0)
    over = False
    while not over:
        assert env.agents == agents
        assert all(np.array_equal(seen[agent], expected[index]) for index, agent in enumerate(agents))
        actions = rng.integers(0, 19, 3) if rng.random() < 0.1 else np.asarray(single.expert_action())
        seen, rewards, terminated, truncated, infos = env.step(dict(zip(agents, actions.tolist(), strict=True)))
        expected, _, ended, late, info = single.step(actions)
        assert list(rewards.values()) == info["rewards"].tolist()
        assert list(terminated.values()) == [ended] * 3 and list(truncated.values()) == [late] * 3
        assert infos["left_1"]["text"] == info["text"] and infos["left_2"]["text"] != info["text"]
        assert {infos[agent]["state_hash"] for agent in agents} == {info["state_hash"]}
        paid += info["rewards"]
        over = ended or late
    assert env.agents == []
    scored, conceded = info["score"]
    assert [infos[agent]["success"] for agent in agents] == [scored > 0, scored > 0, conceded > 0]
    assert paid[0] > 0
    with pytest.raises(ValueError, match="no match is in progress"):
        env.step(dict.fromkeys(agents, 0))


def test_parallel_step_with_wrong_actions_raises() -> None:
    env = FootballParallelEnv("academy_3_vs_1_with_keeper", 2)
    begin = r"^no match is in progress \(it has ended or has not started\): call reset\(\)$"
    with pytest.raises(ValueError, match=begin):
        env.step({"left_1": 3, "left_2": 3})
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"actions must include each of left_1, left_2, got \{'left_1': 3\}"):
        env.step({"left_1": 3})
    with pytest.raises(ValueError, match="action must be one of 0 to 18"):
        env.step({"left_1": 3, "left_2": 19})
    with pytest.raises(ValueError, match=r"at most \(2, 6\) here, got \(1, 7\)"):
        FootballParallelEnv("academy_run_to_score_with_keeper", (1, 7))
