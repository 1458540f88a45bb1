"""Question files: what is read, what is refused and how it is named."""

import base64
import io
import json
import logging
import pickle
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from PIL import Image

from envs.questions.answers import Formula
from envs.questions.dataset_env import SAMPLES, QuestionsEnv
from envs.questions.pictures import decode
from envs.questions.rows import BrokenRow, read_row
from envs.texts import CHARACTERS, FreeText


def png(colour: Any = (255, 0, 0), size: tuple[int, int] = (40, 20), mode: str = "RGB", format: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new(mode, size, colour).save(stream, format)
    return stream.getvalue()


def write(folder: Path, rows: list[Any], name: str = "rows.jsonl") -> str:
    lines = [row if isinstance(row, bytes) else json.dumps(row, ensure_ascii=False).encode() for row in rows]
    (folder / name).write_bytes(b"\n".join(lines) + b"\n")
    return str(folder / name)


def message(*parts: Any, role: str = "user") -> str:
    return json.dumps([{"role": role, "content": list(parts)}])


def asked(env: QuestionsEnv, count: int = 60) -> set[str]:
    env.reset(seed=0)
    found = set()
    for _ in range(count):
        env.reset()
        found.add(env.question.text)
    return found


@pytest.mark.parametrize("kwargs", [{}, {"image_size": (96, 120)}])
def test_shipped_samples_are_asked_and_answered(kwargs: dict[str, Any]) -> None:
    env = QuestionsEnv(**kwargs)
    check_env(env, skip_render_check=True)
    count = len((SAMPLES / ("pictures.jsonl" if kwargs else "questions.jsonl")).read_text().splitlines())
    assert len(asked(env, 200)) == count
    for seed in range(30):
        observation, info = env.reset(seed=seed)
        again, same = env.reset(seed=seed)
        assert info == same and str(observation) == str(again)
        assert env.step(env.expert_action())[1:4] == (1.0, True, False)
        assert env.step("no idea")[1] == 0.0
        if "path" in kwargs:
            image = observation["image"]
            assert image.shape == (96, 120, 3) and image[:, 60].mean() > 150  # white paper
            assert (image[:, :12] == 0).all() and (image[:, -12:] == 0).all()  # square, so bars left and right


def test_plain_rows_become_questions(tmp_path: Path) -> None:
    assert read_row({"problem": " 1+1? ", "answer": "$2$", "solution": ""})[:3] == ("1+1?", "$2$", ())
    assert read_row({"question": "Which?", "answer": "B"})[:3] == ("Which?", "B", ())
    assert type(read_row({"problem": "?", "answer": 2}).answer) is Formula
    assert read_row({"problem": "?", "answer": 0.5}).answer == "0.5"
    assert read_row({"problem": "<image>How many?", "answer": "2", "images": ["a.png"]})[:3] == (
        "How many?",
        "2",
        ("a.png",),
    )


def test_lmm_r1_rows_become_questions() -> None:
    image, text = {"type": "image", "image": "file:///data/a.jpg"}, {"type": "text", "text": "How many cats?"}
    assert read_row({"message": message(image, text), "answer": "$3$"})[:3] == (
        "How many cats?",
        "$3$",
        ("file:///data/a.jpg",),
    )
    turns = [{"role": "system", "content": "Think."}, {"role": "user", "content": "1+1?"}]
    assert read_row({"message": json.dumps(turns), "answer": "2"})[:3] == ("1+1?", "2", ())
    assert read_row({"message": turns, "answer": "2"}).text == "1+1?"
    assert read_row(
        {"message": message({"type": "image_url", "image_url": {"url": "a.png"}}, text), "answer": "1"}
    ).pictures == ("a.png",)


@pytest.mark.slow
def test_the_kind_of_a_row_and_math_500s_columns(tmp_path: Path) -> None:
    math_500 = {"problem": "1+1?", "solution": "…", "answer": "2", "subject": "Algebra", "level": 3, "unique_id": "a/1"}
    assert read_row(math_500) == ("1+1?", "2", (), "Algebra")
    for more, kind in (
        ({}, ""),
        ({"subject": None, "level": 3}, "level 3"),
        ({"kind": " sums ", "subject": "Algebra"}, "sums"),
        ({"kind": ["sums"], "topic": ""}, ""),
    ):
        assert read_row({"problem": "?", "answer": "2", **more}).kind == kind
    assert QuestionsEnv(write(tmp_path, [math_500])).reset(seed=0)[1]["kind"] == "Algebra"
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist([math_500]), tmp_path / "math.parquet")
    assert QuestionsEnv(str(tmp_path / "math.parquet")).reset(seed=0)[1]["kind"] == "Algebra"


