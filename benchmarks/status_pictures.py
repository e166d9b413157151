"""Take the pictures of the status page that the documents show: a real server, eight conveyor cameras, a real browser.

    python benchmarks/status_pictures.py [FOLDER]     # docs/images unless told

The bundled detector runs on the processor, so that there are boxes to see. Each picture waits until the page says that
all is well, for a busy machine may need a while for that, and is given a palette of 256 colours.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import struct
import sys
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import cv2
import numpy as np
from playwright.async_api import async_playwright

import framebatch.edge
from framebatch.cli.demo.run import DemoOptions, ServerProcess, stream_cameras

if TYPE_CHECKING:
    import numpy.typing as npt
    from playwright.async_api import Browser

OPTIONS: Final = DemoOptions(cameras=8, fps=2.0, seconds=3600.0, deadline_ms=250.0, model="conveyor", device="cpu")
PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
MINUTE_SECONDS: Final = 70.0
SETTLE_SECONDS: Final = 5.0
FLAT_COLOURS: Final = 64
STYLE: Final = Path(framebatch.edge.__file__).parent / "page" / "static" / "style.css"
PATIENCE_MS: Final = 600_000


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One picture: its file, the window, and what of the page is in it."""

    name: str
    width: int
    height: int
    scheme: Literal["light", "dark"] = "light"
    path: str = ""
    density: float = 1.0
    whole: bool = False


SHOTS: Final = (
    Shot(name="status-page.png", width=1280, height=1400, whole=True),
    Shot(name="status-page-dark.png", width=1280, height=1400, scheme="dark", whole=True),
    Shot(name="status-page-phone.png", width=390, height=1080, density=2.0),
    Shot(name="status-page-wall.png", width=1920, height=1080, path="?wall"),
)


async def take(browser: Browser, address: str, shot: Shot) -> bytes:
    """A PNG of the page once every camera on screen has its picture and all is well."""
    options: dict[str, Any] = {"viewport": {"width": shot.width, "height": shot.height}}
    page = await browser.new_page(**options, color_scheme=shot.scheme, device_scale_factor=shot.density)
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(address + shot.path)
    await asyncio.sleep(SETTLE_SECONDS)
    await page.wait_for_selector("#state[data-level=ok]")
    await page.wait_for_selector(".card[data-pictured]")
    picture = await page.screenshot(full_page=shot.whole)
    await page.close()
    return picture


def small(picture: bytes) -> bytes:
    """The same with a palette: the page's own colours exactly, and the cameras' pictures as near as the rest allows."""
    pixels = np.asarray(cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR))[:, :, ::-1]
    codes = pixels.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    colours, places, numbers = np.unique(codes, return_inverse=True, return_counts=True)
    named = np.array([int(code, 16) for code in re.findall(r"#([0-9a-f]{6})", STYLE.read_text())], np.uint32)
    flat = np.union1d(colours[np.argsort(numbers)[-FLAT_COLOURS:]], np.intersect1d(named, colours))
    others = parts_of(np.setdiff1d(colours, flat))
    enough = (cv2.TERM_CRITERIA_MAX_ITER, 8, 0.0)
    some = others[:: max(1, len(others) // 20_000)]
    labels = np.empty((len(some), 1), np.int32)
    _, _, rest = cv2.kmeans(some, 256 - len(flat), labels, enough, 1, cv2.KMEANS_PP_CENTERS)
    palette = np.vstack((parts_of(flat), np.rint(np.asarray(rest))))
    wanted = parts_of(colours)
    nearest = [
        np.argmin(((part[:, None] - palette) ** 2).sum(2), 1)
        for part in np.array_split(wanted, len(wanted) // 2048 + 1)
    ]
    return indexed_png(np.concatenate(nearest)[places].reshape(codes.shape).astype(np.uint8), palette.astype(np.uint8))


def parts_of(codes: npt.NDArray[np.uint32]) -> npt.NDArray[np.float32]:
    """Red, green and blue of colours, (n, 3)."""
    return np.stack([codes >> shift & 255 for shift in (16, 8, 0)], axis=1).astype(np.float32)


def indexed_png(places: npt.NDArray[np.uint8], palette: npt.NDArray[np.uint8]) -> bytes:
    """A PNG (height, width) of places in a palette (n, 3): W3C, Portable Network Graphics, colour type 3."""
    height, width = places.shape
    lines = np.hstack((np.zeros((height, 1), np.uint8), places)).tobytes()  # each line begins with its filter: none
    parts = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0),
        b"PLTE": palette.tobytes(),
        b"IDAT": zlib.compress(lines, 9),
        b"IEND": b"",
    }
    chunks = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts.items()
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


async def main(folder: Path) -> None:
    """Serve, stream, and take one after the other."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        sys.exit("no Chromium is installed")
    os.environ["FRAMEBATCH_PROFILE"] = "off"
    with tempfile.TemporaryDirectory() as logs:
        async with ServerProcess(OPTIONS, Path(logs) / "server.log") as server, async_playwright() as playwright:
            streaming = asyncio.create_task(
                stream_cameras(OPTIONS, server.address, on_tick=lambda *_: None, tick_seconds=5.0)
            )
            browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
            address = f"http://{server.facts['http']}/"
            looking = await browser.new_page()
            await looking.goto(address)
            await asyncio.sleep(MINUTE_SECONDS)  # the server observes while somebody looks, and the plots show a minute
            pictures = [await take(browser, address, shot) for shot in SHOTS]
            await browser.close()
            streaming.cancel()
            await asyncio.wait((streaming,))
    for shot, picture in zip(SHOTS, pictures, strict=True):
        compressed = small(picture)
        (folder / shot.name).write_bytes(compressed)
        print(f"{folder / shot.name}: {len(compressed)} bytes")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")))
