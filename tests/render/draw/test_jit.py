"""Machine code on disk is as new as every compiled file that it may call."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from envs.football import rules
from envs.football.engine import physics
from envs.sokoban.solver.search import search
from render.draw import jit
from render.football import blit

ROOT = Path(__file__).parents[3]
fingerprint = jit._fingerprint.__wrapped__


def world(root: Path) -> Path:
    for folder in ("top", "top/world", "top/world/engine", "top/world/bots", "top/other"):
        (root / folder).mkdir()
        (root / folder / "__init__.py").touch()
        (root / folder / "code.py").write_text("@njit\ndef f(): return 1\n")
    return root / "top" / "world"


@pytest.mark.parametrize("changed", ["code.py", "engine/code.py", "bots/code.py"])
@pytest.mark.parametrize("of", [".", "engine", "bots"])
def test_fingerprint_changes_with_any_compiled_file_of_the_world(tmp_path: Path, of: str, changed: str) -> None:
    folder = world(tmp_path)
    before = fingerprint(folder / of)
    (folder / changed).write_text("@njit\ndef f(): return 2\n")
    assert fingerprint(folder / of) != before


def test_fingerprint_ignores_other_worlds_and_plain_code(tmp_path: Path) -> None:
    folder = world(tmp_path)
    before = fingerprint(folder)
    (tmp_path / "top" / "other" / "code.py").write_text("@njit\ndef f(): return 2\n")
    (folder / "plain.py").write_text("def g(): return 3\n")
    assert fingerprint(folder) == before


def test_fingerprint_changes_with_any_compiled_file_of_render(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("render/draw", "render/football"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setattr(jit, "__file__", str(tmp_path / "render" / "draw" / "jit.py"))
    drawing = tmp_path / "render" / "football" / "blit.py"
    drawing.write_text("@njit\ndef f(): return 1\n")
    before = fingerprint(tmp_path / "elsewhere")
    drawing.write_text("@njit\ndef f(): return 2\n")
    assert fingerprint(tmp_path / "elsewhere") != before


def test_compiled_functions_hang_on_their_whole_world() -> None:
    def stamp(function: object) -> str:
        return str(function._cache._cache_file._source_stamp)  # type: ignore[attr-defined]

    football = Path(rules.__file__).parent
    assert stamp(physics.glide) == stamp(rules.advance) == fingerprint(football)
    assert stamp(search) != stamp(rules.advance) != stamp(blit.blit)


PROGRAM = """
import envs, gymnasium
for id in ("kickoff/Sokoban-v0", "kickoff/Football-v0"):
    env = gymnasium.make(id, render_mode="rgb_array")
    env.reset(seed=1)
    for _ in range(6):
        *_, info = env.step(env.unwrapped.expert_action())
    print(info["state_hash"], env.render().sum())
"""


def run(program: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error::RuntimeWarning", "-c", program]
    return subprocess.run(command, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, check=True)


@pytest.mark.slow
def test_games_without_compilation_are_the_same() -> None:
    assert run(PROGRAM, NUMBA_DISABLE_JIT="1").stdout == run(PROGRAM).stdout


@pytest.mark.slow
def test_no_folder_for_the_cache_is_one_line() -> None:
    program = (
        "from render.draw.jit import njit\n"
        "@njit\ndef one(x): return x + 1\n"
        "@njit\ndef two(x): return one(x) + 1\n"
        "print(two(1))"
    )
    done = run(program, NUMBA_CACHE_DIR=os.devnull)
    assert done.stdout == "3\n"
    assert done.stderr == (
        "no folder for compiled code is writable: each start compiles again; set NUMBA_CACHE_DIR to a writable folder\n"
    )
