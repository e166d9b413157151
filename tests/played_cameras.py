"""A program: the real server, with conveyor cameras that stream to it until it is told to end. Prints the page's address.

python played_cameras.py DEVICE CAMERAS FPS DEADLINE_MS FOLDER
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from framebatch.cli.demo.run import DemoOptions, ServerProcess, stream_cameras

LONG_SECONDS = 3600.0


async def play(options: DemoOptions, folder: Path) -> None:
    """Serve and stream until SIGTERM."""
    this = asyncio.current_task()
    if this is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    async with ServerProcess(options, folder / "server.log") as server:
        sys.stdout.write(f"http://{server.facts['http']}/\n")
        sys.stdout.flush()
        await stream_cameras(options, server.address, on_tick=lambda *_: None, tick_seconds=1.0)


def main() -> None:
    """Read the options."""
    device, cameras, fps, deadline_ms, folder = sys.argv[1:]
    options = DemoOptions(
        cameras=int(cameras),
        fps=float(fps),
        seconds=LONG_SECONDS,
        deadline_ms=float(deadline_ms),
        model="conveyor",
        device=device,
    )
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(play(options, Path(folder)))


if __name__ == "__main__":
    main()
