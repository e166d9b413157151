"""What decoding a JPEG and fitting it into the network's picture costs on one core, by library and by scale.

    python benchmarks/bench_decode.py [--photos FOLDER]...

Every way is run in turn, round after round, so that what else the machine does meets all alike; the table shows the median
of the processor time in milliseconds and, behind it, how many times as fast as cv2 at full scale that is. The memory is
managed as in a decoder process. simplejpeg and PyTurboJPEG are no dependencies of the project: a way whose library is
missing is left out.

"to N" decodes to the smallest scale of the library that still has N times the pixels per side that the network needs.
"""

from __future__ import annotations

import argparse
import importlib
import os
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from pictures import enlarged, scenes

from framebatch.decoding.crew import HEAP
from framebatch.detection.geometry import Resize, plan_resize
from framebatch.detection.imaging import use_one_thread_per_picture

if TYPE_CHECKING:
    from collections.abc import Callable

    Decode = Callable[[bytes, float], Any]
    """From a file, and how many times smaller the network's picture is, to pixels."""

SIZES: Final = ((640, 480), (1920, 1080), (4000, 3000))
QUALITIES: Final = (75, 90)
NETWORKS: Final = (640, 320)
ROUNDS: Final = 15
REDUCED: Final = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}


def opencv(keep: float | None) -> Decode:
    """cv2, at full scale or so that `keep` times the needed pixels are left."""

    def decode(data: bytes, ratio: float) -> Any:
        factors = [factor for factor in REDUCED if keep is not None and ratio / factor >= keep]
        flag = REDUCED[max(factors)] if factors else cv2.IMREAD_COLOR_RGB
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flag | cv2.IMREAD_IGNORE_ORIENTATION)
        assert pixels is not None
        if factors:  # the reduced modes know no RGB: the order is turned on the few pixels
            return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
        return pixels

    return decode


def simplejpeg(keep: float | None, *, fast: bool) -> Decode:
    """The library simplejpeg; `fast`: the quicker transform and upsampling."""
    library = importlib.import_module("simplejpeg")

    def decode(data: bytes, ratio: float) -> Any:
        least = {}
        if keep is not None and ratio > keep:
            height, width, _, _ = library.decode_jpeg_header(data)
            least = {"min_height": round(height * keep / ratio), "min_width": round(width * keep / ratio)}
        return library.decode_jpeg(data, "RGB", fastdct=fast, fastupsample=fast, **least)

    return decode


def turbojpeg(keep: float | None, *, fast: bool) -> Decode:
    """The library PyTurboJPEG; `fast`: the quicker transform and upsampling."""
    library = importlib.import_module("turbojpeg")
    jpeg = library.TurboJPEG()
    flags = library.TJFLAG_FASTDCT | library.TJFLAG_FASTUPSAMPLE if fast else 0
    scales = sorted((each for each in jpeg.scaling_factors if each[0] <= each[1]), key=lambda each: each[0] / each[1])

    def decode(data: bytes, ratio: float) -> Any:
        scale = scales[-1]
        if keep is not None:
            scale = next((each for each in scales if ratio * each[0] / each[1] >= keep), scale)
        return jpeg.decode(data, library.TJPF_RGB, scale, flags)

    return decode


def ways() -> dict[str, Decode]:
    """Every way whose library is there, by its name in the table."""
    found: dict[str, Decode] = {"cv2 full": opencv(None)}
    found |= {f"cv2 to {keep:g}": opencv(keep) for keep in (1.0, 1.5, 2.0, 3.0)}
    for name, make in (("simplejpeg", simplejpeg), ("PyTurboJPEG", turbojpeg)):
        try:
            found[f"{name} full"] = make(None, fast=False)
        except (ImportError, RuntimeError) as error:
            print(f"{name} is left out: {error}")
            continue
        found[f"{name} full, fast"] = make(None, fast=True)
        found[f"{name} to 1"] = make(1.0, fast=False)
        found[f"{name} to 1, fast"] = make(1.0, fast=True)
    return found


def prepared(decode: Decode, data: bytes, width: int, height: int, side: int) -> np.ndarray[Any, Any]:
    """The network's picture, as the server makes it but for the checks."""
    place = plan_resize(Resize(width=side, height=side), width, height)
    pixels = decode(data, min(1 / place.scale_x, 1 / place.scale_y))
    canvas = np.full((side, side, 3), 114, np.uint8)
    inner = canvas[place.top : place.top + place.inner_height, place.left : place.left + place.inner_width]
    cv2.resize(pixels, (place.inner_width, place.inner_height), dst=inner, interpolation=cv2.INTER_LINEAR)
    return canvas


def main() -> None:
    """Print a table for each size, quality and kind of picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--photos", type=Path, nargs="*", default=[], help="photos to enlarge, or folders of .jpg files"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    if "GLIBC_TUNABLES" not in os.environ:  # they are read when a process begins
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "GLIBC_TUNABLES": HEAP})  # noqa: S606
    use_one_thread_per_picture()
    photos = [each for path in arguments.photos for each in (sorted(path.glob("*.jpg")) if path.is_dir() else [path])]
    print(f"cv2 {cv2.__version__}, one thread, median of {arguments.rounds} rounds")
    contenders = ways()
    for width, height in SIZES:
        for quality in QUALITIES:
            kinds = {"conveyor": scenes(3, width=width, height=height, quality=quality)}
            if photos:
                kinds["photos"] = [enlarged(path, width=width, height=height, quality=quality) for path in photos[:3]]
            for kind, files in kinds.items():
                size = sum(map(len, files)) / len(files) / 1024
                print(f"\n{width} x {height}, quality {quality}, {kind} ({size:.0f} KiB)")
                _table(contenders, files, width, height, arguments.rounds)


def _table(contenders: dict[str, Decode], files: list[bytes], width: int, height: int, rounds: int) -> None:
    columns = [_milliseconds(contenders, files, (width, height), side, rounds) for side in NETWORKS]
    print("".join([f"{'':24}", *(f"{f'to {side} x {side}':>20}" for side in NETWORKS)]))
    for name in contenders:
        cells = [f"{times[name]:10.2f} ({times['cv2 full'] / times[name]:5.2f} x)" for times in columns]
        print(f"{name:24}" + "".join(cells))


def _milliseconds(
    contenders: dict[str, Decode], files: list[bytes], size: tuple[int, int], side: int, rounds: int
) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, decode in contenders.items():
            for data in files:
                start = time.process_time()
                prepared(decode, data, *size, side)
                if number:  # the first round warms up
                    times[name].append((time.process_time() - start) * 1e3)
    return {name: statistics.median(each) for name, each in times.items()}


if __name__ == "__main__":
    main()