def test_in_order_every_question_is_asked_once(tmp_path: Path) -> None:
    path = write(tmp_path, [{"problem": f"{row}?", "answer": str(row)} for row in range(7)])
    env = QuestionsEnv(path, in_order=True)
    asked_once = [env.reset(seed=seed)[0] for seed in range(2**30, 2**30 + 7)]
    assert sorted(asked_once) == [f"{row}?" for row in range(7)]
    assert len({QuestionsEnv(path).reset(seed=seed)[0] for seed in range(2**30, 2**30 + 7)}) < 7
    env.reset()  # without a seed it is drawn


BROKEN = [
    ([], "a row must be an object"),
    ({"answer": "2"}, "no question: problem or message is required, the row has answer"),
    ({"problem": " ", "answer": "2"}, "no question"),
    ({"problem": "?"}, "answer must be a text or a number, got None"),
    ({"problem": "?", "answer": True}, "answer must be a text or a number, got True"),
    ({"problem": "?", "answer": ["2"]}, "answer must be a text or a number"),
    ({"problem": "?", "answer": r"\frac{1}"}, r"the gold answer '\\frac{1}' cannot be read"),
    ({"problem": "?", "answer": "see the solution on page 3!"}, "cannot be read"),
    ({"problem": "<image>?", "answer": "2", "images": ["a", "b"]}, "the text has 1 <image>, but the row has 2 images"),
    ({"problem": "<image><image>?", "answer": "2", "image": "a"}, "the text has 2 <image>, but the row has 1 image"),
    ({"problem": "<image>?", "answer": "2", "images": []}, "the text has 1 <image>, but the row has 0 images"),
    (
        {"prompt": [{"role": "user", "content": [{"type": "image"}]}], "answer": "2", "images": ["a", "b"]},
        "the text has 1 <image>, but the row has 2 images",
    ),
    (
        {"message": message({"type": "image", "image": "a"}), "answer": "2", "images": ["a"]},
        "images are both in the message and in their own column",
    ),
    ({"message": "[{", "answer": "2"}, "message is not valid JSON"),
    ({"message": "{}", "answer": "2"}, "message must be a list of chat messages"),
    ({"message": message(role="assistant"), "answer": "2"}, "message must hold one user turn, got assistant"),
    ({"message": message({"type": "video"}), "answer": "2"}, "must be a text or an image, got type 'video'"),
    ({"message": json.dumps([{"role": "user", "content": 3}]), "answer": "2"}, "content must be a text or a list"),
    (b'{"problem": "?", "ans', "not valid JSON"),
    (b'\xff\xfe{"problem": 1}', "not valid JSON"),
    (b"[" * 100_000, "not valid JSON"),
]


@pytest.mark.parametrize(("row", "problem"), BROKEN)
def test_a_broken_row_is_named_or_left_out(
    row: Any, problem: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path, [{"problem": "1+1?", "answer": "2"}, b"", row, {"problem": "2+2?", "answer": "4"}, row])
    with pytest.raises(ValueError) as error:
        QuestionsEnv(path)
    assert f"{path}, line 3: " in str(error.value) and problem in str(error.value) and "\n" not in str(error.value)
    assert str(error.value).endswith("; further broken rows: 5; set on_broken=skip to skip such rows")
    with caplog.at_level(logging.WARNING):
        env, again = QuestionsEnv(path, on_broken="skip"), QuestionsEnv(path, on_broken="skip")
    assert caplog.records[0].getMessage().startswith(f"skipped 2 of 4 rows as broken; the first: {path}, line 3: ")
    assert len(caplog.records) == 1
    assert asked(env) == asked(again) == {"1+1?", "2+2?"}
    with pytest.raises(ValueError, match="has no questions"):
        QuestionsEnv(write(tmp_path, [row], "only.jsonl"), on_broken="skip")


