"""Training and evaluation pictures: rendered scenes, letterboxed and packed into batches.

The network and its loss do not belong here; this module needs numpy, OpenCV and the scene generator only.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from framebatch_models.conveyor import LABELS, Conveyor, Scene

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = 320
PAD = 114
MOST = 48  # objects kept per picture
TRAIN_SEEDS = 10_000_000  # training uses seeds from here on; nothing else may
HELD_OUT_SEEDS = 5_000_000  # evaluation uses seeds from here on; training never does

_SHAPES: tuple[tuple[int, int], ...] = (
    (640, 480),
    (640, 360),
    (800, 600),
    (320, 240),
    (1280, 720),
    (480, 480),
    (480, 640),
)
_ODDS = (0.70, 0.07, 0.05, 0.07, 0.04, 0.04, 0.03)
_LOW_SHAPES = 5  # so many of them fit a canvas of 256 rows
_JPEG_SHARE = 0.25
_FRAMES_PER_CAMERA = 16
_SHIFT_S = (0.5, 4.0)
_MIRROR = 0.5
_CENTRED = 0.7  # share of full-height canvases with the picture where the real letterbox puts it


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture scaled to fit 320 x 320 (uint8 BGR) and its objects (n, 6): x1 y1 x2 y2 class difficult."""

    pixels: npt.NDArray[np.uint8]
    objects: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Batch:
    """``images`` (B, 3, H, W) uint8 RGB; ``objects`` (B, MOST, 6) float32, as in Sample, class -1 where unused."""

    images: npt.NDArray[np.uint8]
    objects: npt.NDArray[np.float32]


def shrink(scene: Scene) -> Sample:
    """Scale a scene so that its longer side is 320 pixels."""
    height, width = scene.pixels.shape[:2]
    ratio = min(SIZE / width, SIZE / height)
    small = cv2.resize(scene.pixels, (round(width * ratio), round(height * ratio)), interpolation=cv2.INTER_LINEAR)
    rows = [(*(side * ratio for side in truth.box), truth.class_id, truth.difficult) for truth in scene.truth]
    return Sample(np.asarray(small, np.uint8), np.asarray(rows, np.float32).reshape(-1, 6))


def place(sample: Sample, height: int, top: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Put a sample on a grey canvas of ``height`` x 320 at row ``top`` (centred across); (3, H, W) RGB."""
    rows, columns = sample.pixels.shape[:2]
    left = (SIZE - columns) // 2
    canvas = np.full((height, SIZE, 3), PAD, np.uint8)
    canvas[top : top + rows, left : left + columns] = sample.pixels
    objects = sample.objects.copy()
    objects[:, [0, 2]] += left
    objects[:, [1, 3]] += top
    return np.ascontiguousarray(canvas[..., ::-1].transpose(2, 0, 1)), objects


def recompressed(scene: Scene, quality: int) -> Scene:
    """Give the scene as JPEG of ``quality`` (1..100) leaves it."""
    _, code = cv2.imencode(".jpg", scene.pixels, (cv2.IMWRITE_JPEG_QUALITY, quality))
    return Scene(np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.uint8), scene.truth)


def scenes(rng: np.random.Generator, shapes: int) -> Iterator[Scene]:
    """Render training scenes without end; ``shapes`` says how many of the picture shapes to use."""
    odds = np.asarray(_ODDS[:shapes])
    while True:
        width, height = _SHAPES[int(rng.choice(shapes, p=odds / odds.sum()))]
        camera = Conveyor(TRAIN_SEEDS + int(rng.integers(1 << 40)), width=width, height=height)
        index = int(rng.integers(100_000))
        for _ in range(_FRAMES_PER_CAMERA):
            scene = camera.frame(index)
            index += max(1, round(10.0 * rng.uniform(*_SHIFT_S)))
            if rng.random() < _JPEG_SHARE:
                scene = recompressed(scene, int(rng.integers(55, 96)))
            yield scene


def varied(sample: Sample, rng: np.random.Generator) -> Sample:
    """Mirror and re-expose a sample at random."""
    pixels, objects = sample.pixels, sample.objects.copy()
    height, width = pixels.shape[:2]
    if rng.random() < _MIRROR:
        pixels = pixels[:, ::-1]
        objects[:, [0, 2]] = width - objects[:, [2, 0]]
    if rng.random() < _MIRROR:
        pixels = pixels[::-1]
        objects[:, [1, 3]] = height - objects[:, [3, 1]]
    gain = rng.uniform(0.8, 1.2) * rng.uniform(0.93, 1.07, 3)
    table = np.clip(np.arange(256)[:, None] * gain + rng.uniform(-10, 10), 0, 255).astype(np.uint8)
    pixels = np.asarray(cv2.LUT(np.ascontiguousarray(pixels), table.reshape(256, 1, 3)), np.uint8)
    return Sample(pixels, objects)


def batches(seed: int, size: int, height: int, *, fresh: int, pool: int) -> Iterator[Batch]:
    """Give training batches without end.

    Per batch ``fresh`` new scenes enter a pool of at most ``pool``, from which ``size`` are drawn at random, so
    that one core keeps up with the network. ``height`` is the canvas's; 256 holds every 4:3 or wider picture
    and saves a fifth of the work, 320 is the real letterbox.
    """
    rng = np.random.default_rng(seed)
    source = scenes(rng, len(_SHAPES) if height >= SIZE else _LOW_SHAPES)
    kept: list[Sample] = [shrink(next(source)) for _ in range(20 * size)]
    oldest = 0
    while True:
        for _ in range(fresh):
            sample = shrink(next(source))
            if len(kept) < pool:
                kept.append(sample)
            else:
                kept[oldest] = sample
                oldest = (oldest + 1) % pool
        images = np.empty((size, 3, height, SIZE), np.uint8)
        objects = np.full((size, MOST, 6), -1.0, np.float32)
        for row, pick in enumerate(rng.integers(len(kept), size=size)):
            sample = varied(kept[int(pick)], rng)
            spare = height - sample.pixels.shape[0]
            top = spare // 2 if height >= SIZE and rng.random() < _CENTRED else int(rng.integers(spare + 1))
            images[row], found = place(sample, height, top)
            objects[row, : min(MOST, len(found))] = found[:MOST]
        yield Batch(images, objects)


def held_out(
    count: int, *, per_camera: int = 4, width: int = 640, height: int = 480, jpeg: int = 0
) -> Iterator[tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]]:
    """Give ``count`` letterboxed evaluation pictures (3, 320, 320) RGB and their objects (n, 6), as in Sample.

    ``jpeg`` other than 0 compresses the pictures before they are scaled, to that quality.
    """
    for number in range(count):
        if number % per_camera == 0:
            camera = Conveyor(HELD_OUT_SEEDS + number // per_camera, width=width, height=height)
        scene = camera.frame((number % per_camera) * 83 + 7)
        sample = shrink(recompressed(scene, jpeg) if jpeg else scene)
        yield place(sample, SIZE, (SIZE - sample.pixels.shape[0]) // 2)


__all__ = ["HELD_OUT_SEEDS", "LABELS", "MOST", "SIZE", "TRAIN_SEEDS", "Batch", "Sample", "batches", "held_out"]
