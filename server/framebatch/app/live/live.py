"""Who looks at the page: the first viewer begins the observing, the last one's leaving ends it, one document serves all.

On the event loop. A server that nobody looks at observes nothing, keeps nothing and has no timer of this.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Final

from framebatch.app.live.alerts import Alerts
from framebatch.app.live.document import look, state
from framebatch.app.live.shots import NOBODY, Shots
from framebatch.app.live.watch import Watch
from framebatch.app.live.windows import Counts
from framebatch.clock import now_ns

if TYPE_CHECKING:
    from framebatch.app.live.sources import Sources

__all__ = ["Live"]

log = logging.getLogger(__name__)

PERIOD_SECONDS: Final = 1.0
LINGER_SECONDS: Final = 30.0
"""A page that is loaded again, or comes back after a while, finds its figures."""


class _Session:
    """What there is while somebody looks."""

    def __init__(self, sources: Sources, *, pictures: bool) -> None:
        now = now_ns()
        self.watch = Watch(sources.router, Counts(sources.of_server()), pictures=pictures, now_ns=now)
        self.shots = Shots()
        self.alerts = Alerts()
        known = sorted(sources.metrics.senders().items(), key=lambda each: each[1][1], reverse=True)
        for name, (model, arrival_ns) in known:
            self.watch.cameras.admit(name, model, arrival_ns)

    def close(self) -> None:
        self.watch.close()
        self.shots.close()


class Viewer:
    """One who looks, from `Live.join` to `leave`. Whoever is slow misses documents; none waits for another."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._seen = 0

    def __repr__(self) -> str:
        return f"Viewer(seen={self._seen})"

    async def next(self) -> bytes | None:
        """The newest document that this one has not had, as JSON, as soon as there is one; None: there will be no more."""
        live = self._live
        while self._seen == live.number and not live.closed:
            await live.made.wait()
        if live.closed:
            return None
        self._seen = live.number
        return live.document

    def leave(self) -> None:
        """Look no more; once."""
        self._live.left(self)


class Live:
    """Viewers and what is kept for them.

    Invariants: there is a session while there are viewers, and for `linger_seconds` after the last; at most
    `max_viewers` look at a time.

    Attributes:
        number: of the newest document; they rise.
        document: that document, as JSON.
        made: set when there is a newer one; replaced by another then.
        closed: whether the server ends.
    """

    def __init__(
        self, sources: Sources, *, pictures: bool, max_viewers: int, linger_seconds: float = LINGER_SECONDS
    ) -> None:
        """Wait for viewers.

        Args:
            sources: what the figures are read from.
            pictures: whether pictures may leave the server this way; if not, none is kept.
            max_viewers: how many may look at a time.
            linger_seconds: how long after the last one has left the observing ends.
        """
        self._sources = sources
        self._pictures = pictures
        self._max_viewers = max_viewers
        self._linger_seconds = linger_seconds
        self._viewers: set[Viewer] = set()
        self._session: _Session | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._leaving: asyncio.TimerHandle | None = None
        self.number = 0
        self.document = b""
        self.made = asyncio.Event()
        self.closed = False

    def __repr__(self) -> str:
        watch = None if self._session is None else self._session.watch
        return f"Live(viewers={len(self._viewers)}, {watch!r})"

    @property
    def viewers(self) -> int:
        """How many look."""
        return len(self._viewers)

    @property
    def observing(self) -> bool:
        """Whether frames are observed."""
        return self._session is not None

    def join(self) -> Viewer | None:
        """Somebody looks, and finds a document at once; None where too many do, or the server ends."""
        if self.closed or len(self._viewers) >= self._max_viewers:
            return None
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        if self._session is None:
            self._begin()
        viewer = Viewer(self)
        self._viewers.add(viewer)
        return viewer

    def left(self, viewer: Viewer) -> None:
        """A viewer looks no more."""
        self._viewers.discard(viewer)
        if not self._viewers and self._session is not None and self._leaving is None:
            self._leaving = asyncio.get_running_loop().call_later(self._linger_seconds, self._end)

    async def shot(self, camera: str, *, large: bool) -> bytes:
        """The shot document of a camera's last picture.

        Raises:
            LookupError: there is none; says why.
            InvalidFrame: the picture cannot be shown.
        """
        if not self._pictures:
            raise LookupError("pictures are switched off: the setting 'page' is 'figures'")
        if self._session is None or self._session.watch.pictures is None:
            raise LookupError(NOBODY)
        kept = self._session.watch.pictures.newest(camera)
        if kept is None:
            raise LookupError(f"there is no picture of camera {camera!r} yet")
        return await self._session.shots.get(kept, large=large, now_ns=now_ns())

    def close(self) -> None:
        """End all viewing; again: nothing happens."""
        self.closed = True
        self._end()
        self.made.set()

    def _begin(self) -> None:
        """Observe, and make the first document."""
        session = _Session(self._sources, pictures=self._pictures)
        try:
            self._make(session)
        except BaseException:
            session.close()
            raise
        self._session = session
        loop = asyncio.get_running_loop()
        due = loop.time() + PERIOD_SECONDS
        self._timer = loop.call_at(due, self._tick, due)

    def _end(self) -> None:
        """Observe no more, and let go what was kept."""
        for timer in (self._timer, self._leaving):
            if timer is not None:
                timer.cancel()
        self._timer = self._leaving = None
        if self._session is not None:
            self._session.close()
            self._session = None
        self.document = b""

    def _tick(self, due: float) -> None:
        """Once a second; what was due while the loop stood still is left out."""
        if self._session is None:
            return
        loop = asyncio.get_running_loop()
        due = max(due + PERIOD_SECONDS, loop.time())
        self._timer = loop.call_at(due, self._tick, due)
        try:
            self._make(self._session)
            look(self._sources, self._session.watch, now_ns())
        except Exception:
            log.exception("the page's figures could not be made")

    def _make(self, session: _Session) -> None:
        session.watch.observe(self._sources.repository.alive)
        document = state(self._sources, session.watch, session.alerts, now_ns())
        self.document = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
        self.number += 1
        made, self.made = self.made, asyncio.Event()
        made.set()
