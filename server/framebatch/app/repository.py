"""Which version of which model serves: loads, exchanges, rolls back and unloads, while frames go on being answered.

What lies on the disk is told by `shelf`, what loading means by `served`, who gets which frame by `router`. One change
is made at a time, so two versions of one model at most are in memory.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from framebatch.app.entry import Entry
from framebatch.app.model_status import status_of
from framebatch.app.shelf import Shelf, stamp_of
from framebatch.errors import DeviceError, FramebatchError, ModelError
from framebatch.logs import event
from framebatch.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence
    from typing import Any

    from framebatch.app.router import Router
    from framebatch.app.served import Served
    from framebatch.app.shelf import Candidate
    from framebatch.edge.catalogue import ModelStatus

__all__ = ["Repository"]

log = logging.getLogger(__name__)

T = TypeVar("T")


class Repository:
    """All models of one server.

    `look` and `open` on any thread, before the event loop runs; everything else on the loop.
    """

    def __init__(self, *, read: Callable[[], Shelf], load: Callable[[Candidate, int], Served]) -> None:
        """Know nothing yet.

        Args:
            read: looks at the disk; blocks, and raises UsageError when that is not possible.
            load: loads a version; blocks for seconds, and raises FramebatchError. Its second argument is the number of
                models that share the machine.
        """
        self.entries: dict[str, Entry] = {}
        self.shelf = self._before = Shelf({})
        self._read = read
        self._load = load
        self._changing = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()

    def __repr__(self) -> str:
        return f"Repository({self.entries!r})"

    @property
    def serving(self) -> dict[str, Served]:
        """What serves, by name."""
        return {name: entry.serving for name, entry in sorted(self.entries.items()) if entry.serving is not None}

    @property
    def alive(self) -> list[Served]:
        """Everything that may have unanswered frames."""
        return [
            served for entry in self.entries.values() for served in (entry.serving, entry.leaving) if served is not None
        ]

    @property
    def faults(self) -> Sequence[str]:
        """Files that could not be made sense of."""
        return self.shelf.faults

    # Before the start ------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Find out what there is; blocks, and raises UsageError when that is not possible."""
        self._look(self._read())
        self._before = self.shelf

    def open(self) -> None:
        """Load every model that was found, the newest version that can be; blocks.

        Raises:
            FramebatchError: not one can be served; says why. A DeviceError when that is why for any, so that trying again may help.
        """
        errors: list[FramebatchError] = []
        for name in sorted(self.shelf.models):
            entry = self._entry(name)
            for candidate in self._wanted(name):
                try:
                    entry.succeeded(self._load(candidate, len(self.shelf.models)))
                    break
                except FramebatchError as error:
                    entry.missed(candidate, error)
                    errors.append(error)
        if not self.serving:
            if len(errors) == 1:
                raise errors[0]
            reasons = [*map(str, errors), *self.faults]
            kind = DeviceError if any(isinstance(error, DeviceError) for error in errors) else ModelError
            raise kind(f"no model can be served: {'; '.join(reasons) or 'there is none'}")

    # On the event loop -----------------------------------------------------------------------------------------

    async def start(self, router: Router, begin: Callable[[Served], None], *, reload_seconds: float) -> None:
        """Serve what is loaded, and follow what changes.

        Args:
            router: told of what serves.
            begin: makes a loaded version able to take frames.
            reload_seconds: how often to look at the disk; 0: never.

        Raises:
            ModelError: not one version answers a picture.
        """
        self._router = router
        self._begin = begin
        errors = await asyncio.gather(*(self._begin_with(entry) for entry in self.entries.values()))
        if not self.serving:
            raise next(error for error in errors if error is not None)
        if reload_seconds:
            self._task(self._follow(reload_seconds))

    async def _begin_with(self, entry: Entry) -> ModelError | None:
        """Let a version serve that was loaded before the start."""
        served = entry.serving
        if served is None:
            return None
        self._begin(served)
        try:
            await served.prove()
        except ModelError as error:
            entry.serving = None
            entry.missed(served.candidate, error)
            await served.close()
            return error
        self._router.put(served.model, served.batcher)
        return None

    async def stop(self) -> None:
        """Change nothing any more; a version that is being loaded is given up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def models(self) -> Sequence[ModelStatus]:
        """All models, by name."""
        return [self._status(name) for name in sorted(self.entries.keys() | self.shelf.models.keys())]

    async def load(self, name: str, version: int) -> ModelStatus:
        """Let a version serve, 0 for the newest or the pinned one; returns when it does.

        Raises:
            LookupError: there is no such model or version.
            FramebatchError: it cannot be loaded; what served before serves on.
        """
        return await asyncio.shield(self._task(self._load_now(name, version)))

    async def unload(self, name: str) -> ModelStatus:
        """Serve the model no longer, until `load`; returns when its memory has been given back.

        Raises:
            LookupError: it is not served.
        """
        return await asyncio.shield(self._task(self._unload_now(name)))

    async def _load_now(self, name: str, version: int) -> ModelStatus:
        async with self._changing:
            self._look(await in_thread(self._read))
            versions = self.shelf.models.get(name)
            if versions is None:
                raise LookupError(f"model {name!r} is not here; there are: {', '.join(sorted(self.shelf.models))}")
            entry = self._entry(name)
            before = entry.chosen
            entry.chosen = version
            candidate = next(self._wanted(name), None)
            if candidate is None:
                entry.chosen = before
                number = version or self.shelf.pinned[name]
                there = ", ".join(map(str, sorted(versions)))
                raise LookupError(f"model {name!r} has no version {number}; there are: {there}")
            error = await self._exchange(entry, candidate)
            if error is not None:
                entry.chosen = before
                raise error
            entry.unloaded = False
            return self._status(name)

    async def _unload_now(self, name: str) -> ModelStatus:
        async with self._changing:
            entry = self.entries.get(name)
            if entry is None or entry.serving is None:
                raise LookupError(f"model {name!r} is not served; those that are: {', '.join(self.serving) or 'none'}")
            entry.unloaded, entry.chosen = True, 0
            entry.leaving, entry.serving = entry.serving, None
            self._router.remove(name)
            await self._let_go(entry)
            return self._status(name)

    async def look_again(self) -> None:
        """Look at the disk once, and load what has changed since the start and is as it was at the last look.

        Raises:
            UsageError: that is not possible; what is served stays as it is.
        """
        shelf = await in_thread(self._read)
        async with self._changing:
            before, self._before = self._before, shelf
            self._look(shelf)
            for name in sorted(shelf.models):
                await self._keep_up(name, before)

    async def _follow(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.look_again()
            except FramebatchError as error:
                log.warning("what is served stays as it is: %s", error, extra=event("models.not_read", reason=error))
            except Exception:
                log.exception(
                    "looking for changed models failed; what is served stays as it is",
                    extra=event("models.look_failed"),
                )

    async def _keep_up(self, name: str, before: Shelf) -> None:
        """Load the newest version that can be, unless it serves already."""
        entry = self._entry(name)
        if entry.unloaded:
            return
        serving = entry.serving.candidate if entry.serving is not None else None
        for place, candidate in enumerate(self._wanted(name)):
            if candidate == serving or before.models.get(name, {}).get(candidate.version) != candidate:
                return  # nothing to do, or still being written
            if serving is not None and place and candidate.version < serving.version:
                return  # what serves is better than an older one that nobody asked for
            known = entry.failed.get(candidate.version)
            if known is not None and known[0] == candidate:
                continue
            if await self._exchange(entry, candidate) is None:
                return

    # One change ------------------------------------------------------------------------------------------------

    async def _exchange(self, entry: Entry, candidate: Candidate) -> FramebatchError | None:
        """Load a version beside the one that serves and let it take over; the error when that does not succeed."""
        log.info(
            "%s: loading", candidate, extra=event("model.loading", model=candidate.name, version=candidate.version)
        )
        entry.loading = candidate
        try:
            served = await in_thread(partial(self._load_unchanged, candidate))
            self._begin(served)
            try:
                await served.prove()
            except BaseException:
                await served.close()
                raise
        except FramebatchError as error:
            entry.missed(candidate, error)
            return error
        except Exception as error:
            log.exception("%s: loading failed", candidate, extra=event("model.load_raised", model=candidate.name))
            entry.missed(candidate, error)
            return ModelError(f"{candidate} cannot be loaded: {error}")
        finally:
            entry.loading = None
        old = entry.serving
        entry.succeeded(served)
        self._router.put(served.model, served.batcher)
        log.info(
            "%s: serves from now on: %r",
            candidate,
            served.detector,
            extra=event("model.loaded", model=candidate.name, version=candidate.version, device=served.detector.device),
        )
        if old is not None:
            entry.leaving, old = old, None
            await self._let_go(entry)
        return None

    def _load_unchanged(self, candidate: Candidate) -> Served:
        """On a thread of its own."""
        served = self._load(candidate, len(self.shelf.models))
        if stamp_of(candidate.path) != candidate.stamp:
            served.discard()
            raise ModelError(f"the files of {candidate} changed while they were read")
        return served

    async def _let_go(self, entry: Entry) -> None:
        """Wait for the last answer of the version that leaves, then give its memory back."""
        served = entry.leaving
        if served is None:
            return
        served.batcher.retire(f"{served.candidate} is served no longer")
        await served.batcher.closed()
        entry.leaving = None
        entry.remember(served.batcher.recovery.counts)
        self._router.forget(served.model)
        await served.close()
        gone = served.candidate
        del served  # it is full of cycles, and the collector runs seldom
        gc.collect()
        log.info(
            "%s, which served before, has answered its last frame and is gone",
            gone,
            extra=event("model.unloaded", model=gone.name, version=gone.version),
        )

    # Looking ---------------------------------------------------------------------------------------------------

    def _look(self, shelf: Shelf) -> None:
        for fault in shelf.faults:
            if fault not in self.shelf.faults:
                log.warning("%s", fault, extra=event("models.fault", reason=fault))
        self.shelf = shelf

    def _wanted(self, name: str) -> Iterator[Candidate]:
        """The versions to serve, the best first: the chosen or pinned one only, or all, the newest first."""
        versions = self.shelf.models[name]
        number = self._entry(name).chosen or self.shelf.pinned.get(name)
        if number is None:
            yield from (versions[number] for number in sorted(versions, reverse=True))
        elif number in versions:
            yield versions[number]

    def _entry(self, name: str) -> Entry:
        return self.entries.setdefault(name, Entry())

    def _status(self, name: str) -> ModelStatus:
        entry = self._entry(name)
        return status_of(
            name,
            entry,
            self.shelf.models.get(name, {}),
            default=name == self._router.default,
            pinned=self.shelf.pinned.get(name),
        )

    def _task(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
