"""One run of ``framebatch-camera``: wait for the server, stream a source, show how it goes.

Reading the command line belongs to ``cli``, the looks of what is shown to ``report``.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from rich.live import Live

from framebatch_client.access import Access
from framebatch_client.aio import AsyncClient
from framebatch_client.report import json_line, live_line, summary_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from framebatch_client.answer import Answer
    from framebatch_client.request import Mode, Priority
    from framebatch_client.sources import Source
    from framebatch_client.statistics import StreamStats
    from framebatch_client.stream import AsyncStream

_REFRESH_SECONDS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraRun:
    """What was asked for on the command line, in the units of its options."""

    server: str
    source: str
    camera: str
    fps: float
    deadline_ms: float | None
    mode: Mode
    priority: Priority
    count: int | None
    connect_seconds: float
    access: Access = field(default_factory=Access)

    @property
    def title(self) -> str:
        """Who sends what to whom."""
        deadline = "the server's deadline" if self.deadline_ms is None else f"deadline {self.deadline_ms:g} ms"
        priority = "" if self.priority == "normal" else f", {self.priority}"
        return f"{self.camera}: {self.source} -> {self.server}, {self.mode}{priority}, {deadline}"


async def run_camera(
    run: CameraRun, source: Source, *, lines: TextIO | None, console: Console, live: bool
) -> StreamStats:
    """Stream until the source ends, the count is reached, or Ctrl-C (SIGTERM too), then show the table.

    The table is shown whenever the server was there at all, also when the run then ends in an error.

    Args:
        run: what to do.
        source: where the pictures come from; stays the caller's.
        lines: where to write a JSON line per answer; None: nowhere.
        console: for people.
        live: whether to keep a line up to date on the console while running.

    Raises:
        ClientError: no server in time, a source that broke, a server that refuses.
        OSError: ``lines`` cannot be written.
    """

    def write(answer: Answer) -> None:
        if lines is not None:
            lines.write(json_line(answer) + "\n")
            lines.flush()

    async with AsyncClient(run.server, token=run.access.token, tls=run.access.tls) as client:
        with console.status(f"waiting for {run.server}") if live else nullcontext():
            await client.wait_ready(run.connect_seconds)
        stream = client.stream(
            camera=run.camera, fps=run.fps, deadline_ms=run.deadline_ms, mode=run.mode, priority=run.priority
        )
        try:
            with _stopped_by_signals(stream):
                async with stream, _Display(run, stream, console, live=live):
                    return await stream.run(source, on_answer=write, count=run.count)
        finally:
            console.print(run.title, style="bold", markup=False, highlight=False, soft_wrap=True)
            console.print(summary_table(stream.stats, asked_fps=run.fps))


class _Display:
    """The line that is kept up to date while the stream runs."""

    def __init__(self, run: CameraRun, stream: AsyncStream, console: Console, *, live: bool) -> None:
        self._run = run
        self._stream = stream
        self._live = Live(console=console, auto_refresh=False, transient=True) if live else None
        self._refresher: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        """Show whether it is on."""
        return f"<_Display {'off' if self._live is None else 'on'}>"

    async def __aenter__(self) -> None:
        if self._live is not None:
            self._live.start()
            self._refresher = asyncio.create_task(self._refresh(self._live))

    async def __aexit__(self, *_: object) -> None:
        if self._live is not None and self._refresher is not None:
            self._refresher.cancel()
            await asyncio.wait((self._refresher,))
            self._live.stop()

    async def _refresh(self, live: Live) -> None:
        while True:
            live.update(live_line(self._run.camera, self._stream.stats, self._stream.state), refresh=True)
            await asyncio.sleep(_REFRESH_SECONDS)


@contextmanager
def _stopped_by_signals(stream: AsyncStream) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM end the run in order; the second has its usual effect."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        release()
        stream.stop()

    def release() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        release()
