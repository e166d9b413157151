"""One lane to a device: buffers for one batch, and what onnxruntime is told about them.

How many lanes there are, and who may use one when, is decided in `device.binding`.
"""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import onnxruntime

from framebatch.clock import now_ns
from framebatch.device.stages import COPIED_IN, COPIED_OUT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from framebatch.device.buffers import Memory
    from framebatch.device.stages import CopyClock

__all__ = ["Lane", "Port", "outputs_of", "run_options"]

_NOTHING: Final = 4  # what fails is raised, and need not be printed too
_DTYPES: Final = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}


class Port(NamedTuple):
    """An input or output of a session."""

    name: str
    """As the graph names it."""
    dtype: str
    """In NumPy's spelling."""
    row: tuple[int, ...] | None
    """Its shape for one frame, without the batch axis; None: known only when it has been computed."""

    def size(self, count: int) -> int:
        """Bytes of `count` frames."""
        return count * math.prod(self.row or ()) * np.dtype(self.dtype).itemsize


def outputs_of(session: Any) -> list[Port]:
    """Answer a session's outputs; the shape of one is known where its first axis is the input's, and the others are fixed.

    A first axis of another name may hold anything, e.g. how many objects were found in all frames together.
    """
    batch = session.get_inputs()[0].shape[0]
    ports = []
    for output in session.get_outputs():
        dtype, shape = _DTYPES.get(output.type, ""), output.shape
        known = bool(dtype) and shape and shape[0] == batch and all(isinstance(axis, int) for axis in shape[1:])
        ports.append(Port(output.name, dtype, tuple(shape[1:]) if known else None))
    return ports


class Lane:
    """Buffers and bindings for one batch at a time."""

    def __init__(self, memory: Memory, *, first_graph: int | None = None) -> None:
        """Begin with nothing.

        Args:
            memory: Of the device.
            first_graph: If each batch size is captured as a CUDA graph: the number of the first one, batch size 0.

        """
        self._memory = memory
        self._first_graph = first_graph
        self._stack = contextlib.ExitStack()
        self._inputs: dict[str, tuple[Port, int]] = {}
        self._outputs: list[tuple[Port, int, npt.NDArray[Any]]] = []
        self._bindings: dict[int, tuple[Any, Any]] = {}
        self._stream = 0

    def take(self, inputs: Sequence[Port], outputs: Sequence[Port], capacity: int) -> None:
        """Take all the memory; what was taken before a failure is given back by `release`."""
        memory = self._memory
        self._stream = memory.open_stream()
        self._stack.callback(memory.close_stream, self._stream)
        self._inputs = {port.name: (port, self._allocate(port, capacity)) for port in inputs}
        for port in outputs:
            if port.row is None:
                self._outputs.append((port, 0, np.empty(0)))
                continue
            host = memory.host_array((capacity, *port.row), port.dtype)
            self._stack.callback(memory.release_host, host)
            self._outputs.append((port, self._allocate(port, capacity), host))

    def release(self) -> None:
        """Give it back."""
        self._bindings.clear()
        self._outputs.clear()
        self._stack.close()

    def fill(self, feeds: Mapping[str, npt.NDArray[Any]], clock: CopyClock | None = None) -> None:
        """Copy a batch in, and wait for it: by then the host's arrays are free again.

        Args:
            feeds: The array of each input.
            clock: Learns how long copying took; None: nobody asks.

        """
        arrays = {name: np.ascontiguousarray(feeds[name]) for name in self._inputs}
        if clock is not None:
            clock.mark(COPIED_IN[0], self._stream)
        for name, (_, address) in self._inputs.items():
            self._memory.copy_in(address, arrays[name], self._stream)
        if clock is not None:
            clock.mark(COPIED_IN[1], self._stream)
        self._memory.wait(self._stream)

    def bind(self, session: Any, count: int) -> None:
        """Tell onnxruntime where a batch of this size lies.

        What is read anew is bound anew each time: should a node want an input elsewhere than it lies, onnxruntime
        copies it there when it is bound, and would go on using that copy. So is what onnxruntime allocates itself: the
        array of one run would be expected to fit the next.
        """
        memory = self._memory
        if count not in self._bindings:
            binding = session.io_binding()
            for port, address, _ in self._outputs:
                if port.row is not None:
                    shape = (count, *port.row)
                    binding.bind_output(port.name, memory.kind, memory.index, np.dtype(port.dtype).type, shape, address)
            options = run_options()
            if self._first_graph is not None:
                options.add_run_config_entry("gpu_graph_id", str(self._first_graph + count))
            self._bindings[count] = binding, options
        binding, _ = self._bindings[count]
        for port, address in self._inputs.values():
            shape = (count, *(port.row or ()))
            binding.bind_input(port.name, memory.kind, memory.index, np.dtype(port.dtype).type, shape, address)
        for port, _, _ in self._outputs:
            if port.row is None:
                binding.bind_output(port.name)

    def compute(self, session: Any, count: int) -> tuple[int, int]:
        """Run what is bound; blocks until the device is done."""
        binding, options = self._bindings[count]
        started_ns = now_ns()
        session.run_with_iobinding(binding, options)
        binding.synchronize_outputs()  # the run waits by itself; what is read too early would be a wrong answer
        return started_ns, now_ns()

    def fetch(self, count: int, clock: CopyClock | None = None) -> list[npt.NDArray[Any]]:
        """Copy the outputs out, into arrays of their own.

        Args:
            count: The batch's frames.
            clock: Learns how long copying took; None: nobody asks.

        """
        if clock is not None:
            clock.mark(COPIED_OUT[0], self._stream)
        for port, address, host in self._outputs:
            if port.row is not None:
                self._memory.copy_out(host[:count], address, self._stream)
        if clock is not None:
            clock.mark(COPIED_OUT[1], self._stream)
        self._memory.wait(self._stream)
        binding, _ = self._bindings[count]
        known = sum(port.row is not None for port, _, _ in self._outputs)  # they were bound first
        allocated = iter(binding.get_outputs()[known:] if known < len(self._outputs) else ())
        return [next(allocated).numpy() if port.row is None else host[:count].copy() for port, _, host in self._outputs]

    def _allocate(self, port: Port, capacity: int) -> int:
        address = self._memory.allocate(port.size(capacity))
        self._stack.callback(self._memory.release, address)
        return address


def run_options() -> Any:
    """Options of a run that prints nothing."""
    options = onnxruntime.RunOptions()
    options.log_severity_level = _NOTHING
    return options
