"""Network of the learner ranks: their meeting point and the interface that Gloo uses."""

import array
import fcntl
import os
import socket
import struct
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch._C._distributed_c10d import TCPStore

SIOCGIFCONF = 0x8912  # <linux/sockios.h>: the interfaces with IPv4 addresses
ENTRY = 40
"""Size of a `struct ifreq` in bytes: a name of 16, then an address."""
ENTRIES = 128


def interfaces() -> Iterator[tuple[str, str]]:
    """Yield the name and the IPv4 address of every network interface of this machine."""
    names = array.array("B", bytes(ENTRIES * ENTRY))
    request = struct.pack("iL", len(names), names.buffer_info()[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        size, _ = struct.unpack("iL", fcntl.ioctl(any_socket.fileno(), SIOCGIFCONF, request))
    found = names.tobytes()[:size]
    for start in range(0, size, ENTRY):
        entry = found[start : start + ENTRY]
        yield entry[:16].partition(b"\0")[0].decode(), socket.inet_ntoa(entry[20:24])


def use_interface(address: str) -> None:
    """Make Gloo listen on the interface with an address, unless GLOO_SOCKET_IFNAME is set.

    Gloo would listen where the machine's name resolves to. On Debian and Ubuntu this is 127.0.1.1, which other machines
    cannot reach.
    """
    if sys.platform != "linux":  # others number their requests differently
        return
    name = next((name for name, own in interfaces() if own == address), None)
    if name is not None:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", name)


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as free:
        free.bind(("", 0))
        port: int = free.getsockname()[1]
        return port


def open_store(host: str) -> "TCPStore":
    """Open the store at which the ranks meet, on a free port that it keeps."""
    from torch._C._distributed_c10d import TCPStore

    return TCPStore(host, 0, is_master=True, wait_for_workers=False)


def join_store(host: str, port: int) -> "TCPStore":
    """Return a connection to a store that another rank has opened."""
    from torch._C._distributed_c10d import TCPStore

    return TCPStore(host, port, is_master=False)
