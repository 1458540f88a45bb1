"""Everything that decides a run, and the file that keeps it."""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from agents.engines.config import EngineConfig
from agents.models.config import ModelConfig
from configs.errors import UserError, suggest
from configs.schema import build, check_fields, field_types, load_yaml
from envs.task.config import TaskConfig
from training.config.cluster import ClusterConfig
from training.config.learner import LearnerConfig
from training.config.stages import EvaluationConfig, StageConfig

DEFAULTS = {"env": "football", "model": "tiny", "recipe": "tiny", "cluster": "local"}
TRACKERS = ("tensorboard", "wandb")


def trackers(track: str) -> list[str]:
    """The names that `track=` holds; ValueError in one line where one of them is none."""
    names = [name.strip() for name in track.strip("[]").split(",")]
    for name in names:
        if name not in (*TRACKERS, "none"):
            raise ValueError(suggest("tracker", name, (*TRACKERS, "none")))
    if "none" in names and len(names) > 1:
        raise ValueError(f"track=none stands alone, got {track!r}")
    return [name for name in TRACKERS if name in names]


@dataclass
class Config:
    """Everything that decides a run."""

    name: str = ""
    """Name of the run folder below `out`; empty: what env= or recipe= names."""
    seed: int = 0
    """Seeds everything: starts, sampling, order. The same seed gives the same numbers on the same machine."""
    out: str = "runs"
    """Folder in which run folders are made."""
    resume: str = ""
    """Run folder to go on with: with the transformers engine and max_staleness 0 to the same numbers as if it had never
    stopped. Only the machines (cluster) may be others."""
    envs: list[str] = field(default_factory=lambda: [DEFAULTS["env"]])
    """The tasks to learn, as env= named them. All are measured; the first is the main one, which is filmed too."""
    model: ModelConfig = field(default_factory=ModelConfig)
    """The model; model=NAME takes configs/model/NAME.yaml."""
    engine: EngineConfig = field(default_factory=EngineConfig)
    """The engine, which generates the replies."""
    learner: LearnerConfig = field(default_factory=LearnerConfig)
    """The learner: how it computes."""
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    """The evaluation: how success is measured."""
    track: str = "tensorboard"
    """Where metrics are drawn while they come: tensorboard, wandb (Weights & Biases), tensorboard,wandb or none."""
    checkpoint_every: int = 10
    """Training steps between two checkpoints."""
    cluster: ClusterConfig = field(default_factory=ClusterConfig)
    """The machines; cluster=NAME takes configs/cluster/NAME.yaml."""
    tasks: dict[str, TaskConfig] = field(default_factory=dict)
    """Every task that a stage plays, by name; env.k is short for tasks.<env>.k."""
    stages: dict[str, StageConfig] = field(default_factory=dict)
    """The stages in their order; recipe=NAME takes them from configs/recipe/NAME.yaml."""

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        if not re.fullmatch(r"[\w.-]*", self.name) or self.name in (".", ".."):
            raise ValueError(f"name may hold letters, digits and . _ - only (it names a folder), got {self.name!r}")
        trackers(self.track)
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, got {self.seed}")
        if self.checkpoint_every < 1:
            raise ValueError(f"checkpoint_every must be at least 1, got {self.checkpoint_every}")

    @property
    def env(self) -> str:
        """The main task: the first that env= names."""
        return self.envs[0]

    @property
    def played(self) -> dict[str, StageConfig]:
        """The stages that have steps, in their order."""
        return {name: stage for name, stage in self.stages.items() if stage.steps}


def save(config: Config, path: Path, sources: Mapping[str, str] | None = None) -> None:
    """Write the whole config as YAML, which `read` reads.

    Args:
        config: the config.
        path: the file to write.
        sources: where each value comes from, by dotted key; written as comments. A key that is absent has its default.

    Raises:
        UserError: a value cannot be written as YAML.
        OSError: the file cannot be written.
    """
    try:
        text = OmegaConf.to_yaml(OmegaConf.create(dataclasses.asdict(config)))
    except OmegaConfBaseException as error:
        raise UserError(f"a setting cannot be written as YAML: {' '.join(str(error).split())}") from error
    path.write_text(text if sources is None else annotated(text, sources), encoding="utf-8")


def annotated(text: str, sources: Mapping[str, str]) -> str:
    """Return YAML with a comment at each key that tells the source of its value: `lr: 0.0003  # recipe tiny`."""
    lines = text.splitlines(keepends=True)  # texts may hold other line ends, which stay
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    for key, line in _key_lines(root, ""):
        ends = [key[: match.start()] for match in re.finditer(r"\.", key)]
        source = next((sources[part] for part in (key, *reversed(ends)) if part in sources), "default")
        shown = source if source.isprintable() else repr(source)  # of a file whose name holds a line end
        lines[line] = f"{lines[line].rstrip()}  # {shown}\n"
    return "".join(lines)


def _key_lines(node: yaml.Node | None, prefix: str) -> Iterator[tuple[str, int]]:
    """Yield each dotted key of a mapping with the line on which a comment may stand."""
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        name = f"{prefix}{key.value}"
        if isinstance(value, yaml.MappingNode) and value.value:
            yield from _key_lines(value, f"{name}.")
        elif isinstance(value, yaml.ScalarNode) and value.end_mark.line > value.start_mark.line:
            yield name, value.end_mark.line  # a text of several lines: behind its closing quote
        else:
            yield name, key.end_mark.line


def read(path: Path) -> Config:
    """The config of an earlier run, as `save` wrote it."""
    try:
        config = build(Config, check_fields(field_types(Config), load_yaml(path)))
    except UserError as error:
        raise error if str(path) in str(error) else UserError(f"{path}: {error}") from None
    assert isinstance(config, Config)
    return config
