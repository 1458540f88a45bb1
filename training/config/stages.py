"""What a run does in its stages, and how it is measured."""

from dataclasses import dataclass, field

from training.config.algo import AlgoConfig


@dataclass
class EvaluationConfig:
    """How success is measured during and after training."""

    episodes: int = 256
    """Held-out test episodes, played before and after (starts that training never draws)."""
    every: int = 10
    """Steps of the last stage between two validations; 0 turns them off."""
    validation_episodes: int = 128
    """Held-out validation episodes, played during training (never those of the test)."""
    tolerance: float = 0.1
    """Weights are good while validation success is at most this far below the best; the last good ones are reported."""
    videos: int = 4
    """Episodes filmed, the same ones before and after."""
    records: int = 16
    """Episodes of each task of env= whose records (frame, prompt, reply, a turn at a time) go into the run folder:
    before, after and between the stages."""
    record_groups: int = 2
    """Groups of each training step whose records go into the run folder, with their advantages; 0 for none. Each takes
    group_size episodes with all their frames, so large frames and long runs fill the disk."""

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        for key in ("episodes", "validation_episodes"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key} must be at least 1, got {getattr(self, key)}")
        for key in ("every", "videos", "records", "record_groups", "tolerance"):
            if getattr(self, key) < 0:
                raise ValueError(f"{key} must not be negative, got {getattr(self, key)}")


@dataclass
class StageConfig:
    """One stage of the pipeline: what is played, and how it is learned."""

    tasks: list[str] | dict[str, float] = field(default_factory=lambda: ["env"])
    """Tasks or suites played, by name or with weights ({football: 2, geometry: 1}); `env`: what env= names."""
    steps: int = 0
    """Training steps; 0 leaves the stage out."""
    max_reply_tokens: int | None = None
    """Longest reply, for each task of the stage; null leaves each its own. tasks.NAME.max_reply_tokens is stronger, and
    a task of several stages has the longest in all of them."""
    learning_progress: float = 0.0
    """Share of the groups that goes to the tasks whose success is changing, from 0 to 1; the rest goes by weight."""
    algo: AlgoConfig = field(default_factory=AlgoConfig)
    """The stage's numbers; algo.k on the command line sets k in every stage."""

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        if not self.tasks:
            raise ValueError("tasks must name at least one task, such as env")
        if min(self.weights.values()) <= 0:
            raise ValueError(f"the weights of tasks must be greater than 0, got {self.weights}")
        if self.steps < 0:
            raise ValueError(f"steps must not be negative, got {self.steps}")
        if self.max_reply_tokens is not None and self.max_reply_tokens < 1:
            raise ValueError(f"max_reply_tokens must be at least 1, got {self.max_reply_tokens}")
        if not 0 <= self.learning_progress <= 1:
            raise ValueError(f"learning_progress must be from 0 to 1, got {self.learning_progress}")

    @property
    def weights(self) -> dict[str, float]:
        """Name → weight."""
        return self.tasks if isinstance(self.tasks, dict) else dict.fromkeys(self.tasks, 1.0)
