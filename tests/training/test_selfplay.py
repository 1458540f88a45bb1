"""Whole runs of self-play: exact resume with the pool, and one-line errors."""

import json
from pathlib import Path
from typing import Any

import pytest

from configs.errors import UserError
from training import run
from training.runs.metrics import read_metrics
from training.trainer import Trainer

WORDS = [
    "recipe=selfplay_board", "track=none", "stages.replies.steps=4", "stages.replies.demonstrations=200",
    "stages.selfplay.steps=4", "stages.selfplay.selfplay.every=1", "stages.selfplay.selfplay.keep=2",
    "stages.selfplay.algo.groups=4", "stages.selfplay.algo.group_size=4", "checkpoint_every=2",
    "evaluation.episodes=4", "evaluation.every=0", "evaluation.videos=0", "evaluation.records=1",
]  # fmt: skip


def numbers(folder: Path) -> list[dict[str, Any]]:
    """The metrics of a run without times."""
    return [
        {key: value for key, value in record.items() if not key.startswith("time")} for record in read_metrics(folder)
    ]


@pytest.mark.slow
def test_interrupted_self_play_is_resumed_exactly_with_its_pool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [*WORDS, f"out={tmp_path}"]
    run.main([*words, "name=whole"])
    whole = tmp_path / "whole"
    played = [record for record in numbers(whole) if record["stage"] == "selfplay"]
    assert len(played) == 4 and any("points/past" in record for record in played)
    selves = sorted(path.name for path in (whole / "selves").iterdir())
    assert selves[0] == "self-000004" and "self-000008" in selves and len(selves) <= 4

    usual = Trainer.report

    def stopped(self: Trainer, stage: str, *args: Any) -> None:
        usual(self, stage, *args)
        if stage == "selfplay" and self.progress.step == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "report", stopped)
        with pytest.raises(KeyboardInterrupt):
            run.main([*words, "name=cut"])
    cut = tmp_path / "cut"
    checkpoint = json.loads((cut / "checkpoints" / "step-000006" / "progress.json").read_text())
    pool = checkpoint["source"]["opponents"]
    assert pool["past"] == ["self-000004", "self-000006"] and pool["results"] and pool["means"]
    run.main([f"resume={cut}"])
    assert numbers(cut) == numbers(whole)
    summaries = [json.loads((folder / "summary.json").read_text())["success"] for folder in (whole, cut)]
    assert summaries[0] == summaries[1]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["recipe=selfplay", "stages.selfplay.tasks=football"], "stages.selfplay.selfplay needs a task with seats"),
        (
            ["recipe=selfplay_board", "tasks.tictactoe.expert=", "stages.replies.steps=0"],
            "task tictactoe has no expert; set stages.selfplay.selfplay.opponents=",
        ),
        (["algo.advantage=spiral", "env=arithmetic", "stages=mgt"], "algo.advantage=spiral needs opponents"),
    ],
)
def test_run_that_cannot_play_itself_is_refused_in_one_line(tmp_path: Path, words: list[str], line: str) -> None:
    with pytest.raises(UserError, match=line) as caught:
        run.main([*words, f"out={tmp_path}", "name=none"])
    assert "\n" not in str(caught.value) and not (tmp_path / "none").exists()
