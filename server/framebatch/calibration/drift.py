"""How far the detections of one way to run a model are from another's, on pictures. Runs models; judges nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from framebatch.calibration.variants import Drift
from framebatch.detection.difference import compare, together
from framebatch.detection.headers import Limits, read_header
from framebatch.detection.loading import load_detector
from framebatch.detection.scenes import scenes
from framebatch.errors import InvalidFrame, UsageError
from framebatch.frame import EncodedPicture, RawPicture

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from framebatch.detection.detector import Detector
    from framebatch.device.devices import Device
    from framebatch.device.options import EngineOptions
    from framebatch.frame import Detections, Picture

__all__ = ["detections_of", "drift_between", "read_pictures"]

_SCENES: Final = 16
_SCENE_SIDE: Final = 640


def read_pictures(paths: Sequence[Path]) -> list[Picture]:
    """Read pictures from files; without any, make some up.

    Raises:
        UsageError: one cannot be read, or is none by its first bytes.
    """
    if not paths:
        made = scenes(_SCENES, _SCENE_SIDE, _SCENE_SIDE)
        return [RawPicture(scene.tobytes(), _SCENE_SIDE, _SCENE_SIDE, "rgb") for scene in made]
    pictures: list[Picture] = []
    for path in paths:
        try:
            picture = EncodedPicture(path.read_bytes())
            read_header(picture, Limits())
        except OSError as error:
            raise UsageError(f"--pictures: {path} cannot be read: {error.strerror}") from error
        except InvalidFrame as error:
            raise UsageError(f"--pictures: {path}: {error}") from error
        pictures.append(picture)
    return pictures


def detections_of(
    path: Path, pictures: Sequence[Picture], *, device: Device, options: EngineOptions, max_batch: int
) -> list[Detections]:
    """Load a model, and detect in each picture.

    Args:
        path: of the ONNX file.
        pictures: any number.
        device: where to run it.
        options: how to run it there.
        max_batch: largest batch that it is loaded for, in frames.

    Raises:
        UsageError: one of the pictures is none, or the model cannot be served.
        DeviceError: the device cannot be used.
    """
    detector = load_detector(path, device=device, options=options, max_batch=max_batch)
    try:
        return [_detect(detector, picture, f"number {n} of {len(pictures)}") for n, picture in enumerate(pictures, 1)]
    finally:
        detector.close()


def _detect(detector: Detector, picture: Picture, which: str) -> Detections:
    try:
        return detector.detect_picture(picture)
    except InvalidFrame as error:
        raise UsageError(f"--pictures: {which} by name: {error}") from error


def drift_between(first: Sequence[Detections], second: Sequence[Detections]) -> Drift:
    """How far the second detections are from the first, over all pictures.

    Args:
        first: of each picture.
        second: of the same pictures.
    """
    found = together(compare(one, other) for one, other in zip(first, second, strict=True))
    some = len(found.score) > 0
    return Drift(
        pictures=len(first),
        matched=len(found.score),
        lost=found.lost,
        gained=found.gained,
        box_px_max=float(found.box_px.max()) if some else None,
        score_max=float(found.score.max()) if some else None,
    )
