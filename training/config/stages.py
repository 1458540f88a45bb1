"""StageConfig and EvaluationConfig: the stages of a run and its evaluation."""

from dataclasses import dataclass, field, replace
from typing import Literal

from configs.schema import Settings
from configs.types import Fraction, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from training.config.algo import AlgoConfig
from training.config.selfplay import SelfPlayConfig


@dataclass
class EvaluationConfig(Settings):
    """Settings for measuring success during and after training."""

    episodes: PositiveInt = 256
    """Number of held-out test episodes per task, played before and after training. Training never uses their starts."""
    every: NonNegativeInt = 10
    """Number of training steps between validations in the last stage. 0 turns validation off."""
    validation_episodes: PositiveInt = 128
    """Number of held-out episodes per validation, divided among the tasks. They differ from the test episodes."""
    blind: bool = False
    """Also measure the blind control of the main task in every validation, on its validation episodes. This adds an
    evaluation. A task without images has none."""
    tolerance: NonNegativeFloat = 0.1
    """Maximum drop of validation success below its best value, from 0 to 1. The run reports the last weights
    within this tolerance."""
    videos: NonNegativeInt = 4
    """Number of held-out episodes in the videos. They are the same before and after training."""
    records: NonNegativeInt = 64
    """Number of held-out episodes recorded with frames for each task of env=, failures first. The others are recorded
    without frames. They are written to the run folder before, between and after the stages."""
    record_groups: NonNegativeInt = 2
    """Number of groups to record in each training step, with their advantages. 0 records none. A group has group_size
    episodes with all frames, so long runs with large frames need much disk space."""


@dataclass
class StageConfig(Settings):
    """Tasks, length and algorithm settings of one stage."""

    tasks: list[str] | dict[str, PositiveFloat] = field(default_factory=lambda: ["env"])
    """Tasks or suites to train on, as names or with weights ({football: 2, geometry: 1}). `env` stands for the tasks of
    env=."""
    kind: Literal["rl", "sft", "distill"] = "rl"
    """Source of learning: `rl` (rewards of groups of episodes), `sft` (a teacher's demonstrations), or `distill` (the
    teacher's replies to the states that the policy visits; DAgger, arXiv 1011.0686). A step of `sft` learns one
    minibatch of turns (algo.minibatch). A step of `distill` learns all turns of one episode per group (algo.groups)."""
    steps: NonNegativeInt = 0
    """Number of training steps. 0 skips the stage."""
    max_reply_tokens: PositiveInt | None = None
    """Maximum length of a reply in tokens, for all tasks of the stage. null keeps the setting of each task.
    tasks.NAME.max_reply_tokens takes precedence. A task in several stages uses the largest value in all of them."""
    learning_progress: Fraction = 0.0
    """Fraction of the groups, from 0 to 1, for tasks with a changing success rate. The others follow the weights."""
    teachers: dict[str, str] = field(default_factory=dict)
    """Task → teacher, for `sft` and `distill`: `expert` (the env's own; the default), `random` (teaches the reply
    format and the action names), api:MODEL (a model on an OpenAI-compatible server, engine.server, at temperature 1),
    or, for `sft`, a file of chats ending in .jsonl or .parquet, or a pattern such as data/train-*.parquet. Such files
    are written by agents.demonstrate, or are datasets of the hub."""
    demonstrations: PositiveInt = 8000
    """Number of turns that the teacher plays for each task at a time (`sft`), but no more than the stage draws. They
    are kept in memory."""
    passes: PositiveInt = 4
    """Number of times that each demonstrated turn is learned before the teacher plays new ones (`sft`)."""
    noise: Fraction = 0.15
    """Fraction of the demonstrated turns in which a random action is played instead of the teacher's, which is still
    learned. The demonstrations then contain states that follow mistakes."""
    swap: Fraction = 0.0
    """Fraction of the demonstrated turns of tasks with transcripts that get the reply to another turn with the same
    text (`sft`). Its work and answer are learned, but not its transcript, so that plans follow the transcript and not
    the observation."""
    selfplay: SelfPlayConfig = field(default_factory=SelfPlayConfig)
    """Opponents in tasks with seats (`rl`)."""
    algo: AlgoConfig = field(default_factory=AlgoConfig)
    """Algorithm settings of the stage. The override algo.k sets k in every stage."""

    def __post_init__(self) -> None:
        """Check the values. At least one task is needed."""
        super().__post_init__()
        if not self.tasks:
            raise ValueError("tasks must name at least one task, such as env")
        self._check_teachers()
        if self.kind != "rl" and self.selfplay.on:
            raise ValueError(f"selfplay needs rewards; remove it from a stage of kind {self.kind}")
        if self.kind != "rl" and self.algo.entropy_coef:
            raise ValueError(f"entropy_coef needs sampled replies; set it to 0 in a stage of kind {self.kind}")

    def _check_teachers(self) -> None:
        """Raise ValueError unless every teacher is a scripted policy, api:MODEL or, for `sft`, a file."""
        if not self.teachers:
            return
        from agents.engines.config import SERVER
        from agents.policies.demonstrations import is_demonstration_file  # late: imports Pillow
        from agents.policies.scripted import SCRIPTED_POLICIES

        for task, teacher in self.teachers.items():
            on_server = teacher.startswith(SERVER) and teacher != SERVER
            if on_server or teacher in SCRIPTED_POLICIES or (self.kind == "sft" and is_demonstration_file(teacher)):
                continue
            files = " or a file ending in .jsonl or .parquet" if self.kind == "sft" else ""
            known = ", ".join([f"{SERVER}MODEL", *SCRIPTED_POLICIES])
            raise ValueError(f"teachers.{task} must be {known}{files}, got {teacher!r}")

    def teacher(self, task: str) -> str:
        """Return the teacher of a task, in the form of `teachers`."""
        return self.teachers.get(task, "expert")

    @property
    def learned(self) -> AlgoConfig:
        """Algorithm settings for the learner. Teacher's replies have the loss `cross_entropy`, no correction and k3."""
        if self.kind == "rl":
            return self.algo
        return replace(self.algo, loss="cross_entropy", correction="none", kl="k3")

    @property
    def weights(self) -> dict[str, float]:
        """Task or suite → weight."""
        return self.tasks if isinstance(self.tasks, dict) else dict.fromkeys(self.tasks, 1.0)
