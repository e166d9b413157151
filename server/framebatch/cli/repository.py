"""`framebatch models list|load|unload`: the models of a running server. Asks and prints; the server decides."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from framebatch.cli.common import JsonOption, print_json
from framebatch.cli.reaching import (
    CaOption,
    CertificateOption,
    KeyOption,
    Reach,
    ServerNameOption,
    ServerOption,
    TlsOption,
    TokenFileOption,
    reach,
)

if TYPE_CHECKING:
    from framebatch_client import ModelVersion, ServerModel, ServerModels

__all__ = ["list_models", "load_model", "register", "unload_model"]

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The model's name, as `framebatch models list` says.")
]

_COLOURS = {"READY": "green", "FAILED": "red", "LOADING": "yellow", "UNLOADING": "yellow"}


def register(group: typer.Typer) -> None:
    """Add the commands to `framebatch models`."""
    for name, function in (("list", list_models), ("load", load_model), ("unload", unload_model)):
        group.command(name)(function)


def list_models(
    *,
    server: ServerOption = "localhost:8001",
    tls: TlsOption = False,
    ca: CaOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
    server_name: ServerNameOption = None,
    token_file: TokenFileOption = None,
    json: JsonOption = False,
) -> None:
    """Say which models a server has, in which versions, and which of them answer frames."""
    options = Reach(tls, ca, certificate, key, server_name, token_file)
    with reach(server, options) as client:
        found = client.list_models()
    if json:
        print_json(dataclasses.asdict(found))
    else:
        _print_table(found)


def load_model(
    name: NameArgument,
    *,
    version: Annotated[
        int,
        typer.Option(min=0, metavar="N", help="Which; also an older one, to roll back. 0: the newest or pinned one."),
    ] = 0,
    server: ServerOption = "localhost:8001",
    tls: TlsOption = False,
    ca: CaOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
    server_name: ServerNameOption = None,
    token_file: TokenFileOption = None,
    json: JsonOption = False,
) -> None:
    """Have a server load a version of a model and let it take over; frames are answered meanwhile.

    Exit code 2, with the reason, when it cannot be served: what served before serves on.
    """
    options = Reach(tls, ca, certificate, key, server_name, token_file)
    with reach(server, options) as client:
        model = client.load_model(name, version=version)
    _say(model, "serves", json=json)


def unload_model(
    name: NameArgument,
    *,
    server: ServerOption = "localhost:8001",
    tls: TlsOption = False,
    ca: CaOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
    server_name: ServerNameOption = None,
    token_file: TokenFileOption = None,
    json: JsonOption = False,
) -> None:
    """Have a server serve a model no longer, until it is loaded again."""
    options = Reach(tls, ca, certificate, key, server_name, token_file)
    with reach(server, options) as client:
        model = client.unload_model(name)
    _say(model, "is served no longer", json=json)


def _say(model: ServerModel, what: str, *, json: bool) -> None:
    if json:
        print_json(dataclasses.asdict(model))
        return
    serving = model.serving
    label = f" version {serving.label} on {serving.device}" if serving is not None else ""
    typer.echo(f"{model.name}{label} {what}")


def _print_table(found: ServerModels) -> None:
    from rich.console import Console  # noqa: PLC0415 - see framebatch.cli
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table()
    for heading in ("Model", "Version", "State", "Reads", "Batches up to", "Device"):
        table.add_column(heading, overflow="fold", no_wrap=heading in {"State", "Version"})
    remarks = [f"fault: {fault}" for fault in found.faults]
    for model in found.models:
        name = f"{model.name} (default)" if model.default else model.name
        if model.pinned:
            remarks.append(f"{model.name}: {model.pinned}")
        for place, version in enumerate(model.versions):
            table.add_row(
                "" if place else name,
                _version(version),
                Text(version.state, style=_COLOURS.get(version.state, "dim")),
                f"{version.family}, {version.input_width} x {version.input_height}" if version.family else "",
                str(max(version.batch_sizes, default="")),
                version.device,
            )
            lines = (version.reason, *version.report)
            remarks += [f"{model.name} version {version.version}: {line}" for line in lines if line]
    console = Console()
    console.print(table)
    for remark in remarks:
        console.print(Text(remark), soft_wrap=True)


def _version(version: ModelVersion) -> str:
    number = str(version.version)
    return f"{number} ({version.label})" if version.label not in {"", number} else number
