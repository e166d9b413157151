"""framebatch.planning.service: what batches take in a simulation."""

from __future__ import annotations

from math import exp, log, sqrt
from statistics import fmean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st
from played import DEVICE, MS, TABLE, dice
from profiles import make_profile

from framebatch.device.devices import parse_device
from framebatch.device.simulated import SimulatedEngine
from framebatch.planning.service import DeviceModel


def drawn(device: DeviceModel, frames: int, count: int, now_ns: int = 0) -> list[int]:
    """Answer what so many batches take."""
    rng = dice(1)
    return [device.draw(frames, now_ns, rng) for _ in range(count)]


@pytest.mark.parametrize(("frames", "takes_ms"), [(1, 3), (2, 4), (3, 6), (5, 10), (8, 10)])
def test_without_noise_a_batch_takes_what_its_bucket_takes(frames: int, takes_ms: int) -> None:
    """Padding included."""
    assert drawn(DEVICE, frames, 2) == [takes_ms * MS] * 2


def test_a_simulated_device_has_the_noise_of_the_servers_own() -> None:
    """Mean 1, and the coefficient of variation that its name says: as the engine that the server runs."""
    device = parse_device("sim:6,3,0.2")
    model = DeviceModel.of_simulated(device)
    engine = SimulatedEngine(alpha_ns=device.alpha_ns, beta_ns=device.beta_ns, output_shapes=[(1,)], noise=device.noise)
    of_model, of_engine = sorted(drawn(model, 4, 4000)), sorted(engine._service_ns(4) for _ in range(4000))
    for share in (0.1, 0.5, 0.9):
        assert of_model[int(4000 * share)] == pytest.approx(of_engine[int(4000 * share)], rel=0.03)
    assert fmean(of_model) == pytest.approx(18 * MS, rel=0.02)
    assert model.spread == (1.0, 1.0)


def test_a_profile_gives_its_medians_and_its_spread() -> None:
    """Half of the batches take less than the table says; a tenth less than the low ratio, a tenth more than the high."""
    profile = make_profile()
    model = DeviceModel.of_profile(profile)
    low, high = model.spread
    assert model.table == profile.table()
    assert model.name == f"{profile.model} on {profile.fingerprint.device}"
    assert low <= 1 <= high
    times = drawn(model, 1, 4000)
    assert median(times) == pytest.approx(model.table.by_size_ns[1], rel=0.02)
    ratio = sorted(times)[3600] / sorted(times)[400]
    assert ratio == pytest.approx(high / low, rel=0.1)


@given(st.integers(0, 10**12), st.floats(0, 1), st.integers(1, 8))
def test_a_throttled_device_is_slower_from_then_on(now_ns: int, sigma: float, frames: int) -> None:
    """By the factor, and with the same noise."""
    slow = DeviceModel(name="slow", table=TABLE, sigma=sigma, slow_from_ns=5 * 10**11, slow_factor=1.5)
    plain = DeviceModel(name="plain", table=TABLE, sigma=sigma)
    factor = 1.5 if now_ns >= 5 * 10**11 else 1.0
    taken, expected = (each.draw(frames, now_ns, dice(3)) for each in (slow, plain))
    assert taken == pytest.approx(factor * expected, abs=1)


def test_a_device_that_was_seen_is_as_slow_as_it_was_then() -> None:
    """Whatever the size; its spread is not drawn in addition."""
    seen = DeviceModel(name="seen", table=TABLE, sigma=0.5, seen=((100 * MS, 200 * MS), (1.0, 1.5)))
    assert drawn(seen, 1, 2, now_ns=0) == [3 * MS] * 2
    assert drawn(seen, 8, 2, now_ns=149 * MS) == [10 * MS] * 2
    assert drawn(seen, 8, 2, now_ns=900 * MS) == [15 * MS] * 2


def test_sigma_is_that_of_the_logarithm() -> None:
    """A lognormal of coefficient of variation c has sigma^2 = log(1 + c^2)."""
    model = DeviceModel.of_simulated(parse_device("sim:6,3,0.5"))
    assert model.sigma == pytest.approx(sqrt(log(1.25)))
    assert exp(model.sigma**2) - 1 == pytest.approx(0.25)
