"""An accelerator that only takes time: a batch of b takes alpha + beta * b, and finds nothing. No library is behind it.

It keeps the queue of a real device for any number of host threads, so that scheduling, decoding and everything else
can be tried at a real device's speed on a machine that has none. It says that it is simulated wherever it is named.
"""

from __future__ import annotations

import math
import random
import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from framebatch.clock import now_ns, ns_to_ms, ns_to_seconds
from framebatch.device.turns import Turns, turns_of
from framebatch.errors import DeviceMemoryError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from framebatch.device.devices import Device
    from framebatch.device.stages import StageTimes

__all__ = ["SimulatedEngine", "open_simulated"]


def open_simulated(device: Device, output_shapes: Sequence[tuple[int, ...]], *, seed: int = 0) -> SimulatedEngine:
    """Load a model of these outputs on a device of kind `sim`; all such devices of one name in a process are one.

    Args:
        device: What it is like.
        output_shapes: Of each output, for one frame.
        seed: Of its noise, so that processes which measure it do not see the same sequence.

    Raises:
        DeviceMemoryError: its memory does not hold the model.

    """
    return SimulatedEngine(
        alpha_ns=device.alpha_ns,
        beta_ns=device.beta_ns,
        output_shapes=output_shapes,
        noise=device.noise,
        seed=seed,
        base_bytes=device.base_bytes,
        frame_bytes=device.frame_bytes,
        limit_bytes=device.limit_bytes,
        turns=turns_of(str(device)),
    )


