"""`framebatch models check`: what is recognised of a model, and whether it can be served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from framebatch.cli.common import JsonOption, find_model, log_to_stderr, print_json
from framebatch.errors import DeviceError, ModelError
from framebatch.frame import RawPicture

if TYPE_CHECKING:
    from framebatch.detection.detector import Detector

__all__ = ["app", "check"]

app = typer.Typer(help="Look at detectors.", no_args_is_help=True)

_PROOF_BATCH: Final = 3
_LABELS_SHOWN: Final = 12
_HASH_SHOWN: Final = 16
_ROUNDING: Final = 1e-4


@app.callback()
def _group() -> None:
    """Look at detectors."""


@app.command()
def check(
    path: Annotated[str, typer.Argument(metavar="PATH.onnx|NAME", help="An ONNX file, or a bundled model.")],
    *,
    json: JsonOption = False,
) -> None:
    """Say what is recognised of a model, and prove on the processor that it runs.

    Exit code 2, with the reason, when it cannot be served.
    """
    from framebatch.detection.loading import load_detector  # noqa: PLC0415 - see framebatch.cli
    from framebatch.device.devices import Device  # noqa: PLC0415 - as above

    log_to_stderr()
    detector = load_detector(find_model(path), device=Device(kind="cpu"), max_batch=_PROOF_BATCH)
    try:
        _prove(detector)
        facts = _facts(detector)
    finally:
        detector.close()
    if json:
        print_json(facts)
    else:
        _print_table(facts)


def _prove(detector: Detector) -> None:
    """Run one grey picture through everything.

    Raises:
        ModelError: the model loads, but does not run.

    """
    spec = detector.spec
    size = spec.input_width * spec.input_height
    picture = RawPicture(bytes([127]) * size, spec.input_width, spec.input_height, "gray")
    try:
        detector.detect([detector.prepare(picture)])
    except DeviceError as error:
        raise ModelError(f"model {spec.path} loads but does not run: {error}; export it again") from error


def _facts(detector: Detector) -> dict[str, Any]:
    spec = detector.spec
    return {
        "model": spec.name,
        "path": str(spec.path),
        "sha256": spec.sha256,
        "family": spec.family,
        "reads": spec.head.description,
        "input_width": spec.input_width,
        "input_height": spec.input_height,
        "resize": spec.resize,
        "color": spec.color,
        "scale": spec.scale,
        "mean": list(spec.mean),
        "std": list(spec.std),
        "pad": spec.pad,
        "batch": "any" if spec.batch_size is None else spec.batch_size,
        "precision": spec.precision,
        "labels": list(spec.labels),
        "confidence": spec.confidence,
        "iou": spec.iou,
        "max_detections": spec.max_detections,
        "version": spec.version,
        "description": spec.description,
        "license": spec.license,
    }


def _print_table(facts: dict[str, Any]) -> None:
    from rich.console import Console  # noqa: PLC0415 - see framebatch.cli
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    labels = facts["labels"]
    more = f", ... {len(labels)} in all" if len(labels) > _LABELS_SHOWN else ""
    divisor = round(1 / facts["scale"])
    scale = (
        f"x 1/{divisor}" if divisor > 1 and abs(divisor * facts["scale"] - 1) < _ROUNDING else f"x {facts['scale']:g}"
    )
    normalise = f"{scale}, - {_per_channel(facts['mean'])}, / {_per_channel(facts['std'])}"
    table = Table(title=f"{facts['model']} can be served", title_justify="left", title_style="bold green")
    table.add_column("What", style="bold", no_wrap=True)
    table.add_column("Recognised", overflow="fold")
    for what, value in (
        ("family", f"{facts['family']}: {facts['reads']}"),
        ("input", f"{facts['input_width']} x {facts['input_height']}, {facts['color']}, {normalise}"),
        ("resize", f"{facts['resize']}, pad {facts['pad']}"),
        ("batch", "any size, proven" if facts["batch"] == "any" else f"{facts['batch']} only"),
        ("precision", facts["precision"]),
        ("labels", ", ".join(labels[:_LABELS_SHOWN]) + more),
        ("thresholds", f"confidence {facts['confidence']:g}, iou {facts['iou']:g}, at most {facts['max_detections']}"),
        ("version", facts["version"]),
        ("description", facts["description"]),
        ("license", facts["license"]),
        ("sha256", facts["sha256"][:_HASH_SHOWN] + "..."),
    ):
        if value:
            table.add_row(what, Text(value))
    Console().print(table)


def _per_channel(values: list[float]) -> str:
    return f"{values[0]:g}" if len(set(values)) == 1 else "(" + ", ".join(f"{value:g}" for value in values) + ")"
