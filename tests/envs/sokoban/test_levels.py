"""Levels from files: formats, errors by file and line, levels in order, step limits by the level's own length."""

from pathlib import Path

import numpy as np
import pytest

from agents.episodes.starts import TEST_FIRST, VALIDATION_FIRST
from envs.sokoban.board import text_of
from envs.sokoban.env import SokobanEnv
from envs.sokoban.files import find_files
from envs.sokoban.levels import find_source
from envs.sokoban.vector import SokobanVectorEnv

EMPTY = "##########\n" * 4
ONE = EMPTY + "#   ######\n#@$ .    #\n#        #\n##########\n##########\n##########"
TWO = EMPTY + "##########\n#  .   ###\n#  $  $ ##\n#   @ .  #\n##########\n##########"
OPEN = "  ####\n###  #\n#@$. #\n#  ###\n####"
CLOSED = "######\n###  #\n#@$. #\n#  ###\n######"


def write(path: Path, *maps: str) -> str:
    """Write a Boxoban file and return its path."""
    path.write_text("".join(f"; {number}\n{text}\n\n" for number, text in enumerate(maps)))
    return str(path)


def numbered(count: int) -> list[str]:
    """Return different maps: the player stands on the n-th cell of the last row."""
    rows = EMPTY + "##########\n#      ###\n# $  . ###\n{}\n##########\n##########"
    return [rows.format("#" + " " * n + "@" + " " * (7 - n) + "#") for n in range(count)]


