"""`framebatch demo`: eight simulated factory cameras against a real server, watched live. Options and files only."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from framebatch.cli.common import JsonOption, print_json

if TYPE_CHECKING:
    from framebatch.cli.demo.run import DemoOptions
    from framebatch_client import StreamStats

__all__ = ["demo"]

REFRESH_SECONDS = 0.25
PLAIN_REFRESH_SECONDS = 5.0


def demo(
    *,
    cameras: Annotated[int, typer.Option(min=1, max=1000, help="How many cameras.")] = 8,
    fps: Annotated[float, typer.Option(min=0.1, max=1000, help="Frames a second of each camera.")] = 10.0,
    seconds: Annotated[float, typer.Option(min=0.5, help="How long to stream.")] = 20.0,
    deadline_ms: Annotated[float, typer.Option(min=1, help="Budget of each frame in milliseconds.")] = 250.0,
    model: Annotated[str, typer.Option(metavar="PATH|NAME", help="A bundled model, or an ONNX file.")] = "conveyor",
    device: Annotated[str, typer.Option(help="As for `framebatch serve`.")] = "auto",
    http_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the status page and /metrics; 0 takes a free one.")
    ] = 0,
    output: Annotated[Path, typer.Option(help="Folder for annotated pictures and the server's log.")] = Path(
        "demo-output"
    ),
    summary: Annotated[Path, typer.Option(help="Where to write the figures.")] = Path("demo-summary.json"),
    as_json: JsonOption = False,
) -> None:
    """Stream simulated factory cameras through a server of its own and account for every frame."""
    from framebatch.cli.demo.run import DemoOptions  # noqa: PLC0415 - a server must set gRPC up before it is imported
    from framebatch.cli.demo.view import summary_view  # noqa: PLC0415

    options = DemoOptions(
        cameras=cameras,
        fps=fps,
        seconds=seconds,
        deadline_ms=deadline_ms,
        model=model,
        device=device,
        http_port=http_port,
    )
    console = Console(stderr=as_json)
    output.mkdir(parents=True, exist_ok=True)
    try:
        figures, pictures = asyncio.run(_play(options, output, console))
    except asyncio.CancelledError:
        raise typer.Exit(128 + signal.SIGTERM) from None
    summary.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    console.print(summary_view(figures, pictures=pictures, target=str(summary)))
    if as_json:
        print_json(figures)
    if figures["unaccounted"]:
        raise typer.Exit(1)


async def _play(options: DemoOptions, output: Path, console: Console) -> tuple[dict[str, Any], list[str]]:
    from framebatch.cli.demo.run import ServerProcess, stream_cameras, summarise, write_samples  # noqa: PLC0415
    from framebatch.cli.demo.view import live_view  # noqa: PLC0415

    playing = asyncio.current_task()
    if playing is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, playing.cancel)  # so that the server ends too
    with console.status(f"starting the server with model {options.model} ...") as status:

        def tell(news: str) -> None:
            if console.is_terminal:
                status.update(Text(news))
            else:
                console.print(news, highlight=False, markup=False, soft_wrap=True)

        server = await ServerProcess(options, output / "server.log", on_news=tell).__aenter__()
    try:
        facts = server.facts
        title = f"{options.cameras} cameras x {options.fps:g} fps -> {facts['model']} on {facts['device']}"
        watch = f"watch it in a browser: http://{facts['http']}/"
        with Live(console=console, auto_refresh=False, transient=True) as live:
            plain = not console.is_terminal

            def show(cameras: dict[str, StreamStats], elapsed: float) -> None:
                if plain:
                    sent = sum(each.sent for each in cameras.values())
                    answered = sum(sum(each.answered.values()) for each in cameras.values())
                    console.print(f"{elapsed:5.1f} s: {sent} frames sent, {answered} answered", highlight=False)
                else:
                    live.update(
                        live_view(title, watch, cameras, elapsed=elapsed, seconds=options.seconds), refresh=True
                    )

            if plain:
                console.print(title, style="bold", highlight=False)
                console.print(watch, highlight=False, soft_wrap=True)
            runs = await stream_cameras(
                options,
                server.address,
                on_tick=show,
                tick_seconds=PLAIN_REFRESH_SECONDS if plain else REFRESH_SECONDS,
            )
    finally:
        await server.__aexit__()
    return summarise(options, facts, runs), write_samples(runs, output)
