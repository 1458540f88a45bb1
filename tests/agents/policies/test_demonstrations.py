"""Files of demonstrations give the token sequences of the episodes that they hold."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import envs  # noqa: F401  (registers the ids)
from agents.chat.template import Chat
from agents.demonstrate import main
from agents.models.tiny import build_chat
from agents.policies.demonstrations import check_demonstrations, is_demonstration_file, read_demonstrations
from configs.errors import UserError


@pytest.fixture(scope="module")
def chat() -> Chat:
    return build_chat()


def user(text: str, images: int = 0) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "image"}] * images + [{"type": "text", "text": text}]}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_written_demonstrations_are_read_with_their_images(tmp_path: Path, chat: Chat, suffix: str) -> None:
    target = tmp_path / f"walks{suffix}"
    main(["env=sokoban", "episodes=3", f"out={target}"])
    sequences = read_demonstrations(str(target), chat, every_reply=False)
    for sequence in sequences:
        reply = chat.text(sequence.tokens[sequence.loss_mask])
        assert reply.startswith("<think>") and reply.endswith("</answer>")
        assert [image.shape for image in sequence.images] == [(84, 84, 3)]
        assert int((sequence.tokens == chat.image_token).sum()) == 9
    assert len(sequences) > 3


def test_every_reply_of_a_conversation_can_be_trained(tmp_path: Path, chat: Chat) -> None:
    row = {"messages": [user("1+1="), assistant("two"), user("2+2="), assistant("four")]}
    path = str(write(tmp_path / "sums.jsonl", row))
    (last,) = read_demonstrations(path, chat, every_reply=False)
    (both,) = read_demonstrations(path, chat, every_reply=True)
    assert last.tokens.tolist() == both.tokens.tolist()
    assert chat.text(last.tokens[last.loss_mask]) == "four"
    assert [chat.text(both.tokens[both.loss_mask & (both.turn == turn)]) for turn in (0, 1)] == ["two", "four"]


def test_images_are_assigned_in_order(tmp_path: Path, chat: Chat) -> None:
    for name, shade in (("dark.png", 10), ("light.png", 240)):
        Image.fromarray(np.full((84, 84, 3), shade, np.uint8)).save(tmp_path / name)
    row = {"messages": [user("Compare.", 2), assistant("light")], "images": ["dark.png", "light.png"]}
    (sequence,) = read_demonstrations(str(write(tmp_path / "pairs.jsonl", row)), chat, every_reply=False)
    assert [int(image[0, 0, 0]) for image in sequence.images] == [10, 240]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"messages": [user("1+1=")]}, "the messages must be pairs of a user's and an assistant's message"),
        ({"text": "1+1=2"}, "no chat: messages, conversations, prompt and completion, or instruction and output are "),
        ({"messages": [assistant("2"), user("1+1=")]}, "a user's message and its reply are expected, got assistant"),
        ({"messages": [user("a", 1), assistant("b")]}, "there are fewer images than image parts or marks <image> in"),
        ({"messages": [user("a"), assistant("b")], "images": ["x.png"]}, "x.png"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, chat: Chat, row: dict[str, Any], problem: str) -> None:
    path = write(tmp_path / "bad.jsonl", {"messages": [user("1+1="), assistant("2")]}, row)
    with pytest.raises(UserError) as error:
        read_demonstrations(str(path), chat, every_reply=False)
    assert str(error.value).startswith(f"{path}, line 2: ") and problem in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_or_empty_file_is_named(tmp_path: Path, chat: Chat) -> None:
    with pytest.raises(UserError, match=r"^there is no file 'none.jsonl' in the working directory"):
        read_demonstrations("none.jsonl", chat, every_reply=False)
    with pytest.raises(UserError, match=r"has no demonstrations$"):
        read_demonstrations(str(write(tmp_path / "empty.jsonl")), chat, every_reply=False)


def test_files_of_a_pattern_are_read_in_order(tmp_path: Path, chat: Chat) -> None:
    for number in (1, 0):
        row = {"messages": [user(f"{number}+1="), assistant(str(number + 1))]}
        write(tmp_path / f"train-0000{number}.jsonl", row)
    write(tmp_path / "test-00000.jsonl", {"messages": []})
    (tmp_path / "train-folder.jsonl").mkdir()
    read = read_demonstrations(str(tmp_path / "train-*.jsonl"), chat, every_reply=False)
    assert [chat.text(one.tokens[one.loss_mask]) for one in read] == ["1", "2"]
    check_demonstrations(str(tmp_path / "train-*.jsonl"), chat)
    with pytest.raises(UserError, match=r"test-00000.jsonl, line 1: no chat"):
        check_demonstrations(str(tmp_path / "*.jsonl"), chat)


def test_a_text_model_refuses_images_by_row(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((84, 84, 3), np.uint8)).save(tmp_path / "dark.png")
    row = {"messages": [user("Dark?", 1), assistant("yes")], "images": ["dark.png"]}
    path = write(tmp_path / "seen.jsonl", row)
    with pytest.raises(UserError, match=r"seen.jsonl, line 1: the model reads text only, got an image of 84x84$"):
        check_demonstrations(str(path), build_chat("llama"))


def test_names_of_files_and_of_teachers_differ() -> None:
    assert [is_demonstration_file(name) for name in ("a.jsonl", "b/c.parquet", "expert", "random")] == [1, 1, 0, 0]
