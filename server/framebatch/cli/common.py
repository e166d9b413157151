"""What several commands share: options that mean the same everywhere, finding a model, printing. No command lives here."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.text import Text

from framebatch.errors import DeviceError, FramebatchError, UsageError

__all__ = [
    "ConfidenceOption",
    "DeviceOption",
    "IouOption",
    "JsonOption",
    "ModelOption",
    "exit_code",
    "find_model",
    "log_to_stderr",
    "print_error",
    "print_json",
]

ModelOption = Annotated[str, typer.Option("--model", metavar="PATH|NAME", help="An ONNX file, or a bundled model.")]
DeviceOption = Annotated[
    str, typer.Option("--device", metavar="DEVICE", help="auto, cpu, cuda:N or sim:ALPHA_MS,BETA_MS[,NOISE].")
]
ConfidenceOption = Annotated[
    float | None, typer.Option("--confidence", min=0.0, max=1.0, help="Least score (default: the model's, else 0.25).")
]
IouOption = Annotated[
    float | None,
    typer.Option(
        "--iou",
        min=0.0,
        max=1.0,
        help="Overlap above which the weaker box of a class goes (default: the model's, else 0.45).",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, nothing else there.")]


def find_model(model: str) -> Path:
    """Answer the ONNX file that `--model` means: a path that exists, or the name of a bundled model.

    Raises:
        UsageError: neither.

    """
    path = Path(model)
    if path.suffix == ".onnx" or path.exists():
        if not path.is_file():
            raise UsageError(f"model {model} does not exist; give the path of an ONNX file or a bundled name")
        return path
    try:
        import framebatch_models  # noqa: PLC0415 - the bundled models may be left out of an installation
    except ModuleNotFoundError:
        raise UsageError(f"model {model} is no file, and no models are bundled; give the path of one") from None
    try:
        return framebatch_models.find(model)
    except KeyError as error:
        raise UsageError(f"model {model} is no file, and {error.args[0]}") from error


def log_to_stderr(level: int = logging.WARNING) -> None:
    """Send log lines to stderr, so that stdout holds results only."""
    logging.basicConfig(handlers=[_ToStderr()], level=level, format="%(levelname)s %(name)s: %(message)s")


class _ToStderr(logging.StreamHandler[TextIO]):
    """Writes to what stderr is at the time: while a progress bar moves there, lines go above it."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def print_json(document: Any) -> None:
    """Print one JSON document on stdout."""
    json.dump(document, sys.stdout, ensure_ascii=False, allow_nan=False)
    sys.stdout.write("\n")
    sys.stdout.flush()


def print_error(message: str) -> None:
    """Print one red line on stderr."""
    Console(stderr=True, soft_wrap=True).print(Text.assemble(("error: ", "bold red"), (message, "red")))


def exit_code(error: FramebatchError) -> int:
    """Answer the process's exit code for an error: 1 we or the device failed, 2 wrong usage or bad input."""
    return 1 if isinstance(error, DeviceError) else 2