def test_pictures_by_path_bytes_and_base64(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a b.png").write_bytes(png())
    (tmp_path / "out.png").write_bytes(png())
    (tmp_path / "in" / "link.png").symlink_to(tmp_path / "out.png")
    folder = tmp_path / "in"
    encoded = base64.b64encode(png()).decode()
    url = (folder / "a b.png").as_uri()
    for picture in (
        "a b.png",
        url,
        str(folder / "a b.png"),
        png(),
        {"bytes": png(), "path": "x"},
        {"bytes": None, "path": "a b.png"},
        f"data:image/png;base64,{encoded}",
        f"data:image;base64,{encoded}",
    ):
        assert (decode(picture, folder) == np.array([255, 0, 0])).all(), picture
        assert decode(picture, folder).shape == (20, 40, 3)
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (30, 30, 3), dtype=np.uint8))
    stream = io.BytesIO()
    noise.save(stream, "PNG")
    assert (decode(base64.b64encode(stream.getvalue()).decode(), folder) == np.asarray(noise)).all()
    assert (decode(png((0, 0, 0, 0), mode="RGBA"), folder) == 255).all()  # transparent paper is white
    assert decode(png(7, mode="L", format="JPEG"), folder).shape == (20, 40, 3)
    broken: Any
    for broken, problem in (
        ("../out.png", "is outside"),
        (str(tmp_path / "out.png"), "is outside"),
        ("link.png", "is outside"),
        ("file:///etc/hostname", "is outside"),
        ("none.png", "there is no image 'none.png' in"),
        ("https://example.org/a.png", "images are not downloaded"),
        (b"GIF89a", "broken|none of PNG"),
        (png()[:60], "the image is broken"),
        ("data:image/png;base64,%%", "the image is not valid base64"),
        (3, "an image must be a path, bytes or base64, got int"),
        (png(0, (8000, 8000), "1"), "the image has 8000x8000 pixels"),
    ):
        with pytest.raises(ValueError, match=problem):
            decode(broken, folder)


UNREADABLE = [
    ("lost.png", "there is no image 'lost.png'"),
    ("empty.png", "the image is empty (0 bytes)"),
    ("words.png", "the image format is none of PNG"),
    ("torn.png", "the image is broken: "),
    ("torn.jpg", "the image is broken: "),
    ("flipped.png", "the image is broken: "),
    ("https://example.org/a.png", "images are not downloaded"),
    ({"bytes": None, "path": None}, "an image must be a path, bytes or base64, got NoneType"),
    (None, "an image must be a path, bytes or base64, got NoneType"),
    ("", "an image must be a path, bytes or base64, got str"),
    (7, "an image must be a path, bytes or base64, got int"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("picture", "problem"), UNREADABLE)
@pytest.mark.parametrize("others", [[], ["good.png"]])
def test_an_unreadable_picture_is_named_when_the_file_is_opened(
    picture: Any, problem: str, others: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8))
    whole = {}
    for form in ("PNG", "JPEG"):
        noise.save(stream := io.BytesIO(), form)
        whole[form] = stream.getvalue()
    flipped = bytearray(whole["PNG"])
    flipped[len(flipped) // 2] ^= 255
    files = {"good.png": whole["PNG"], "empty.png": b"", "words.png": b"no image", "flipped.png": bytes(flipped)}
    files |= {"torn.png": whole["PNG"][:-9000], "torn.jpg": whole["JPEG"][:-2000]}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    rows = [{"problem": f"{row}?", "answer": "1", "images": ["good.png"]} for row in range(150)]
    rows[137]["images"] = [*others, picture]
    path = write(tmp_path, rows)
    with pytest.raises(ValueError, match=r"contains images; set image_size"):
        QuestionsEnv(path)
    with pytest.raises(ValueError) as error:
        QuestionsEnv(path, image_size=(8, 8))
    named = f"rows.jsonl, line 138: {'image 2: ' if others else ''}{problem}"
    assert named in str(error.value) and "\n" not in str(error.value)
    with caplog.at_level(logging.WARNING):
        env = QuestionsEnv(path, image_size=(8, 8), on_broken="skip", in_order=True)
    assert "skipped 1 of 150 rows" in caplog.text and "line 138" in caplog.text
    assert len({env.reset(seed=seed)[0]["text"] for seed in range(150)}) == 149


def test_a_picture_is_scaled_to_fit(tmp_path: Path) -> None:
    (tmp_path / "good.png").write_bytes(png())
    path = write(tmp_path, [{"problem": "good?", "answer": "1", "image": "good.png"}])
    env = QuestionsEnv(path, image_size=(8, 8), render_mode="rgb_array")
    env.reset(seed=0)
    red = (env.render() == [255, 0, 0]).all(axis=2)
    assert red.sum() == 32 and red[2:6].all()  # 40x20 in 8x8 is 8x4, bars above and below
    (tmp_path / "good.png").unlink()
    with pytest.raises(ValueError, match=r"rows\.jsonl, line 1: there is no image 'good\.png'"):
        QuestionsEnv(path, image_size=(9, 9)).reset(seed=0)  # the image was there when the file was opened


COLOURS = [(250, 0, 0), (0, 250, 0), (0, 0, 250)]
SEVERAL: dict[str, dict[str, Any]] = {
    "plain": {"problem": "A <image> and <image> B <image>?", "images": "paths"},
    "easy_r1": {"problem": "A <image> and <image> B <image>?", "images": "bytes"},
    "trl": {"prompt": "A <image> and <image> B <image>?", "images": "bytes"},
    "trl_chat": {
        "prompt": [
            {"role": "system", "content": [{"type": "text", "text": "Think."}]},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "A "},
                    {"type": "image", "text": None},
                    {"type": "text", "text": " and "},
                    {"type": "image", "text": None},
                    {"type": "text", "text": " B "},
                    {"type": "image", "text": None},
                    {"type": "text", "text": "?"},
                ],
            },
        ],
        "images": "bytes",
    },
    "in_front": {"problem": "A and B?", "images": "paths"},
}


