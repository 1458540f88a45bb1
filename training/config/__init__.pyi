from .algo import AlgoConfig
from .cluster import ClusterConfig
from .compose import load
from .learner import LearnerConfig
from .run import Config, read, save
from .stages import EvaluationConfig, StageConfig

__all__ = [
    "AlgoConfig",
    "ClusterConfig",
    "Config",
    "EvaluationConfig",
    "LearnerConfig",
    "StageConfig",
    "load",
    "read",
    "save",
]
