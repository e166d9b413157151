"""What decoding at a reduced scale does to detections: the same pictures, decoded in several ways, through one model.

    python benchmarks/decode_drift.py MODEL PHOTO... [--size 4000x3000]
    python benchmarks/decode_drift.py conveyor --scenes 40 --size 4000x3000

Photos are used as they are, or enlarged to `--size` with a sensor's noise. Each way is compared with two others: "full"
decodes all pixels and resizes bilinearly, as models' authors do; "area" averages all pixels, which is what an ideal
camera of the network's size would see. Detections of one class match from IoU 0.5 on; "agree" is the share that also
has IoU 0.9 and a score within 0.02, of all but those whose score is within 0.05 of the threshold. Conveyor scenes come with
the truth, so for them the table also says how much of it was found.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import cv2
import numpy as np
from bench_decode import ways
from pictures import encode, enlarged

from framebatch.cli.common import find_model
from framebatch.detection.boxes import iou_matrix
from framebatch.detection.geometry import plan_resize
from framebatch.detection.headers import Limits, read_header
from framebatch.detection.imaging import Prepared
from framebatch.detection.loading import load_detector
from framebatch.device.devices import parse_device
from framebatch.frame import Detections, EncodedPicture
from framebatch_models.conveyor import Conveyor, Truth

if TYPE_CHECKING:
    from framebatch.detection.detector import Detector

CONFIDENCE: Final = 0.25
DOUBT: Final = 0.05
FIRST_SEED: Final = 7_000_000


class Seen(NamedTuple):
    """One picture: its file, its true size, and what is known to lie in it."""

    data: bytes
    width: int
    height: int
    truth: tuple[Truth, ...] | None


def photos(paths: list[Path], size: tuple[int, int] | None) -> list[Seen]:
    """JPEG photos, enlarged where a size is given."""
    found = []
    for path in paths:
        data = enlarged(path, width=size[0], height=size[1]) if size else path.read_bytes()
        header = read_header(EncodedPicture(data), Limits())
        if header.format == "jpeg":
            found.append(Seen(data, header.width, header.height, None))
    return found


def belts(count: int, size: tuple[int, int]) -> list[Seen]:
    """Conveyor scenes that the bundled model was not trained on."""
    scenes = [Conveyor(FIRST_SEED + number, width=size[0], height=size[1]).frame(70) for number in range(count)]
    return [Seen(encode(scene.pixels), *size, scene.truth) for scene in scenes]


def look(detector: Detector, seen: Seen, decode: Any, interpolation: int) -> Detections:
    """Decode one picture in one way and detect."""
    fit = detector.spec.fit
    place = plan_resize(fit, seen.width, seen.height)
    pixels = decode(seen.data, min(1 / place.scale_x, 1 / place.scale_y))
    if detector.spec.color == "bgr":
        pixels = pixels[..., ::-1]
    canvas = np.full((fit.height, fit.width, 3), fit.pad, np.uint8)
    inner = cv2.resize(pixels, (place.inner_width, place.inner_height), interpolation=interpolation)
    canvas[place.top : place.top + place.inner_height, place.left : place.left + place.inner_width] = inner
    return detector.detect([Prepared(canvas, place)]).detections[0]


def compare(found: Detections, wanted: Detections) -> tuple[int, int, int, int, int, float]:
    """Answer matched, lost, gained, clear ones, those that agree, and the sum of overlaps."""
    overlaps = iou_matrix(wanted.boxes, found.boxes)
    overlaps[wanted.class_ids[:, None] != found.class_ids] = 0.0
    matched = agree = 0
    total = 0.0
    free = set(range(len(found)))
    clear = int((wanted.scores > CONFIDENCE + DOUBT).sum() + (found.scores > CONFIDENCE + DOUBT).sum())
    for row, score in enumerate(wanted.scores):
        share, column = max(((float(overlaps[row, each]), each) for each in free), default=(0.0, -1))
        if share < 0.5:
            continue
        free.discard(column)
        matched += 1
        total += share
        if share >= 0.9 and abs(float(score - found.scores[column])) <= 0.02:
            agree += int(score > CONFIDENCE + DOUBT) + int(found.scores[column] > CONFIDENCE + DOUBT)
    return matched, len(wanted) - matched, len(free), clear, agree, total


def found_of_truth(found: Detections, truth: tuple[Truth, ...], least: float) -> tuple[int, int, int]:
    """Answer right detections, wrong ones and objects; what is difficult to see counts neither way."""
    boxes = np.array([each.box for each in truth], np.float32).reshape(-1, 4)
    overlaps = iou_matrix(found.boxes, boxes)
    right = wrong = 0
    free = {number for number, each in enumerate(truth) if not each.difficult}
    objects = len(free)
    for row, class_id in enumerate(found.class_ids):
        fits = {n for n, each in enumerate(truth) if each.class_id == class_id and overlaps[row, n] >= least}
        if fits & free:
            free.discard(max(fits & free, key=lambda n: overlaps[row, n]))
            right += 1
        elif not fits:
            wrong += 1
    return right, wrong, objects


def main() -> None:
    """Print one line for each way."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("photos", type=Path, nargs="*")
    parser.add_argument("--scenes", type=int, default=0)
    parser.add_argument("--size", help="WIDTHxHEIGHT")
    arguments = parser.parse_args()
    size = None
    if arguments.size and (match := re.fullmatch(r"(\d+)x(\d+)", arguments.size)):
        size = int(match[1]), int(match[2])
    seen = photos(arguments.photos, size) + belts(arguments.scenes, size or (640, 480))
    detector = load_detector(
        find_model(arguments.model), device=parse_device("cpu"), max_batch=1, confidence=CONFIDENCE
    )
    full = ways()["cv2 full"]
    plain = [look(detector, each, full, cv2.INTER_LINEAR) for each in seen]
    area = [look(detector, each, full, cv2.INTER_AREA) for each in seen]
    fit = detector.spec.fit
    print(f"{detector.spec.name} {fit.width} x {fit.height}, {len(seen)} pictures, size {arguments.size or 'as it is'}")
    print(f"{'':22}{'against full':^40}{'against area':^40}{'truth at 0.5':>14}{'at 0.75':>14}")
    heads = f"{'matched':>8}{'lost':>6}{'gained':>7}{'IoU':>8}{'agree':>8}"
    print(f"{'':22}{heads}   {heads}     {'recall':>7}{'prec.':>7}{'recall':>7}{'prec.':>7}")
    # PyTurboJPEG has the same decoder as simplejpeg, and so the same pixels
    compared = {name: way for name, way in ways().items() if name.startswith("cv2") or name == "simplejpeg full, fast"}
    for name, decode in {"area": None, **compared}.items():
        if decode is None:
            answers = area
        elif name == "cv2 full":
            answers = plain
        else:
            answers = [look(detector, each, decode, cv2.INTER_LINEAR) for each in seen]
        line = f"{name:22}"
        for wanted in (plain, area):
            matched, lost, gained, clear, agree, total = np.sum(
                [compare(*each) for each in zip(answers, wanted, strict=True)], axis=0
            )
            line += (
                f"{matched:8.0f}{lost:6.0f}{gained:7.0f}{total / max(matched, 1):8.4f}{agree / max(clear, 1):8.3f}   "
            )
        for least in (0.5, 0.75):
            scored = [
                found_of_truth(answer, each.truth, least)
                for answer, each in zip(answers, seen, strict=True)
                if each.truth is not None
            ]
            if scored:
                right, wrong, objects = np.sum(scored, axis=0)
                line += f"{right / objects:7.3f}{right / (right + wrong):7.3f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
