"""Stages with a teacher on real Ray: demonstrations and labels from the rollout workers, learned by two ranks."""

import json
from pathlib import Path

import numpy as np
import pytest

from agents.models.load import load_model
from training import run
from training.runs.metrics import read_metrics

pytest.importorskip("ray")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.ray,
    pytest.mark.filterwarnings("ignore"),  # Ray's own
    pytest.mark.timeout(600),
]

RECIPE = """
checkpoint_every: 1
evaluation: {episodes: 2, every: 0, videos: 0, records: 0}
algo: {lr: 1e-3, groups: 4, minibatch: 12}
stages:
  warm: {kind: sft, tasks: {twins_text: 1, arithmetic: 1}, demonstrations: 70, swap: 0.5, steps: 3}
  dagger: {kind: distill, tasks: [sokoban], steps: 2}
tasks:
  twins_text: {think: work}
"""


def test_teaching_on_ray_gives_the_numbers_of_a_local_run(tmp_path: Path) -> None:
    (tmp_path / "taught.yaml").write_text(RECIPE)
    words = ["env=arithmetic", f"recipe={tmp_path / 'taught.yaml'}", "engine.kind=transformers", f"out={tmp_path}"]
    run.main([*words, "name=local"])
    run.main([*words, "name=ray", "cluster=ray"])
    local, remote = (read_metrics(tmp_path / name) for name in ("local", "ray"))
    assert [(line["stage"], line["step"]) for line in remote] == [("warm", i) for i in (1, 2, 3)] + [
        ("dagger", 1),
        ("dagger", 2),
    ]
    for one, other in zip(local[:3], remote[:3], strict=True):  # the same demonstrations, added up in another order
        assert (one["reply_tokens"], one["trained_tokens"]) == (other["reply_tokens"], other["trained_tokens"])
        assert one["nll"] == pytest.approx(other["nll"], rel=1e-3)
    for line in remote[3:]:
        assert line["nll"] > 0 and line["turns"] >= 1 and line["skipped_updates"] == 0
    summary = json.loads((tmp_path / "ray" / "summary.json").read_text())
    assert [(stage["name"], stage["steps"]) for stage in summary["stages"]] == [("warm", 3), ("dagger", 2)]
    trained, first = load_model(str(tmp_path / "ray" / "checkpoint")), load_model("tiny")
    pairs = zip(trained.vlm.parameters(), first.vlm.parameters(), strict=True)
    assert 1e-5 < max(float((a - b).abs().max()) for a, b in pairs) < 0.1
    assert np.isfinite([line["loss"] for line in remote]).all()
