"""A device that does not come back: what waits is answered, and the process ends with a code of its own."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from framebatch_client import Client

pytestmark = pytest.mark.end_to_end

PROGRAM = """
import asyncio, logging
from framebatch.app import App, run
from framebatch.config import Config
from framebatch.device.turns import turns_of
from framebatch_models import find

logging.basicConfig()
app = App(Config(model="conveyor", device="sim:1,0.1", port=0, http_port=0, decoders=1), find("conveyor"))


def ready(line):
    turns_of("sim:1,0.1")._lock.acquire()  # as a driver does that never returns
    print(line, flush=True)


asyncio.run(run(app, on_ready=ready))
"""


def test_a_hung_device_ends_the_server_after_all_answers() -> None:
    """With exit code 70, so that a supervisor starts it anew; each frame is told why it failed."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        address = server.stdout.readline().split()[1].partition("=")[2]
        picture = np.zeros((24, 32, 3), np.uint8)
        with Client(address) as client, ThreadPoolExecutor(4) as threads:
            calls = [threads.submit(client.detect, picture, deadline_ms=60_000) for _ in range(4)]
            answers = [call.result() for call in calls]
        assert server.wait(30) == 70
        log = server.stderr.read()
    assert {str(answer.outcome) for answer in answers} == {"FAILED"}
    assert all("hangs: nothing came back from it for 2.0 s" in answer.reason for answer in answers)
    assert "ending with exit code 70, to be started anew" in log
