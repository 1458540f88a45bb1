from .env import FootballEnv
from .parallel import FootballParallelEnv
from .scenarios import SCENARIOS
from .vector import FootballVectorEnv

__all__ = [
    "SCENARIOS",
    "FootballEnv",
    "FootballParallelEnv",
    "FootballVectorEnv",
]
