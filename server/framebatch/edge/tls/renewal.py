"""What both ports encrypt with: the certificate served now, and the renewed one once it lies there. Reads files; opens no port."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from typing import TYPE_CHECKING, Any, Final, Self

import grpc

from framebatch.edge.tls.files import TlsFiles, read_material
from framebatch.errors import UsageError
from framebatch.logs import event
from framebatch.threads import in_thread

if TYPE_CHECKING:
    from framebatch.edge.tls.files import Material

__all__ = ["Tls"]

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 2.0


class Tls:
    """Of one server. Connections that stand keep what they began with; each new one gets what is served at that moment.

    Files that changed are taken when they are the same in two looks one after the other, so that of a certificate and a
    key that are being written neither is taken alone. What cannot be used is told once, and what was served goes on.

    Attributes:
        material: what is served.
        loaded: renewals that were taken.
        failed: renewals that could not be used.
    """

    def __init__(self, files: TlsFiles) -> None:
        """Read the files.

        Raises:
            UsageError: they cannot be served with.
        """
        self._files = files
        self._seen = self._done = files.stamps()
        self.material = read_material(files, now_seconds=time.time())
        self.loaded = 0
        self.failed = 0
        self.http_context: ssl.SSLContext = _CurrentContext(self)
        self._for_grpc: grpc.ServerCertificateConfiguration | None = None
        self._following: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"Tls({self._files.certificate}, {self.material!r}, loaded={self.loaded}, failed={self.failed})"

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """For the gRPC port; it asks here before each handshake, on a thread of its own."""
        return grpc.dynamic_ssl_server_credentials(
            _grpc_configuration(self.material),
            self._take_renewed,  # type: ignore[arg-type]  # None means no change, which the stubs do not know
            require_client_authentication=self.material.client_ca is not None,
        )

    def start(self) -> None:
        """Look for renewed files every few seconds, on the running event loop."""
        self._following = asyncio.create_task(self._follow())

    def stop(self) -> None:
        """Look no more."""
        if self._following is not None:
            self._following.cancel()
            self._following = None

    def look(self) -> None:
        """Take changed files that have come to rest. Reads disks; may be called on any thread, one at a time."""
        before, self._seen = self._seen, self._files.stamps()
        if self._seen == self._done or self._seen != before:
            return
        self._done = self._seen
        try:
            self.material = read_material(self._files, now_seconds=time.time())
        except (UsageError, OSError) as error:
            self.failed += 1
            log.error(  # noqa: TRY400 - the message says it all
                "the renewed certificate is not used, the old one goes on: %s",
                error,
                extra=event("certificate.not_renewed", reason=str(error)),
            )
            return
        self._for_grpc = _grpc_configuration(self.material)
        self.loaded += 1
        log.info(
            "new connections get the renewed certificate: %r",
            self.material,
            extra=event("certificate.renewed", ends_unix_seconds=self.material.end),
        )

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await in_thread(self.look)  # files may lie on a network's disk

    def _take_renewed(self) -> grpc.ServerCertificateConfiguration | None:
        """None: as before. Two handshakes at the same moment may both get it, which does no harm."""
        renewed, self._for_grpc = self._for_grpc, None
        return renewed


class _CurrentContext(ssl.SSLContext):
    """Hands every connection to the context of that moment: authorities cannot be taken out of one that is in use."""

    _tls: Tls

    def __new__(cls, tls: Tls) -> Self:
        made = super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)
        made._tls = tls
        return made

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        """What asyncio calls for each connection."""
        return self._tls.material.http_context.wrap_bio(*args, **kwargs)


def _grpc_configuration(material: Material) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(material.key, material.chain)], root_certificates=material.client_ca
    )
