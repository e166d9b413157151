"""What commands are told about reaching a server: options and variables become a token and a ``Tls``.

A token is never an option's value, as every user of a machine can read the options of its processes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from framebatch_client.errors import InvalidRequest
from framebatch_client.tls import Tls, TlsCredentials
from framebatch_client.token import metadata_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TOKEN_VARIABLE = "FRAMEBATCH_TOKEN"  # noqa: S105 - a name


@dataclass(frozen=True, slots=True)
class Access:
    """What ``Client`` is given; the token is in no repr."""

    token: str | None = field(default=None, repr=False)
    tls: Tls | None = None


def read_access(
    *,
    tls: bool,
    ca: Path | None,
    certificate: Path | None,
    key: Path | None,
    server_name: str | None,
    token_file: Path | None,
    environ: Mapping[str, str],
) -> Access:
    """Put together what the options say; any of a certificate, an authority or a name means TLS.

    Args:
        tls: with the system's authorities.
        ca: and the next three: see ``Tls``.
        certificate: to show.
        key: of the certificate.
        server_name: to check.
        token_file: holds the token, and may end with a line feed; None: it is in ``FRAMEBATCH_TOKEN``, if anywhere.
        environ: the variables of this process.

    Raises:
        InvalidRequest: a file is missing, or what there is cannot be used.
    """
    given = tls or any(value is not None for value in (ca, certificate, key, server_name))
    wanted = Tls(ca=ca, certificate=certificate, key=key, server_name=server_name) if given else None
    if wanted is not None:
        TlsCredentials(wanted)  # what is wrong with the files is told before anything starts
    if token_file is None:
        token = environ.get(TOKEN_VARIABLE) or None
    else:
        try:
            token = token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidRequest(f"the token file {token_file} cannot be read: {error}") from None
    try:
        metadata_of(token)
    except InvalidRequest as error:
        raise InvalidRequest(f"{token_file or TOKEN_VARIABLE}: {error}") from None
    return Access(token, wanted)
