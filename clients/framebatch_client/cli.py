"""The command ``framebatch-camera``: reading its options, exit codes, errors for people.

What a run does belongs to ``camera``.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from framebatch_client.access import read_access
from framebatch_client.aio import DEFAULT_CONNECT_SECONDS
from framebatch_client.camera import CameraRun, run_camera
from framebatch_client.errors import ClientError, InvalidRequest, SourceError
from framebatch_client.pacing import next_frame_ms
from framebatch_client.request import FrameOptions
from framebatch_client.sources import FORMS, open_source
from framebatch_client.transport import check_address

if TYPE_CHECKING:
    from typing import NoReturn, TextIO

FAILED = 1
WRONG_USAGE = 2
_DEFAULT_FPS = 10.0

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")


class _Mode(StrEnum):
    """The choices of --mode."""

    LIVE = "live"
    INSPECT = "inspect"


class _Priority(StrEnum):
    """The choices of --priority."""

    CRITICAL = "critical"
    NORMAL = "normal"
    BEST_EFFORT = "best-effort"


@app.command()
def camera(
    *,
    server: Annotated[str, typer.Option(metavar="HOST:PORT", help="The server's gRPC address.")] = "localhost:8001",
    source: Annotated[str, typer.Option(metavar="SOURCE", help=f"Where the pictures come from: {FORMS}.")],
    name: Annotated[str, typer.Option("--camera", metavar="ID", help="Name of this camera.")] = "camera-1",
    fps: Annotated[float, typer.Option(metavar="F", help="Frames per second.")] = _DEFAULT_FPS,
    deadline_ms: Annotated[
        float | None, typer.Option(metavar="MS", help="Budget of a frame; without it, the server's default holds.")
    ] = None,
    mode: Annotated[
        _Mode, typer.Option(help="live: a newer frame supersedes a waiting one. inspect: every frame is judged.")
    ] = _Mode.LIVE,
    priority: Annotated[
        _Priority, typer.Option(help="Under overload critical cameras, which must be few, are answered first.")
    ] = _Priority.NORMAL,
    count: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Stop after N frames; without it, at the end or Ctrl-C.")
    ] = None,
    connect_seconds: Annotated[
        float, typer.Option(min=0, metavar="S", help="How long to wait for the server at the start.")
    ] = DEFAULT_CONNECT_SECONDS,
    tls: Annotated[
        bool, typer.Option("--tls", envvar="FRAMEBATCH_TLS", help="Speak TLS, and trust the system's authorities.")
    ] = False,
    ca: Annotated[
        Path | None,
        typer.Option(metavar="FILE", envvar="FRAMEBATCH_CA", help="Speak TLS, and trust these authorities (PEM)."),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(metavar="FILE", envvar="FRAMEBATCH_CERTIFICATE", help="Show this certificate (PEM)."),
    ] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", envvar="FRAMEBATCH_KEY", help="Its private key (PEM).")
    ] = None,
    server_name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", envvar="FRAMEBATCH_SERVER_NAME", help="The name that the server's certificate must have."
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="FRAMEBATCH_TOKEN_FILE",
            help="File with the token to show. Without it, FRAMEBATCH_TOKEN is the token.",
        ),
    ] = None,
    jsonl: Annotated[
        str | None, typer.Option(metavar="FILE|-", help="Write a line of JSON for each answer; - for stdout.")
    ] = None,
) -> None:
    """Stream one camera's frames to a framebatch server and sum up what became of them.

    Exit status: 0 done, 1 no server or no answers, 2 wrong usage or a source that cannot be opened.
    """
    console = Console(stderr=True)
    with ExitStack() as stack:
        try:
            check_address(server)
            access = read_access(
                tls=tls,
                ca=ca,
                certificate=certificate,
                key=key,
                server_name=server_name,
                token_file=token_file,
                environ=os.environ,
            )
            next_frame_ms(fps)
            FrameOptions(camera=name)
            _check_deadline(deadline_ms)
            pictures = stack.enter_context(open_source(source, fps=fps, camera=name, loop=count is not None))
            lines = _open_lines(jsonl, stack)
        except (InvalidRequest, SourceError, OSError) as error:
            _give_up(console, str(error), WRONG_USAGE)
        run = CameraRun(
            server=server,
            access=access,
            source=source,
            camera=name,
            fps=fps,
            deadline_ms=deadline_ms,
            mode=mode.value,
            priority=priority.value,
            count=count,
            connect_seconds=connect_seconds,
        )
        live = console.is_terminal and not (jsonl == "-" and sys.stdout.isatty())
        try:
            stats = asyncio.run(run_camera(run, pictures, lines=lines, console=console, live=live))
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered has no reader
            _give_up(console, "whoever read the JSON lines has gone", FAILED)
        except (ClientError, OSError) as error:
            _give_up(console, str(error), FAILED)
        except KeyboardInterrupt:
            _give_up(console, "interrupted", FAILED)
    if stats.sent + stats.skipped and not any(stats.answered.values()):
        _give_up(console, "not one frame was answered", FAILED)


def main() -> None:
    """Run the command; the entry point."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # a lost connection is told in the table, not in gRPC's log
    app()


def _check_deadline(deadline_ms: float | None) -> None:
    """A server would answer every frame INVALID; better said once, at the start."""
    if deadline_ms is not None and not deadline_ms > 0:
        raise InvalidRequest(f"deadline_ms must be a number of milliseconds greater than 0, not {deadline_ms!r}")


def _open_lines(jsonl: str | None, stack: ExitStack) -> TextIO | None:
    if jsonl is None or jsonl == "-":
        return None if jsonl is None else sys.stdout
    return stack.enter_context(Path(jsonl).open("w", encoding="utf-8"))


def _give_up(console: Console, message: str, status: int) -> NoReturn:
    console.print(f"framebatch-camera: {message}", style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(status)
