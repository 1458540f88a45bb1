import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render.draw.images import frame_id
from render.records.episode import Episode, Turn
from render.records.reading import read_episodes, read_records
from render.records.writing import EpisodeWriter


def picture(value: int) -> np.ndarray:
    return np.full((4, 6, 3), value, np.uint8)


def turn(**changes: object) -> Turn:
    basic = Turn(
        "Play.", "<think>x</think><answer>Right</answer>", "x", "Right", True, 0.1, {"format": 0.1}, "", None, 9
    )
    return dataclasses.replace(basic, **changes)  # type: ignore[arg-type]


def episode(*turns: Turn, **changes: object) -> Episode:
    basic = Episode("football", 7, "before", -1, 0, True, "completed", 1.1, {"success": 1.0, "format": 0.1}, turns)
    return dataclasses.replace(basic, **changes)  # type: ignore[arg-type]


def same(a: Episode, b: Episode) -> bool:
    for one, other in zip(a.turns, b.turns, strict=True):
        if one.frame is None or other.frame is None:
            if one.frame is not other.frame:
                return False
        elif not np.array_equal(one.frame, other.frame):
            return False
        if dataclasses.replace(one, frame=None) != dataclasses.replace(other, frame=None):
            return False
    return dataclasses.replace(a, turns=()) == dataclasses.replace(b, turns=())


def test_written_episodes_are_read_back(tmp_path: Path) -> None:
    first = episode(turn(frame=picture(1)), turn(frame=picture(2), valid=False, action=""))
    second = episode(turn(), seed=8, success=False, ended="truncated", step=12, group=3)
    with EpisodeWriter(tmp_path / "new" / "episodes") as writer:
        writer.write(first)
        writer.write(second)
    read = list(read_episodes(tmp_path / "new" / "episodes"))
    assert len(read) == 2
    assert same(read[0], first) and same(read[1], second)
    assert not same(read[0], second)


def test_several_frames_of_a_turn_are_kept(tmp_path: Path) -> None:
    several = turn(frame=picture(1), more_frames=(picture(2), picture(1)))
    with EpisodeWriter(tmp_path) as writer:
        writer.write(episode(several, turn(frame=picture(1))))
    (read,) = read_episodes(tmp_path)
    shown = [[read_turn.frame, *read_turn.more_frames] for read_turn in read.turns]
    assert [[int(frame[0, 0, 0]) for frame in frames if frame is not None] for frames in shown] == [[1, 2, 1], [1]]
    assert len(list((tmp_path / "frames").iterdir())) == 2  # each distinct frame once
    (record,) = (json.loads(line) for line in (tmp_path / "episodes.jsonl").read_text().splitlines())
    names = [frame_id(picture(value)) for value in (1, 2, 1)]
    assert record["turns"][0]["frame"] == names[0] and record["turns"][0]["more_frames"] == names[1:]
    assert "more_frames" not in record["turns"][1]
    text = (tmp_path / "episodes.jsonl").read_text()
    (tmp_path / "episodes.jsonl").write_text(text.replace(f'["{names[1]}"', '["../x"'))
    with pytest.raises(ValueError, match=r"line 1 names a frame '\.\./x'"):
        list(read_episodes(tmp_path))


def test_training_fields_are_kept(tmp_path: Path) -> None:
    turns = (turn(advantage=0.5), turn(advantage=-1.5))
    trained = episode(*turns, step=3, kind="corner", stage="mgt", advantage=-0.5, score=2.0)
    full = episode(ended="context", success=False, problem="the prompt has 40 tokens, the context 32")
    with EpisodeWriter(tmp_path) as writer:
        writer.write(trained)
        writer.write(full)
    read = list(read_episodes(tmp_path))
    assert read == [trained, full]
    assert [t.advantage for t in read[0].turns] == [0.5, -1.5] and read[1].turns == ()


