"""What is remembered of one model: what serves, what failed, what was asked for. Decides nothing."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from typing import TYPE_CHECKING

from framebatch.batching.recovery import Counts
from framebatch.logs import event

if TYPE_CHECKING:
    from framebatch.app.served import Served
    from framebatch.app.shelf import Candidate

__all__ = ["Entry"]

log = logging.getLogger(__name__)


class Entry:
    """What is known of one model besides what lies on the disk.

    Attributes:
        serving: answers its frames; None: nobody does.
        loading: is being loaded.
        leaving: takes no new frames, and answers those it has.
        failed: versions that could not be loaded, as they lay there, and why.
        chosen: the version that a call asked for; 0: none.
        unloaded: a call asked to serve it no longer.
        loads: versions that took over so far.
        failures: versions that could not be loaded so far.
    """

    def __init__(self) -> None:
        self.serving: Served | None = None
        self.loading: Candidate | None = None
        self.leaving: Served | None = None
        self.failed: dict[int, tuple[Candidate, str]] = {}
        self.chosen = 0
        self.unloaded = False
        self.loads = 0
        self.failures = 0
        self._past: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"Entry(serving={self.serving!r}, loading={self.loading}, failed={sorted(self.failed)})"

    def succeeded(self, served: Served) -> None:
        """Another version serves."""
        self.serving = served
        self.failed.pop(served.candidate.version, None)
        self.loads += 1

    def remember(self, counts: Counts) -> None:
        """What failed in a version that is gone."""
        self._past.update(dataclasses.asdict(counts))

    @property
    def mishaps(self) -> dict[str, int]:
        """How often what failed, in all versions so far, by the names of `Counts`."""
        found = self._past + Counter()
        for served in (self.serving, self.leaving):
            if served is not None:
                found.update(dataclasses.asdict(served.batcher.recovery.counts))
        return {field.name: found[field.name] for field in dataclasses.fields(Counts)}

    def missed(self, candidate: Candidate, error: Exception) -> None:
        """A version could not be loaded."""
        log.error(
            "%s cannot be served: %s",
            candidate,
            error,
            extra=event("model.load_failed", model=candidate.name, version=candidate.version, reason=error),
        )
        self.failed[candidate.version] = (candidate, str(error))
        self.failures += 1
