from .algo import AlgoConfig
from .cluster import ClusterConfig
from .compose import Composed, compose, load
from .learner import LearnerConfig
from .run import Config, read, save
from .stages import EvaluationConfig, StageConfig

__all__ = [
    "AlgoConfig",
    "ClusterConfig",
    "Composed",
    "Config",
    "EvaluationConfig",
    "LearnerConfig",
    "StageConfig",
    "compose",
    "load",
    "read",
    "save",
]
