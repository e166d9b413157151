"""`framebatch models check`: what is recognised of a model and why, whether it can be served, and what it sees."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from framebatch.cli import repository
from framebatch.cli.common import JsonOption, find_model, log_to_stderr, print_json
from framebatch.cli.convert import convert
from framebatch.cli.detect import detections_in, print_detections
from framebatch.errors import DeviceError, ModelError

if TYPE_CHECKING:
    from framebatch.detection.detector import Detector

__all__ = ["app", "check"]

app = typer.Typer(help="Look at detectors, and at those of a server.", no_args_is_help=True)

_PROOF_BATCH: Final = 4
_LABELS_SHOWN: Final = 12
_HASH_SHOWN: Final = 16
_ROUNDING: Final = 1e-4
_BROKEN_PICTURE: Final = 2


app.command()(convert)


repository.register(app)


@app.command()
def check(
    path: Annotated[str, typer.Argument(metavar="PATH.onnx|NAME", help="An ONNX file, or a bundled model.")],
    *,
    image: Annotated[
        list[Path] | None,
        typer.Option("--image", metavar="PICTURE", help="Show what it detects in this picture; may be repeated."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say what is recognised of a model and why, and prove on the processor that it runs.

    Exit code 2, with the reason, when it cannot be served, or when a picture cannot be read. Nothing is written.
    """
    from framebatch.detection.imaging import use_one_thread_per_picture  # noqa: PLC0415 - see framebatch.cli

    log_to_stderr(logging.ERROR)  # what would be warned of stands in the answer
    use_one_thread_per_picture()
    detector = _load(find_model(path))
    try:
        facts = _facts(detector)
        entries = [detections_in(detector, picture) for picture in image or ()]
    finally:
        detector.close()
    if json:
        print_json({**facts, **({"images": entries} if entries else {})})
    else:
        _print_facts(facts)
        if entries:
            print_detections(entries, detector)
    if any("error" in entry for entry in entries):
        raise typer.Exit(_BROKEN_PICTURE)


def _load(path: Path) -> Detector:
    """Load and prove a model on the processor.

    Raises:
        ModelError: it cannot be served, for whatever reason.

    """
    from framebatch.detection.loading import load_detector  # noqa: PLC0415 - see framebatch.cli
    from framebatch.device.devices import Device  # noqa: PLC0415 - as above

    try:
        return load_detector(path, device=Device(kind="cpu"), max_batch=_PROOF_BATCH, prove="always")
    except DeviceError as error:
        raise ModelError(f"model {path} loads but does not run: {error}; export it again") from error


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
        "further_inputs": {name: value.tolist() for name, value in spec.extras.items()},
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
        "accept_dynamic_quantisation": spec.accept_dynamic_quantisation,
        "tiles": None if spec.tiles is None else dataclasses.asdict(spec.tiles),
        "version": spec.version,
        "description": spec.description,
        "license": spec.license,
        "running": detector.report.to_facts(),
        "why": [*spec.why, *detector.report.sentences()],
    }


def _print_facts(facts: dict[str, Any]) -> None:
    from rich.console import Console  # noqa: PLC0415 - see framebatch.cli
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table(title=f"{facts['model']} can be served", title_justify="left", title_style="bold green")
    table.add_column("What", style="bold", no_wrap=True)
    table.add_column("Recognised", overflow="fold")
    labels = facts["labels"]
    more = f", ... {len(labels)} in all" if len(labels) > _LABELS_SHOWN else ""
    for what, value in (
        ("family", f"{facts['family']}: {facts['reads']}"),
        ("input", f"{facts['input_width']} x {facts['input_height']} {facts['color']}, samples {_samples(facts)}"),
        ("resize", facts["resize"] + ("" if facts["resize"] == "stretch" else f", pad {facts['pad']}")),
        ("further inputs", "; ".join(f"{name} = {value}" for name, value in facts["further_inputs"].items())),
        ("labels", ", ".join(labels[:_LABELS_SHOWN]) + more),
        ("thresholds", f"confidence {facts['confidence']:g}, iou {facts['iou']:g}, at most {facts['max_detections']}"),
        ("tiles", _tiles(facts["tiles"])),
        ("batch", _batch(facts)),
        ("selection", "inside the graph, proven" if facts["running"]["fused"] else "on the host"),
        ("precision", facts["precision"]),
        ("version", facts["version"]),
        ("description", facts["description"]),
        ("license", facts["license"]),
        ("sha256", facts["sha256"][:_HASH_SHOWN] + "..."),
    ):
        if value:
            table.add_row(what, Text(value))
    reasons = Table(title="Why", title_justify="left", title_style="bold", show_header=False, box=None, padding=(0, 1))
    reasons.add_column(style="dim", no_wrap=True)
    reasons.add_column(overflow="fold")
    for sentence in facts["why"]:
        reasons.add_row("-", Text(sentence))
    console = Console()
    console.print(table)
    console.print()
    console.print(reasons)
    console.print()


def _samples(facts: dict[str, Any]) -> str:
    """What happens to each sample of 0 to 255, in the order in which it does."""
    divisor = round(1 / facts["scale"])
    whole = divisor >= 1 and abs(divisor * facts["scale"] - 1) < _ROUNDING
    steps = [f"/ {divisor}" if whole else f"x {facts['scale']:g}"] if facts["scale"] != 1 else []
    steps += [f"- {_per_channel(facts['mean'])}"] if any(facts["mean"]) else []
    steps += [f"/ {_per_channel(facts['std'])}"] if set(facts["std"]) != {1.0} else []
    return ", ".join(steps) or "0 to 255 as they are"


def _batch(facts: dict[str, Any]) -> str:
    if facts["batch"] != "any":
        return "one by one" if facts["batch"] == 1 else f"{facts['batch']} at a time"
    return "any size, as the manifest accepts" if facts["running"]["loosely"] else "any size, proven"


def _tiles(tiles: dict[str, Any] | None) -> str:
    return f"{tiles['width']} x {tiles['height']} pixels, overlapping by {tiles['overlap']:.0%}" if tiles else ""


def _per_channel(values: list[float]) -> str:
    return f"{values[0]:g}" if len(set(values)) == 1 else "(" + ", ".join(f"{value:g}" for value in values) + ")"
