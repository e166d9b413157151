"""`framebatch serve --log-format json`: whatever happens, each line of standard error is one object."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from framebatch.testing import ServerProcess
from framebatch_client import Client

pytestmark = pytest.mark.end_to_end

PICTURE = np.zeros((24, 32, 3), np.uint8)
FORGED = 'press\n{"level": "critical", "event": "device.hung"}\x1b[2J\u2028'


def decoders_of(server: ServerProcess) -> list[int]:
    """Answer its children."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    return [int(pid) for pid in children.read_text(encoding="ascii").split()]


def test_no_line_of_a_servers_life_is_anything_but_json() -> None:
    """With a camera whose name is a line of the log, and a decoder that aborts, and a caller who speaks no HTTP."""
    with ServerProcess("--model", "conveyor", "--device", "sim:1,0.1", "--log-format", "json") as server:
        with Client(server.address) as client, client.stream(camera=FORGED, deadline_ms=20_000) as stream:
            stream.send(PICTURE)
            assert str(next(iter(stream.answers())).outcome) == "OK"
            while "camera.began" not in server.log():
                time.sleep(0.05)
        os.kill(decoders_of(server)[0], signal.SIGABRT)
        while "decoder.ended" not in server.log() or "camera.ended" not in server.log():
            time.sleep(0.05)
        host, port = server.ready_line.split()[2].partition("=")[2].split(":")
        with socket.create_connection((host, int(port))) as nonsense:
            nonsense.sendall(b"no HTTP\r\n\r\n")
            while nonsense.recv(1024):
                pass
        server.terminate()
        assert server.wait(30) == 0
        lines = [json.loads(line) for line in server.log().splitlines()]
    events = [line["event"] for line in lines]
    assert (events[-1], "device.hung" in events) == ("server.stopped", False)
    assert "Invalid HTTP request received." in [line["message"] for line in lines if line["logger"] == "uvicorn.error"]
    assert {line["camera"] for line in lines if line["event"].startswith("camera.")} == {FORGED}
    assert [line["level"] for line in lines if line["event"] == "decoder.ended"] == ["error"]


@pytest.mark.parametrize(("form", "lines"), [("json", 1), ("human", 1)])
def test_why_a_server_does_not_start_is_told_in_the_same_form(form: str, lines: int) -> None:
    """With exit code 2 for a wrong setting."""
    command = [sys.executable, "-m", "framebatch.cli", "serve", "--model", "nothing-like-that", "--log-format", form]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout, len(ran.stderr.splitlines())) == (2, "", lines)
    if form == "json":
        told = json.loads(ran.stderr)
        assert (told["event"], told["level"], told["exit_code"]) == ("server.failed", "critical", 2)
        assert told["message"].startswith("model nothing-like-that is no file")
    else:
        assert ran.stderr.startswith("error: model nothing-like-that is no file")


def test_a_form_or_level_that_is_none_is_refused() -> None:
    """In one line that names the values."""
    command = [sys.executable, "-m", "framebatch.cli", "serve", "--model", "conveyor", "--log-level", "loud"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 2
    assert (
        "setting 'log_level' is 'loud': Input should be 'debug', 'info', 'warning', 'error' or 'critical'" in ran.stderr
    )
