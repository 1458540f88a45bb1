"""A conversation keeps the very tokens that were shown and sampled, and trains each sampled one exactly once."""

import numpy as np
import pytest

from agents.chat.conversation import Conversation
from agents.chat.types import Completion, Message, TokenSequence
from agents.models.tiny import build_chat
from render.draw.images import frame_id

CHAT = build_chat()
REPLIES = ["<think>a</think><answer>left</answer>", "<think></think>", "shot", "<answer>"]


def frame(turn: int) -> np.ndarray:
    return np.full((84, 84, 3), turn, dtype=np.uint8)


def completion(turn: int, finished: bool = True) -> Completion:
    tokens = CHAT.reply(REPLIES[turn])
    tokens = tokens if finished else tokens[:-1]
    logprobs = -np.arange(1, len(tokens) + 1, dtype=np.float32) - 100 * turn
    versions = 10 * turn + np.arange(len(tokens), dtype=np.int32)  # new weights come while a reply is sampled
    return Completion(tokens, logprobs, finished, versions)


def shown(turn: int, opening: bool, closed: bool = True) -> list[int]:
    words = f"Rules. turn {turn}" if opening else f"turn {turn}"
    return [int(token) for token in CHAT.turn(words, (84, 84), opening, closed)]


def game(history: int, turns: int = 4, cut: int = -1) -> Conversation:
    """`cut`: the turn whose reply ran out of tokens."""
    conversation = Conversation(CHAT, history)
    for turn in range(turns):
        conversation.ask(f"turn {turn}", f"Rules. turn {turn}", frame(turn))
        conversation.answer(completion(turn, finished=turn != cut))
    return conversation


def frames(sequence: TokenSequence) -> list[int]:
    return [int(image[0, 0, 0]) for image in sequence.images]


CONTEXTS = {0: [[0], [1], [2], [3]], 1: [[0], [0, 1], [1, 2], [2, 3]], 2: [[0], [0, 1], [0, 1, 2], [1, 2, 3]]}
CONTEXTS |= {-1: [[0, 1, 2, 3]], 9: [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3]]}


@pytest.mark.parametrize("history", CONTEXTS)
def test_sequences_of_each_history_hold_the_right_turns(history: int) -> None:
    sequences = game(history).sequences()
    assert [frames(sequence) for sequence in sequences] == CONTEXTS[history]
    for sequence, turns in zip(sequences, CONTEXTS[history], strict=True):
        expected: list[int] = []
        for turn in turns:
            expected += shown(turn, opening=turn == turns[0]) + CHAT.reply(REPLIES[turn]).tolist()
        assert sequence.tokens.tolist() == expected
        assert sorted(set(sequence.turn.tolist())) == turns
        assert (sequence.tokens == CHAT.image_token).sum() == 9 * len(turns)
        kinds = (sequence.tokens, sequence.loss_mask, sequence.engine_logprobs, sequence.turn, sequence.policy_version)
        assert [kind.dtype for kind in kinds] == [np.int32, np.bool_, np.float32, np.int16, np.int32]
        assert len({len(kind) for kind in kinds}) == 1


@pytest.mark.parametrize("cut", [-1, 1])
@pytest.mark.parametrize("history", CONTEXTS)
def test_every_sampled_token_is_trained_exactly_once(history: int, cut: int) -> None:
    trained: dict[int, list[tuple[int, float, int]]] = {}
    for sequence in game(history, cut=cut).sequences():
        mask = sequence.loss_mask
        streams = (sequence.turn, sequence.tokens, sequence.engine_logprobs, sequence.policy_version)
        for turn, *token in zip(*(stream[mask].tolist() for stream in streams), strict=True):
            trained.setdefault(turn, []).append(tuple(token))
    for turn in range(4):
        said = completion(turn, finished=turn != cut)
        sampled = (said.tokens.tolist(), said.logprobs.tolist(), said.versions.tolist())
        assert trained[turn] == list(zip(*sampled, strict=True))


@pytest.mark.parametrize("history", CONTEXTS)
def test_tokens_outside_replies_have_no_logprob_and_no_version(history: int) -> None:
    for sequence in game(history).sequences():
        sampled = sequence.policy_version >= 0
        assert (sampled >= sequence.loss_mask).all()
        assert (sequence.engine_logprobs[sampled] < 0).all()
        assert (sequence.engine_logprobs[~sampled] == 0).all()
        assert (sequence.policy_version[~sampled] == -1).all()


@pytest.mark.parametrize("history", CONTEXTS)
def test_prompt_equals_the_start_of_the_trained_sequence(history: int) -> None:
    """What the engine was given, then what it said, is what the learner sees: history is never rendered again."""
    conversation = Conversation(CHAT, history)
    prompts = []
    for turn in range(4):
        conversation.ask(f"turn {turn}", f"Rules. turn {turn}", frame(turn))
        prompts.append(conversation.prompt(seed=turn, max_tokens=5 + turn))
        conversation.answer(completion(turn, finished=turn != 2))
    for turn, prompt in enumerate(prompts):
        assert (prompt.seed, prompt.max_tokens) == (turn, 5 + turn)
        sequence = conversation.sequences()[0 if history == -1 else turn]
        assert sequence.tokens[: len(prompt.tokens)].tolist() == prompt.tokens.tolist()
        said = completion(turn, finished=turn != 2).tokens
        assert sequence.tokens[len(prompt.tokens) : len(prompt.tokens) + len(said)].tolist() == said.tolist()
        assert frames(sequence)[: len(prompt.images)] == [int(image[0, 0, 0]) for image in prompt.images]
        assert sequence.image_ids[: len(prompt.image_ids)] == prompt.image_ids
        assert prompt.collapsed.tolist() == CHAT.collapse(prompt.tokens).tolist()
        assert (prompt.collapsed == CHAT.image_token).sum() == len(prompt.images)
        assert prompt.messages == ()


