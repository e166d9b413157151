"""A model on a device: one session, opened and reopened, and what it is fed. uint8 pictures in, arrays out.

What the arrays mean is unknown here. How they get to the device and back is in `device.binding`, with what it computes
in `device.providers`. onnxruntime's exceptions end here.
"""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnxruntime

from framebatch.device.binding import BoundSession, CaptureError, DirectSession
from framebatch.device.cuda import CudaMemory, cuda_runtime, pin
from framebatch.device.failures import device_error, reason
from framebatch.device.gate import CAPTURES, Gate
from framebatch.device.graph import PICTURES, convert_on_host
from framebatch.device.lane import Port
from framebatch.device.options import EngineOptions
from framebatch.device.providers import CPU, device_name, open_session
from framebatch.device.turns import turns_of
from framebatch.errors import DeviceError, DeviceMemoryError, ModelError
from framebatch.logs import event

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from framebatch.device.devices import Device
    from framebatch.device.model_file import ModelFile
    from framebatch.device.program import Program
    from framebatch.device.stages import StageTimes

__all__ = ["OnnxEngine", "run_once"]

log = logging.getLogger(__name__)

_NOTHING: Final = 4


class OnnxEngine:
    """One program, loaded on one device.

    `run` may be called from several threads, and all engines of a process take turns on a device. On a processor one batch runs after the other, in no promised order among
    those that wait; on a GPU one computes while a second is copied. After `close` it must not be called.
    """

    simulated: Final = False

    def __init__(
        self, program: Program, device: Device, *, options: EngineOptions | None = None, max_batch: int = 1
    ) -> None:
        """Load a program.

        Args:
            program: What to run.
            device: Of kind `auto`, `cpu` or `cuda`.
            options: How; default: `EngineOptions()`.
            max_batch: The largest batch: a GPU's buffers are taken for it, now. A program of one batch size overrules it.

        Raises:
            ModelError: onnxruntime cannot load the program.
            DeviceMemoryError: the program or the buffers do not fit the device's memory.
            DeviceError: the GPU that was asked for cannot be used.

        """
        if max_batch < 1:
            raise ValueError(f"max_batch is {max_batch}; it must be at least 1")
        self.program: Final = program
        self._asked = device
        self._options = options or EngineOptions()
        self._max_batch = program.batch_size or max_batch
        self._gate = Gate()
        self._graphs = self._options.cuda_graph and self._options.provider != "tensorrt"
        self._batches = 0
        self._session: DirectSession | BoundSession | None = None
        self.provider = CPU
        self._open()
        if self.provider != CPU:
            self._asked = dataclasses.replace(device, kind="cuda")  # reopened, it must not become the processor
        self.device = device_name(device, self._options, self.provider)

    def __repr__(self) -> str:
        where = "graph" if self.program.pictures_in else "host"
        return f"<OnnxEngine {self.device}, input conversion in the {where}, {self._batches} batches run>"

    def run(
        self, images: npt.NDArray[np.uint8], stages: list[StageTimes] | None = None
    ) -> tuple[list[npt.NDArray[Any]], int, int]:
        """Run one batch; blocks until it is done.

        Args:
            images: uint8 (b, H, W, 3), C-contiguous, in the model's colour order. Only read, and not kept.
            stages: Gets the batch's parts, where copies are told apart from computing; None: nobody asks.

        Returns:
            The program's outputs with b first, in its own types but float32 for float16, and when the device started
            and finished computing (`clock.now_ns`).

        Raises:
            DeviceMemoryError: there was no memory left for it. A smaller batch may succeed.
            DeviceError: the run failed. Another batch may succeed; if none does, one after `reopen` may.

        """
        feeds = {PICTURES: images} if self.program.pictures_in else convert_on_host(images, self.program.form)
        try:
            outputs, started_ns, finished_ns = self._run(feeds, stages)
        except CaptureError as error:
            self._give_up_graphs(error)
            outputs, started_ns, finished_ns = self._run(feeds, stages)
        self._batches += 1
        return [_widened(output) for output in outputs], started_ns, finished_ns

    def pin(self, array: npt.NDArray[Any]) -> None:
        """Lock an array's pages in memory where a GPU copies faster from it then; see `cuda.pin`. Never fails.

        Args:
            array: C-contiguous, a whole allocation, and used for long: locking takes longer than copying.

        """
        runtime = None if self.provider == CPU else cuda_runtime()
        if runtime is not None:
            with CAPTURES.together():
                pin(runtime, array)

    def reopen(self) -> None:
        """Build the session anew once no run is under way: after failures that it may not have survived whole.

        Its memory is given back first. Runs that come meanwhile wait.

        Raises:
            DeviceError: it cannot be opened any more; `run` fails from now on, and `reopen` may be tried again.

        """
        with self._gate.alone():
            self._shut()
            try:
                self._open()
            except ModelError as error:
                raise DeviceError(f"{self.device} could not be reopened: {error}") from error

    def close(self) -> None:
        """Give the device's memory back, once no run is under way. Calling it twice does no harm."""
        with self._gate.alone():
            self._shut()

    def _run(
        self, feeds: dict[str, npt.NDArray[Any]], stages: list[StageTimes] | None
    ) -> tuple[list[npt.NDArray[Any]], int, int]:
        with self._gate.together():
            doing = f"{self.device} failed on a batch of {len(next(iter(feeds.values())))}"
            if self._session is None:
                raise DeviceError(f"{doing}: it is closed")
            try:
                return self._session.run(feeds, stages)
            except CaptureError:
                raise
            except Exception as error:  # onnxruntime has a dozen unrelated exception types
                raise device_error(error, doing) from error

    def _open(self) -> None:
        """Open the session, with graphs where they are wanted and possible."""
        if self._graphs:
            try:
                self._session = self._opened(graphs=True)
            except DeviceMemoryError:
                raise  # graphs may be possible when there is more
            except (CaptureError, ModelError, DeviceError) as error:  # what has other reasons fails again below
                log.warning(
                    "CUDA graphs cannot be used, which costs speed: %s",
                    error,
                    extra=event("graphs.unused", reason=error),
                )
                self._graphs = False
            else:
                return
        self._session = self._opened(graphs=False)

    def _opened(self, *, graphs: bool) -> DirectSession | BoundSession:
        with CAPTURES.together():
            session, self.provider = open_session(
                self.program, self._asked, self._options, max_batch=self._max_batch, graphs=graphs
            )
            turns = turns_of("cpu" if self.provider == CPU else f"cuda:{self._asked.index}")
            if self.provider == CPU:
                return DirectSession(session, turns)
            runtime = cuda_runtime()
            if runtime is None:
                log.warning(
                    "no CUDA runtime library was found beside onnxruntime's own: copies wait for computations",
                    extra=event("device.no_runtime"),
                )
                return DirectSession(session, turns)
            try:
                return BoundSession(
                    session,
                    CudaMemory(runtime, self._asked.index),
                    inputs=self._inputs(),
                    capacity=self._max_batch,
                    turns=turns,
                    graphs=graphs,
                )
            except DeviceError as error:
                raise device_error(error, f"no buffers for batches of {self._max_batch}") from error

    def _inputs(self) -> list[Port]:
        form = self.program.form
        if self.program.pictures_in:
            return [Port(PICTURES, "uint8", (form.height, form.width, 3))]
        extras = [Port(name, str(value.dtype), value.shape[1:]) for name, value in form.extras.items()]
        return [Port(form.name, form.dtype, (3, form.height, form.width)), *extras]

    def _give_up_graphs(self, error: CaptureError) -> None:
        with self._gate.alone():
            if self._graphs:
                log.warning(
                    "CUDA graphs are given up, which costs speed: %s",
                    error,
                    extra=event("graphs.given_up", reason=error),
                )
                self._graphs = False
                self._shut()
                self._open()

    def _shut(self) -> None:
        """Close the session; a device that is broken may refuse even that, and then it is gone anyway."""
        session, self._session = self._session, None
        if session is not None:
            with CAPTURES.together():
                try:
                    session.close()
                except DeviceError as error:
                    log.warning(
                        "%s did not close: %s",
                        self.device,
                        error,
                        extra=event("device.not_closed", device=self.device, reason=error),
                    )


def run_once(
    model: ModelFile, image: npt.NDArray[np.floating[Any]], extras: Mapping[str, npt.NDArray[Any]] | None = None
) -> list[npt.NDArray[Any]]:
    """Run a model as it is on the processor, once, to see what comes out: slow to set up, nothing is kept.

    Args:
        model: The file.
        image: What its first input wants that is not among `extras`.
        extras: What the others want, by name.

    Raises:
        ModelError: it cannot be loaded or does not take this input.

    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _NOTHING  # what fails is raised, and need not be printed too
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    feed = {**(extras or {})}
    feed[next(tensor.name for tensor in model.inputs if tensor.name not in feed)] = image
    try:
        session = onnxruntime.InferenceSession(str(model.path), options, providers=[CPU])
        return [np.asarray(output) for output in session.run(None, feed)]
    except Exception as error:
        raise ModelError(f"model {model.path} does not run on an input of {image.shape}: {reason(error)}") from error


def _widened(output: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return output.astype(np.float32) if output.dtype == np.float16 else output
