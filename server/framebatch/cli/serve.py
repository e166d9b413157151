"""`framebatch serve`: from options to a running server. Parses and prints; wires nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from framebatch.cli.common import exit_code, find_model
from framebatch.errors import FramebatchError
from framebatch.logs import event, start_logging

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framebatch.config import Config

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
    access: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Who may do what: names, roles and tokens, as `framebatch access` makes them."
        ),
    ] = None,
    anonymous: Annotated[
        bool | None,
        typer.Option("--anonymous", help="Other machines may use the server without saying who they are."),
    ] = None,
    port: Annotated[int | None, typer.Option(help="gRPC port; 0 takes a free one. Default: 8001.")] = None,
    http_port: Annotated[
        int | None,
        typer.Option(help="Port of the status page, /metrics and health; 0 takes a free one. Default: 8002."),
    ] = None,
    tls_certificate: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Certificate of both ports, PEM with its chain. Default: plain text."),
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its private key, PEM without a password.")
    ] = None,
    tls_client_ca: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Cameras must show a certificate of these authorities, PEM. Default: none."),
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
    log_format: Annotated[
        str | None,
        typer.Option(metavar="auto|human|json", help="How lines of the log look. Default: auto, which is human."),
    ] = None,
    log_level: Annotated[
        str | None,
        typer.Option(metavar="LEVEL", help="Least level: debug, info, warning, error or critical. Default: info."),
    ] = None,
) -> None:
    """Serve detectors: every frame is answered by its deadline.

    Exit status: 0 stopped by SIGTERM or SIGINT, 1 failed, 2 wrong usage or bad input, 70 the device hung: start it anew.
    """
    from framebatch.settings import load_settings  # noqa: PLC0415 - needs the server's extras

    given = {
        "model": model,
        "models": models,
        "device": device,
        "profile": profile,
        "host": host,
        "access": access,
        "anonymous": anonymous,
        "port": port,
        "http_port": http_port,
        "tls_certificate": tls_certificate,
        "tls_key": tls_key,
        "tls_client_ca": tls_client_ca,
        "max_batch": max_batch,
        "page": page,
        "record": record,
        "log_format": log_format,
        "log_level": log_level,
    }
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))  # while loading there is nothing to drain
    options = {key: value for key, value in given.items() if value is not None}
    settings = load_settings(config, options, os.environ).config
    start_logging(settings.log_format, settings.log_level)
    with in_one_form(json=settings.log_format == "json"):
        _serve(settings)


def _serve(settings: Config) -> None:
    """Load, serve, drain."""
    from framebatch.app import App, run  # noqa: PLC0415 - needs the server's extras
    from framebatch.cli.calibrate.progress import ProgressView  # noqa: PLC0415 - as above

    shown = ProgressView if sys.stderr.isatty() and settings.log_format != "json" else None
    app = App(settings, None if settings.model is None else find_model(settings.model), shown=shown)
    for served in app.repository.serving.values():
        log.info(
            "serving %r",
            served.detector,
            extra=event(
                "model.serving", model=served.model.name, version=served.model.version, device=served.detector.device
            ),
        )
    asyncio.run(run(app, on_ready=announce))


@contextlib.contextmanager
def in_one_form(*, json: bool) -> Iterator[None]:
    """Where the log is JSON, say in it why the server ends; elsewhere the command line says so, as of every command."""
    try:
        yield
    except FramebatchError as error:
        if not json:
            raise
        code = exit_code(error)
        log.critical("%s", error, extra=event("server.failed", reason=error, exit_code=code))
        raise typer.Exit(code) from error


def announce(line: str) -> None:
    """Print the ready line, which scripts wait for."""
    typer.echo(line)
