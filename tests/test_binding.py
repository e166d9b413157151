"""framebatch.device.binding and .lane: what is bound gives the answers that plain runs give, two batches at a time."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest
import tiny_models
from fake_cuda import FakeCuda

from framebatch.device.binding import LANES, BoundSession, CaptureError, DirectSession
from framebatch.device.buffers import HostMemory
from framebatch.device.cuda import CudaMemory, CudaRuntime
from framebatch.device.gate import CAPTURES, Gate
from framebatch.device.lane import Port, outputs_of
from framebatch.device.stages import StageTimes
from framebatch.errors import DeviceMemoryError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from framebatch.device.buffers import Memory

IMAGES = Port("images", "float32", (3, tiny_models.SIDE, tiny_models.SIDE))


def open_session(path: Path) -> Any:
    """Load a model on the processor, as the engine does on a device."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def images(count: int, seed: int = 0) -> dict[str, npt.NDArray[np.float32]]:
    """Make noise."""
    shape = (count, 3, tiny_models.SIDE, tiny_models.SIDE)
    return {"images": np.random.default_rng(seed).random(shape, np.float32)}


class FakeGpu(CudaMemory):
    """The code for a GPU on memory that onnxruntime knows as the processor's."""

    kind = "cpu"  # type: ignore[misc] # another constant than the GPU's


@pytest.fixture(params=["host", "gpu"])
def memory(request: pytest.FixtureRequest) -> Memory:
    """Both kinds of memory."""
    return HostMemory() if request.param == "host" else FakeGpu(CudaRuntime(FakeCuda()), 0)


@pytest.mark.parametrize("graphs", [False, True])
def test_bound_answers_are_the_plain_ones_at_every_batch_size(tmp_path: Path, memory: Memory, *, graphs: bool) -> None:
    """Also after larger and smaller batches, whose rows the buffers still hold."""
    session = open_session(tiny_models.colours(tmp_path / "m.onnx"))
    plain = DirectSession(session)
    bound = BoundSession(session, memory, inputs=[IMAGES], capacity=4, graphs=graphs)
    for seed, count in enumerate([4, 1, 3, 2, 4, 1]):
        expected, _, _ = plain.run(images(count, seed))
        found, started_ns, finished_ns = bound.run(images(count, seed))
        assert started_ns <= finished_ns
        np.testing.assert_array_equal(found[0], expected[0])
    assert repr(bound) == (
        f"<BoundSession, 2 of {LANES} lanes idle, up to 4 frames{', graphs of [1, 2, 3, 4]' if graphs else ''}>"
    )
    bound.close()


def test_what_was_answered_is_not_overwritten(tmp_path: Path, memory: Memory) -> None:
    """A caller may keep it for as long as he likes."""
    bound = BoundSession(open_session(tiny_models.identity(tmp_path / "m.onnx")), memory, inputs=[IMAGES], capacity=2)
    kept = [bound.run(images(2, seed))[0][0] for seed in range(2 * LANES)]
    for seed, found in enumerate(kept):
        np.testing.assert_array_equal(found, images(2, seed)["images"])


def test_outputs_of_unknown_size_are_allocated_for_each_run(tmp_path: Path, memory: Memory) -> None:
    """As many rows as were found, in whatever order sizes come; the other output is bound."""
    nodes = [
        onnx.helper.make_node("NonZero", ["images"], ["places"]),
        onnx.helper.make_node("Identity", ["images"], ["same"]),
        onnx.helper.make_node("Cast", ["places"], ["found"], to=onnx.TensorProto.FLOAT),
    ]
    path = tiny_models.save(tmp_path / "m.onnx", nodes, output_shapes={"found": (4, "n"), "same": ("batch", 3, 64, 64)})
    session = open_session(path)
    assert [port.row for port in outputs_of(session)] == [None, (3, 64, 64)]
    bound = BoundSession(session, memory, inputs=[IMAGES], capacity=2)
    kept = []
    for ones in (5, 9, 0, 9):
        batch = np.zeros((2, 3, 64, 64), np.float32)
        batch.ravel()[:ones] = 1
        (found, same), _, _ = bound.run({"images": batch})
        np.testing.assert_array_equal(same, batch)
        kept.append((found, found.copy(), ones))
    for found, as_it_was, ones in kept:
        assert found.shape == (4, ones)
        np.testing.assert_array_equal(found, as_it_was)
    with pytest.raises(CaptureError, match="the size of found is known only when it has been computed"):
        BoundSession(session, memory, inputs=[IMAGES], capacity=2, graphs=True)


