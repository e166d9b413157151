"""TLS as the settings ask for it, and what is told of it at /metrics. Wires; encrypts nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framebatch.edge.tls import Tls, TlsFiles

if TYPE_CHECKING:
    from framebatch.config import Config
    from framebatch.metrics import Metrics

__all__ = ["export_tls", "tls_of"]


def tls_of(config: Config) -> Tls | None:
    """Read the files that the settings name; None: both ports speak plain text.

    Raises:
        UsageError: they cannot be served with.
    """
    files = TlsFiles.of(config)
    return None if files is None else Tls(files)


def export_tls(metrics: Metrics, tls: Tls) -> None:
    """Export until when the served certificate is valid, and what became of renewed ones."""
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