class SimulatedEngine:
    """Takes the time of a device and answers arrays of zeros, which every family reads as "nothing found".

    A batch starts as soon as it is submitted and the one before is finished, so batches that are submitted early leave
    no gap between them; that a host thread wakes late delays its answer, never the device. `run` may be called from
    several threads.
    """

    simulated: Final = True
    provider: Final = "simulated"

    def __init__(
        self,
        *,
        alpha_ns: int,
        beta_ns: int,
        output_shapes: Sequence[tuple[int, ...]],
        noise: float = 0.0,
        seed: int = 0,
        capacity: int | None = None,
        base_bytes: int = 0,
        frame_bytes: int = 0,
        limit_bytes: int | None = None,
        turns: Turns | None = None,
        now: Callable[[], int] = now_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Set up an idle device.

        Args:
            alpha_ns: What every batch takes, in nanoseconds.
            beta_ns: What each frame adds, in nanoseconds.
            output_shapes: Of each output, for one frame (without the batch axis).
            noise: Coefficient of variation of a batch's time; the factor is lognormal with mean 1.
            seed: Of that factor's sequence.
            capacity: How many frames of a batch its memory holds; None: any number.
            base_bytes: Memory that the loaded model takes.
            frame_bytes: Memory that each frame of the largest batch so far adds; it is kept, as a real session does.
            limit_bytes: All the memory that there is; None: any amount.
            turns: Of all engines that share the device; None: it is this one's alone.
            now: The clock, in nanoseconds.
            sleep: Waits for so many seconds; may wake late.

        Raises:
            DeviceMemoryError: `base_bytes` alone is beyond `limit_bytes`.

        """
        if alpha_ns < 0 or beta_ns < 0 or alpha_ns + beta_ns == 0:
            raise ValueError(f"alpha_ns is {alpha_ns}, beta_ns {beta_ns}; a batch must take some time")
        if noise < 0:
            raise ValueError(f"noise is {noise}; it must be at least 0")
        if capacity is not None and capacity < 1:
            raise ValueError(f"capacity is {capacity}; it must be at least 1")
        if base_bytes < 0 or frame_bytes < 0:
            raise ValueError(f"base_bytes is {base_bytes}, frame_bytes {frame_bytes}; they must be at least 0")
        self.device = f"sim {ns_to_ms(alpha_ns):g}+{ns_to_ms(beta_ns):g}b ms (simulated)"
        self._alpha_ns = alpha_ns
        self._beta_ns = beta_ns
        self._sigma = math.sqrt(math.log1p(noise * noise))
        self._random = random.Random(seed)  # noqa: S311 - a simulation needs no secrecy
        self._capacity = capacity
        self._base_bytes = base_bytes
        self._frame_bytes = frame_bytes
        self._largest = 0
        self.memory_limit_bytes: Final = limit_bytes
        if limit_bytes is not None and base_bytes > limit_bytes:
            raise DeviceMemoryError(
                f"{self.device} cannot hold the model: it takes {base_bytes} bytes of {limit_bytes}"
            )
        self._shapes = tuple(output_shapes)
        self._zeros: list[npt.NDArray[np.float32]] = []
        self._now = now
        self._sleep = sleep
        self._turns = turns or Turns()
        self._batches = 0
        self.slowdown = 1.0
        """How many times as long as it should a batch takes from now on: above 1 as if the device throttled."""

    def __repr__(self) -> str:
        return (
            f"<SimulatedEngine {self.device}, {self._batches} batches run, busy until {self._turns.busy_until_ns} ns>"
        )

    @property
    def memory_bytes(self) -> int | None:
        """What is taken of its memory: the model, and room for the largest batch so far; None: of any amount."""
        if self.memory_limit_bytes is None:
            return None
        return self._base_bytes + self._frame_bytes * self._largest

    def run(
        self,
        images: npt.NDArray[np.uint8],
        stages: list[StageTimes] | None = None,  # noqa: ARG002 - nothing is copied
    ) -> tuple[list[npt.NDArray[np.float32]], int, int]:
        """Take the time of one batch; blocks until it is done, without the interpreter lock.

        Args:
            images: uint8 (b, H, W, 3); only b counts.
            stages: Gets nothing.

        Returns:
            Read-only zeros, float32 (b, ...) for each output, and when the simulated device started and finished.

        Raises:
            DeviceMemoryError: the batch is larger than its memory allows; it takes no time, and smaller ones still run.

        """
        count = len(images)
        self._find_room(count)
        with self._turns.turn():
            started_ns = max(self._now(), self._turns.busy_until_ns)
            finished_ns = started_ns + self._service_ns(count)
            self._turns.busy_until_ns = finished_ns
            self._batches += 1
            outputs = self._nothing(count)
        while (left_ns := finished_ns - self._now()) > 0:
            self._sleep(ns_to_seconds(left_ns))
        return outputs, started_ns, finished_ns

    def pin(self, array: npt.NDArray[Any]) -> None:
        """Nothing is copied."""

    def reopen(self) -> None:
        """Nothing can have been damaged; the room for batches is given back."""
        self._largest = 0

    def close(self) -> None:
        """Nothing to give back."""

    def _find_room(self, count: int) -> None:
        if self._capacity is not None and count > self._capacity:
            raise DeviceMemoryError(
                f"{self.device} failed on a batch of {count}: its memory holds {self._capacity} frames"
            )
        needed = self._base_bytes + self._frame_bytes * count
        if self.memory_limit_bytes is not None and needed > self.memory_limit_bytes:
            raise DeviceMemoryError(
                f"{self.device} failed on a batch of {count}: it needs {needed} bytes of memory, and there are "
                f"{self.memory_limit_bytes}"
            )
        self._largest = max(self._largest, count)

    def _service_ns(self, count: int) -> int:
        exact_ns = round(self.slowdown * (self._alpha_ns + self._beta_ns * count))
        if not self._sigma:
            return exact_ns
        return round(exact_ns * self._random.lognormvariate(-self._sigma * self._sigma / 2, self._sigma))

    def _nothing(self, count: int) -> list[npt.NDArray[np.float32]]:
        if not self._zeros or len(self._zeros[0]) < count:
            self._zeros = [np.zeros((count, *shape), np.float32) for shape in self._shapes]
            for array in self._zeros:
                array.flags.writeable = False
        return [array[:count] for array in self._zeros]
