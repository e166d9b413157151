"""Whether this server traces: from its settings to a tracer. The library is imported here, and only where it does."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from framebatch import __version__
from framebatch.errors import UsageError
from framebatch.logs import event
from framebatch.tracing import Tracer

if TYPE_CHECKING:
    from framebatch.config import Config
    from framebatch.tracing.otlp import OtlpCollector

__all__ = ["Traces", "traces_of"]

log = logging.getLogger(__name__)


class Traces:
    """A tracer and where its spans go.

    Attributes:
        tracer: watches the frames.
        collector: carries the spans away.
    """

    def __init__(self, collector: OtlpCollector, share: float) -> None:
        self.collector = collector
        self.tracer = Tracer(collector, share)

    def __repr__(self) -> str:
        return f"Traces({self.tracer!r})"


def traces_of(config: Config) -> Traces | None:
    """What the settings ask for; None: no traces.

    Raises:
        UsageError: the library is not installed.
    """
    if not config.traces:
        return None
    try:
        from framebatch.tracing.otlp import OtlpCollector  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise UsageError(
            f"setting 'traces' is {config.traces!r}, and {error.name} is not installed; "
            "pip install 'framebatch[traces]', or leave the setting out"
        ) from error
    log.info(
        "traces of %g %% of the frames, and of those that go wrong, go to %s",
        100 * config.traces_share,
        config.traces,
        extra=event("traces.began", address=config.traces, share=config.traces_share),
    )
    return Traces(OtlpCollector(config.traces, version=__version__), config.traces_share)
