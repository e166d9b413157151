"""`framebatch serve`: from options to a running server. Parses and prints; wires nothing."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from framebatch.cli.common import find_model, log_to_stderr

__all__ = ["serve"]

log = logging.getLogger(__name__)


def serve(
    *,
    model: Annotated[
        str | None, typer.Option(help="An ONNX file, or the name of a bundled model.", metavar="PATH.onnx|NAME")
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option(help="A folder of models, each with its versions, in place of --model.", metavar="DIR"),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Settings in TOML; options and FRAMEBATCH_... variables win.")
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(metavar="DEVICE", help="auto, cpu, cuda:N or sim:ALPHA_MS,BETA_MS[,NOISE]. Default: auto."),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="auto|off|PATH",
            help="What batches cost: auto finds this model's profile on this device, or measures one in up to 20 s; "
            "off measures briefly at each start. Default: auto.",
        ),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="gRPC port; 0 takes a free one. Default: 8001.")] = None,
    http_port: Annotated[
        int | None, typer.Option(help="Port of /metrics, /healthz and /readyz; 0 takes a free one. Default: 8002.")
    ] = None,
    max_batch: Annotated[
        int | None, typer.Option(help="Largest batch in frames; -1: as the profile says. Default: -1.")
    ] = None,
    page: Annotated[
        str | None,
        typer.Option(
            metavar="pictures|figures|off",
            help="The status page on the HTTP port: with the cameras' last pictures, without, or none. Default: pictures.",
        ),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write down there when frames came, what was decided and how they were answered; no pictures. Default: nowhere.",
        ),
    ] = None,
) -> None:
    """Serve detectors: every frame is answered by its deadline.

    Exit status: 0 stopped by SIGTERM or SIGINT, 1 failed, 2 wrong usage or bad input, 70 the device hung: start it anew.
    """
    from framebatch.app import App, run  # noqa: PLC0415 - needs the server's extras
    from framebatch.cli.calibrate.progress import ProgressView  # noqa: PLC0415 - as above
    from framebatch.settings import load_settings  # noqa: PLC0415 - as above

    given = {
        "model": model,
        "models": models,
        "device": device,
        "profile": profile,
        "host": host,
        "port": port,
        "http_port": http_port,
        "max_batch": max_batch,
        "page": page,
        "record": record,
    }
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))  # while loading there is nothing to drain
    log_to_stderr(logging.INFO)
    options = {key: value for key, value in given.items() if value is not None}
    settings = load_settings(config, options, os.environ).config
    shown = ProgressView if sys.stderr.isatty() else None
    app = App(settings, None if settings.model is None else find_model(settings.model), shown=shown)
    for served in app.repository.serving.values():
        log.info("serving %r", served.detector)
    asyncio.run(run(app, on_ready=announce))


def announce(line: str) -> None:
    """Print the ready line, which scripts wait for."""
    typer.echo(line)