@pytest.mark.parametrize("form", SEVERAL)
@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_several_pictures_of_a_question(form: str, ending: str, tmp_path: Path) -> None:
    for number, colour in enumerate(COLOURS):
        (tmp_path / f"{number}.png").write_bytes(png(colour))
    row = dict(SEVERAL[form])
    if row["images"] == "paths" or ending == "jsonl":
        row["images"] = [f"{number}.png" for number in range(3)]
    else:
        row["images"] = [{"bytes": png(colour), "path": None} for colour in COLOURS]
    rows = [row | {"answer": "1"}, row | {"answer": "2", "images": row["images"][:1]}, row | {"answer": "3"}]
    text = "One?" if isinstance(row.get("prompt", ""), str) else [{"role": "user", "content": "One?"}]
    rows[1] |= {key: text for key in ("problem", "prompt") if key in row}
    if ending == "jsonl":
        path = write(tmp_path, rows)
    else:
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        if form == "trl_chat":
            rows[1]["prompt"][0]["content"] = [{"type": "text", "text": "One?"}]
        path = str(tmp_path / "rows.parquet")
        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    env = QuestionsEnv(path, image_size=(10, 20), in_order=True, render_mode="rgb_array")
    check_env(env, skip_render_check=True)
    observation, _ = env.reset(seed=3)
    marked = "A <image> and <image> B <image>?"
    assert observation["text"] == ("A and B?" if form == "in_front" else marked)
    assert observation["image_count"] == 3
    shown = [observation["image"], *observation["more_images"]]
    assert [image[5, 10].tolist() for image in shown] == [list(colour) for colour in COLOURS]
    assert env.render().shape == (10, 60, 3)  # side by side
    observation, _ = env.reset(seed=1)
    assert (observation["text"], observation["image_count"]) == ("One?", 1)
    assert observation["image"][5, 10].tolist() == list(COLOURS[0]) and not observation["more_images"].any()
    assert env.render().shape == (10, 60, 3)  # of one size, as in a video


def test_text_rows_among_pictures_are_black(tmp_path: Path) -> None:
    env = QuestionsEnv(write(tmp_path, [{"problem": "1+1?", "answer": "2"}]), image_size=(10, 12))
    observation, _ = env.reset(seed=0)
    assert observation["image"].shape == (10, 12, 3) and not observation["image"].any()


