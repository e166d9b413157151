"""framebatch.device: the input conversion means the same in the graph and on the host, and devices are what they say."""

from __future__ import annotations

import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
import tiny_models

from framebatch.clock import now_ns
from framebatch.device.binding import CaptureError, DirectSession
from framebatch.device.devices import Device
from framebatch.device.engine import OnnxEngine, run_once
from framebatch.device.graph import InputFormat, convert_on_host
from framebatch.device.model_file import read_model_file
from framebatch.device.options import EngineOptions
from framebatch.device.program import build_program
from framebatch.errors import DeviceError, DeviceMemoryError, ModelError

if TYPE_CHECKING:
    from pathlib import Path

CPU = Device(kind="cpu")
FORM = InputFormat(
    name="images", width=64, height=64, batch_size=None, scale=1 / 255, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)
)
IMAGENET = InputFormat(
    name="images", width=64, height=64, batch_size=None, scale=1 / 255, mean=(0.485, 0.456, 0.406), std=(0.2, 0.3, 0.4)
)
PLAIN = InputFormat(
    name="images",
    width=64,
    height=64,
    batch_size=None,
    scale=1.0,
    mean=(103.53, 116.28, 123.675),
    std=(57.0, 58.0, 59.0),
)


def pictures(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Make noise."""
    return np.random.default_rng(count).integers(0, 256, (count, 64, 64, 3), np.uint8)


def open_engine(path: Path, form: InputFormat = FORM, *, pictures_in: bool = True, device: Device = CPU) -> OnnxEngine:
    """Load a model, on the processor if nothing else is said."""
    program = build_program(read_model_file(path), form, pictures_in=pictures_in)
    return OnnxEngine(program, device, options=EngineOptions(threads=1), max_batch=3)


def converted(
    images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], form: InputFormat = FORM
) -> np.ndarray[Any, Any]:
    """Answer what the host makes of pictures."""
    return convert_on_host(images, form)["images"]


@pytest.mark.parametrize("form", [FORM, IMAGENET, PLAIN], ids=["div255", "imagenet", "plain"])
@pytest.mark.parametrize("count", [1, 3])
def test_the_graph_converts_pictures_bit_for_bit_as_the_host_does(
    tmp_path: Path, form: InputFormat, count: int
) -> None:
    """An identity network answers exactly (pixel * scale - mean) / std, channels first."""
    engine, images = open_engine(tiny_models.identity(tmp_path / "m.onnx"), form), pictures(count)
    (found,), _, _ = engine.run(images)
    np.testing.assert_array_equal(found, converted(images, form))
    scaled = images.astype(np.float64) * form.scale
    np.testing.assert_allclose(found.transpose(0, 2, 3, 1), (scaled - form.mean) / form.std, rtol=1e-4, atol=1e-5)


def test_division_by_255_is_a_division() -> None:
    """Not a product with 1/255, which differs in the last bit; 8-bit models amplify that."""
    found = converted(pictures(1)).transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(found, pictures(1).astype(np.float32) / np.float32(255))


def test_a_model_of_half_precision_is_fed_and_read(tmp_path: Path) -> None:
    """Its input is float16; what comes out is float32."""
    path = tiny_models.identity(tmp_path / "m.onnx", dtype=onnx.TensorProto.FLOAT16)
    form = InputFormat(**{**{name: getattr(FORM, name) for name in FORM.__slots__}, "dtype": "float16"})
    (found,), _, _ = open_engine(path, form).run(pictures(2))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, converted(pictures(2), form).astype(np.float32))


def test_the_host_converts_where_the_graph_does_not(tmp_path: Path) -> None:
    """The same answer, the slow way."""
    engine = open_engine(tiny_models.identity(tmp_path / "m.onnx", opset=6), IMAGENET, pictures_in=False)
    np.testing.assert_array_equal(engine.run(pictures(2))[0][0], converted(pictures(2), IMAGENET))
    assert "input conversion in the host, 1 batches run" in repr(engine)


def test_weights_in_a_file_of_their_own_are_found(tmp_path: Path) -> None:
    """Large exports keep them beside the model."""
    path = tiny_models.colours(tmp_path / "m.onnx")
    plain = open_engine(path).run(pictures(2))[0][0]
    onnx.save_model(
        onnx.load(path),
        path,
        save_as_external_data=True,
        location="m.data",
        size_threshold=100,
        convert_attribute=False,
    )
    assert (tmp_path / "m.data").stat().st_size > 0
    np.testing.assert_array_equal(open_engine(path).run(pictures(2))[0][0], plain)


def test_a_run_tells_when_the_device_worked(tmp_path: Path) -> None:
    """Start and end lie within the call, on the one clock."""
    engine = open_engine(tiny_models.identity(tmp_path / "m.onnx"))
    before_ns = now_ns()
    _, started_ns, finished_ns = engine.run(pictures(1))
    assert before_ns <= started_ns <= finished_ns <= now_ns()


def test_two_threads_share_an_engine(tmp_path: Path) -> None:
    """Each gets the answer to its own pictures, and the device did one batch at a time."""
    engine = open_engine(tiny_models.identity(tmp_path / "m.onnx"))
    spans: list[tuple[int, int]] = []

    def work(count: int) -> None:
        for _ in range(20):
            (found,), started_ns, finished_ns = engine.run(pictures(count))
            np.testing.assert_array_equal(found, converted(pictures(count)))
            spans.append((started_ns, finished_ns))

    threads = [threading.Thread(target=work, args=(count,)) for count in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spans.sort()
    assert len(spans) == 40
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


def test_a_failed_run_is_a_device_error_and_the_next_succeeds(tmp_path: Path) -> None:
    """A batch of the wrong size fails alone."""
    engine = open_engine(tiny_models.colours(tmp_path / "m.onnx", rows=1))
    with pytest.raises(DeviceError, match=r"cpu \(.*\) failed on a batch of 2: "):
        engine.run(pictures(2))
    assert engine.run(pictures(1))[0][0].shape == (1, 7, tiny_models.ANCHORS)


def test_out_of_memory_is_told_from_other_failures(tmp_path: Path) -> None:
    """A smaller batch may succeed then, and does."""
    engine = open_engine(tiny_models.hungry(tmp_path / "m.onnx"))
    with pytest.raises(DeviceMemoryError, match=r"failed on a batch of 2: .*Failed to allocate memory"):
        engine.run(pictures(2))
    np.testing.assert_array_equal(engine.run(pictures(1))[0][0], converted(pictures(1)))


def test_a_session_is_reopened_when_the_old_one_is_gone(tmp_path: Path) -> None:
    """Its memory is free before the new one takes any, even while somebody keeps the error."""
    engine = open_engine(tiny_models.hungry(tmp_path / "m.onnx"))
    with pytest.raises(DeviceMemoryError) as caught:
        engine.run(pictures(2))
    assert isinstance(engine._session, DirectSession)
    old = weakref.ref(engine._session._session)
    alive_when_opening = []

    class Watching(OnnxEngine):
        def _open(self) -> None:
            alive_when_opening.append(old() is not None)
            super()._open()

    engine.__class__ = Watching
    engine.reopen()
    assert alive_when_opening == [False]
    assert caught.value.__cause__ is not None
    np.testing.assert_array_equal(engine.run(pictures(1))[0][0], converted(pictures(1)))


def test_a_closed_engine_says_so_and_can_be_reopened(tmp_path: Path) -> None:
    """Closing twice does no harm."""
    engine = open_engine(tiny_models.identity(tmp_path / "m.onnx"))
    engine.close()
    engine.close()
    with pytest.raises(DeviceError, match="failed on a batch of 1: it is closed"):
        engine.run(pictures(1))
    engine.reopen()
    assert engine.run(pictures(1))[0][0].shape == (1, 3, 64, 64)


def test_an_engine_is_reopened_under_load(tmp_path: Path) -> None:
    """Runs that come meanwhile wait; none fails, and none gets another's answer."""
    engine = open_engine(tiny_models.identity(tmp_path / "m.onnx"))

    def work(count: int) -> None:
        for _ in range(30):
            np.testing.assert_array_equal(engine.run(pictures(count))[0][0], converted(pictures(count)))

    with ThreadPoolExecutor(2) as threads:
        working = [threads.submit(work, count) for count in (1, 2)]
        for _ in range(5):
            engine.reopen()
        for future in working:
            future.result()


def test_pinning_does_no_harm_on_a_processor(tmp_path: Path) -> None:
    """There is nothing to lock memory for."""
    open_engine(tiny_models.identity(tmp_path / "m.onnx")).pin(pictures(2))


def test_graphs_that_cannot_be_captured_are_given_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Loudly; the batch is run without them."""

    class Refusing:
        """A session that captures nothing."""

        def run(self, feeds: object, stages: object) -> tuple[list[Any], int, int]:
            del feeds, stages
            raise CaptureError("a batch of 1 cannot be captured")

        def close(self) -> None:
            closed.append(True)

    closed: list[bool] = []
    program = build_program(read_model_file(tiny_models.identity(tmp_path / "m.onnx")), FORM)
    engine = OnnxEngine(program, CPU, options=EngineOptions(threads=1, cuda_graph=True))
    engine._session = Refusing()  # type: ignore[assignment] # no GPU is needed to refuse
    np.testing.assert_array_equal(engine.run(pictures(1))[0][0], converted(pictures(1)))
    assert closed == [True]
    assert "CUDA graphs are given up, which costs speed: a batch of 1 cannot be captured" in caplog.text


def test_a_model_that_does_not_load_is_refused(tmp_path: Path) -> None:
    """The reason that onnxruntime gives is passed on."""
    path = tmp_path / "m.onnx"
    unknown = [onnx.helper.make_node("NoSuchOperator", ["images"], ["same"])]
    tiny_models.save(path, unknown, output_shapes={"same": ("batch", 3, 64, 64)})
    with pytest.raises(ModelError, match=r"cannot be loaded by onnxruntime: .*NoSuchOperator"):
        open_engine(path)
    with pytest.raises(ModelError, match="does not run on an input of"):
        run_once(read_model_file(path), np.zeros((1, 3, 64, 64), np.float32))


def test_the_engine_names_the_processor_and_its_threads(tmp_path: Path) -> None:
    """The name is for people; the provider is what was really loaded."""
    engine = open_engine(tiny_models.identity(tmp_path / "m.onnx"))
    assert engine.device.startswith("cpu (")
    assert engine.device.endswith(", 1 thread)")
    assert (engine.provider, engine.simulated) == ("CPUExecutionProvider", False)
    assert repr(engine) == f"<OnnxEngine {engine.device}, input conversion in the graph, 0 batches run>"


def test_cuda_is_never_replaced_silently(tmp_path: Path) -> None:
    """A GPU that was asked for and is not there is an error that says what to do."""
    path = tiny_models.identity(tmp_path / "m.onnx")
    try:
        engine = open_engine(path, device=Device(kind="cuda", index=0))
    except DeviceError as error:
        assert "--device cuda:0" in str(error)  # noqa: PT017 - which of the two happens depends on the machine
        assert "--device cpu" in str(error)  # noqa: PT017 - as above
    else:
        assert engine.provider == "CUDAExecutionProvider"


@pytest.mark.gpu
@pytest.mark.parametrize("graphs", [False, True])
def test_a_gpu_answers_as_the_processor_does(tmp_path: Path, *, graphs: bool) -> None:
    """On a machine with CUDA, auto chooses it, and it converts pictures alike, in every batch size and when reopened."""
    program = build_program(read_model_file(tiny_models.identity(tmp_path / "m.onnx")), IMAGENET)
    engine = OnnxEngine(program, Device(kind="auto"), options=EngineOptions(cuda_graph=graphs), max_batch=3)
    if engine.provider != "CUDAExecutionProvider":
        pytest.skip("onnxruntime loads no CUDA here")
    for count in (3, 1, 2, 3, 1):
        images = pictures(count)
        engine.pin(images)
        np.testing.assert_allclose(engine.run(images)[0][0], converted(images, IMAGENET), rtol=1e-5)
    engine.reopen()
    assert engine.provider == "CUDAExecutionProvider"
    np.testing.assert_allclose(engine.run(pictures(2))[0][0], converted(pictures(2), IMAGENET), rtol=1e-5)
    engine.close()