def test_the_fields_of_schema_3_are_kept_and_left_out_where_they_are_empty(tmp_path: Path) -> None:
    told = turn(
        problem="no action is named 'x'", actions=("up", "left"), truth="40 65", transcript=0.5,
        misread=(("65", "66"),), tokens=("<think>", "a", ""), logprobs=(-0.1, -0.2, 0.0), entropies=(0.5, 0.25, 0.0),
        answers=(("left", 0.25), ("top…", 0.1)),
    )  # fmt: skip
    full = episode(told, final_frame=picture(3), final_text="the end", ending="Goal for your team.")
    light = episode(turn(frame=None), pictured=False)
    with EpisodeWriter(tmp_path) as writer:
        writer.write(full)
        writer.write(light)
    read = list(read_episodes(tmp_path))
    assert read[0].final_frame is not None and read[0].final_frame[0, 0].tolist() == [3, 3, 3]
    plain = [dataclasses.replace(one, final_frame=None) for one in (read[0], full)]
    assert plain[0] == plain[1] and read[1] == light
    first, second = (json.loads(line) for line in (tmp_path / "episodes.jsonl").read_text().splitlines())
    assert first["final_frame"] == frame_id(picture(3)) and first["turns"][0]["answers"][0] == ["left", 0.25]
    assert second["pictured"] is False and not {"tokens", "truth", "problem"} & second["turns"][0].keys()
    assert not {"final_frame", "final_text", "ending"} & second.keys()


def test_a_record_of_schema_1_is_read_with_defaults(tmp_path: Path) -> None:
    old = {
        "schema": 1, "task": "football", "seed": 7, "policy": "before", "step": -1, "group": 0, "success": True,
        "ended": "completed", "reward": 1.1, "rewards": {"success": 1.0, "format": 0.1},
        "turns": [{
            "prompt": "Play.", "reply": "<think>x</think><answer>Right</answer>", "thinking": "x", "action": "Right",
            "valid": True, "reward": 0.1, "rewards": {"format": 0.1}, "text": "", "frame": None, "reply_tokens": 9,
        }],
    }  # fmt: skip
    (tmp_path / "episodes.jsonl").write_text(json.dumps(old) + "\n")
    assert list(read_episodes(tmp_path)) == [episode(turn())]
    (record,) = read_records(tmp_path)
    new: dict[str, object] = {"kind": "", "stage": "", "advantage": None, "score": None, "problem": ""}
    new |= {"final_frame": None, "final_text": "", "ending": "", "pictured": True}
    new |= {"seat": "", "match": "", "result": "", "opponent": ""}
    assert {**record, "turns": None} == old | new | {"turns": None}
    (read,) = record["turns"]
    assert read.items() >= old["turns"][0].items()  # type: ignore[index]
    assert (read["advantage"], read["more_frames"], read["tokens"], read["truth"]) == (None, (), (), None)
    with EpisodeWriter(tmp_path) as writer:  # an older record is gone on with
        writer.write(episode(turn(), seed=8))
    assert [e.seed for e in read_episodes(tmp_path)] == [7, 8]


text = st.text(st.characters(), max_size=40) | st.sampled_from(["</script>", "\u2028", "\ud800", "a\r\nb\0", "✓ 𝕏"])


@settings(max_examples=60)
@given(text, text, text, st.floats(allow_nan=False), st.dictionaries(text, st.floats(allow_nan=False), max_size=3))
def test_any_text_and_number_is_read_back(
    prompt: str, reply: str, task: str, reward: float, rewards: dict[str, float]
) -> None:
    written = episode(turn(prompt=prompt, reply=reply, reward=reward, rewards=rewards), task=task)
    with tempfile.TemporaryDirectory() as folder:
        with EpisodeWriter(folder) as writer:
            writer.write(written)
        assert same(next(iter(read_episodes(folder))), written)


def test_each_distinct_frame_is_stored_once(tmp_path: Path) -> None:
    for _ in range(2):  # a second writer knows what the first one stored
        with EpisodeWriter(tmp_path) as writer:
            writer.write(episode(turn(frame=picture(1)), turn(frame=picture(1)), turn(frame=picture(2))))
    names = {path.stem for path in (tmp_path / "frames").iterdir()}
    assert names == {frame_id(picture(1)), frame_id(picture(2))}
    frames = [t.frame for e in read_episodes(tmp_path) for t in e.turns]
    assert frames[0] is frames[1] is frames[3]


