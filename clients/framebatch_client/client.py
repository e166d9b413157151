"""The client for code without asyncio: the same names, each call waiting for its result.

It runs the asyncio client on a private thread with an event loop rather than a second implementation on gRPC's blocking
API: reconnecting, counting and closing exist once, and a blocking bidirectional stream would need its own threads anyway.
The price is one hop between threads per call, about 0.2 ms of processor time. Only this hop belongs here.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from typing import TYPE_CHECKING, Any, Self, TypeVar

from framebatch_client.aio import DEFAULT_CONNECT_SECONDS, DEFAULT_LOAD_SECONDS, AsyncClient
from framebatch_client.errors import ClientClosed, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from types import TracebackType

    from framebatch_client.answer import Answer
    from framebatch_client.models import ServerModel, ServerModels
    from framebatch_client.pulling import Pictures
    from framebatch_client.request import Mode, Picture, Priority, Region
    from framebatch_client.statistics import StreamStats
    from framebatch_client.stream import AsyncStream
    from framebatch_client.tls import Tls
    from framebatch_client.transport import Health

_T = TypeVar("_T")


class Client:
    """A connection to one server, for use with ``with`` or until ``close()``; may be shared between threads."""

    def __init__(self, server: str, *, token: str | None = None, tls: Tls | bool | None = None) -> None:
        """Prepare, without connecting yet; the arguments are those of ``AsyncClient``."""
        self._client = AsyncClient(server, token=token, tls=tls)
        self._runner = _Runner()

    def __repr__(self) -> str:
        """Show the address, the state of the connection and the streams that are not closed."""
        return repr(self._client).replace("<AsyncClient", "<Client", 1)

    def detect(
        self,
        picture: Picture,
        *,
        deadline_ms: float | None = None,
        camera: str = "",
        mode: Mode = "inspect",
        region: Region | None = None,
        model: str = "",
        priority: Priority = "normal",
        capture_time: float | None = None,
        sequence: int = 0,
    ) -> Answer:
        """Send one frame and wait for its answer: arguments, result and errors of ``AsyncClient.detect``."""
        return self._runner.wait(
            self._client.detect(
                picture,
                deadline_ms=deadline_ms,
                camera=camera,
                mode=mode,
                region=region,
                model=model,
                priority=priority,
                capture_time=capture_time,
                sequence=sequence,
            )
        )

    def stream(
        self,
        *,
        camera: str = "",
        fps: float | None = None,
        deadline_ms: float | None = None,
        mode: Mode = "inspect",
        region: Region | None = None,
        model: str = "",
        priority: Priority = "normal",
        connect_timeout_seconds: float = DEFAULT_CONNECT_SECONDS,
    ) -> Stream:
        """Make the stream of one camera; ``with`` opens and closes it. Arguments of ``AsyncClient.stream``."""
        stream = self._client.stream(
            camera=camera,
            fps=fps,
            deadline_ms=deadline_ms,
            mode=mode,
            region=region,
            model=model,
            priority=priority,
            connect_timeout_seconds=connect_timeout_seconds,
        )
        return Stream(stream, self._runner)

    def list_models(self, *, timeout_seconds: float = 10.0) -> ServerModels:
        """Ask which models the server has: see ``AsyncClient.list_models``."""
        return self._runner.wait(self._client.list_models(timeout_seconds=timeout_seconds))

    def load_model(self, name: str, *, version: int = 0, timeout_seconds: float = DEFAULT_LOAD_SECONDS) -> ServerModel:
        """Have a version of a model served, and wait until it is: see ``AsyncClient.load_model``."""
        return self._runner.wait(self._client.load_model(name, version=version, timeout_seconds=timeout_seconds))

    def unload_model(self, name: str, *, timeout_seconds: float = DEFAULT_LOAD_SECONDS) -> ServerModel:
        """Have a model served no longer, and wait until it is gone: see ``AsyncClient.unload_model``."""
        return self._runner.wait(self._client.unload_model(name, timeout_seconds=timeout_seconds))

    def health(self, *, timeout_seconds: float = 2.0) -> Health:
        """Ask for "SERVING", "NOT_SERVING" or "UNKNOWN": see ``AsyncClient.health``."""
        return self._runner.wait(self._client.health(timeout_seconds=timeout_seconds))

    def wait_ready(self, timeout_seconds: float = DEFAULT_CONNECT_SECONDS) -> None:
        """Wait until the server is there and can serve; raises ServerUnavailable when that takes too long."""
        self._runner.wait(self._client.wait_ready(timeout_seconds))

    def close(self) -> None:
        """Close the connection and end the thread; streams still open are broken off. Again: nothing happens."""
        if self._runner.alive:
            self._runner.wait(self._client.close())
            self._runner.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class Stream:
    """The stream of one camera; made by ``Client.stream``. Sending and reading may be done by different threads."""

    def __init__(self, stream: AsyncStream, runner: _Runner) -> None:
        """Wrap the stream of the asyncio client that lives on this runner."""
        self._stream = stream
        self._runner = runner

    def __repr__(self) -> str:
        """Show the camera, the state and the sum of frames."""
        return repr(self._stream).replace("<AsyncStream", "<Stream", 1)

    @property
    def state(self) -> str:
        """One of "new", "open", "reconnecting", "finishing", "closed"."""
        return self._stream.state

    @property
    def stats(self) -> StreamStats:
        """The figures so far."""
        return self._runner.wait(_read(lambda: self._stream.stats)) if self._runner.alive else self._stream.stats

    @property
    def unanswered(self) -> tuple[int, ...]:
        """Sequence numbers of the frames counted as lost, the latest 1000."""
        return self._stream.unanswered

    def open(self) -> None:
        """Connect; opening again does nothing. Raises ServerUnavailable when there is no server in time."""
        self._runner.wait(self._stream.open())

    def send(
        self,
        picture: Picture,
        *,
        sequence: int | None = None,
        capture_time: float | None = None,
        next_frame_ms: float | None = None,
    ) -> int:
        """Send one frame and return its sequence number: arguments and errors of ``AsyncStream.send``."""
        return self._runner.wait(
            self._stream.send(picture, sequence=sequence, capture_time=capture_time, next_frame_ms=next_frame_ms)
        )

    def answers(self) -> Iterator[Answer]:
        """Give the answers as they come, until the stream is finished and all have come; for one consumer."""
        while answers := self._runner.wait(self._stream.take()):
            yield from answers

    def run(
        self, source: Pictures, *, on_answer: Callable[[Answer], None] | None = None, count: int | None = None
    ) -> StreamStats:
        """Send the pictures of ``source`` at the stream's fps, then close: see ``AsyncStream.run``.

        ``on_answer`` is called on the client's own thread: it must be short, and must not call this client.
        """
        return self._runner.wait(self._stream.run(source, on_answer=on_answer, count=count))

    def stop(self) -> None:
        """Let ``run``, which waits in another thread, send no more frames and end."""
        self._runner.wait(_read(self._stream.stop))

    def finish(self) -> None:
        """Say that no more frames follow; the answers of those already sent still come."""
        self._runner.wait(self._stream.finish())

    def close(self, *, timeout_seconds: float | None = None) -> None:
        """Finish, and wait for the answers of everything sent: see ``AsyncStream.close``."""
        if self._runner.alive:
            self._runner.wait(self._stream.close(timeout_seconds=timeout_seconds))

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close(timeout_seconds=None if error is None else 0.0)


class _Runner:
    """A thread with an event loop, which ends with ``stop``, with its owner's last reference, or with the program."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        thread = threading.Thread(target=_run_loop, args=(self._loop,), name="framebatch client", daemon=True)
        thread.start()
        self._thread = thread
        self._stop = weakref.finalize(self, _stop_loop, self._loop, thread)

    def __repr__(self) -> str:
        """Show whether the thread runs."""
        return f"<_Runner {'running' if self.alive else 'stopped'}>"

    @property
    def alive(self) -> bool:
        return self._stop.alive

    def wait(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run it in the loop and wait for its result; an interrupt of the waiting thread cancels it."""
        if not self.alive:
            work.close()
            raise ClientClosed("the client is closed")
        if threading.current_thread() is self._thread:
            work.close()
            raise InvalidRequest("on_answer must not call the client that calls it: it would wait for itself")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def stop(self) -> None:
        self._stop()


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        leftovers = asyncio.all_tasks(loop)
        for task in leftovers:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*leftovers, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()


def _stop_loop(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    loop.call_soon_threadsafe(loop.stop)
    if thread is not threading.current_thread():
        thread.join()


async def _read(value: Callable[[], _T]) -> _T:
    """Call something in the loop's thread."""
    return value()