def test_cut_reply_is_closed_by_tokens_outside_the_loss() -> None:
    (sequence,) = game(-1, turns=2, cut=0).sequences()
    said = CHAT.reply(REPLIES[0]).tolist()
    assert sequence.tokens.tolist()[len(shown(0, True)) :][: len(said)] == said  # the end token stands where it would
    place = len(shown(0, True)) + len(said) - 1
    assert sequence.tokens[place] == CHAT.eos
    assert not sequence.loss_mask[place] and sequence.policy_version[place] == -1
    assert sequence.turn[place] == 1
    assert sequence.tokens.tolist() == [
        *shown(0, True),
        *said[:-1],
        *shown(1, False, closed=False),
        *completion(1).tokens,
    ]


def test_unanswered_turn_gives_no_sequence() -> None:
    conversation = Conversation(CHAT, 0)
    assert conversation.sequences() == []
    conversation.ask("turn 0", "Rules. turn 0", None)
    assert conversation.sequences() == []
    conversation.answer(completion(0))
    conversation.ask("turn 1", "Rules. turn 1", None)
    assert [sorted(set(sequence.turn.tolist())) for sequence in conversation.sequences()] == [[0]]
    assert conversation.sequences()[0].images == ()


def test_frames_are_identified_by_pixels_and_shape() -> None:
    conversation = Conversation(CHAT, -1)
    for turn, seen in enumerate([frame(1), frame(2), frame(1).copy(), None]):
        conversation.ask(f"turn {turn}", f"Rules. turn {turn}", seen)
        conversation.answer(completion(turn))
    (sequence,) = conversation.sequences()
    one, two, again = sequence.image_ids
    assert one == again == frame_id(frame(1)) and two == frame_id(frame(2)) != one
    assert frame_id(np.zeros((2, 3, 3), dtype=np.uint8)) != frame_id(np.zeros((3, 2, 3), dtype=np.uint8))
    flipped = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)[::-1]
    assert frame_id(flipped) == frame_id(flipped.copy())


def test_ask_with_a_frame_of_a_wrong_size_raises() -> None:
    line = r"^the model needs images of 84x84, got 40x60; write env\.image_size=\[84,84\]$"
    with pytest.raises(ValueError, match=line):
        Conversation(CHAT, 0).ask("go", "go", np.zeros((40, 60, 3), dtype=np.uint8))


def test_qwen_frames_are_resized_to_the_models_grid() -> None:
    """So that engine and learner do not resize them, each its own way."""
    chat = build_chat("qwen3_vl")
    conversation = Conversation(chat, 0)
    conversation.ask("go", "go", np.zeros((40, 70, 3), dtype=np.uint8))
    prompt = conversation.prompt(0, 4)
    assert [image.shape for image in prompt.images] == [(32, 64, 3)]
    assert (prompt.tokens == chat.image_token).sum() == 2
    assert prompt.image_ids == (frame_id(prompt.images[0]),)


@pytest.mark.parametrize("history", CONTEXTS)
def test_conversation_without_a_chat_gives_messages(history: int) -> None:
    conversation = Conversation(None, history)
    nothing = Completion(
        np.zeros(0, np.int32), np.zeros(0, np.float32), True, np.zeros(0, np.int32), text="<answer>left</answer>"
    )
    for turn in range(4):
        conversation.ask(f"turn {turn}", f"Rules. turn {turn}", frame(turn) if turn else None)
        prompt = conversation.prompt(seed=turn, max_tokens=7)
        shown = CONTEXTS[history][0 if history == -1 else turn][: None if history != -1 else turn + 1]
        expected = []
        for place, past in enumerate(shown):
            text = f"Rules. turn {past}" if place == 0 else f"turn {past}"
            expected += [("user", text, past if past else None), ("assistant", "<answer>left</answer>", None)]
        assert [words(message) for message in prompt.messages] == expected[:-1]
        assert len(prompt.tokens) == len(prompt.collapsed) == 0 and (prompt.seed, prompt.max_tokens) == (turn, 7)
        conversation.answer(nothing)
    assert conversation.sequences() == []


def words(message: Message) -> tuple[str, str, int | None]:
    return message.role, message.text, None if message.image is None else int(message.image[0, 0, 0])


@pytest.mark.parametrize("history", [0, -1])
def test_several_images_of_a_turn(history: int) -> None:
    conversation = Conversation(CHAT, history)
    for turn in range(2):
        conversation.ask("A <image> B <image>", "Rules. A <image> B <image>", frame(2 * turn), [frame(2 * turn + 1)])
        conversation.answer(completion(turn))
    sequences = conversation.sequences()
    assert [frames(sequence) for sequence in sequences] == ([[0, 1], [2, 3]] if history == 0 else [[0, 1, 2, 3]])
    for sequence in sequences:
        assert sequence.image_ids == tuple(frame_id(image) for image in sequence.images)
        assert (sequence.tokens == CHAT.image_token).sum() == 9 * len(sequence.images)
    two = ((84, 84),)
    first = CHAT.turn("Rules. A <image> B <image>", (84, 84), True, True, two)
    assert sequences[0].tokens[: len(first)].tolist() == first.tolist()
    prompt = conversation.prompt(0, 8)
    assert prompt.collapsed.tolist() == CHAT.collapse(prompt.tokens).tolist()
    server = Conversation(None, 0)
    server.ask("", "A <image> B <image>", frame(0), [frame(1)])
    (said,) = server.prompt(0, 8).messages
    assert said.text == "A <image> B <image>" and [int(image[0, 0, 0]) for image in (said.image, *said.more)] == [0, 1]  # type: ignore[index]