def test_frames_of_equal_bytes_and_other_shapes_differ() -> None:
    assert frame_id(np.zeros((2, 3, 3), np.uint8)) != frame_id(np.zeros((3, 2, 3), np.uint8))


def test_a_torn_last_line_is_skipped_with_a_warning(tmp_path: Path) -> None:
    with EpisodeWriter(tmp_path) as writer:
        writer.write(episode(turn()))
        writer.write(episode(turn(), seed=8))
    path = tmp_path / "episodes.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.warns(UserWarning, match=r"episodes\.jsonl line 2 is torn"):
        assert [e.seed for e in read_episodes(tmp_path)] == [7]
    with pytest.warns(UserWarning, match="a torn last line was dropped"), EpisodeWriter(tmp_path) as writer:
        writer.write(episode(turn(), seed=9))
    assert [e.seed for e in read_episodes(tmp_path)] == [7, 9]


@pytest.mark.slow
def test_a_killed_writer_leaves_whole_episodes(tmp_path: Path) -> None:
    code = (
        "import sys, os; sys.path.insert(0, sys.argv[2]); from test_episode import *\n"
        "writer = EpisodeWriter(sys.argv[1])\n"
        "for seed in range(5): writer.write(episode(turn(frame=picture(seed)), seed=seed))\n"
        "os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path), os.path.dirname(__file__)], timeout=60)
    assert done.returncode == -9
    assert [e.seed for e in read_episodes(tmp_path)] == [0, 1, 2, 3, 4]


def test_a_newer_schema_is_refused_in_one_line(tmp_path: Path) -> None:
    with EpisodeWriter(tmp_path) as writer:
        writer.write(episode(turn()))
    path = tmp_path / "episodes.jsonl"
    path.write_text(path.read_text().replace('"schema":3', '"schema":4'))
    with pytest.raises(ValueError, match=r"line 1 has schema 4, this Kickoff reads up to 3: update Kickoff") as caught:
        list(read_episodes(tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{nonsense", "line 2 is not JSON"),
        ("[1, 2]", "line 2 is not an episode"),
        ('{"schema": 1, "task": "x"}', "line 2 is not a complete episode: seed, policy"),
    ],
)
def test_damage_inside_names_the_line(tmp_path: Path, line: str, message: str) -> None:
    with EpisodeWriter(tmp_path) as writer:
        writer.write(episode(turn()))
    with open(tmp_path / "episodes.jsonl", "a") as file:
        file.write(line + "\n")
    with pytest.raises(ValueError, match=message):
        list(read_episodes(tmp_path))


def test_a_frame_s_name_cannot_leave_the_folder(tmp_path: Path) -> None:
    with EpisodeWriter(tmp_path) as writer:
        writer.write(episode(turn(frame=picture(3))))
    path = tmp_path / "episodes.jsonl"
    record = json.loads(path.read_text())
    record["turns"][0]["frame"] = "../../etc/passwd"
    path.write_text(json.dumps(record) + "\n")
    with pytest.raises(ValueError, match="a name is 32 hexadecimal digits"):
        list(read_records(tmp_path))


def test_a_missing_frame_says_so(tmp_path: Path) -> None:
    with EpisodeWriter(tmp_path) as writer:
        writer.write(episode(turn(frame=picture(3))))
    (tmp_path / "frames" / f"{frame_id(picture(3))}.png").unlink()
    with pytest.raises(ValueError, match="cannot be read as an image"):
        list(read_episodes(tmp_path))


def test_wrong_values_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ended='failed': it must be one of completed, truncated, invalid, context"):
        episode(ended="failed")
    with EpisodeWriter(tmp_path) as writer:
        with pytest.raises(ValueError, match=r"a frame is float64 \[2, 2\]: it must be uint8 \[H, W, 3\]"):
            writer.write(episode(turn(frame=np.zeros((2, 2)))))
    assert list(read_episodes(tmp_path)) == []


def test_a_folder_without_a_record_has_no_episodes(tmp_path: Path) -> None:
    assert list(read_episodes(tmp_path / "nothing")) == []
