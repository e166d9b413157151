"""What a service manager is told, by a real socket, and by a real server to its end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from test_hang import PROGRAM

from framebatch.app.notify import ServiceManager
from framebatch.testing import ServerProcess
from framebatch_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIM = ("--model", "conveyor", "--device", "sim:2,1")


class Told:
    """The other end: a datagram socket, and what came there, line by line."""

    def __init__(self, address: str) -> None:
        """Listen there, as systemd does."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(30)

    def now(self) -> list[str]:
        """The lines of the next message."""
        return self._socket.recv(4096).decode().splitlines()

    def until(self, line: str) -> list[str]:
        """All lines up to the message that has this one."""
        lines: list[str] = []
        while line not in lines:
            lines += self.now()
        return lines

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    """Answer a listener whose address is `notify` in the test's folder."""
    listener = Told(str(tmp_path / "notify"))
    yield listener
    listener.close()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Answer what systemd puts into the environment of a service with a watchdog."""
    return {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "30000000"}


def test_readiness_is_said_once_and_life_each_time(told: Told, environment: dict[str, str]) -> None:
    """The status is repeated only when it changes."""
    manager = ServiceManager(environment)
    manager.starting("loading")
    manager.serving("serving conveyor")
    manager.serving("serving conveyor")
    assert told.now() == ["STATUS=loading"]
    assert told.now() == ["STATUS=serving conveyor", "READY=1", "WATCHDOG=1"]
    assert told.now() == ["WATCHDOG=1"]
    assert repr(manager).endswith("ready=True, status='serving conveyor')")


def test_no_sign_of_life_while_nothing_is_served(told: Told, environment: dict[str, str]) -> None:
    """So that the watchdog starts a server anew that does not recover; readiness is not said a second time when it does."""
    manager = ServiceManager(environment)
    manager.serving("serving")
    manager.not_serving("the device\nfailed")
    manager.not_serving("the device\nfailed")
    manager.serving("serving")
    manager.stopping()
    assert told.now() == ["STATUS=serving", "READY=1", "WATCHDOG=1"]
    assert told.now() == ["STATUS=not ready: the device failed"]
    assert told.now() == ["STATUS=serving", "WATCHDOG=1"]
    assert told.now() == ["STOPPING=1"]


def test_without_a_watchdog_no_sign_of_life_is_sent(told: Told, environment: dict[str, str]) -> None:
    """Nobody waits for it."""
    del environment["WATCHDOG_USEC"]
    ServiceManager(environment).serving("serving")
    assert told.now() == ["STATUS=serving", "READY=1"]


def test_abstract_addresses_are_understood() -> None:
    """A name after an `@` lies in no folder."""
    name = f"framebatch-test-{os.getpid()}"
    listener = Told(f"\0{name}")
    ServiceManager({"NOTIFY_SOCKET": f"@{name}"}).stopping()
    assert listener.now() == ["STOPPING=1"]
    listener.close()


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nowhere/notify"}])
def test_a_server_without_a_manager_serves_as_well(environment: dict[str, str]) -> None:
    """No address, or one where nobody listens, is no error."""
    manager = ServiceManager(environment)
    manager.serving("serving")
    manager.stopping()


def test_names_of_files_that_are_no_text_are_told_as_far_as_they_are(told: Told, environment: dict[str, str]) -> None:
    """A model's name comes from a file's, which may hold any bytes."""
    ServiceManager(environment).starting("loading \udcff")
    assert told.now() == ["STATUS=loading ?"]


@pytest.mark.usefixtures("told")
def test_a_manager_that_does_not_read_holds_up_nobody(environment: dict[str, str]) -> None:
    """Messages that find the socket full are lost."""
    manager = ServiceManager(environment)
    for number in range(10_000):
        manager.serving(f"serving {number}")


@pytest.mark.end_to_end
def test_a_server_says_when_it_is_ready_lives_and_stops(
    told: Told, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """READY comes before the ready line, signs of life go on, STOPPING comes before the end."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with ServerProcess(*SIM) as server:
        before = told.until("READY=1")
        assert before[0] == "STATUS=loading"
        assert before[-3:] == ["STATUS=serving conveyor on sim 2+1b ms (simulated)", "READY=1", "WATCHDOG=1"]
        assert told.until("WATCHDOG=1") == ["WATCHDOG=1"]
        assert told.until("WATCHDOG=1") == ["WATCHDOG=1"]
        server.terminate()
        after = told.until("STATUS=not ready: draining")
        assert server.wait(10) == 0
    assert "STOPPING=1" in after
    assert after.index("STOPPING=1") > len(after) - 3, "no sign of life after it"


@pytest.mark.end_to_end
def test_a_hung_device_is_told_and_no_sign_of_life_follows(told: Told, environment: dict[str, str]) -> None:
    """The last that a manager hears before exit code 70 is why."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | environment,
        text=True,
    ) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split()[1].partition("=")[2]
        with Client(address) as client:
            client.detect(np.zeros((24, 32, 3), np.uint8), deadline_ms=60_000)
        assert server.wait(30) == 70
    lines = told.until("READY=1")
    while "hangs" not in lines[-1]:
        lines += told.now()
    assert lines[-1].startswith("STATUS=not ready: ")
    told._socket.settimeout(0)  # the process has ended: what is not there will not come
    with pytest.raises(BlockingIOError):
        told.now()
