"""One process in which learner and vLLM take turns, as on a GPU: the engine sleeps during updates."""

from pathlib import Path

import pytest

import training
from training.runs.metrics import read_metrics

pytest.importorskip("vllm")

RECIPE = """
evaluation: {episodes: 2, every: 0, videos: 0, records: 0, record_groups: 0}
algo: {groups: 6, group_size: 4, lr: 3e-4, warmup_updates: 0}
stages:
  equations: {tasks: [algebra], steps: 3}
"""


@pytest.mark.slow
@pytest.mark.vllm
@pytest.mark.timeout(600)
def test_run_with_a_sleeping_engine_samples_every_step_with_the_new_weights(tmp_path: Path) -> None:
    recipe = tmp_path / "equations.yaml"
    recipe.write_text(RECIPE)
    engine = {"kind": "vllm", "vllm": {"sleep": 2, "cpu_cache_gb": 0.1}}
    training.train("algebra", recipe=str(recipe), track="none", out=str(tmp_path), name="run", engine=engine)
    steps = [record for record in read_metrics(tmp_path / "run") if record["stage"] == "equations"]
    assert len(steps) == 3
    for record in steps:
        assert (record["staleness/max"], record["skipped_updates"]) == (0, 0)
        assert record["mismatch"] < 1e-4  # the engine woke with the learner's weights
