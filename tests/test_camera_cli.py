"""The command framebatch-camera as a process, against a real server in this one."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from framebatch_client import AsyncClient
from framebatch_client.camera import CameraRun, _Display
from framebatch_client.testing import ScriptedServer, stay_silent
from framebatch_proto.v1 import detector_pb2

COMMAND = (sys.executable, "-m", "framebatch_client")
SHORT = ("--source", "sim:conveyor?width=64&height=64", "--fps", "100")


@dataclass(frozen=True)
class Ended:
    """How a process ended and what it wrote."""

    status: int | None
    out: str
    err: str

    def row(self, name: str) -> str:
        """Answer the second column of the row of this name in the table."""
        return next(line for line in self.err.splitlines() if f" {name} " in line).split("│")[2].strip()


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    """Start a server that answers OK."""
    async with ScriptedServer() as scripted:
        yield scripted


async def start(*arguments: str) -> asyncio.subprocess.Process:
    """Start framebatch-camera."""
    return await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "COLUMNS": "120", "NO_COLOR": "1", "TERM": "dumb"},
    )


async def end(process: asyncio.subprocess.Process) -> Ended:
    """Wait for the end of a process."""
    out, err = await process.communicate()
    return Ended(process.returncode, out.decode(), err.decode())


async def run(*arguments: str) -> Ended:
    """Run framebatch-camera to its end."""
    return await end(await start(*arguments))


async def test_a_run_ends_with_the_table(server: ScriptedServer) -> None:
    """After --count frames the status is 0 and the table sums up, on stderr, with nothing on stdout."""
    arguments = (
        "--camera",
        "press-3",
        "--deadline-ms",
        "900",
        "--mode",
        "inspect",
        "--count",
        "5",
        "--priority",
        "critical",
    )
    ended = await run("--server", server.address, *SHORT, *arguments)
    rows = {name: ended.row(name) for name in ("sent", "OK", "mean batch", "lost", "skipped", "reconnects")}
    assert (ended.status, ended.out) == (0, "")
    assert rows == {"sent": "5", "OK": "5", "mean batch": "2.0", "lost": "0", "skipped": "0", "reconnects": "0"}
    assert ended.err.startswith(f"press-3: {SHORT[1]} -> {server.address}, inspect, critical, deadline 900 ms")
    assert {(frame.camera, frame.priority) for frame in server.frames} == {("press-3", detector_pb2.PRIORITY_CRITICAL)}


async def test_json_lines_have_stdout_to_themselves(server: ScriptedServer) -> None:
    """With --jsonl - stdout holds one JSON object per answer and the table is on stderr."""
    ended = await run("--server", server.address, *SHORT, "--count", "3", "--jsonl", "-")
    lines = sorted((json.loads(line) for line in ended.out.splitlines()), key=lambda line: int(line["sequence"]))
    latencies = [line.pop("latency_ms") for line in lines]
    assert [line["sequence"] for line in lines] == [0, 1, 2]
    assert min(latencies) > 0
    assert lines[0] == {
        "sequence": 0,
        "camera": "camera-1",
        "outcome": "OK",
        "reason": "",
        "detections": [{"box": [1.0, 2.0, 30.0, 40.0], "score": 0.5, "class_id": 3, "label": "bolt"}],
        "timing": {"decode": 0.001, "queue": 0.0, "device": 0.004, "post": 0.0, "total": 0.005, "age": None},
        "batch_size": 2,
    }
    assert ended.row("OK") == "3"


async def test_json_lines_go_to_a_file(server: ScriptedServer, tmp_path: Path) -> None:
    """With --jsonl FILE the lines are in the file."""
    path = tmp_path / "answers.jsonl"
    await run("--server", server.address, *SHORT, "--count", "3", "--jsonl", str(path))
    assert sorted(json.loads(line)["sequence"] for line in path.read_text().splitlines()) == [0, 1, 2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupt_ends_with_the_table(server: ScriptedServer, number: signal.Signals) -> None:
    """Ctrl-C, and SIGTERM, end the run in order: answers are awaited, the table is shown, the status is 0."""
    process = await start("--server", server.address, *SHORT)
    await server.received(3)
    process.send_signal(number)
    ended = await end(process)
    assert (ended.status, ended.row("lost")) == (0, "0")
    assert int(ended.row("sent")) == int(ended.row("OK")) >= 3


async def test_a_server_that_never_was_there_is_a_failure(server: ScriptedServer) -> None:
    """Without a server the status is 1 and the address is named."""
    await server.stop()
    ended = await run("--server", server.address, *SHORT, "--connect-seconds", "0.2")
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"framebatch-camera: no server at {server.address} within 0.2 s: Connection refused")


async def test_not_one_answer_is_a_failure(server: ScriptedServer) -> None:
    """A server that goes away before any answer: the table is shown, and the status is 1."""
    server.reply = stay_silent
    process = await start("--server", server.address, *SHORT)
    await server.received(2)
    await server.stop()
    process.send_signal(signal.SIGINT)
    ended = await end(process)
    assert (ended.status, ended.row("OK")) == (1, "0")
    assert ended.err.endswith("framebatch-camera: not one frame was answered\n")


async def test_a_reader_of_the_lines_that_goes_ends_the_run(server: ScriptedServer) -> None:
    """When whoever reads stdout goes away, the status is 1 and there is no traceback."""
    process = await start("--server", server.address, *SHORT, "--jsonl", "-")
    assert process.stdout is not None
    await process.stdout.readline()
    process.stdout._transport.close()  # type: ignore[attr-defined]
    assert process.stderr is not None
    err = (await process.stderr.read()).decode()
    assert (await process.wait(), "Traceback" in err) == (1, False)
    assert "whoever read the JSON lines has gone" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Missing option '--source'"),
        (("--source", "nowhere.jpg"), "source 'nowhere.jpg': No such file or directory (accepted: a picture,"),
        (("--source", "sim:conveyor", "--fps", "0"), "fps must be a number greater than 0, not 0.0"),
        (("--source", "sim:conveyor", "--deadline-ms", "-5"), "deadline_ms must be a number of milliseconds"),
        (("--source", "sim:conveyor", "--server", "edge"), "the server must be HOST:PORT"),
        (("--source", "sim:conveyor", "--mode", "burst"), "'burst' is not one of"),
        (("--source", "sim:conveyor", "--priority", "high"), "'high' is not one of"),
        (("--source", "sim:conveyor", "--jsonl", "/no/such/dir/x"), "No such file or directory: '/no/such/dir/x'"),
    ],
)
async def test_wrong_usage_is_said_in_words(arguments: tuple[str, ...], message: str) -> None:
    """The status is 2, the message names the value, and nothing is on stdout."""
    ended = await run(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert message in ended.err


async def test_the_live_line_shows_whether_it_is_on() -> None:
    """The repr of the display tells its state."""
    client = AsyncClient("localhost:1")
    wanted = CameraRun(
        server="",
        source="",
        camera="",
        fps=1,
        deadline_ms=None,
        mode="live",
        priority="normal",
        count=None,
        connect_seconds=1,
    )
    displays = [_Display(wanted, client.stream(), Console(), live=live) for live in (True, False)]
    assert [repr(display) for display in displays] == ["<_Display on>", "<_Display off>"]
