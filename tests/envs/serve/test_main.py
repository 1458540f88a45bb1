"""The command: one clear line for every mistake."""

import socket

import pytest

from configs.errors import UserError
from envs.serve.__main__ import main


def refused(*words: str) -> str:
    """The error of the command."""
    with pytest.raises(UserError) as error:
        main(words)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_mistakes_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KICKOFF_TOKEN", raising=False)
    assert refused() == "env=NAME is missing, such as env=sokoban; python -m envs lists the tasks"
    assert refused("env=sokban", "port=0").startswith("unknown env 'sokban'; did you mean 'sokoban'?")
    assert refused("env=sokoban", "prot=1").startswith("unknown key prot; did you mean port?")
    assert refused("env=sokoban", "port=70000").startswith("port=70000: ")
    assert refused("env=sokoban", "port=0", "env.kwargs.boxes=99").startswith("env=sokoban: ")
    process = "env.reward=process: a served task has success or return"
    assert refused("env=sokoban", "port=0", "env.reward=process") == process


def test_a_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        expected = f"port={port}: cannot be used at 127.0.0.1 (Address already in use); port=0 takes any free one"
        assert refused("env=sokoban", f"port={port}") == expected


def test_another_address_needs_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KICKOFF_TOKEN", raising=False)
    expected = "host=0.0.0.0 can be reached from other machines: set token=TEXT or KICKOFF_TOKEN"
    assert refused("env=sokoban", "port=0", "host=0.0.0.0") == expected
    short = "token: at least 16 ASCII characters without spaces are expected"
    assert refused("env=sokoban", "port=0", "host=0.0.0.0", "token=short") == short
    monkeypatch.setenv("KICKOFF_TOKEN", "short")
    assert refused("env=sokoban", "port=0") == short
    assert refused("env=sokoban", "host=nowhere.invalid", "token=none").startswith("host=nowhere.invalid: ")
