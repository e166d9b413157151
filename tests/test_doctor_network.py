"""framebatch.doctor.network: who listens on a port."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest
from host_tree import tree

from framebatch.device.host import Host
from framebatch.doctor.network import find_port, listening_inodes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLE = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F41 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1662 1 0 100 0 0 10 0
   1: 0100007F:1F41 0100007F:8861 01 00000000:00000000 00:00000000 00000000     0        0 1663 1 0 20 4 30 10 -1
   2: 0100007F:8861 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1664 1 0 100 0 0 10 0
   3: torn
"""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Something of this process that listens."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        yield opened


def test_only_sockets_that_listen_on_the_port_count() -> None:
    """No connections of it, and no other ports."""
    assert listening_inodes(TABLE, 8001) == {"1662"}
    assert listening_inodes(TABLE, 8002) == set()
    assert listening_inodes("", 8001) == set()


def test_a_port_that_is_taken_is_told_with_who_has_it(listener: socket.socket) -> None:
    """This process, here."""
    number = listener.getsockname()[1]
    found = find_port("port", "127.0.0.1", number, here=Host())
    assert (found.number, found.error) == (number, "Address already in use")
    assert f"(process {os.getpid()})" in found.owner
    assert not found.ours


def test_a_port_that_was_left_is_free(listener: socket.socket) -> None:
    """And trying it does not take it."""
    number = listener.getsockname()[1]
    listener.close()
    assert [find_port("port", "127.0.0.1", number, here=Host()).error for _ in range(2)] == ["", ""]


def test_a_framebatch_server_is_known_by_its_command(listener: socket.socket, tmp_path: Path) -> None:
    """However it was started."""
    number = listener.getsockname()[1]
    row = TABLE.splitlines()[1].replace("1F41", f"{number:04X}")
    for command in ("python\0-m\0framebatch.cli\0serve", "/usr/bin/python3\0/opt/bin/framebatch\0serve"):
        here = tree(
            tmp_path, {"proc/net/tcp": f"header\n{row}\n", "proc/77/cmdline": command, "proc/77/comm": "python"}
        )
        (tmp_path / "proc/77/fd").mkdir(exist_ok=True)
        (tmp_path / "proc/77/fd/5").unlink(missing_ok=True)
        (tmp_path / "proc/77/fd/5").symlink_to("socket:[1662]")
        found = find_port("port", "127.0.0.1", number, here=here)
        assert (found.owner, found.ours) == ("a framebatch server (process 77)", True)


def test_an_owner_that_may_not_be_seen_is_not_told(listener: socket.socket, tmp_path: Path) -> None:
    """Another user's."""
    found = find_port("port", "127.0.0.1", listener.getsockname()[1], here=Host(tmp_path))
    assert (found.error, found.owner) == ("Address already in use", "")


def test_an_address_that_is_not_of_this_host_is_told() -> None:
    """From the range for documentation."""
    assert find_port("port", "192.0.2.1", 0, here=Host()).error == "Cannot assign requested address"
