"""Config: all settings of a run, and its YAML file."""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from agents.engines.config import EngineConfig
from agents.models.config import ModelConfig
from configs.errors import UserError, suggest
from configs.files import load_yaml, to_yaml
from configs.schema import Settings, build, check_fields, field_types
from configs.types import NonNegativeInt, PositiveInt
from envs.task.config import TaskConfig
from training.config.cluster import ClusterConfig
from training.config.learner import LearnerConfig
from training.config.stages import EvaluationConfig, StageConfig

DEFAULTS = {"env": "football", "model": "tiny", "recipe": "tiny", "cluster": "local"}
TRACKERS = ("tensorboard", "wandb")


def check_folder_name(name: str) -> None:
    """Raise ValueError unless a name is empty or can name a folder."""
    if not re.fullmatch(r"[\w.-]*", name) or name in (".", ".."):
        raise ValueError(f"name may contain only letters, digits and . _ - (it names a folder), got {name!r}")


def trackers(track: str) -> list[str]:
    """Return the trackers that a value of `track=` names; raise ValueError for an unknown name."""
    names = [name.strip() for name in track.strip("[]").split(",")]
    for name in names:
        if name not in (*TRACKERS, "none"):
            raise ValueError(suggest("tracker", name, (*TRACKERS, "none")))
    if "none" in names and len(names) > 1:
        raise ValueError(f"track=none cannot be combined with other trackers, got {track!r}")
    return [name for name in TRACKERS if name in names]


@dataclass
class Config(Settings):
    """All settings of a run."""

    name: str = ""
    """Name of the run folder in `out`. Empty: the name of env= or recipe=."""
    seed: NonNegativeInt = 0
    """Seed of all random numbers: starts, sampling, order. The same seed gives the same results on the same CPU."""
    out: str = "runs"
    """Folder that contains the run folders."""
    resume: str = ""
    """Run folder to resume. Only the cluster settings can change. On a CPU, the resumed run gives the same results as
    an uninterrupted one with the transformers engine and max_staleness 0."""
    resume_changed: bool = False
    """Resume although a question file, level file, model or module that the config names has changed."""
    envs: list[str] = field(default_factory=lambda: [DEFAULTS["env"]])
    """Tasks to train on, from env=. All are measured. The first is the main task, which also gets videos."""
    model: ModelConfig = field(default_factory=ModelConfig)
    """The model; model=NAME reads configs/model/NAME.yaml."""
    engine: EngineConfig = field(default_factory=EngineConfig)
    """The engine, which generates replies."""
    learner: LearnerConfig = field(default_factory=LearnerConfig)
    """The learner, which updates the weights."""
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    """The evaluation on held-out episodes."""
    track: str = "tensorboard"
    """Trackers for live metrics: `tensorboard`, `wandb` (Weights & Biases), `tensorboard,wandb`, or `none`."""
    checkpoint_every: PositiveInt = 10
    """Number of training steps between checkpoints."""
    cluster: ClusterConfig = field(default_factory=ClusterConfig)
    """The cluster; cluster=NAME reads configs/cluster/NAME.yaml."""
    tasks: dict[str, TaskConfig] = field(default_factory=dict)
    """Task name → settings, for every task of a stage. env.k is short for tasks.NAME.k of each task in env=."""
    stages: dict[str, StageConfig] = field(default_factory=dict)
    """Stages in order; recipe=NAME reads them from configs/recipe/NAME.yaml."""

    def __post_init__(self) -> None:
        """Check the values, and the names of the run and of the trackers."""
        super().__post_init__()
        check_folder_name(self.name)
        trackers(self.track)

    @property
    def env(self) -> str:
        """Main task: the first one of env=."""
        return self.envs[0]

    @property
    def played(self) -> dict[str, StageConfig]:
        """Stages with at least one step, in order."""
        return {name: stage for name, stage in self.stages.items() if stage.steps}


def save(config: Config, path: Path, sources: Mapping[str, str] | None = None) -> None:
    """Write the whole config as YAML for `read`.

    Args:
        config: Config to write.
        path: File to write.
        sources: Dotted key → source of its value, written as comments. A missing key has its default value.

    Raises:
        UserError: a value cannot be written as YAML.
        OSError: the file cannot be written.
    """
    try:
        text = to_yaml(dataclasses.asdict(config))
    except yaml.YAMLError as error:
        raise UserError(f"a setting cannot be written as YAML: {' '.join(str(error).split())}") from error
    path.write_text(text if sources is None else annotated(text, sources), encoding="utf-8")


def annotated(text: str, sources: Mapping[str, str]) -> str:
    """Return YAML with the source of each value as a comment, such as `lr: 0.0003  # recipe tiny`."""
    lines = text.splitlines(keepends=True)  # texts may contain other line ends, which are kept
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    for key, line in _key_lines(root, ""):
        ends = [key[: match.start()] for match in re.finditer(r"\.", key)]
        source = next((sources[part] for part in (key, *reversed(ends)) if part in sources), "default")
        shown = source if source.isprintable() else repr(source)  # a file name may contain a line end
        lines[line] = f"{lines[line].rstrip()}  # {shown}\n"
    return "".join(lines)


def _key_lines(node: yaml.Node | None, prefix: str) -> Iterator[tuple[str, int]]:
    """Yield each dotted key of a mapping with the line number for its comment."""
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        name = f"{prefix}{key.value}"
        if isinstance(value, yaml.MappingNode) and value.value:
            yield from _key_lines(value, f"{name}.")
        elif isinstance(value, yaml.ScalarNode) and value.end_mark.line > value.start_mark.line:
            yield name, value.end_mark.line  # multi-line text: after its closing quote
        else:
            yield name, key.end_mark.line


def read(path: Path) -> Config:
    """Return the config in a file that `save` wrote; raise UserError if it is invalid."""
    try:
        config = build(Config, check_fields(field_types(Config), load_yaml(path)))
    except UserError as error:
        raise error if str(path) in str(error) else UserError(f"{path}: {error}") from None
    assert isinstance(config, Config)
    return config
