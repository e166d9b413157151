"""Who is let in, and whether what they say is encrypted: from settings to what both ports ask, and its series. Wires only."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from framebatch.edge.security.exposure import check_exposure
from framebatch.edge.security.file import AccessFile, exposed_mode
from framebatch.edge.security.guard import Guard
from framebatch.edge.security.refusals import Refusals
from framebatch.edge.tls import Tls, TlsFiles
from framebatch.logs import event

if TYPE_CHECKING:
    from framebatch.config import Config
    from framebatch.metrics import Metrics

__all__ = ["Security", "control_of", "export_security", "open_security"]

log = logging.getLogger(__name__)


class Security(NamedTuple):
    """What stands between the ports and their callers."""

    guard: Guard | None
    """Knows who may do what; None: whoever reaches the ports may do everything."""
    tls: Tls | None
    """Encrypts both ports; None: they speak plain text."""
    refusals: Refusals
    """Counts who was turned away."""


def open_security(config: Config) -> Security:
    """Read the files that the settings name.

    Raises:
        UsageError: other machines could use the server and nobody said that they may, or a file cannot be served with.
    """
    refusals = Refusals()
    files = TlsFiles.of(config)
    return Security(_open_guard(config, refusals), None if files is None else Tls(files), refusals)


def export_security(metrics: Metrics, security: Security) -> None:
    """Export who was turned away, until when the served certificate is valid, and what became of renewed ones."""
    refusals, tls = security.refusals, security.tls
    metrics.counters(
        "framebatch_refused_calls",
        "Calls over gRPC and HTTP that were refused.",
        ("reason",),
        lambda: [((reason,), count) for reason, count in refusals.counts.items()],
    )
    if tls is None:
        return
    metrics.gauge(
        "framebatch_certificate_expiry_timestamp_seconds",
        "When the first certificate of the served chain expires, since the Unix epoch.",
        lambda: tls.material.end,
    )
    metrics.counters(
        "framebatch_certificate_reloads",
        "Renewed certificates that were taken, and those that could not be used.",
        ("result",),
        lambda: [(("loaded",), tls.loaded), (("failed",), tls.failed)],
    )


def control_of(config: Config) -> str:
    """Who may load and unload models: with an access file admins, from anywhere, unless that is off for everybody."""
    return config.model_control if config.access is None or config.model_control == "off" else "all"


def _open_guard(config: Config, refusals: Refusals) -> Guard | None:
    """Answer who knows the callers; None: nobody is asked.

    Args:
        config: settings of the server.
        refusals: counts who is turned away.

    Raises:
        UsageError: other machines could use the server and nobody said that they may, or the access file is wrong.
    """
    path = config.access
    warning = check_exposure(
        config.host, access=path is not None, anonymous=config.anonymous, encrypted=config.tls_certificate is not None
    )
    if warning:
        log.warning("%s", warning, extra=event("access.exposed", reason=warning))
    if path is None:
        return None
    guard = Guard(AccessFile(path), refusals)
    exposed = exposed_mode(path)
    if exposed:
        log.warning("%s", exposed, extra=event("access.readable", reason=exposed))
    return guard
