"""What does TLS cost a frame? Two servers side by side, one in plain text and one with TLS, take turns with the same frames.

    bench_tls.py [--frames 2000] [--rounds 11]

Server and client are busy on the same machine, so only the ratio within a run means something: of the CPU time of the
server's own process for a frame (medians over the rounds), by the size of a picture. Needs trustme for a certificate.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import pictures
import trustme
from serving import Server

from framebatch_client import AsyncClient, Outcome, Tls

OPTIONS: Final = ("--model", "conveyor", "--device", "sim:0.5,0.05", "--profile", "off", "--max-batch", "32")
STREAMS: Final = 8
WINDOW: Final = 4
SIZES: Final = (6_000, 60_000, 200_000)


async def send(client: AsyncClient, frames: list[bytes], count: int) -> None:
    """Send so many frames over several streams, each with a few on their way at a time."""

    async def camera(number: int) -> None:
        room = asyncio.Semaphore(WINDOW)
        async with client.stream(camera=f"camera-{number}", deadline_ms=10_000) as stream:

            async def listen() -> None:
                async for answer in stream.answers():
                    if answer.outcome is not Outcome.OK:
                        raise RuntimeError(f"a frame was not answered OK: {answer}")
                    room.release()

            listening = asyncio.create_task(listen())
            for index in range(count // STREAMS):
                await room.acquire()
                await stream.send(frames[index % len(frames)])
            await stream.finish()
            await listening

    async with asyncio.TaskGroup() as group:
        for number in range(STREAMS):
            group.create_task(camera(number))


async def measure(server: Server, client: AsyncClient, frames: list[bytes], count: int) -> tuple[float, float, float]:
    """CPU microseconds a frame of the server and of this process, and frames a second."""
    server_before, client_before, begin = server.cpu()[0], time.process_time(), time.perf_counter()
    await send(client, frames, count)
    seconds = time.perf_counter() - begin
    used = server.cpu()[0] - server_before
    return 1e6 * used / count, 1e6 * (time.process_time() - client_before) / count, count / seconds


async def compare(plain: Server, tls: Server, ca: Path, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """One row for each size of pictures."""
    rows = []
    addresses = {name: f"{server.address[0]}:{server.address[1]}" for name, server in (("plain", plain), ("tls", tls))}
    async with AsyncClient(addresses["plain"]) as one, AsyncClient(addresses["tls"], tls=Tls(ca=ca)) as other:
        for size in SIZES:
            frames = pictures.padded(8, side=32, total_bytes=size)
            count = arguments.frames // STREAMS * STREAMS
            found: dict[str, list[tuple[float, float, float]]] = {"plain": [], "tls": []}
            for number in range(arguments.rounds + 1):
                for name, server, client in (("plain", plain, one), ("tls", tls, other)):
                    result = await measure(server, client, frames, count)
                    if number:  # the first warms both
                        found[name].append(result)
            middle = {
                name: [round(statistics.median(column), 1) for column in zip(*results, strict=True)]
                for name, results in found.items()
            }
            ratios = [with_tls[0] / without[0] for without, with_tls in zip(found["plain"], found["tls"], strict=True)]
            rows.append(
                {
                    "bytes": size,
                    "frames": count,
                    "server_us": {name: values[0] for name, values in middle.items()},
                    "client_us": {name: values[1] for name, values in middle.items()},
                    "fps": {name: values[2] for name, values in middle.items()},
                    "server_ratio": {
                        "median": round(statistics.median(ratios), 3),
                        "lowest": round(min(ratios), 3),
                        "highest": round(max(ratios), 3),
                    },
                }
            )
    return rows


def main() -> None:
    """Parse, run, print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=2000, help="of each round")
    parser.add_argument("--rounds", type=int, default=11)
    arguments = parser.parse_args()
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority.cert_pem.write_to_path(folder / "ca.pem")
        issued.private_key_pem.write_to_path(folder / "key.pem")
        (folder / "server.pem").write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
        files = ("--tls-certificate", str(folder / "server.pem"), "--tls-key", str(folder / "key.pem"))
        with Server(*OPTIONS) as plain, Server(*OPTIONS, *files) as tls:
            print(json.dumps(asyncio.run(compare(plain, tls, folder / "ca.pem", arguments)), indent=2))


if __name__ == "__main__":
    main()
