"""From settings to who is let in: what an address needs before it is listened on, and the access file where there is one."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from framebatch.edge.security.exposure import check_exposure
from framebatch.edge.security.file import AccessFile, exposed_mode
from framebatch.edge.security.guard import Guard
from framebatch.logs import event

if TYPE_CHECKING:
    from framebatch.config import Config
    from framebatch.edge.security.refusals import Refusals

__all__ = ["control_of", "open_guard"]

log = logging.getLogger(__name__)


def open_guard(config: Config, refusals: Refusals) -> Guard | None:
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


def control_of(config: Config) -> str:
    """Who may load and unload models: with an access file admins, from anywhere, unless that is off for everybody."""
    return config.model_control if config.access is None or config.model_control == "off" else "all"