def test_an_axis_of_another_name_is_not_the_batch(tmp_path: Path) -> None:
    """An export that answers the objects of all frames in one list names its first axis otherwise."""
    nodes = [onnx.helper.make_node("Identity", ["images"], ["same"])]
    path = tiny_models.save(tmp_path / "m.onnx", nodes, output_shapes={"same": ("objects", 3, 64, 64)})
    assert [port.row for port in outputs_of(open_session(path))] == [None]


@pytest.mark.parametrize("graphs", [False, True])
def test_one_batch_computes_at_a_time_and_many_threads_get_their_own_answers(tmp_path: Path, *, graphs: bool) -> None:
    """More threads than lanes, all sizes mixed."""
    session = open_session(tiny_models.identity(tmp_path / "m.onnx"))
    bound = BoundSession(session, HostMemory(), inputs=[IMAGES], capacity=4, graphs=graphs)
    spans: list[tuple[int, int]] = []

    def work(seed: int) -> None:
        for turn in range(10):
            batch = images(1 + (seed + turn) % 4, seed * 100 + turn)
            (found,), started_ns, finished_ns = bound.run(batch)
            np.testing.assert_array_equal(found, batch["images"])
            spans.append((started_ns, finished_ns))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    spans.sort()
    assert len(spans) == 40
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    bound.close()


def test_a_second_batch_is_copied_in_while_the_first_computes(tmp_path: Path) -> None:
    """That is what two lanes are for: its copy does not wait for the computation."""

    class Watched(HostMemory):
        def copy_in(self, address: int, array: npt.NDArray[Any], stream: int) -> None:
            super().copy_in(address, array, stream)
            if array[0, 0, 0, 0] == 2:
                copied.set()

    class Slow:
        """A session whose computation waits for the other batch's copy."""

        def __init__(self, session: Any) -> None:
            self._session = session

        def __getattr__(self, name: str) -> Any:
            return getattr(self._session, name)

        def run_with_iobinding(self, *arguments: Any) -> None:
            computing.set()
            assert copied.wait(20)
            self._session.run_with_iobinding(*arguments)

    computing, copied = threading.Event(), threading.Event()
    session = Slow(open_session(tiny_models.identity(tmp_path / "m.onnx")))
    bound = BoundSession(session, Watched(), inputs=[IMAGES], capacity=1)
    batches = [{"images": np.full((1, 3, 64, 64), value, np.float32)} for value in (1, 2)]
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(bound.run, batches[0])
        assert computing.wait(20)
        second = threads.submit(bound.run, batches[1])
        for answer, batch in ((first, batches[0]), (second, batches[1])):
            np.testing.assert_array_equal(answer.result()[0][0], batch["images"])


def test_a_batchs_parts_are_timed_only_when_asked(tmp_path: Path) -> None:
    """By the GPU's own clock, and the answers are the same."""
    library = FakeCuda()
    memory = FakeGpu(CudaRuntime(library), 0)
    bound = BoundSession(
        open_session(tiny_models.colours(tmp_path / "m.onnx")), memory, inputs=[IMAGES], capacity=4, graphs=False
    )
    bound.run(images(3))
    assert not [name for name in library.calls if "Event" in name]
    before, stages = len(library.taken), list[StageTimes]()
    batch = images(3)
    timed, started_ns, finished_ns = bound.run(batch, stages)
    plain, _, _ = bound.run(batch)
    np.testing.assert_array_equal(timed[0], plain[0])
    copied_in, copied_out = batch["images"].nbytes, timed[0].nbytes
    ((copy_in_ns, compute_ns, copy_out_ns),) = stages
    assert copy_in_ns == pytest.approx(copied_in * 1000, rel=1e-6)
    assert copy_out_ns == pytest.approx(copied_out * 1000, rel=1e-6)
    assert compute_ns == finished_ns - started_ns
    assert len(library.taken) == before, "the marks are given back"


def test_a_batch_that_failed_has_no_times(tmp_path: Path, memory: Memory) -> None:
    """And its lane serves the next."""
    session = open_session(tiny_models.colours(tmp_path / "m.onnx", rows=1))
    bound, stages = BoundSession(session, memory, inputs=[IMAGES], capacity=2), list[StageTimes]()
    for _ in range(LANES + 1):
        with pytest.raises(RuntimeError):
            bound.run(images(2), stages)
    assert stages == []
    bound.run(images(1), stages)
    assert len(stages) == 1


