"""`framebatch config check|show|schema`: settings before a server is started with them. Prints; decides nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from framebatch.cli.common import JsonOption, print_json
from framebatch.errors import UsageError

if TYPE_CHECKING:
    from framebatch.settings import Settings

__all__ = ["app", "check", "schema", "show"]

app = typer.Typer(help="Check settings, and see where each comes from.", no_args_is_help=True)


@app.command()
def check(file: Annotated[Path, typer.Argument(metavar="FILE", help="Settings in TOML.")]) -> None:
    """Check a file of settings by itself, and say what it changes; options and variables are not looked at.

    Exit status: 0 a server could start with it, 2 not: the line says which setting, where it stands and what it must be.
    """
    from framebatch.settings import changed, default_of, load_settings  # noqa: PLC0415 - see framebatch.cli

    settings = load_settings(file, {}, {}, complete=False)
    _check_device(settings, file)
    keys = changed(settings.config)
    count = f"{len(keys)} setting{'s differ' if len(keys) != 1 else ' differs'} from the defaults"
    typer.echo(f"{file}: good; {count}{':' if keys else ''}")
    for key in keys:
        typer.echo(f"  {key} = {_text(getattr(settings.config, key))}  (default: {_text(default_of(key))})")
    if settings.config.model is None and settings.config.models is None:
        typer.echo("It does not say what to serve: give --model or --models to framebatch serve.")


@app.command()
def show(
    *,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="Settings in TOML.")] = None,
    json: JsonOption = False,
) -> None:
    """Show every setting as a server started here would have it, and whether a file or a variable says so."""
    from framebatch.config import Config  # noqa: PLC0415 - see framebatch.cli
    from framebatch.settings import load_settings, shown, variable_of  # noqa: PLC0415 - as above

    settings = load_settings(config, {}, os.environ, complete=False)
    if json:
        print_json(
            {
                key: {
                    "value": shown(getattr(settings.config, key)),
                    "from": settings.origins.get(key, "default"),
                    "variable": variable_of(key),
                }
                for key in Config.model_fields
            }
        )
        return
    _print_table(settings)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a file of settings, for editors."""
    import json  # noqa: PLC0415 - the name of an option above

    from framebatch.config import schema as schema_of_settings  # noqa: PLC0415 - see framebatch.cli

    typer.echo(json.dumps(schema_of_settings(), indent=2, ensure_ascii=False))


def _check_device(settings: Settings, file: Path) -> None:
    """The form of a device's name, which the settings themselves do not know."""
    from framebatch.device.devices import parse_device  # noqa: PLC0415 - see framebatch.cli
    from framebatch.settings import place_of  # noqa: PLC0415 - as above

    try:
        parse_device(settings.config.device)
    except UsageError as error:
        rule = str(error).removeprefix("--device ")
        raise UsageError(f"setting 'device' in {place_of(file, 'device')} {rule}") from error


def _print_table(settings: Settings) -> None:
    from rich.console import Console  # noqa: PLC0415 - see framebatch.cli
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    from framebatch.config import Config  # noqa: PLC0415 - as above

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("setting", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("from", no_wrap=True)
    for key in Config.model_fields:
        origin = settings.origins.get(key, "default")
        style = "dim" if origin == "default" else ""
        table.add_row(Text(key, style), Text(_text(getattr(settings.config, key)), style), Text(origin, style))
    Console(highlight=False).print(table)


def _text(value: Any) -> str:
    """A value on one line, as TOML would have it; `-` where there is none."""
    import json  # noqa: PLC0415 - the name of an option above

    from framebatch.settings import shown  # noqa: PLC0415 - see framebatch.cli

    plain = shown(value)
    if plain is None or plain == {}:
        return "-"
    if isinstance(plain, dict):
        return f"{{ {', '.join(f'{json.dumps(name)} = {json.dumps(each)}' for name, each in plain.items())} }}"
    return plain if isinstance(plain, str) else json.dumps(plain)
