"""framebatch.device.simulated: the timing of a device, on a clock that the test holds."""

from __future__ import annotations

import statistics
import threading

import numpy as np
import pytest

from framebatch.clock import now_ns
from framebatch.device.devices import parse_device
from framebatch.device.simulated import SimulatedEngine, open_simulated
from framebatch.errors import DeviceMemoryError

MS = 1_000_000
SHAPES = [(7, 16)]


class Clock:
    """Time that passes only by sleeping, and a little more than asked for, as real sleeping does."""

    def __init__(self, overshoot_ns: int = 0) -> None:
        self.now_ns = 1_000 * MS
        self.overshoot_ns = overshoot_ns
        self.slept: list[float] = []

    def now(self) -> int:
        """Tell the time."""
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.slept.append(seconds)
        self.now_ns += round(seconds * 1e9) + self.overshoot_ns


def images(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A batch; only its length counts."""
    return np.zeros((count, 4, 4, 3), np.uint8)


def device(clock: Clock, *, noise: float = 0.0, seed: int = 0) -> SimulatedEngine:
    """1.5 ms for each batch and 0.25 ms for each frame."""
    return SimulatedEngine(
        alpha_ns=3 * MS // 2,
        beta_ns=MS // 4,
        output_shapes=SHAPES,
        noise=noise,
        seed=seed,
        now=clock.now,
        sleep=clock.sleep,
    )


def test_a_batch_takes_alpha_plus_beta_for_each_frame() -> None:
    """The call blocks exactly that long, and answers zeros."""
    clock = Clock()
    (output,), started_ns, finished_ns = device(clock).run(images(6))
    assert (started_ns, finished_ns, clock.now_ns) == (1_000 * MS, 1_003 * MS, 1_003 * MS)
    assert clock.slept == [0.003]
    assert output.shape == (6, 7, 16)
    assert not output.any()


def test_a_device_can_be_slowed_down_while_it_runs() -> None:
    """As one that throttles."""
    engine = device(Clock())
    engine.slowdown = 2.5
    _, started_ns, finished_ns = engine.run(images(6))
    assert finished_ns - started_ns == 7_500_000


def test_a_late_waking_host_does_not_delay_the_device() -> None:
    """What the sleep takes too long is the host's loss; the next batch starts when it is submitted."""
    clock = Clock(overshoot_ns=70_000)
    engine = device(clock)
    assert engine.run(images(2))[2] == 1_002 * MS
    assert engine.run(images(2))[1:] == (1_002 * MS + 70_000, 1_004 * MS + 70_000)


def test_a_batch_submitted_while_another_runs_follows_without_a_gap() -> None:
    """Two host threads keep the device busy without a pause, however late each of them wakes."""
    clock = Clock(overshoot_ns=400_000)
    both_submitted = threading.Barrier(2)
    spans: list[tuple[int, int]] = []

    def wait_for_both(seconds: float) -> None:
        both_submitted.wait(timeout=10)
        with lock:
            clock.now_ns = max(clock.now_ns, 1_000 * MS + round(seconds * 1e9) + clock.overshoot_ns)

    lock = threading.Lock()
    engine = SimulatedEngine(alpha_ns=MS, beta_ns=MS, output_shapes=SHAPES, now=clock.now, sleep=wait_for_both)
    threads = [threading.Thread(target=lambda: spans.append(engine.run(images(1))[1:])) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(spans) == [(1_000 * MS, 1_002 * MS), (1_002 * MS, 1_004 * MS)]


def test_noise_has_mean_one_and_the_spread_asked_for() -> None:
    """Lognormal: never negative; the same seed gives the same times."""
    engine = device(Clock(), noise=0.3, seed=4)
    times = [finished_ns - started_ns for _, started_ns, finished_ns in (engine.run(images(2)) for _ in range(4000))]
    assert statistics.fmean(times) == pytest.approx(2 * MS, rel=0.02)
    assert statistics.stdev(times) / statistics.fmean(times) == pytest.approx(0.3, rel=0.05)
    again = device(Clock(), noise=0.3, seed=4)
    assert again.run(images(2))[2] - 1_000 * MS == times[0]


def test_its_zeros_cannot_be_written_to() -> None:
    """They are shared by all batches."""
    (output,), _, _ = device(Clock()).run(images(2))
    with pytest.raises(ValueError, match="read-only"):
        output[0] = 1


def test_it_says_that_it_is_simulated() -> None:
    """In its name, its provider, its flag and its repr."""
    engine = device(Clock())
    engine.run(images(2))
    assert engine.device == "sim 1.5+0.25b ms (simulated)"
    assert (engine.provider, engine.simulated) == ("simulated", True)
    assert repr(engine) == "<SimulatedEngine sim 1.5+0.25b ms (simulated), 1 batches run, busy until 1002000000 ns>"


def test_on_the_real_clock_it_blocks_at_least_as_long() -> None:
    """Never shorter than the device takes."""
    engine = SimulatedEngine(alpha_ns=2 * MS, beta_ns=0, output_shapes=SHAPES)
    before_ns = now_ns()
    _, started_ns, finished_ns = engine.run(images(1))
    assert finished_ns - started_ns == 2 * MS
    assert now_ns() - before_ns >= 2 * MS


@pytest.mark.parametrize(("alpha_ns", "beta_ns", "noise"), [(0, 0, 0.0), (-1, 5, 0.0), (1, 1, -0.1)])
def test_impossible_devices_are_refused(alpha_ns: int, beta_ns: int, noise: float) -> None:
    """A batch takes some time, and spread is no negative number."""
    with pytest.raises(ValueError, match="must"):
        SimulatedEngine(alpha_ns=alpha_ns, beta_ns=beta_ns, output_shapes=SHAPES, noise=noise)


def test_a_batch_beyond_its_memory_fails_as_a_device_does() -> None:
    """It takes no time; smaller ones succeed, before and after it is loaded anew."""
    clock = Clock()
    engine = SimulatedEngine(alpha_ns=MS, beta_ns=0, output_shapes=SHAPES, capacity=2, now=clock.now, sleep=clock.sleep)
    with pytest.raises(DeviceMemoryError, match="failed on a batch of 3: its memory holds 2 frames"):
        engine.run(images(3))
    assert clock.slept == []
    assert len(engine.run(images(2))[0][0]) == 2
    engine.reopen()
    engine.pin(images(2))
    assert len(engine.run(images(1))[0][0]) == 1
    with pytest.raises(ValueError, match="capacity is 0; it must be at least 1"):
        SimulatedEngine(alpha_ns=MS, beta_ns=0, output_shapes=SHAPES, capacity=0)


def test_its_memory_holds_a_model_and_the_largest_batch_so_far() -> None:
    """Beyond the limit a batch fails without taking time or memory; loaded anew, the room for batches is free again."""
    clock = Clock()
    engine = SimulatedEngine(
        alpha_ns=MS,
        beta_ns=0,
        output_shapes=SHAPES,
        base_bytes=100,
        frame_bytes=10,
        limit_bytes=130,
        now=clock.now,
        sleep=clock.sleep,
    )
    assert (engine.memory_bytes, engine.memory_limit_bytes) == (100, 130)
    engine.run(images(2))
    engine.run(images(1))
    assert engine.memory_bytes == 120
    slept = list(clock.slept)
    with pytest.raises(
        DeviceMemoryError, match="failed on a batch of 4: it needs 140 bytes of memory, and there are 130"
    ):
        engine.run(images(4))
    assert (engine.memory_bytes, clock.slept) == (120, slept)
    assert len(engine.run(images(3))[0][0]) == 3
    engine.reopen()
    assert engine.memory_bytes == 100


def test_memory_that_is_not_simulated_is_not_told() -> None:
    """Nobody knows how much a batch takes; and a model beyond its memory is not loaded at all."""
    assert device(Clock()).memory_bytes is None
    with pytest.raises(DeviceMemoryError, match="cannot hold the model: it takes 2 bytes of 1"):
        SimulatedEngine(alpha_ns=MS, beta_ns=0, output_shapes=SHAPES, base_bytes=2, limit_bytes=1)
    with pytest.raises(ValueError, match="base_bytes is 0, frame_bytes -1; they must be at least 0"):
        SimulatedEngine(alpha_ns=MS, beta_ns=0, output_shapes=SHAPES, frame_bytes=-1)


def test_a_device_is_opened_by_its_name() -> None:
    """With its memory, and with noise that follows the seed."""
    wanted = parse_device("sim:1,2,0.5,10,1,20")
    one, other = (open_simulated(wanted, SHAPES, seed=seed) for seed in (1, 2))
    assert (one.memory_bytes, one.memory_limit_bytes) == (10 << 20, 20 << 20)
    times = [finished_ns - started_ns for _, started_ns, finished_ns in (each.run(images(1)) for each in (one, other))]
    assert times[0] != times[1]
