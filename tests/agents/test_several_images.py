"""Questions with several images, from the file to the learner, the record, the replay and the demonstrations."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import envs  # noqa: F401  (registers the ids)
from agents.demonstrate import main as demonstrate
from agents.engines.config import EngineConfig
from agents.engines.transformers import TransformersEngine
from agents.episodes.episode import Episode, Start
from agents.episodes.runner import EpisodeRunner
from agents.episodes.starts import TEST_FIRST, held_out_starts
from agents.episodes.task_check import check_task
from agents.models.load import LoadedModel, wrap
from agents.models.tiny import build
from agents.play.session import Record
from agents.policies.model import VLMPolicy
from agents.policies.recorded import RecordedPolicy
from agents.policies.scripted import scripted
from agents.records.record import as_record
from configs.errors import UserError
from envs.task.config import TaskConfig
from envs.task.task import Task
from render.records.reading import read_episodes
from render.records.writing import EpisodeWriter

COUNTS = [3, 1, 2, 3]
"""Images of each question. The third question has no places for them."""
TEXTS = ["A <image> B <image> C <image>?", "One?", "Two?", "<image><image><image> Three?"]


@pytest.fixture
def task(tmp_path: Path) -> Task:
    rows = []
    for row, count in enumerate(COUNTS):
        names = [f"{row}_{number}.png" for number in range(count)]
        for number, name in enumerate(names):
            Image.new("RGB", (84, 84), (60 * row, 60 * number, 200)).save(tmp_path / name)
        rows.append({"problem": TEXTS[row], "images": names, "answer": str(row)})
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    kwargs = {"path": str(tmp_path / "rows.jsonl"), "image_size": [84, 84], "in_order": True}
    return Task("several", TaskConfig(id="kickoff/Questions-v0", kwargs=kwargs, instructions="Answer.", rules=True))


def colours(images: Any) -> list[list[int]]:
    return [image[40, 40].tolist() for image in images]


def expected(row: int) -> list[list[int]]:
    return [[60 * row, 60 * number, 200] for number in range(COUNTS[row])]


@pytest.mark.parametrize("family", ["idefics3", "qwen2_5_vl", "qwen3_vl"])
def test_engine_learner_and_record_have_all_images(family: str, task: Task, tmp_path: Path) -> None:
    model = wrap(*build(3, family))
    check_task("several", task.config, model.chat, 2048)
    starts = [Start(seed, seed) for seed in range(8)]
    episodes = play(model, task, starts)
    sequences = [sequence for episode in episodes for sequence in episode.sequences]
    with torch.no_grad():
        policy_logprobs, _ = model.vlm(sequences, 1.0)
    engine_logprobs = np.concatenate([sequence.engine_logprobs[sequence.loss_mask] for sequence in sequences])
    np.testing.assert_allclose(policy_logprobs.numpy(), engine_logprobs, atol=1e-4)
    with EpisodeWriter(tmp_path / "record") as writer:
        for episode in episodes:
            writer.write(as_record(episode, task, "before", model.chat))
    mark = model.chat.prompt_text(model.chat.images.collapsed)
    for seed, (episode, record) in enumerate(zip(episodes, read_episodes(tmp_path / "record"), strict=True)):
        row = seed % 4
        assert colours(episode.turns[0].observation.images) == expected(row)
        (sequence,), (turn,) = episode.sequences, record.turns
        assert len(sequence.images) == COUNTS[row] and turn.prompt.count(mark) == COUNTS[row]
        assert (sequence.tokens == model.chat.image_token).sum() == 9 * COUNTS[row]
        assert turn.frame is not None
        assert colours([turn.frame, *turn.more_frames]) == expected(row)
        assert ("more_frames" in json.dumps(lines(tmp_path)[seed])) == (COUNTS[row] > 1)
    assert f"A {mark} B {mark} C {mark}?" in next(read_episodes(tmp_path / "record")).turns[0].prompt


def play(model: LoadedModel, task: Task, starts: list[Start], **settings: Any) -> list[Episode]:
    engine = TransformersEngine(model.vlm, model.chat.eos, EngineConfig(max_batch=8, threads=2))
    return asyncio.run(EpisodeRunner(task).play(starts, VLMPolicy(model.chat, engine), **settings))


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "record" / "episodes.jsonl").read_text().splitlines()]


def test_blind_keeps_the_number_of_images(task: Task) -> None:
    episodes = play(wrap(*build(3)), task, [Start(seed, seed) for seed in range(4)], blind=True)
    for row, episode in enumerate(episodes):
        other = expected((row + 2) % 4)
        wanted = [other[number % len(other)] for number in range(COUNTS[row])]
        assert colours(episode.turns[0].observation.images) == wanted


def test_a_record_with_several_images_is_replayed_and_compared(task: Task, tmp_path: Path) -> None:
    starts = held_out_starts(TEST_FIRST, 4)
    with Record(tmp_path / "plays", task) as record:
        for episode in asyncio.run(EpisodeRunner(task).play(starts, scripted("expert"))):
            record.add(episode, practice=False)
    recorded = RecordedPolicy(tmp_path / "plays", task)
    again = asyncio.run(EpisodeRunner(task).play(recorded.starts, recorded))
    assert [episode.success for episode in again] == [True] * 4

    def change(edit: Callable[[dict[str, Any]], object]) -> None:
        path = tmp_path / "plays" / "episodes.jsonl"
        records = [json.loads(line) for line in path.read_text().splitlines()]
        edit(next(one["turns"][0] for one in records if "more_frames" in one["turns"][0]))
        path.write_text("".join(json.dumps(one) + "\n" for one in records))

    for edit in (lambda turn: turn.update(more_frames=turn["more_frames"][::-1]), lambda turn: turn.pop("more_frames")):
        change(edit)
        with pytest.raises(UserError, match="shows a different image than recorded"):
            asyncio.run(EpisodeRunner(task).play(starts, RecordedPolicy(tmp_path / "plays", task)))


def test_demonstrations_place_each_image(task: Task, tmp_path: Path) -> None:
    (tmp_path / "several.yaml").write_text(
        f"id: kickoff/Questions-v0\nkwargs: {json.dumps(task.config.kwargs)}\ninstructions: Answer.\n"
    )
    demonstrate([f"env={tmp_path / 'several.yaml'}", "episodes=20", f"out={tmp_path / 'out.jsonl'}"])
    seen = set()
    for line in (tmp_path / "out.jsonl").read_text().splitlines():
        row = json.loads(line)
        said = row["messages"][1]["content"][0]["text"]
        number = int(said.partition("<answer>")[2][0])
        content = [part.get("text", "*") for part in row["messages"][0]["content"]]
        assert (
            content
            == [
                ["Answer.\nA ", "*", " B ", "*", " C ", "*", "?"],
                ["*", "Answer.\nOne?"],
                ["*", "*", "Answer.\nTwo?"],
                ["Answer.\n", "*", "*", "*", " Three?"],
            ][number]
        )
        shown = [np.asarray(Image.open(tmp_path / name)) for name in row["images"]]
        assert colours(shown) == expected(number)
        seen.add(number)
    assert seen == {0, 1, 2, 3}


def test_a_video_has_frames_of_one_size(task: Task) -> None:
    episodes = play(wrap(*build(3)), task, [Start(seed, seed) for seed in range(4)], film=4)
    assert {frame.shape for episode in episodes for frame in episode.frames} == {(84, 252, 3)}


def test_a_person_sees_the_images_side_by_side(task: Task) -> None:
    env = task.make("rgb_array")
    env.reset(seed=0)
    shown: Any = env.render()
    assert shown.shape == (84, 252, 3) and colours([shown[:, 84 * i :] for i in range(3)]) == expected(0)
