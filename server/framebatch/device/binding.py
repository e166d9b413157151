"""How arrays get into a session and results out of it: handed over as they are, or through memory of the device.

Which provider computes, and what its exceptions mean, is decided elsewhere. Direct is for processors, where nothing
need be copied. Bound is for GPUs: two lanes, each with buffers of its own, so that the next batch is copied in while
the one before computes, and what comes out is copied while the next computes.
"""

from __future__ import annotations

import contextlib
import queue
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from framebatch.clock import now_ns
from framebatch.device.failures import device_error
from framebatch.device.gate import CAPTURES
from framebatch.device.lane import Lane, outputs_of, run_options
from framebatch.device.stages import COPIED_IN, COPIED_OUT, CopyClock, StageTimes
from framebatch.device.turns import Turns
from framebatch.errors import DeviceMemoryError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from framebatch.device.buffers import Memory
    from framebatch.device.lane import Port

__all__ = ["LANES", "BoundSession", "CaptureError", "DirectSession"]

LANES: Final = 2


class CaptureError(Exception):
    """A CUDA graph could not be captured; without graphs the same batch may succeed."""


class DirectSession:
    """Arrays are handed over as they lie, one batch after the other: on a processor nothing has to be copied."""

    def __init__(self, session: Any, turns: Turns | None = None) -> None:
        """Use a session, given up by `close`, on the device to which these turns belong; None: it is its alone."""
        self._session = session
        self._outputs = [output.name for output in session.get_outputs()]
        self._options = run_options()
        self._turns = turns or Turns()

    def __repr__(self) -> str:
        return "<DirectSession>"

    def run(
        self,
        feeds: Mapping[str, npt.NDArray[Any]],
        stages: list[StageTimes] | None = None,  # noqa: ARG002 - as of a session with copies
    ) -> tuple[list[npt.NDArray[Any]], int, int]:
        """Run one batch; blocks until it is done.

        Args:
            feeds: Each input's array.
            stages: Gets nothing: on a processor nothing is copied, and onnxruntime does not tell its own copies apart.

        Returns:
            The outputs, and when computing began and ended (`clock.now_ns`).

        """
        with self._turns.turn():
            started_ns = now_ns()
            outputs = self._session.run(self._outputs, feeds, self._options)
            return outputs, started_ns, now_ns()

    def close(self) -> None:
        """Give the session up."""
        self._session = None


class BoundSession:
    """A session whose inputs and outputs lie in the device's memory, for `LANES` batches at once.

    `run` may be called from any number of threads. Invariants: a lane belongs to one batch from the first byte copied
    in to the last copied out; one batch computes at a time; what is answered is the caller's own.
    """

    def __init__(
        self,
        session: Any,
        memory: Memory,
        *,
        inputs: Sequence[Port],
        capacity: int,
        graphs: bool = False,
        turns: Turns | None = None,
    ) -> None:
        """Take the memory for the largest batch, so that none has to be taken later.

        Args:
            session: Given up by `close`.
            memory: Of the device on which it computes.
            inputs: What each batch brings.
            capacity: The largest batch.
            graphs: Whether each batch size is captured as a CUDA graph when it is first run. onnxruntime keeps a graph
                for the thread that captured it, so all computing is done by one thread then.
            turns: Of all sessions that share the device; None: it is this one's alone.

        """
        self._session = session
        self._memory = memory
        self._capacity = capacity
        self._turns = turns or Turns()
        self._thread = ThreadPoolExecutor(1, "framebatch-compute") if graphs else None
        self._settled: set[int] = set()
        self._lanes: list[Lane] = []
        self._idle: queue.SimpleQueue[Lane] = queue.SimpleQueue()
        outputs = outputs_of(session)
        if graphs and any(port.row is None for port in outputs):
            names = ", ".join(port.name for port in outputs if port.row is None)
            raise CaptureError(f"the size of {names} is known only when it has been computed")
        try:
            for place in range(LANES):
                lane = Lane(memory, first_graph=place * (capacity + 1) if graphs else None)
                self._lanes.append(lane)
                lane.take(inputs, outputs, capacity)
                self._idle.put(lane)
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        graphs = f", graphs of {sorted(self._settled)}" if self._thread else ""
        return f"<BoundSession, {self._idle.qsize()} of {LANES} lanes idle, up to {self._capacity} frames{graphs}>"

    def run(
        self, feeds: Mapping[str, npt.NDArray[Any]], stages: list[StageTimes] | None = None
    ) -> tuple[list[npt.NDArray[Any]], int, int]:
        """Run one batch; blocks until it is done. The third of three batches waits for a lane.

        Args:
            feeds: The array of each of `inputs`, all of one batch.
            stages: Gets the batch's parts when it is done; None: nobody asks, and nothing is timed.

        Returns:
            The outputs, and when computing began and ended (`clock.now_ns`): copying is not in it.

        Raises:
            CaptureError: this batch size could not be captured as a CUDA graph.
            ValueError: the batch is larger than `capacity`.

        """
        count = len(next(iter(feeds.values())))
        if count > self._capacity:
            raise ValueError(f"a batch of {count} is too large; memory was taken for {self._capacity}")
        if self._thread is not None and count not in self._settled:
            self._capture(count)
        with CAPTURES.together():
            lane = self._idle.get()
            try:
                if stages is not None:
                    return self._run_timed(lane, feeds, count, stages)
                lane.fill(feeds)
                lane.bind(self._session, count)
                started_ns, finished_ns = self._compute(lane, count)
                return lane.fetch(count), started_ns, finished_ns
            finally:
                self._idle.put(lane)

    def close(self) -> None:
        """Give up the session and all memory. No run may be under way."""
        if self._thread is not None:
            self._thread.shutdown()
        while self._lanes:
            self._lanes.pop().release()
        self._session = None

    def _run_timed(
        self, lane: Lane, feeds: Mapping[str, npt.NDArray[Any]], count: int, stages: list[StageTimes]
    ) -> tuple[list[npt.NDArray[Any]], int, int]:
        """As `run` does, with marks around the copies."""
        with contextlib.closing(CopyClock(self._memory)) as clock:
            lane.fill(feeds, clock)
            lane.bind(self._session, count)
            started_ns, finished_ns = self._compute(lane, count)
            outputs = lane.fetch(count, clock)
            copies = clock.span_ns(COPIED_IN), clock.span_ns(COPIED_OUT)
            stages.append(StageTimes(copies[0], finished_ns - started_ns, copies[1]))
            return outputs, started_ns, finished_ns

    def _compute(self, lane: Lane, count: int) -> tuple[int, int]:
        with self._turns.turn():
            if self._thread is not None:
                return self._thread.submit(lane.compute, self._session, count).result()
            return lane.compute(self._session, count)

    def _capture(self, count: int) -> None:
        """Let onnxruntime capture a graph of this batch size for each lane, while no other thread uses CUDA."""
        with CAPTURES.alone():
            if count in self._settled:
                return
            try:
                for lane in self._lanes:  # all idle: a run holds the gate for as long as it has a lane
                    lane.bind(self._session, count)
                    self._compute(lane, count)
            except Exception as error:
                failure = device_error(error, f"a batch of {count} cannot be captured as a CUDA graph")
                raise (failure if isinstance(failure, DeviceMemoryError) else CaptureError(str(failure))) from error
            self._settled.add(count)