def test_on_a_processor_nothing_is_copied(tmp_path: Path) -> None:
    """So there are no parts to be told."""
    stages: list[StageTimes] = []
    DirectSession(open_session(tiny_models.identity(tmp_path / "m.onnx"))).run(images(1), stages)
    assert stages == []


def test_all_memory_is_given_back(tmp_path: Path) -> None:
    """When it is closed, and when there was not enough of it to open."""
    session = open_session(tiny_models.identity(tmp_path / "m.onnx"))
    library = FakeCuda()
    gpu = FakeGpu(CudaRuntime(library), 0)
    bound = BoundSession(session, gpu, inputs=[IMAGES], capacity=2)
    bound.run(images(2))
    assert library.taken
    bound.close()
    assert library.taken == {}
    library.refusals = {"cudaMalloc": [0, 0, 0, 2]}
    with pytest.raises(DeviceMemoryError):
        BoundSession(session, gpu, inputs=[IMAGES], capacity=2)
    assert library.taken == {}


def test_a_lane_whose_batch_failed_serves_the_next(tmp_path: Path, memory: Memory) -> None:
    """More failures than there are lanes."""
    bound = BoundSession(
        open_session(tiny_models.colours(tmp_path / "m.onnx", rows=1)), memory, inputs=[IMAGES], capacity=2
    )
    for _ in range(LANES + 1):
        with pytest.raises(RuntimeError):
            bound.run(images(2))
    assert bound.run(images(1))[0][0].shape == (1, 7, tiny_models.ANCHORS)
    with pytest.raises(ValueError, match="a batch of 3 is too large; memory was taken for 2"):
        bound.run(images(3))


def test_a_capture_that_fails_is_told_from_a_lack_of_memory(tmp_path: Path) -> None:
    """The first has a remedy: no graphs."""

    class Failing:
        """A session that refuses what is said in `texts`, run by run."""

        def __init__(self, session: Any) -> None:
            self._session = session

        def __getattr__(self, name: str) -> Any:
            return getattr(self._session, name)

        def run_with_iobinding(self, *arguments: Any) -> None:
            if texts:
                raise RuntimeError(texts.pop(0))
            self._session.run_with_iobinding(*arguments)

    texts = ["CUDA failure 900: operation not permitted", "CUDA failure 2: out of memory"]
    session = Failing(open_session(tiny_models.identity(tmp_path / "m.onnx")))
    bound = BoundSession(session, HostMemory(), inputs=[IMAGES], capacity=2, graphs=True)
    with pytest.raises(CaptureError, match="a batch of 2 cannot be captured as a CUDA graph: CUDA failure 900"):
        bound.run(images(2))
    with pytest.raises(DeviceMemoryError, match="a batch of 2 cannot be captured"):
        bound.run(images(2))
    np.testing.assert_array_equal(bound.run(images(2))[0][0], images(2)["images"])
    bound.close()


def test_while_a_graph_is_captured_nobody_else_uses_the_gpu(tmp_path: Path) -> None:
    """The first run of a batch size waits for what other engines do, and keeps them out."""
    session = open_session(tiny_models.identity(tmp_path / "m.onnx"))
    bound = BoundSession(session, HostMemory(), inputs=[IMAGES], capacity=2, graphs=True)
    with ThreadPoolExecutor(1) as threads:
        with CAPTURES.together():
            running = threads.submit(bound.run, images(2))
            while "shut" not in repr(CAPTURES):
                time.sleep(0.001)
            assert not running.done()
        assert running.result(20)[0][0].shape == (2, 3, 64, 64)
    bound.close()


def test_a_gate_lets_many_through_or_one() -> None:
    """Whoever is alone is alone, and whoever waits for that is not starved by those who come later."""
    gate, entered = Gate(), []

    def alone() -> None:
        with gate.alone():
            entered.append("alone")

    def together() -> None:
        with gate.together():
            entered.append("together")

    with gate.together():
        assert repr(gate) == "<Gate 1 inside>"
        first, second = threading.Thread(target=alone), threading.Thread(target=together)
        first.start()
        while "shut" not in repr(gate):
            time.sleep(0.001)
        second.start()
        assert entered == []
    first.join(20)
    second.join(20)
    assert entered[0] == "alone"
    assert sorted(entered) == ["alone", "together"]
