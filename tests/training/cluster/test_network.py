"""The learner ranks' meeting point and Gloo's network interface, on this machine."""

import os
import socket
import sys

import pytest

pytest.importorskip("ray")

from training.cluster.ray.network import free_port, interfaces, join_store, open_store, use_interface

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's list of interfaces")


def test_interfaces_have_their_addresses() -> None:
    found = dict(interfaces())
    assert found["lo"] == "127.0.0.1"
    for address in found.values():  # an own address can be listened on
        with socket.socket() as listener:
            listener.bind((address, 0))


def test_use_interface_names_the_one_with_the_address_unless_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "")
    monkeypatch.delenv("GLOO_SOCKET_IFNAME")  # restored in the end
    use_interface("203.0.113.9")  # of no machine
    assert "GLOO_SOCKET_IFNAME" not in os.environ
    use_interface("127.0.0.1")
    assert os.environ["GLOO_SOCKET_IFNAME"] == "lo"
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "ib0")
    use_interface("127.0.0.1")
    assert os.environ["GLOO_SOCKET_IFNAME"] == "ib0"


def test_open_store_keeps_its_port_until_the_ranks_have_met() -> None:
    store = open_store("127.0.0.1")
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("", store.port))
    assert free_port() != store.port
    store.set("rank", "0")
    assert join_store("127.0.0.1", store.port).get("rank") == b"0"
