"""StageConfig and EvaluationConfig: the stages of a run and its evaluation."""

from dataclasses import dataclass, field

from configs.schema import Settings
from configs.types import Fraction, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from training.config.algo import AlgoConfig


@dataclass
class EvaluationConfig(Settings):
    """Settings for measuring success during and after training."""

    episodes: PositiveInt = 256
    """Number of held-out test episodes per task, played before and after training. Training never uses their starts."""
    every: NonNegativeInt = 10
    """Number of training steps between validations in the last stage. 0 turns validation off."""
    validation_episodes: PositiveInt = 128
    """Number of held-out episodes per validation, divided among the tasks. They differ from the test episodes."""
    tolerance: NonNegativeFloat = 0.1
    """Maximum drop of validation success below its best value, from 0 to 1. The run reports the last weights
    within this tolerance."""
    videos: NonNegativeInt = 4
    """Number of held-out episodes in the videos. They are the same before and after training."""
    records: NonNegativeInt = 16
    """Number of held-out episodes to record for each task of env=: frame, prompt and reply of each turn. They are
    written to the run folder before, between and after the stages."""
    record_groups: NonNegativeInt = 2
    """Number of groups to record in each training step, with their advantages. 0 records none. A group has group_size
    episodes with all frames, so long runs with large frames need much disk space."""


@dataclass
class StageConfig(Settings):
    """Tasks, length and algorithm settings of one stage."""

    tasks: list[str] | dict[str, PositiveFloat] = field(default_factory=lambda: ["env"])
    """Tasks or suites to train on, as names or with weights ({football: 2, geometry: 1}). `env` stands for the tasks of
    env=."""
    steps: NonNegativeInt = 0
    """Number of training steps. 0 skips the stage."""
    max_reply_tokens: PositiveInt | None = None
    """Maximum length of a reply in tokens, for all tasks of the stage. null keeps the setting of each task.
    tasks.NAME.max_reply_tokens takes precedence. A task in several stages uses the largest value in all of them."""
    learning_progress: Fraction = 0.0
    """Fraction of the groups, from 0 to 1, for tasks with a changing success rate. The others follow the weights."""
    algo: AlgoConfig = field(default_factory=AlgoConfig)
    """Algorithm settings of the stage. The override algo.k sets k in every stage."""

    def __post_init__(self) -> None:
        """Check the values. At least one task is needed."""
        super().__post_init__()
        if not self.tasks:
            raise ValueError("tasks must name at least one task, such as env")

    @property
    def weights(self) -> dict[str, float]:
        """Task or suite → weight."""
        return self.tasks if isinstance(self.tasks, dict) else dict.fromkeys(self.tasks, 1.0)
