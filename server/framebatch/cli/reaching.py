"""Options of commands that talk to a running server: where it is, whom to trust, what to show. Connects; asks nothing."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from framebatch.errors import DeviceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framebatch_client import Client

__all__ = [
    "CaOption",
    "CertificateOption",
    "KeyOption",
    "Reach",
    "ServerNameOption",
    "ServerOption",
    "TlsOption",
    "TokenFileOption",
    "reach",
]

ServerOption = Annotated[str, typer.Option("--server", metavar="HOST:PORT", help="The server's gRPC address.")]
TlsOption = Annotated[
    bool, typer.Option("--tls", envvar="FRAMEBATCH_TLS", help="Speak TLS, and trust the system's authorities.")
]
CaOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", envvar="FRAMEBATCH_CA", help="Speak TLS, and trust these authorities (PEM)."),
]
CertificateOption = Annotated[
    Path | None, typer.Option(metavar="FILE", envvar="FRAMEBATCH_CERTIFICATE", help="Show this certificate (PEM).")
]
KeyOption = Annotated[Path | None, typer.Option(metavar="FILE", envvar="FRAMEBATCH_KEY", help="Its private key (PEM).")]
ServerNameOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", envvar="FRAMEBATCH_SERVER_NAME", help="The name that the server's certificate must have."
    ),
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        envvar="FRAMEBATCH_TOKEN_FILE",
        help="File with the token to show. Without it, FRAMEBATCH_TOKEN is the token.",
    ),
]


class Reach(NamedTuple):
    """What the options of this module say, by the names that the client has for them."""

    tls: bool
    ca: Path | None
    certificate: Path | None
    key: Path | None
    server_name: str | None
    token_file: Path | None


@contextmanager
def reach(server: str, options: Reach) -> Iterator[Client]:
    """Connect to HOST:PORT, and turn the client's errors into ours.

    Raises:
        UsageError: an option cannot be used, or the server refused.
        DeviceError: nobody answers.
    """
    from framebatch_client import (  # noqa: PLC0415 - see framebatch.cli
        CallFailed,
        Client,
        ClientError,
        InvalidRequest,
        read_access,
    )

    try:
        access = read_access(**options._asdict(), environ=os.environ)
        with Client(server, token=access.token, tls=access.tls) as client:
            yield client
    except (CallFailed, InvalidRequest) as error:
        raise UsageError(str(error)) from error
    except ClientError as error:
        raise DeviceError(str(error)) from error