VARIANTS = {
    "boxoban": f"; 0\n{ONE}\n\n; 1\n{TWO}\n",
    "no empty lines": f"; 0\n{ONE}\n; 1\n{TWO}",
    "empty lines only": f"\n\n{ONE}\n\n\n{TWO}",
    "byte order mark": f"\ufeff; 0\n{ONE}\n\n; 1\n{TWO}\n",
    "CRLF": f"; 0\n{ONE}\n\n; 1\n{TWO}\n".replace("\n", "\r\n"),
    "CR": f"; 0\n{ONE}\n\n; 1\n{TWO}\n".replace("\n", "\r"),
    "blanks at the ends": f"; 0\n{ONE}\n\n; 1\n{TWO}\n".replace("#\n", "# \t\n"),
    "- floor": f"; 0\n{ONE}\n\n; 1\n{TWO}\n".replace(" ", "-"),
    "_ floor": f"{ONE}\n\n{TWO}\n".replace(" ", "_"),
    "titles": f"Title: my set\nAuthor: M\u00fcller\n\n{ONE}\nTitle: one #1\n\nLevel 2\n{TWO}\nComment: hard\n",
    "# comments": f"# a comment\n{ONE}\n# another comment\n\n### Level 2 ###\n#2\n{TWO}\n# the end",
    "run lengths": f"{ONE}\n\n" + "|".join(["10#"] * 5 + ["#--.3-3#", "#--$--$-2#", "#3-@-.--#", "10#", "10#"]),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_of_the_format_give_the_same_levels(name: str, tmp_path: Path) -> None:
    path = tmp_path / "levels.txt"
    path.write_bytes(VARIANTS[name].encode())
    source = find_source(str(path), (10, 10), 4, 0.5, None)
    assert [text_of(source.at(number).board) for number in range(2)] == [ONE, TWO]  # type: ignore[attr-defined]


def test_floor_outside_the_walls_becomes_wall(tmp_path: Path) -> None:
    (tmp_path / "small.xsb").write_text("\n".join("   " + row for row in OPEN.split("\n")))
    env = SokobanEnv((5, 6), levels=str(tmp_path), observation="text")
    assert env.reset(seed=0)[0] == CLOSED == SokobanEnv((5, 6), levels=OPEN, observation="text").reset(seed=0)[0]


MISTAKES = {
    "bad.txt:14: level 1: a map must have one player (@ or +), this one has 0": (ONE, TWO.replace("@", " ")),
    "bad.txt:2: level 0: a map must have one player (@ or +), this one has 2": (ONE.replace("$", "@"), TWO),
    "bad.txt:2: level 0: a map must have as many targets as boxes, this one has 2 and 1": (TWO.replace("$", " ", 1),),
    "bad.txt:2: level 0: the outer cells of a map must be walls": (ONE.replace("    #\n", "\n"),),
    "bad.txt:2: level 0: a map must have a box off target": (ONE.replace("$", "*").replace(".", " "),),
    "bad.txt:2: level 0: a map must be 5x5 to 13x13, this one is 20x10": (ONE + "\n" + TWO,),
    "bad.txt:7: '?' is not a symbol of a map; allowed are # wall": (ONE.replace("@", "?"),),
    "bad.txt:7: '\\t' is not a symbol of a map": (ONE.replace("@$ ", "@$\t"),),
    "bad.txt:2: 'x' is not a symbol of a map": ("x" + ONE[1:],),
    "bad.txt:9: 'T' is not a symbol of a map": (TWO.replace("#   @ .  #", "Title: inside"),),
    "bad.txt: no level in this file; a level is '; 0'": ("no map",),
}  # fmt: skip


@pytest.mark.parametrize("message", MISTAKES)
def test_a_bad_level_is_named_when_the_file_is_opened(message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "bad.txt", *MISTAKES[message])
    with pytest.raises(ValueError) as caught:
        SokobanEnv(levels=path, observation="text")
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_folder_leaves_out_files_without_maps(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError, match=r"no \.txt, \.xsb or \.sok file in this folder"):
        find_files(str(tmp_path))
    (tmp_path / "LICENSE.txt").write_text("  Apache License\n\n 1. Definitions #1\n")
    with pytest.raises(ValueError, match=r"no level in the files of this folder, such as LICENSE\.txt"):
        find_files(str(tmp_path))
    (tmp_path / "medium" / "train").mkdir(parents=True)
    write(tmp_path / "medium" / "train" / "000.txt", ONE, TWO)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.txt").write_text(ONE.replace("@", "?"))
    (tmp_path / "README.md").write_text("# levels")
    files = [(file.path.name, file.levels, file.size) for file in find_files(str(tmp_path))]
    assert files == [("000.txt", 2, (10, 10))]
    assert "LICENSE.txt: no level in this file, left out" in caplog.text
    write(tmp_path / "medium" / "bad.txt", ONE.replace("$", " "))
    with pytest.raises(ValueError, match=r"medium/bad\.txt:2: level 0: a map must have 1 to 8 boxes"):
        find_files(str(tmp_path))


def test_random_levels_of_a_folder_and_the_room_grows(tmp_path: Path) -> None:
    write(tmp_path / "000.txt", ONE, TWO)
    write(tmp_path / "001.txt", OPEN)
    env = SokobanEnv((6, 6), levels=str(tmp_path), observation="text", end_on_deadlock=True)
    found = {}
    for seed in range(30):
        text, info = env.reset(seed=seed)
        found[info["level"]] = text, info["optimal_moves"], info["optimal_pushes"]
    # two pushes; left, up, right, right, up, right, down; one push
    assert found[0] == (ONE, 2, 2) and found[1] == (TWO, 7, 2) and found[2][1:] == (1, 1)
    assert len(found[2][0]) == 109 and SokobanEnv((6, 6), 1, observation="text").reset(seed=0)[1]["level"] == -1


def test_levels_in_order_are_played_once_each(tmp_path: Path) -> None:
    maps = numbered(7)
    write(tmp_path / "a.txt", *maps[:3])
    write(tmp_path / "b.txt", *maps[3:])
    env = SokobanEnv(levels=str(tmp_path), observation="text", in_order=True)
    for first in (0, TEST_FIRST, VALIDATION_FIRST):  # held-out starts begin with the first level
        assert [env.reset(seed=first + number)[0] for number in range(7)] == maps
    assert [env.reset()[1]["level"] for _ in range(9)] == [0, 1, 2, 3, 4, 5, 6, 0, 1]
    assert env.reset(seed=5)[0] == maps[5] and env.reset()[0] == maps[6]
    assert SokobanEnv(levels=str(tmp_path), observation="text", in_order=True).reset()[0] == maps[0]


def test_a_vector_env_plays_every_level_once(tmp_path: Path) -> None:
    path = write(tmp_path / "levels.txt", *numbered(7))
    many = SokobanVectorEnv(3, levels=path, observation="text", in_order=True, max_steps=2)
    infos = many.reset(seed=TEST_FIRST)[1]
    played = infos["level"].tolist()
    while len(played) < 7:
        _, _, terminated, truncated, _ = many.step(np.zeros(3, np.int64))
        if (terminated | truncated).any():
            played += many.step(np.zeros(3, np.int64))[-1]["level"].tolist()
    assert played[:7] == [0, 1, 2, 3, 4, 5, 6]
    assert many.reset(seed=[4, 0, 6])[1]["level"].tolist() == [4, 0, 6]


def test_max_steps_may_be_a_multiple_of_the_fewest_moves(tmp_path: Path) -> None:
    path = write(tmp_path / "levels.txt", ONE, TWO)  # 2 and 7 moves
    many = SokobanVectorEnv(2, levels=path, observation="text", in_order=True, max_steps="1.5x")
    many.reset(seed=0)
    ends = [many.step(np.array([0, 0]))[3].tolist() for _ in range(11)]
    assert [step for step, (one, _) in enumerate(ends, start=1) if one][:1] == [3]  # 1.5 · 2
    assert [step for step, (_, two) in enumerate(ends, start=1) if two] == [11]  # 1.5 · 7, rounded up
