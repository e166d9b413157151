"""The files of TLS, read and judged as a whole: what is given out from here can be served with. Knows neither port."""

from __future__ import annotations

import contextlib
import os
import re
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from framebatch.edge.stamps import stamp_of
from framebatch.edge.tls.validity import Validity, validity_of
from framebatch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from framebatch.config import Config
    from framebatch.edge.stamps import Stamp

__all__ = ["Material", "TlsFiles", "read_material"]

_CERTIFICATE: Final = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class TlsFiles:
    """Where the files lie, as the settings say.

    Attributes:
        certificate: PEM, the server's certificate first, then those between it and its authority.
        key: PEM, unencrypted.
        client_ca: PEM, authorities of clients' certificates; None: clients need none.
        http_clients: whether clients of the HTTP port need one too.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None
    http_clients: bool = False

    @classmethod
    def of(cls, config: Config) -> Self | None:
        """What the settings say; None: plain text."""
        if config.tls_certificate is None or config.tls_key is None:
            return None
        return cls(
            certificate=config.tls_certificate,
            key=config.tls_key,
            client_ca=config.tls_client_ca,
            http_clients=config.tls_http_clients,
        )

    def stamps(self) -> tuple[Stamp | None, ...]:
        """Something that differs when a file was changed or exchanged."""
        return tuple(stamp_of(path) for path in (self.certificate, self.key, self.client_ca) if path is not None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """What was in the files: a chain and its key, which fit.

    Attributes:
        chain: PEM.
        key: PEM; in no repr.
        client_ca: PEM; None: clients need no certificate.
        end: seconds since the Unix epoch when the first certificate of the chain expires.
        http_context: for the HTTP port.
    """

    chain: bytes
    key: bytes = field(repr=False)
    client_ca: bytes | None
    end: float
    http_context: ssl.SSLContext

    def __repr__(self) -> str:
        clients = "any client" if self.client_ca is None else "known clients"
        return f"Material(until {_date(self.end)}, {clients})"


class _Given(NamedTuple):
    """One file with the setting that names it, for messages."""

    setting: str
    path: Path

    def wrong(self, what: str, remedy: str) -> UsageError:
        return UsageError(f"setting {self.setting!r}: {self.path} {what}; {remedy}")

    def read(self) -> bytes:
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise self.wrong(
                f"cannot be read: {error.strerror}", "give a PEM file that the server's user may read"
            ) from error


def read_material(files: TlsFiles, *, now_seconds: float) -> Material:
    """Read all files and check them.

    Args:
        files: where they lie.
        now_seconds: since the Unix epoch.

    Raises:
        UsageError: a file cannot be read, is no PEM, is not valid now, or the key is encrypted or another certificate's.
    """
    certificate = _Given("tls_certificate", files.certificate)
    key = _Given("tls_key", files.key)
    chain, key_pem = certificate.read(), key.read()
    validities = _validities(certificate, chain)
    for validity in validities:
        _check_valid(certificate, validity, now_seconds)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load_pair(context, certificate, chain, key, key_pem)
    client_ca = None
    if files.client_ca is not None:
        authority = _Given("tls_client_ca", files.client_ca)
        client_ca = authority.read()
        found = _validities(authority, client_ca)
        if not any(validity.begin <= now_seconds <= validity.end for validity in found):
            _check_valid(authority, found[0], now_seconds)
        if files.http_clients:
            context.verify_mode = ssl.CERT_REQUIRED
            _load_authorities(context, authority, client_ca)
    end = min(validity.end for validity in validities)
    return Material(chain=chain, key=key_pem, client_ca=client_ca, end=end, http_context=context)


def _validities(given: _Given, pem: bytes) -> list[Validity]:
    """Of every certificate in a file, of which there must be one."""
    found = _CERTIFICATE.findall(pem.decode("latin-1"))
    if not found:
        raise given.wrong("holds no certificate in PEM form", "it should have a line -----BEGIN CERTIFICATE-----")
    try:
        return [validity_of(ssl.PEM_cert_to_DER_cert(each)) for each in found]
    except ValueError as error:
        raise given.wrong("holds a broken certificate", "copy or issue it anew") from error


def _check_valid(given: _Given, validity: Validity, now_seconds: float) -> None:
    if now_seconds > validity.end:
        remedy = "renew it, or set this machine's clock"
        raise given.wrong(f"holds a certificate that expired on {_date(validity.end)}", remedy)
    if now_seconds < validity.begin:
        remedy = "set this machine's clock, or issue it anew"
        raise given.wrong(f"holds a certificate that is not valid before {_date(validity.begin)}", remedy)


def _load_pair(context: ssl.SSLContext, certificate: _Given, chain: bytes, key: _Given, key_pem: bytes) -> None:
    encrypted = False

    def no_password() -> str:
        nonlocal encrypted
        encrypted = True
        return ""

    if b"PRIVATE KEY-----" not in key_pem:
        raise key.wrong("holds no private key in PEM form", "it should have a line -----BEGIN PRIVATE KEY-----")
    try:
        with _as_file(chain) as chain_path, _as_file(key_pem) as key_path:
            context.load_cert_chain(chain_path, key_path, no_password)
    except ssl.SSLError as error:
        if encrypted:
            remedy = f"decrypt it (openssl pkey -in {key.path} -out FILE), and let only the server's user read it"
            raise key.wrong("is encrypted, and a server cannot ask for its password", remedy) from error
        if error.reason == "KEY_VALUES_MISMATCH":
            raise key.wrong(f"does not fit the first certificate in {certificate.path}", "give its own key") from error
        what = f"cannot be used with {certificate.path}: {error.reason or error}"
        raise key.wrong(what, "give an unencrypted key, and the chain that begins with its certificate") from error


def _load_authorities(context: ssl.SSLContext, authority: _Given, pem: bytes) -> None:
    try:
        context.load_verify_locations(cadata=pem.decode("latin-1"))
    except ssl.SSLError as error:
        raise authority.wrong(f"cannot be used: {error.reason or error}", "copy or issue it anew") from error


@contextlib.contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """A path for bytes that must not be written to a disk: the library reads paths only, and files may change meanwhile."""
    descriptor = os.memfd_create("framebatch-tls")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _date(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
