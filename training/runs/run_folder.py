"""RunFolder: the folder of a run, with config.yaml and, at the end, checkpoint/ (for transformers)."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from configs.cli import nested, split
from configs.errors import UserError
from configs.schema import build, merge
from training.config.cluster import ClusterConfig
from training.config.run import Config, read, save
from training.runs import inputs
from training.runs.checkpoint import RunState
from training.runs.effects import effects
from training.runs.folder import RunDirectory, refuse_existing, refuse_resume

CHECKPOINT = "checkpoint"
ALLOWED = frozenset(
    [
        "resume",  # names the run
        "resume_changed",  # accepts changed files and modules
        "plan",  # shows the placement, and starts nothing
        "cluster",  # a run may continue on other machines
    ]
)
"""Overrides that a resumed run accepts, apart from `cluster.k` and its own `env`."""


class RunFolder(RunDirectory):
    """Folder of one run."""

    def __init__(self, path: Path, config: Config) -> None:
        super().__init__(path, config.env, config.tasks, config.seed)
        self.config = config
        self.checkpoint = path / CHECKPOINT

    @staticmethod
    def refuse_existing(config: Config) -> Path:
        """Return the path of a new run's folder; raise UserError if it already exists."""
        path = Path(config.out) / config.name
        refuse_existing(path)
        return path

    @classmethod
    def create(cls, config: Config, sources: Mapping[str, str] | None = None) -> "RunFolder":
        """Create the folder `out`/`name`; raise UserError if it exists. `sources` are those of `compose`."""
        path = cls.refuse_existing(config)
        path.mkdir(parents=True)
        save(config, path / "config.yaml", sources)
        inputs.write(path, asdict(config))
        return cls(path, config)

    @classmethod
    def resume(cls, config: Config, overrides: Mapping[str, Any]) -> "RunFolder":
        """Open the folder of an interrupted run with its saved config.

        Args:
            config: Config composed from the overrides. Its cluster replaces the saved one if `cluster` is overridden.
            overrides: Overrides of the user, by dotted key.

        Raises:
            UserError: the run does not exist or is finished, an override would change its config, or something that
                the config names has changed.
        """
        path = Path(config.resume)
        if not (path / "config.yaml").is_file():
            raise UserError(
                f"resume={config.resume}: not a run folder (no config.yaml); use a path such as runs/football"
            )
        saved = read(path / "config.yaml")
        machines, others = split(overrides, "cluster")
        changes = {key: value for key, value in others.items() if key not in ALLOWED}
        if changes.get("env") == saved.env:
            del changes["env"]
        refuse_resume(path, "run", changes)
        inputs.compare(path, asdict(saved), config.resume_changed)
        saved.cluster = config.cluster if "cluster" in overrides else _changed(saved.cluster, machines)
        return cls(path, saved)

    def summary(self, progress: RunState) -> dict[str, Any]:
        """Return the contents of summary.json."""
        summary = super().summary(progress)
        trained = {name: stage.weights for name, stage in self.config.played.items()}
        sentences = effects([stage["name"] for stage in summary["stages"]], trained, progress.results)
        for stage in summary["stages"]:
            stage |= {"tasks": list(trained[stage["name"]]), "effect": sentences.get(stage["name"], "")}
        return summary | {
            "checkpoint": {"step": progress.reported_step, "path": CHECKPOINT},
            "validation": {"best": progress.best, "reported": progress.good.get("success")},
        }


def _changed(saved: ClusterConfig, overrides: Mapping[str, Any]) -> ClusterConfig:
    """Return the cluster settings of a run with `cluster.k` overrides."""
    settings = nested({"cluster": ClusterConfig}, overrides).get("cluster", {})
    cluster = build(ClusterConfig, merge(asdict(saved), settings), "cluster")
    assert isinstance(cluster, ClusterConfig)
    return cluster
