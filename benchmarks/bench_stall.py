"""What does a moment without processor time cost? Cameras stream while the server's processes are stopped for a while.

    bench_stall.py [--stall-ms 300] [--cameras 20] [--fps 10] [--deadline-ms 100] [--device sim:2,0.5]

Three runs with a server of their own: the decoders stand still, the server's own process, both. Prints one JSON document:
frames lost, those that were due within the stall, and for how long after its end frames were still lost. A server that learns from the
disturbance that everything takes long would go on refusing frames that it could answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any, Final

import pictures
from serving import Server

from framebatch_client import AsyncClient, Outcome

if TYPE_CHECKING:
    from framebatch_client import AsyncStream

BEFORE_SECONDS: Final = 4.0
AFTER_SECONDS: Final = 6.0


class Lost:
    """When frames came back that were not answered OK, in seconds since the start."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.answered = 0

    async def listen(self, stream: AsyncStream, begin: float) -> None:
        """Read all answers of a camera."""
        async for answer in stream.answers():
            self.answered += 1
            if answer.outcome is not Outcome.OK:
                self.at.append(time.monotonic() - begin)


async def play(address: str, pids: list[int], arguments: argparse.Namespace) -> dict[str, Any]:
    """One run against a server; these processes of it are stopped once."""
    lost, seconds = Lost(), arguments.stall_ms / 1e3
    frames = pictures.padded(8, side=64, total_bytes=20_000)
    begin = time.monotonic()

    async def camera(index: int) -> None:
        async with client.stream(
            camera=f"camera-{index}", fps=arguments.fps, deadline_ms=arguments.deadline_ms, mode="inspect"
        ) as stream:
            listening = asyncio.create_task(lost.listen(stream, begin))
            for number in range(int((BEFORE_SECONDS + AFTER_SECONDS) * arguments.fps)):
                due = begin + (index / arguments.cameras + number) / arguments.fps
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                await stream.send(frames[number % len(frames)], sequence=number)
            await stream.finish()
            await listening

    async def stall() -> None:
        await asyncio.sleep(BEFORE_SECONDS)
        for told in (signal.SIGSTOP, signal.SIGCONT):
            for pid in pids:
                os.kill(pid, told)
            await asyncio.sleep(seconds if told is signal.SIGSTOP else 0)

    async with AsyncClient(address) as client:
        await asyncio.gather(stall(), *(camera(index) for index in range(arguments.cameras)))
    after = [at - BEFORE_SECONDS - seconds for at in lost.at if at >= BEFORE_SECONDS]
    return {
        "frames": lost.answered,
        "due_in_the_stall": round(seconds * arguments.fps * arguments.cameras),
        "lost": len(lost.at),
        "lost_before": len(lost.at) - len(after),
        "last_lost_ms_after": round(max(after, default=0.0) * 1e3),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stall-ms", type=float, default=300.0)
    parser.add_argument("--cameras", type=int, default=20)
    parser.add_argument("--fps", type=float, default=10.0)
    parser.add_argument("--deadline-ms", type=float, default=100.0)
    parser.add_argument("--device", default="sim:2,0.5")
    arguments = parser.parse_args()
    found = {}
    for who in ("decoders", "server", "both"):
        with Server("--model", "conveyor", "--device", arguments.device, "--profile", "off") as server:
            own, decoders = [server.process.pid], server.decoders()
            pids = {"decoders": decoders, "server": own, "both": [*own, *decoders]}[who]
            found[who] = asyncio.run(play(server.facts["grpc"], pids, arguments))
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
