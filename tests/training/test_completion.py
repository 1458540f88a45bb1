"""What a TAB offers: the keys and names that there are, quickly, in a real shell."""

import importlib.util
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from training.completion import COMMANDS, offers
from training.config.recipe import names


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("-m training.r", ["training.run"]),
        ("-m training.run rec", ["recipe="]),
        ("-m training.run algo.lo", ["algo.loss="]),
        ("-m training.run al", ["algo."]),  # a part at a time
        ("-m training.run stages.", ["stages.fre.", "stages.mgt."]),
        ("-m training.run plan=", ["plan=true", "plan=false"]),
        ("-m training.run recipe=", [f"recipe={name}" for name in names("recipe")]),
        ("-m training.run env=arith,alg", ["env=arith,algebra"]),
        ("-m training.evaluate policy=ex", ["policy=expert"]),
        ("-m training.evaluate env.max_t", ["env.max_turns="]),
        ("-m training.baseline observation=", ["observation=pixels", "observation=simple115v2"]),
        ("-m agents.play epi", ["episodes="]),
        ("-m render.watch ", ["open=", "port="]),
        ("-m agents.demonstrate succ", ["successes="]),
        ("-m agents.demonstrate algo", []),
        ("-m http.server p", []),
        ("script.py en", []),
        ("-m", []),
    ],
)
def test_offers_match_what_was_typed(typed: str, found: list[str]) -> None:
    assert offers(f"python {typed}") == found


def test_commands_are_modules_that_exist() -> None:
    assert [name for name in COMMANDS if importlib.util.find_spec(name) is None] == []


@pytest.mark.slow
def test_completion_imports_nothing_heavy() -> None:
    program = (
        "import sys\nfrom training.completion import offers\n"
        "print(len(offers('python -m training.evaluate ')), *{'torch', 'transformers', 'numba'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    count, *heavy = done.stdout.split()
    assert int(count) > 15 and heavy == []


@pytest.mark.slow
def test_tab_in_bash_completes_the_word(tmp_path: Path) -> None:
    """A real shell at a real terminal; the word that is completed becomes an argument."""
    terminal, end = pty.openpty()
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "TERM": "dumb"}
    words = ["bash", "--norc", "--noprofile", "-i"]
    shell = subprocess.Popen(
        words, cwd=tmp_path, env=environment, stdin=end, stdout=end, stderr=end, start_new_session=True
    )
    os.close(end)
    seen = ""

    def until(wanted: str) -> None:
        nonlocal seen
        deadline = time.monotonic() + 60
        while wanted not in seen:
            assert time.monotonic() < deadline, seen
            if select.select([terminal], [], [], 0.1)[0]:
                seen += os.read(terminal, 65536).decode()

    try:
        os.write(terminal, b'eval "$(python -m training.completion bash)"; echo read""y\n')
        until("ready")
        os.write(terminal, b"python -m training.run env=arith\t")
        until("env=arithmetic")
        os.write(terminal, b" algo.los\t")
        until("algo.loss=")
        (tmp_path / "mine.py").touch()
        os.write(terminal, b"\x15python mi\t")  # anything else: files, as ever
        until("ne.py")
    finally:
        shell.kill()
        shell.wait()
        os.close(terminal)


def test_offers_with_a_users_recipe_name_its_stages(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("stages: {play: {tasks: [env], steps: 3}}")
    assert offers(f"python -m training.run recipe={tmp_path / 'own.yaml'} stages.") == ["stages.play."]
