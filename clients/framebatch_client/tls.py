"""Whom a client trusts and what it shows: files given by path, read again when they were renewed.

Only files, their checks and gRPC's credentials made of them belong here; when a connection is made anew is decided in
``transport``, what a failed handshake means in ``handshake``.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import grpc

from framebatch_client.errors import InvalidRequest

if TYPE_CHECKING:
    from os import PathLike

    FilePath: TypeAlias = str | PathLike[str]

_PEM_REMEDY = "give an unencrypted PEM file that may be read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How to speak TLS with a server.

    Attributes:
        ca: PEM file of the authorities whose servers are trusted; None: those that this system trusts.
        certificate: PEM file to show to the server, with its chain; None: show none. Goes with ``key``.
        key: PEM file of the certificate's private key, not encrypted.
        server_name: the name that the server's certificate must have; None: the one in the server's address.
    """

    ca: FilePath | None = None
    certificate: FilePath | None = None
    key: FilePath | None = None
    server_name: str | None = None

    def __post_init__(self) -> None:
        """Raise InvalidRequest for a certificate without a key, or a key without a certificate."""
        if (self.certificate is None) != (self.key is None):
            given, missing = ("key", "certificate") if self.certificate is None else ("certificate", "key")
            raise InvalidRequest(f"the {given} {getattr(self, given)} is given without its {missing}; give both")


class TlsCredentials:
    """gRPC's credentials made of the files of a ``Tls``."""

    def __init__(self, tls: Tls) -> None:
        """Read the files.

        Raises:
            InvalidRequest: one cannot be read or used; the message names it and what it should be.
        """
        self.tls = tls
        self._state = self._look()
        self.current = _read(tls)

    def __repr__(self) -> str:
        """Show the paths."""
        return f"<TlsCredentials {self.tls}>"

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """What the channel must be told besides."""
        name = self.tls.server_name
        return () if name is None else (("grpc.ssl_target_name_override", name),)

    def renewed(self) -> bool:
        """Read the files again if they changed; False: they did not, or cannot be used (yet)."""
        state = self._look()
        if state == self._state:
            return False
        try:
            self.current = _read(self.tls)
        except InvalidRequest:
            return False
        self._state = state
        return True

    def _look(self) -> tuple[tuple[int, int, int] | None, ...]:
        paths = (self.tls.ca, self.tls.certificate, self.tls.key)
        return tuple(_state(Path(path)) for path in paths if path is not None)


def _read(tls: Tls) -> grpc.ChannelCredentials:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    roots = _system_authorities() if tls.ca is None else _bytes("ca", tls.ca)
    if tls.ca is not None:
        try:
            context.load_verify_locations(cafile=tls.ca)
        except (OSError, ssl.SSLError) as error:
            raise InvalidRequest(f"the ca {tls.ca} holds no certificate in PEM form; {_PEM_REMEDY}") from error
    if tls.certificate is None or tls.key is None:
        return grpc.ssl_channel_credentials(roots)
    chain, key = _bytes("certificate", tls.certificate), _bytes("key", tls.key)
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "reason", None) or error
        why = "they do not fit" if reason == "KEY_VALUES_MISMATCH" else f"one is no PEM, or is encrypted ({reason})"
        raise InvalidRequest(
            f"the certificate {tls.certificate} cannot be used with the key {tls.key}: {why}; {_PEM_REMEDY}"
        ) from error
    return grpc.ssl_channel_credentials(roots, key, chain)


def _system_authorities() -> bytes:
    """PEM of what this system trusts; gRPC would bring a list of its own, on which no plant's authority stands."""
    context = ssl.create_default_context()
    folder = ssl.get_default_verify_paths().capath
    for path in sorted(Path(folder).glob("*.0")) if folder else ():
        context.load_verify_locations(cafile=path)
    found = context.get_ca_certs(binary_form=True)
    if not found:
        raise InvalidRequest("this system trusts no authorities; give the PEM file of the server's as ca")
    return "".join(map(ssl.DER_cert_to_PEM_cert, found)).encode("ascii")


def _bytes(what: str, path: FilePath) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InvalidRequest(f"the {what} {path} cannot be read: {error.strerror}; {_PEM_REMEDY}") from error


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _no_password() -> str:
    return ""
