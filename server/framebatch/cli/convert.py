"""`framebatch models convert`: a model in half precision, and what that does to its detections."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from framebatch.cli.common import JsonOption, find_model, log_to_stderr, print_json
from framebatch.errors import InvalidFrame, UsageError
from framebatch.frame import EncodedPicture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch.detection.detector import Detector
    from framebatch.detection.difference import Difference

__all__ = ["convert"]

_PRECISIONS: Final = ("fp16",)
_OPERATORS_SHOWN: Final = 8


def convert(
    path: Annotated[str, typer.Argument(metavar="PATH.onnx|NAME", help="An ONNX file, or a bundled model.")],
    *,
    to: Annotated[str, typer.Option("--to", metavar="fp16", help="The precision: fp16.")],
    out: Annotated[Path, typer.Option("--out", metavar="OUT.onnx", help="Where to write the converted model.")],
    image: Annotated[
        list[Path] | None, typer.Option("--image", metavar="IMAGE", help="A photo to compare on; give several.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Convert a model to half precision, for GPUs that are quicker with it, and measure the drift on photos.

    Inputs and outputs stay float32, so the model is used as before. Both models are run on the processor.
    """
    from framebatch.device.convert import to_half  # noqa: PLC0415 - see framebatch.cli

    log_to_stderr()
    if to not in _PRECISIONS:
        raise UsageError(f"--to is {to!r}; it must be {', '.join(_PRECISIONS)}")
    source = find_model(path)
    conversion = to_half(source, out)
    facts: dict[str, Any] = {
        "model": str(source),
        "out": str(out),
        "to": to,
        "weight_bytes_before": conversion.bytes_before,
        "weight_bytes_after": conversion.bytes_after,
        "operators_in_float32": list(conversion.operators_kept),
        "images": len(image or ()),
        "drift": _drift(source, out, image) if image else None,
    }
    if json:
        print_json(facts)
    else:
        _print(facts)


def _drift(source: Path, target: Path, images: Sequence[Path]) -> dict[str, Any]:
    """Run both models on photos, one by one, on the processor."""
    from framebatch.detection.difference import compare, together  # noqa: PLC0415 - see framebatch.cli
    from framebatch.detection.loading import load_detector  # noqa: PLC0415 - as above
    from framebatch.device.devices import Device  # noqa: PLC0415 - as above

    detectors = [load_detector(path, device=Device(kind="cpu"), max_batch=1) for path in (source, target)]
    try:
        return _summary(together(compare(*(_detect(detector, image) for detector in detectors)) for image in images))
    finally:
        for detector in detectors:
            detector.close()


def _detect(detector: Detector, image: Path) -> Any:
    try:
        picture = EncodedPicture(image.read_bytes())
        detector.header(picture)
        return detector.detect([detector.prepare(picture)]).detections[0]
    except OSError as error:
        raise UsageError(f"--image {image} cannot be read: {error.strerror}") from error
    except InvalidFrame as error:
        raise UsageError(f"--image {image}: {error}") from error


def _summary(found: Difference) -> dict[str, Any]:
    from numpy import median  # noqa: PLC0415 - see framebatch.cli

    some = len(found.score) > 0
    return {
        "matched": len(found.score),
        "lost": found.lost,
        "gained": found.gained,
        "box_px_max": round(float(found.box_px.max()), 3) if some else None,
        "box_px_median": round(float(median(found.box_px)), 3) if some else None,
        "score_max": round(float(found.score.max()), 5) if some else None,
        "score_median": round(float(median(found.score)), 5) if some else None,
    }


def _print(facts: dict[str, Any]) -> None:
    from rich.console import Console  # noqa: PLC0415 - see framebatch.cli
    from rich.text import Text  # noqa: PLC0415 - as above

    console = Console(soft_wrap=True)
    megabytes = [facts[name] / 1e6 for name in ("weight_bytes_before", "weight_bytes_after")]
    console.print(Text(f"{facts['out']}: {megabytes[0]:.1f} MB of weights became {megabytes[1]:.1f} MB"))
    if kept := facts["operators_in_float32"]:
        more = ", ..." if len(kept) > _OPERATORS_SHOWN else ""
        console.print(Text(f"still in float32: {', '.join(kept[:_OPERATORS_SHOWN])}{more}"))
    drift = facts["drift"]
    if drift is None:
        console.print(Text("what that does to boxes and scores was not measured; give photos with --image"))
        return
    console.print(Text(f"on {facts['images']} pictures {drift['matched']} boxes were found by both models"))
    console.print(Text(f"lost {drift['lost']}, gained {drift['gained']} (overlap below 0.5, or another class)"))
    if drift["matched"]:
        console.print(Text(f"boxes moved by up to {drift['box_px_max']} px, median {drift['box_px_median']} px"))
        console.print(Text(f"scores changed by up to {drift['score_max']}, median {drift['score_median']}"))
