"""`framebatch detect`: pictures from disk through the detector, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from framebatch.cli.common import (
    ConfidenceOption,
    DeviceOption,
    IouOption,
    JsonOption,
    ModelOption,
    find_model,
    log_to_stderr,
    print_json,
)
from framebatch.errors import InvalidFrame, UsageError
from framebatch.frame import EncodedPicture

if TYPE_CHECKING:
    from framebatch.detection.detector import Detector

__all__ = ["detect", "detections_in", "pictures_meant", "print_detections"]

_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
_BROKEN_INPUT: Final = 2


def detect(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Pictures, or folders of pictures.")],
    *,
    model: ModelOption,
    device: DeviceOption = "auto",
    confidence: ConfidenceOption = None,
    iou: IouOption = None,
    json: JsonOption = False,
) -> None:
    """Detect objects in pictures; boxes in pixels of each picture.

    A picture that cannot be read is reported in its place, and makes the exit code 2 after the others are done.
    """
    from framebatch.detection.imaging import use_one_thread_per_picture  # noqa: PLC0415 - see framebatch.cli
    from framebatch.detection.loading import load_detector  # noqa: PLC0415 - as above
    from framebatch.device.devices import parse_device  # noqa: PLC0415 - as above

    log_to_stderr()
    paths = pictures_meant(images)
    use_one_thread_per_picture()
    detector = load_detector(
        find_model(model), device=parse_device(device), max_batch=1, confidence=confidence, iou=iou
    )
    try:
        entries = [detections_in(detector, path) for path in paths]
    finally:
        detector.close()
    if json:
        print_json(entries)
    else:
        print_detections(entries, detector)
    if any("error" in entry for entry in entries):
        raise typer.Exit(_BROKEN_INPUT)


def pictures_meant(arguments: list[Path]) -> list[Path]:
    """The files meant: a folder stands for the pictures in it, sorted, without those of its folders."""
    found: list[Path] = []
    for argument in arguments:
        if not argument.is_dir():
            found.append(argument)
            continue
        inside = sorted(path for path in argument.iterdir() if path.suffix.lower() in _SUFFIXES and path.is_file())
        if not inside:
            raise UsageError(f"IMAGE {argument} is a folder without pictures ({', '.join(sorted(_SUFFIXES))})")
        found.extend(inside)
    return found


def detections_in(detector: Detector, path: Path) -> dict[str, Any]:
    """Detect in the picture at `path` and answer one element of the JSON document; `error` where it cannot be read."""
    entry: dict[str, Any] = {"image": str(path), "width": None, "height": None, "detections": []}
    try:
        picture = EncodedPicture(path.read_bytes())
    except OSError as error:
        return {**entry, "error": f"cannot be read: {error.strerror}"}
    try:
        header = detector.header(picture)
        entry["width"], entry["height"] = header.width, header.height
        found = detector.detect_picture(picture)
    except InvalidFrame as error:
        return {**entry, "error": str(error)}
    for box, score, class_id in zip(found.boxes.tolist(), found.scores.tolist(), found.class_ids.tolist(), strict=True):
        entry["detections"].append(
            {
                "box": [round(corner, 2) for corner in box],
                "score": round(score, 5),
                "class_id": class_id,
                "label": detector.spec.label(class_id),
            }
        )
    return entry


def print_detections(entries: list[dict[str, Any]], detector: Detector) -> None:
    """Print what `detections_in` answered, as a table for people."""
    from rich.console import Console  # noqa: PLC0415 - see framebatch.cli
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table(
        title=f"{detector.spec.name} on {detector.device}",
        title_justify="left",
        title_style="bold",
        header_style="bold",
    )
    table.add_column("Picture", overflow="fold", ratio=3)
    table.add_column("Label", overflow="fold", ratio=2)
    table.add_column("Score", justify="right", no_wrap=True)
    table.add_column("Box (x1, y1, x2, y2)", justify="right", no_wrap=True)
    for entry in entries:
        name = Text(f"{Path(entry['image']).name}")
        if "error" in entry:
            table.add_row(name, Text(entry["error"], style="red"), "", "", end_section=True)
            continue
        name.append(f"\n{entry['width']} x {entry['height']}", style="dim")
        rows = entry["detections"]
        box = "\n".join(", ".join(f"{corner:.1f}" for corner in row["box"]) for row in rows)
        labels = Text("\n".join(row["label"] for row in rows) if rows else "nothing found", style="" if rows else "dim")
        table.add_row(name, labels, "\n".join(f"{row['score']:.3f}" for row in rows), box, end_section=True)
    Console().print(table)
