"""`framebatch profile show|compare|list|report|schema`: options only; what is printed lies in a file for each command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from framebatch.cli.common import JsonOption  # noqa: TC001 - typer reads it at run time

__all__ = ["app", "compare", "list_profiles", "report", "schema", "show"]

app = typer.Typer(help="Look at what calibrations measured.", no_args_is_help=True)

_ONE_OR_ID = "A profile, or the id of one in the user's folder (see `framebatch profile list`)."


@app.command()
def show(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE|ID]...", help=_ONE_OR_ID + " Default: the newest there.", show_default=False),
    ] = None,
    *,
    json: JsonOption = False,
) -> None:
    """Show what was measured, which largest batch follows from it and why.

    With --json the profile itself is printed; a list of them when several were asked for.
    """
    from framebatch.cli.profile.show import show_profiles  # noqa: PLC0415 - see framebatch.cli

    show_profiles(files or [], json=json)


@app.command()
def compare(
    reference: Annotated[str, typer.Argument(metavar="FILE|ID", help="What to compare with. " + _ONE_OR_ID)],
    others: Annotated[list[str], typer.Argument(metavar="FILE|ID", help="What is compared with it, one by one.")],
    *,
    json: JsonOption = False,
) -> None:
    """Say which batch sizes became slower or faster, by how much, and what is no more than noise."""
    from framebatch.cli.profile.compare import compare_profiles  # noqa: PLC0415 - see framebatch.cli

    compare_profiles(reference, others, json=json)


@app.command("list")
def list_profiles(*, json: JsonOption = False) -> None:
    """List the profiles in the user's folder, newest first, by model and device."""
    from framebatch.cli.profile.history import list_history  # noqa: PLC0415 - see framebatch.cli

    list_history(json=json)


@app.command()
def report(
    files: Annotated[list[str], typer.Argument(metavar="FILE|ID...", help=_ONE_OR_ID + " Several: side by side.")],
    *,
    out: Annotated[
        Path, typer.Option(metavar="FILE.html|.png", help="A page and a picture beside it, or one picture.")
    ],
) -> None:
    """Draw profiles: one in full, several side by side."""
    from framebatch.cli.profile.report import report_profiles  # noqa: PLC0415 - see framebatch.cli

    report_profiles(files, out)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a profile."""
    import json  # noqa: PLC0415 - the name of an option above

    from framebatch.profile.document import schema as schema_of_profiles  # noqa: PLC0415 - see framebatch.cli

    typer.echo(json.dumps(schema_of_profiles(), indent=2, ensure_ascii=False))
