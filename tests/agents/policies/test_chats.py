"""Rows of TRL, OpenAI, ShareGPT, LLaMA-Factory and Alpaca give the same turns."""

import json
from typing import Any

import pytest

from agents.policies.chats import ChatTurn, chat_turns

TWO = [ChatTurn("1+1=", (), "2"), ChatTurn("2+2=", (), "4")]


def said(*texts: str) -> list[dict[str, Any]]:
    return [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(texts)]


def shared(*texts: str) -> list[dict[str, str]]:
    return [{"from": ("human", "gpt")[i % 2], "value": text} for i, text in enumerate(texts)]


def part(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


@pytest.mark.parametrize(
    "row",
    [
        {"messages": said("1+1=", "2", "2+2=", "4")},
        {"messages": json.dumps(said("1+1=", "2", "2+2=", "4")), "images": None},
        {"conversations": shared("1+1=", "2", "2+2=", "4"), "images": []},
        {"prompt": said("1+1=", "2", "2+2="), "completion": [{"role": "assistant", "content": "4"}]},
        {"prompt": said("1+1=", "2", "2+2="), "completion": "4"},
        {"instruction": "2+2=", "input": "", "output": "4", "history": [["1+1=", "2"]]},
        {"messages": [{"role": "user", "content": [part("1+"), part("1=")]}, *said("", "2", "2+2=", "4")[1:]]},
    ],
)
def test_every_form_gives_the_same_turns(row: dict[str, Any]) -> None:
    assert chat_turns(row) == TWO


def test_a_prompt_and_a_completion_as_texts() -> None:
    assert chat_turns({"prompt": "1+1=", "completion": "2"}) == TWO[:1]
    assert chat_turns({"instruction": "Add.", "input": "1+1=", "output": "2"}) == [ChatTurn("Add.\n1+1=", (), "2")]


def test_a_system_message_is_before_the_first_users_text() -> None:
    expected = [ChatTurn("Be brief.\n\n1+1=", (), "2"), TWO[1]]
    messages = said("1+1=", "2", "2+2=", "4")
    assert chat_turns({"messages": [{"role": "system", "content": "Be brief."}, *messages]}) == expected
    assert chat_turns({"messages": messages, "system": "Be brief."}) == expected
    conversations = [{"from": "system", "value": "Be brief."}, *shared("1+1=", "2", "2+2=", "4")]
    assert chat_turns({"conversations": conversations}) == expected


def test_reasoning_apart_from_the_reply_is_put_in_front_of_it() -> None:
    for key in ("reasoning_content", "thinking"):
        reply = {"role": "assistant", "content": "<answer>2</answer>", key: "one and one"}
        (turn,) = chat_turns({"messages": [*said("1+1="), reply]})
        assert turn.reply == "<think>one and one</think><answer>2</answer>"
        assert chat_turns({"messages": [*said("1+1="), reply | {"content": [part("<answer>2</answer>")]}]}) == [turn]
    whole = {"role": "assistant", "content": "<think>a</think>2", "reasoning_content": "a"}
    assert chat_turns({"messages": [*said("1+1="), whole]})[0].reply == "<think>a</think>2"


IMAGES = ["a.png", {"bytes": b"b", "path": None}, "c.png"]


@pytest.mark.parametrize(
    ("row", "turns"),
    [
        (  # LLaMA-Factory's marks, in turns
            {"conversations": shared("<image>\nWhat?", "A", "<image> or <image>?", "B"), "images": IMAGES},
            [ChatTurn("What?", ("a.png",), "A"), ChatTurn("<image> or <image>?", tuple(IMAGES[1:]), "B")],
        ),
        (  # TRL: texts only, with the images of a column
            {"messages": said("Which?", "A"), "images": IMAGES[:2]},
            [ChatTurn("<image><image>Which?", tuple(IMAGES[:2]), "A")],
        ),
        ({"prompt": "Which?", "completion": "A", "image": "a.png"}, [ChatTurn("Which?", ("a.png",), "A")]),
        (  # parts, of which one has its own image
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "image", "text": None},
                            part("or"),
                            {"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}},
                        ],
                    },
                    {"role": "assistant", "content": [part("A")]},
                ],
                "images": ["a.png"],
            },
            [ChatTurn("<image>or<image>", ("a.png", "data:image/png;base64,QQ=="), "A")],
        ),
        (  # instructions that mention the mark, as `agents.demonstrate` writes them
            {
                "messages": [
                    {"role": "user", "content": [part("<image> is an image. "), {"type": "image"}, {"type": "image"}]},
                    *said("", "A")[1:],
                ],
                "images": IMAGES[:2],
            },
            [ChatTurn("<image> is an image. <image><image>", tuple(IMAGES[:2]), "A")],
        ),
        (  # a mark in a part
            {
                "messages": [{"role": "user", "content": [part("Left of <image>?")]}, *said("", "A")[1:]],
                "images": ["a.png"],
            },
            [ChatTurn("Left of ?", ("a.png",), "A")],
        ),
        (
            {"messages": said("What does <image> mean?", "A mark.")},
            [ChatTurn("What does <image> mean?", (), "A mark.")],
        ),
    ],
)
def test_images_are_at_their_places(row: dict[str, Any], turns: list[ChatTurn]) -> None:
    assert chat_turns(row) == turns


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ([1], "a row must be an object with messages, got list"),
        ({"text": "a"}, "no chat: .* are required; the row has text$"),
        ({"messages": said("a", "b", "c")}, "the messages must be pairs of a user's and an assistant's message"),
        ({"messages": shared("a", "b")[::-1]}, "a user's message and its reply are expected, got assistant, user"),
        (
            {"messages": [*said("a"), {"role": "tool", "content": "b"}]},
            "a message of 'tool' cannot be learned; expected: ",
        ),
        ({"messages": ["a", "b"]}, "a message must be an object with role and content, got str"),
        (
            {"messages": said("<image>a", "b"), "images": ["a.png", "b.png"]},
            "there are more images than image parts or ",
        ),
        (
            {"messages": said("<image><image>a", "b"), "images": ["a.png"]},
            "there are fewer images than image parts or ",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "video"}]}, *said("", "b")[1:]]}, ", got 'video'"),
        (
            {"messages": [*said("a"), {"role": "assistant", "content": [{"type": "image"}]}]},
            "a message of the assistant has an image; only a user's can",
        ),
        ({"messages": "not json"}, "the messages are not valid JSON: Expecting value"),
        ({"messages": 5}, "a list of messages is expected, got int"),
        ({"prompt": {"a": 1}, "completion": "x"}, "a list of messages is expected, got dict"),
        ({"instruction": 1, "output": "2"}, "instruction must be a text, got int"),
        (
            {"instruction": "1+1=", "output": "2", "history": [["a", "b", "c"]]},
            "history must be a list of pairs of an instruction and an output",
        ),
        (
            {"messages": [*said("a"), {"role": "assistant", "content": None, "tool_calls": ["b"]}]},
            "content must be a text, got NoneType",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image"}, {"type": "image"}, part("What is <image>?")]},
                    *said("", "b")[1:],
                ],
                "images": ["a.png", "b.png"],
            },
            "a text after an image part has the mark <image>",
        ),
    ],
)
def test_a_row_that_is_no_chat_is_refused_with_the_reason(row: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        chat_turns(row)
