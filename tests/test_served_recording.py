"""`framebatch serve --record` as a process: what is left when it is killed, and what it says when it cannot record."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from framebatch.recording import read_recording
from framebatch.testing import ServerProcess
from framebatch_client import Answer, Client

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.end_to_end

SIMULATED = ("--model", "conveyor", "--device", "sim:1,0.1")
WRITTEN = 'framebatch_recording_records_total{result="written"}'


def ask(client: Client, sequence: int) -> Answer:
    """Have one frame answered."""
    return client.detect(np.zeros((8, 8, 3), np.uint8), camera="press", sequence=sequence, deadline_ms=60_000)


def test_a_killed_server_leaves_what_it_had_written(tmp_path: Path) -> None:
    """All that its metrics say it wrote can be read; a new server goes on in the same folder."""
    with ServerProcess(*SIMULATED, "--record", tmp_path) as server:
        with Client(server.address) as client:
            answers = [ask(client, sequence) for sequence in range(20)]
        until = time.monotonic() + 60
        while server.series()[WRITTEN] < 3 * 20 and time.monotonic() < until:  # frames, batches, decisions
            pass
        written = server.series()[WRITTEN]
        server.process.send_signal(signal.SIGKILL)
        server.wait(60)
    found = read_recording(tmp_path)
    assert [(each.sequence, str(each.outcome)) for each in found.frames] == [
        (a.sequence, str(a.outcome)) for a in answers
    ]
    assert len(found.frames) + len(found.batches) + len(found.decisions) >= written
    assert found.lost == 0
    with ServerProcess(*SIMULATED, "--record", tmp_path):
        assert read_recording(tmp_path).frames == ()
    assert len(list(tmp_path.glob("*/*.fbrec"))) == 2


def test_a_folder_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    """Exit code 2 and one line, before a model is loaded."""
    (tmp_path / "file").touch()
    server = ServerProcess(*SIMULATED, "--record", tmp_path / "file")
    with pytest.raises(RuntimeError, match="no ready line"):
        server.wait_ready()
    assert server.wait(60) == 2
    assert f"setting 'record' is {tmp_path / 'file'}: cannot be written: it is no folder; name a folder" in server.log()
    server.stop()
