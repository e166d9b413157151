"""Authorities and certificates for tests, as files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import trustme

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Authority", "Pair"]


class Pair(NamedTuple):
    """A certificate and its key."""

    certificate: Path
    key: Path


class Authority:
    """One authority, which writes what it issues into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._authority = trustme.CA()
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "ca.pem"
        self.path.write_bytes(self._authority.cert_pem.bytes())

    def __repr__(self) -> str:
        return f"Authority({self._folder})"

    def issue(self, name: str, *, begins_in: timedelta = -timedelta(days=1), days: float = 30) -> Pair:
        """Issue a certificate for this machine's names and `name`, over what has been issued under that name before."""
        begin = datetime.now(UTC) + begins_in
        issued = self._authority.issue_cert(
            "localhost", "127.0.0.1", name, not_before=begin, not_after=begin + timedelta(days=days)
        )
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        pair.certificate.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
        pair.key.write_bytes(issued.private_key_pem.bytes())
        return pair
