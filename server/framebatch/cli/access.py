"""`framebatch access add|list|remove|check`: the file that says who may do what. Prints a token once, and never a hash."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from framebatch.cli.common import JsonOption, print_json
from framebatch.errors import UsageError

if TYPE_CHECKING:
    from framebatch.edge.security.entries import Entry
    from framebatch.edge.security.roles import Role

__all__ = ["add", "app", "check", "list_entries", "remove"]

app = typer.Typer(help="Give cameras and people tokens, and take them away.", no_args_is_help=True)

FileOption = Annotated[Path, typer.Option("--file", metavar="FILE", help="The access file.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Who it is, e.g. the camera's name.")]


@app.command()
def add(
    name: NameArgument,
    *,
    file: FileOption,
    role: Annotated[str, typer.Option(metavar="camera|operator|admin", help="What it may do.")],
    camera: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN", help="Names that a camera may send as, e.g. 'belt-*'; several times. Default: its own."
        ),
    ] = None,
    certificate: Annotated[
        str | None, typer.Option(metavar="NAME", help="A name that its client certificate must have as well.")
    ] = None,
    no_token: Annotated[bool, typer.Option("--no-token", help="With --certificate: that alone is enough.")] = False,
) -> None:
    """Add a name to the file, which is made if it is not there, and print its token: this once, on stdout.

    A running server reads the file again within two seconds. Exit status: 0 added, 2 not.
    """
    from framebatch.edge.security.editing import with_entry  # noqa: PLC0415 - see framebatch.cli
    from framebatch.edge.security.entries import Entry, read_entries  # noqa: PLC0415 - as above
    from framebatch.edge.security.tokens import digest, new_token  # noqa: PLC0415 - as above

    if no_token and not certificate:
        raise UsageError("--no-token needs --certificate NAME: something must say who it is")
    text = _text(file) if file.exists() else ""
    before = read_entries(text, str(file))
    if any(entry.name == name for entry in before):
        raise UsageError(f"{file} has [{name}] already; remove it first, or add another name")
    token = "" if no_token else new_token()
    entry = Entry(
        name=name,
        role=_role(role),
        cameras=tuple(camera or ()),
        token=digest(token) if token else "",
        certificate=certificate or "",
    )
    changed = with_entry(text, entry)
    added = read_entries(changed, str(file))[-1]
    _write(file, changed)
    typer.echo(f"{file}: {_sentence(added)}", err=True)
    if token:
        typer.echo("Its token follows. It is shown this once; the file keeps a hash of it.", err=True)
        typer.echo(token)


@app.command("list")
def list_entries(*, file: FileOption, json: JsonOption = False) -> None:
    """List names, roles and cameras."""
    entries = _entries(file)
    if json:
        print_json(
            [
                {
                    "name": entry.name,
                    "role": entry.role.value,
                    "cameras": list(entry.cameras),
                    "token": bool(entry.token),
                    "certificate": entry.certificate or None,
                }
                for entry in entries
            ]
        )
        return
    for entry in entries:
        typer.echo(_sentence(entry))


@app.command()
def remove(name: NameArgument, *, file: FileOption) -> None:
    """Remove a name. A running server refuses it within two seconds, and ends its streams.

    Exit status: 0 removed, 2 not.
    """
    from framebatch.edge.security.editing import without_entry  # noqa: PLC0415 - see framebatch.cli

    if all(entry.name != name for entry in _entries(file)):
        raise UsageError(f"{file} has no [{name}]; `framebatch access list` shows what it has")
    _write(file, without_entry(_text(file), name))
    typer.echo(f"{file}: {name} was removed", err=True)


@app.command()
def check(*, file: FileOption) -> None:
    """Check a file as a server would read it.

    Exit status: 0 a server could start with it, 2 not: the line says which entry, and what it must be.
    """
    from framebatch.edge.security.file import exposed_mode  # noqa: PLC0415 - see framebatch.cli

    entries = _entries(file)
    typer.echo(f"{file}: good; {len(entries)} {'entry' if len(entries) == 1 else 'entries'}")
    exposed = exposed_mode(file)
    if exposed:
        typer.echo(f"warning: {exposed}", err=True)


def _entries(file: Path) -> tuple[Entry, ...]:
    from framebatch.edge.security.file import AccessFile  # noqa: PLC0415 - see framebatch.cli

    return AccessFile(file).read()


def _role(word: str) -> Role:
    from framebatch.edge.security.roles import Role  # noqa: PLC0415 - see framebatch.cli

    try:
        return Role(word)
    except ValueError:
        raise UsageError(f"--role {word}: it must be {' or '.join(role.value for role in Role)}") from None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"access file {file}: cannot be read: {error}") from error


def _write(file: Path, text: str) -> None:
    from framebatch.edge.security.file import write_private  # noqa: PLC0415 - see framebatch.cli

    try:
        write_private(file, text)
    except OSError as error:
        raise UsageError(f"access file {file}: cannot be written: {error.strerror}") from error


def _sentence(entry: Entry) -> str:
    """One entry on one line."""
    shown = ["a token"] if entry.token else []
    shown += [f"certificate {entry.certificate}"] if entry.certificate else []
    sends = f", sends as {', '.join(entry.cameras)}" if entry.cameras else ""
    return f"{entry.name}: {entry.role.value}{sends}, shows {' and '.join(shown)}"
