"""The check of the certificate that the settings name. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from framebatch.doctor.finding import Finding, note, ok, problem

if TYPE_CHECKING:
    from framebatch.doctor.facts import Certificate

__all__ = ["check_certificate"]

_TOPIC: Final = "certificate"
_RENEW_DAYS: Final = 21
"""As the alert has it."""


def check_certificate(certificate: Certificate | None) -> Finding | None:
    """Whether a server would start with it, and for how long it will do; None: there is to be none."""
    if certificate is None:
        return None
    if certificate.error:
        found, _, remedy = certificate.error.rpartition("; ")
        return problem(_TOPIC, found or certificate.error, remedy)
    found = f"{certificate.path} is valid for {certificate.days:.0f} days more, and fits its key"
    if certificate.days < _RENEW_DAYS:
        return note(_TOPIC, found, "renew it; a running server takes the new one without a restart")
    return ok(_TOPIC, found)