def test_parquet_files_are_read(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    colours = [(10 * row, 0, 0) for row in range(20)]
    rows = [
        {"problem": f"Question {row}?", "answer": str(row), "image": {"bytes": png(colour), "path": None}, "extra": 1}
        for row, colour in enumerate(colours)
    ]
    rows[13]["answer"] = "x+"
    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(rows), path, row_group_size=6)
    with pytest.raises(ValueError, match=r"rows\.parquet, row 14: the gold answer 'x\+' cannot be read"):
        QuestionsEnv(str(path), image_size=(8, 8))
    env = QuestionsEnv(str(path), image_size=(8, 8), on_broken="skip")
    assert asked(env, 400) == {f"Question {row}?" for row in range(20) if row != 13}
    for seed in range(30):
        observation, _ = env.reset(seed=seed)
        number = int(env.question.text.split()[1].rstrip("?"))
        assert observation["image"][4, 4].tolist() == [10 * number, 0, 0] and env.expert_action() == str(number)
    plain = pyarrow.table({"message": [message({"type": "text", "text": "1+1?"})], "answer": ["2"]})
    parquet.write_table(plain, tmp_path / "text.parquet")
    assert asked(QuestionsEnv(str(tmp_path / "text.parquet"))) == {"1+1?"}
    (tmp_path / "no.parquet").write_text("no")
    with pytest.raises(ValueError, match=r"no\.parquet is not a Parquet file"):
        QuestionsEnv(str(tmp_path / "no.parquet"))


def test_splits_share_no_question(tmp_path: Path) -> None:
    rows = [{"problem": f"What is {number % 200}+1?", "answer": number % 200 + 1} for number in range(400)]
    path = write(tmp_path, rows)
    train, test = (set(asked(QuestionsEnv(path, split=split), 3000)) for split in ("train", "test"))
    assert not train & test and len(train | test) == 200
    assert 8 <= len(test) <= 35  # 20 expected, standard deviation 4
    assert asked(QuestionsEnv(write(tmp_path, rows[::-1], "turned.jsonl"), split="test"), 3000) == test
    single = write(tmp_path, rows[:1], "one.jsonl")
    sizes = {split: 0 for split in ("train", "test")}
    for split in sizes:
        try:
            sizes[split] = len(asked(QuestionsEnv(single, split=split)))
        except ValueError as error:
            assert f"the {split} split of {single} is empty" in str(error)
    assert sorted(sizes.values()) == [0, 1]


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path, [{"problem": "old?", "answer": "1"}])
    assert asked(QuestionsEnv(path)) == {"old?"}
    write(tmp_path, [{"problem": "newer?", "answer": "1"}])
    assert asked(QuestionsEnv(path)) == {"newer?"}


def test_texts_in_any_script_are_flattened() -> None:
    space = FreeText(12)
    assert space == FreeText(12) and space == pickle.loads(pickle.dumps(space)) != FreeText(13)
    for text in ("", "30° ≤ x", "多少?", "👍🏽 \n−½"):
        flat: Any = gymnasium.spaces.flatten(space, text)
        assert flat.shape == (12,) and gymnasium.spaces.flatten_space(space).contains(flat)
        assert gymnasium.spaces.unflatten(space, flat) == text
    space.seed(0)
    plain = gymnasium.spaces.Text(12, min_length=0, charset=CHARACTERS, seed=0)
    assert [space.sample() for _ in range(20)] == [plain.sample() for _ in range(20)]
    assert len(space.sample(mask=(3, None))) == 3


def test_two_pictures_with_one_question_are_two_states(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "b.png").write_bytes(png((0, 255, 0)))
    path = write(tmp_path, [{"problem": "?", "answer": name, "image": f"{name.lower()}.png"} for name in "AB"])
    env = QuestionsEnv(path, image_size=(8, 8))
    assert len({env.reset(seed=seed)[1]["state_hash"] for seed in range(20)}) == 2


@pytest.mark.parametrize(
    ("kwargs", "problem"),
    [
        ({"path": "rows.csv"}, "path must end in .jsonl or .parquet, got 'rows.csv'"),
        ({"path": "none.jsonl"}, "there is no file 'none.jsonl' in the working directory"),
        ({"on_broken": "ignore"}, "on_broken must be one of error, skip, got 'ignore'"),
        ({"split": "dev"}, "split must be one of all, train, test, got 'dev'"),
        ({"render_mode": "film"}, "render_mode must be ansi, rgb_array, human or None, got 'film'"),
        ({"image_size": 8}, "image_size must be two whole numbers"),
    ],
)
def test_wrong_arguments_are_one_line(kwargs: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError) as error:
        QuestionsEnv(**kwargs)
    assert problem in str(error.value)


def test_broken_rows_are_value_errors() -> None:
    with pytest.raises(BrokenRow):
        read_row(None)
