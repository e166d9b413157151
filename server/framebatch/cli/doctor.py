"""`framebatch doctor`: what is good on this host, what is not, and what to do about it. Prints; the checks lie elsewhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from framebatch.cli.common import JsonOption, find_model, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch.config import Config
    from framebatch.doctor import Finding

__all__ = ["doctor"]

_STYLES: Final = {"ok": "green", "note": "yellow", "problem": "bold red"}
_PROBLEM: Final = 1


def doctor(
    *,
    model: Annotated[
        str | None,
        typer.Option(metavar="PATH.onnx|NAME", help="Look for profiles of this model. Default: as the settings say."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings of the server that shall run here.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Inspect this host: software, GPU, memory, ports, clock, disks; with a remedy for what is not good.

    Exit status: 0 no problem, 1 there is one, 2 wrong usage or bad input.
    """
    from framebatch.doctor import examine, gather  # noqa: PLC0415 - see framebatch.cli
    from framebatch.settings import load_settings  # noqa: PLC0415 - as above

    overrides = {} if model is None else {"model": model}
    settings = load_settings(config, overrides, os.environ, complete=False).config
    findings = examine(gather(settings, _models(settings)))
    if json:
        print_json({"ok": not _problems(findings), "findings": [finding._asdict() for finding in findings]})
    else:
        _print(findings)
    if _problems(findings):
        raise typer.Exit(_PROBLEM)


def _models(settings: Config) -> dict[str, Path]:
    """The model or models of the settings; where they name none, the bundled ones."""
    if settings.model is not None:
        return {settings.model: find_model(settings.model)}
    if settings.models is not None:
        return {str(path): path for path in sorted(settings.models.rglob("*.onnx"))}
    try:
        import framebatch_models  # noqa: PLC0415 - the bundled models may be left out of an installation
    except ModuleNotFoundError:
        return {}
    return {name: framebatch_models.find(name) for name in framebatch_models.names()}


def _problems(findings: Sequence[Finding]) -> int:
    return sum(finding.verdict == "problem" for finding in findings)


def _print(findings: Sequence[Finding]) -> None:
    from rich.console import Console  # noqa: PLC0415 - see framebatch.cli
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(max_width=16, overflow="fold")
    table.add_column(overflow="fold")
    for finding in findings:
        table.add_row(Text(finding.verdict, _STYLES[finding.verdict]), Text(finding.topic), Text(finding.found))
        if finding.remedy:
            table.add_row("", "", Text(f"-> {finding.remedy}", "bold"))
    console = Console(highlight=False)
    console.print(table)
    counts = {verdict: sum(each.verdict == verdict for each in findings) for verdict in ("problem", "note")}
    words = [f"{count} {verdict}{'s' if count > 1 else ''}" for verdict, count in counts.items() if count]
    console.print(Text(f"\n{' and '.join(words) or 'nothing to do'}"))
