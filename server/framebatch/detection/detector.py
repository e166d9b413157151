"""One detector on one device: pictures are prepared one by one, and detected in batches.

What belongs here: filling a batch, running it, reading it back into source pixels, one batch at a time. When and with
whom a frame is run is decided elsewhere. No lock is held while the device works, except the engine's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import numpy as np

from framebatch.clock import now_ns
from framebatch.detection import imaging
from framebatch.detection.headers import Limits, read_header
from framebatch.detection.reading import read_batch
from framebatch.detection.report import LoadReport
from framebatch.detection.tiling import merge_tiles, parts_of, plan_tiles
from framebatch.profile import buckets_up_to

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from framebatch.detection.imaging import Prepared
    from framebatch.detection.spec import ModelSpec
    from framebatch.device.stages import StageTimes
    from framebatch.frame import Detections, Header, Picture, Region

__all__ = ["BatchResult", "Detector", "Engine"]


class Engine(Protocol):
    """What the detector asks of a device."""

    @property
    def device(self) -> str:
        """Its name for people, e.g. `cuda:0 (NVIDIA H200)`; says so when it is simulated."""

    @property
    def provider(self) -> str:
        """What computes, e.g. `CPUExecutionProvider`."""

    @property
    def simulated(self) -> bool:
        """Whether it only takes the time of a device."""

    def run(
        self, images: npt.NDArray[np.uint8], stages: list[StageTimes] | None = None
    ) -> tuple[list[npt.NDArray[Any]], int, int]:
        """Run one batch and block until it is done; up to two threads may call at once.

        Args:
            images: uint8 (b, H, W, 3), C-contiguous; only read, and not kept after the return.
            stages: Gets the batch's parts, where the device tells them apart; None: nobody asks, as when serving.

        Returns:
            The outputs, b first, and when the device started and finished, in nanoseconds of `clock.now_ns`.

        Raises:
            DeviceMemoryError: the device is out of memory; a smaller batch may succeed.
            DeviceError: this batch failed; the next may succeed.

        """

    def pin(self, array: npt.NDArray[Any]) -> None:
        """Learn that batches will often lie in this array, so that the device may copy from it faster. Never fails."""

    def reopen(self) -> None:
        """Load the model anew, after failures that the device may not have survived whole; `run` waits meanwhile.

        Raises:
            DeviceError: it cannot be loaded any more.

        """

    def close(self) -> None:
        """Give the device back; no `run` may follow."""


class BatchResult(NamedTuple):
    """What one batch came to. Times in nanoseconds of `clock.now_ns`, in the order in which they passed."""

    detections: list[Detections]
    """One for each frame, in the order of the frames."""
    bucket: int
    """The batch size that was run, padding included."""
    submitted_ns: int
    """When the batch was filled and handed to the engine."""
    started_ns: int
    """When the device began with it."""
    finished_ns: int
    """When the device was done with it."""
    parsed_ns: int
    """When the detections were ready."""


class Detector:
    """A loaded model, ready for frames.

    `header` and `prepare` may be called from any number of threads, `detect` from as many as the engine allows.
    Invariant: at most as many batch buffers exist as `detect` calls were ever under way at once.
    """

    def __init__(
        self,
        spec: ModelSpec,
        engine: Engine,
        *,
        max_batch: int = 16,
        limits: Limits | None = None,
        report: LoadReport | None = None,
    ) -> None:
        """Join a model and the device it is loaded on.

        Args:
            spec: How the model is fed and read.
            engine: The device; owned from now on, and closed by `close`.
            max_batch: The largest batch, where the model takes batches of any size.
            limits: How large a picture may be.
            report: How the model was loaded, and so in which form the engine answers; default: in its own, as it is.

        """
        self.spec: Final = spec
        self.report: Final = report or LoadReport(batch_size=spec.batch_size)
        self.buckets: Final = buckets_up_to(max_batch) if spec.batch_size is None else (spec.batch_size,)
        self.limits: Final = limits or Limits()
        self._engine = engine
        self._fit = spec.fit
        self._free: list[npt.NDArray[np.uint8]] = []

    def __repr__(self) -> str:
        return (
            f"<Detector {self.spec.name} ({self.spec.family}, {self.spec.input_width} x {self.spec.input_height}) on "
            f"{self._engine.device}, batches of {', '.join(map(str, self.buckets))}>"
        )

    @property
    def device(self) -> str:
        """The device's name for people."""
        return self._engine.device

    @property
    def provider(self) -> str:
        """What computes."""
        return self._engine.provider

    @property
    def simulated(self) -> bool:
        """Whether the device only takes time."""
        return self._engine.simulated

    def header(self, picture: Picture) -> Header:
        """Check format and size without decoding; microseconds.

        Raises:
            InvalidFrame: see `headers.read_header`.

        """
        return read_header(picture, self.limits)

    def prepare(self, picture: Picture, region: Region | None = None) -> Prepared:
        """Decode and resize one picture whose header was checked; some milliseconds for a large one.

        Raises:
            InvalidFrame: it cannot be decoded, or `region` does not lie inside it.

        """
        return imaging.prepare(picture, region, resize=self._fit, color=self.spec.color)

    def parts(self, header: Header, region: Region | None = None) -> list[Region | None]:
        """Answer what the network looks at in a picture, a row of a batch for each: itself, or itself and its tiles.

        Raises:
            InvalidFrame: too many tiles, or `region` does not lie inside the picture.

        """
        return parts_of(self.spec.tiles, header, region)

    def merge(self, found: Sequence[Detections], header: Header, region: Region | None = None) -> Detections:
        """Make one answer of what was found in each of `parts(header, region)`, in their order."""
        if self.spec.tiles is None or len(found) == 1:
            return found[0]
        regions = plan_tiles(self.spec.tiles, header.width, header.height, region)
        return merge_tiles(found, regions, iou=self.spec.iou, limit=self.spec.max_detections)

    def detect_picture(self, picture: Picture, region: Region | None = None) -> Detections:
        """Find what is in one picture, or in a region of it, cut into tiles where the model asks for that.

        Raises:
            InvalidFrame: it is no picture that can be decoded, too large, or cannot be cut so.
            DeviceError: the device failed.

        """
        header = self.header(picture)
        rows = imaging.prepare_rows(picture, region, resize=self._fit, color=self.spec.color, tiles=self.spec.tiles)
        most = self.buckets[-1]
        found: list[Detections] = []
        for start in range(0, len(rows), most):
            found += self.detect(rows[start : start + most]).detections
        return self.merge(found, header, region)

    def detect(self, batch: Sequence[Prepared], stages: list[StageTimes] | None = None) -> BatchResult:
        """Run frames together, padded to the next bucket; blocks until their detections are ready.

        Args:
            batch: 1 to `buckets[-1]` frames. Only read.
            stages: Gets how long copying and computing took, where the device tells them apart, as a calibration wants
                to know; None: nobody asks, as when serving.

        Raises:
            DeviceError: the device failed; no frame of the batch has an answer.
            ValueError: the batch is empty or too large.

        """
        bucket = next((size for size in self.buckets if size >= len(batch)), 0)
        if not batch or not bucket:
            raise ValueError(f"batch has {len(batch)} frames; it must have 1 to {self.buckets[-1]}")
        images, rows = _in_place(batch, bucket)
        buffer = None
        if images is None:
            buffer = self._take_buffer()
            for row, frame in zip(buffer, batch, strict=False):  # rows left over keep an older picture, and are ignored
                np.copyto(row, frame.pixels)
            images = buffer[:bucket]
        submitted_ns = now_ns()
        try:
            outputs, started_ns, finished_ns = self._engine.run(images, stages)
        finally:
            if buffer is not None:
                self._free.append(buffer)
        geometries = [batch[0].geometry] * (max(rows) + 1)
        for row, frame in zip(rows, batch, strict=True):
            geometries[row] = frame.geometry
        found = read_batch(outputs, geometries, self.spec, fused=self.report.fused)
        return BatchResult([found[row] for row in rows], bucket, submitted_ns, started_ns, finished_ns, now_ns())

    def _take_buffer(self) -> npt.NDArray[np.uint8]:
        """A buffer that no other thread fills; asking the list first whether it is empty would be a race."""
        try:
            return self._free.pop()
        except IndexError:
            buffer = np.zeros((self.buckets[-1], self._fit.height, self._fit.width, 3), np.uint8)
            self._engine.pin(buffer)
            return buffer

    def pin(self, array: npt.NDArray[Any]) -> None:
        """Learn that frames' pixels will lie in this array, so that a device may copy from it faster. Never fails."""
        self._engine.pin(array)

    def reopen(self) -> None:
        """Load the model anew, after failures that the device may not have survived whole; `detect` waits meanwhile.

        Raises:
            DeviceError: it cannot be loaded any more.

        """
        self._engine.reopen()

    def close(self) -> None:
        """Give the device back; no `detect` may follow."""
        self._engine.close()


def _in_place(batch: Sequence[Prepared], bucket: int) -> tuple[npt.NDArray[np.uint8] | None, list[int]]:
    """The batch as a piece of the memory in which its pictures lie, and each frame's row; None if it is no such piece.

    Rows in between that belong to other frames are run like padding, and ignored.
    """
    if bucket == 1:
        return batch[0].pixels[None], [0]
    store = batch[0].store
    if store is not None and all(frame.store is store for frame in batch):
        slots = [frame.slot for frame in batch]
        first = min(*slots, len(store) - bucket)
        if first >= 0 and max(slots) - first < bucket:
            return store[first : first + bucket], [slot - first for slot in slots]
    return None, list(range(len(batch)))
