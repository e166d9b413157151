"""framebatch.scheduling.ageing: whether serving finds other times than the profile says, for long."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framebatch.profile import LatencyTable
from framebatch.scheduling import CurveWatch

if TYPE_CHECKING:
    from collections.abc import Callable

MS = 1_000_000
SECOND_NS = 1_000 * MS
TABLE = LatencyTable.linear(alpha_ns=2 * MS, beta_ns=MS, buckets=(1, 2, 4, 8))


class Serving:
    """A device that serves batches of all sizes by turns, so many a second, with noise."""

    def __init__(self, *, noise: float = 0.1, seed: int = 1, batches_per_second: int = 20) -> None:
        self.watch = CurveWatch(TABLE)
        self._chance = random.Random(seed)  # noqa: S311 - a test needs no secrecy
        self._noise = noise
        self._rate = batches_per_second
        self._now_ns = 0

    def pause(self, seconds: int) -> None:
        """Let the device idle."""
        self._now_ns += seconds * SECOND_NS

    def serve(self, seconds: float, factor: Callable[[int], float] = lambda _: 1.0) -> CurveWatch:
        """Let the device take so many times the table's, by bucket."""
        for _ in range(round(seconds * self._rate)):
            self._now_ns += SECOND_NS // self._rate
            frames = self._chance.choice(TABLE.buckets)
            noise = self._chance.lognormvariate(0, self._noise)
            self.watch.observe(frames, round(TABLE.by_size_ns[frames] * factor(frames) * noise), self._now_ns)
        return self.watch


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("noise", [0.0, 0.1, 0.3])
def test_noise_alone_is_no_reason(noise: float, seed: int) -> None:
    """Nor is a device that is 8 % slower than it was."""
    assert Serving(noise=noise, seed=seed).serve(300, lambda _: 1.08).due == ""


@pytest.mark.parametrize("factor", [1.25, 0.75])
def test_a_device_that_is_slower_or_quicker_for_long_is_a_reason(factor: float) -> None:
    """After a minute, and the sentence tells by how much and for how long."""
    serving = Serving()
    serving.serve(60)
    assert serving.serve(50, lambda _: factor).due == ""
    due = serving.serve(40, lambda _: factor).due
    assert due.endswith("times what the profile says.")
    assert float(due.split("taken ")[1].split(" times")[0]) == pytest.approx(factor, abs=0.05)


def test_a_short_disturbance_is_no_reason() -> None:
    """Half a minute of double times, again and again, with a minute of quiet between."""
    serving = Serving()
    for _ in range(5):
        assert serving.serve(30, lambda _: 2.0).due == ""
        assert serving.serve(60).due == ""


def test_few_batches_are_no_reason_however_long_they_take_to_come() -> None:
    """Eighty slow ones before an hour's pause and ten after it are not most of two hundred."""
    serving = Serving(noise=0)
    serving.serve(4, lambda _: 2.0)
    serving.pause(3600)
    assert serving.serve(0.5, lambda _: 2.0).due == ""


def test_batches_after_idling_are_left_aside() -> None:
    """A device that has little to do is slower each time it begins, which is no fault of the profile."""
    assert Serving(batches_per_second=5).serve(600, lambda _: 2.0).due == ""
    assert Serving(batches_per_second=20).serve(600, lambda _: 2.0).due != ""


def test_a_reason_stays_until_most_batches_are_back() -> None:
    """Near the threshold it does not come and go; when the device is its old self it goes."""
    serving = Serving(noise=0.02)
    serving.serve(120, lambda _: 1.3)
    assert serving.serve(60, lambda _: 1.12).due
    assert not serving.serve(30, lambda _: 1.0).due


def test_one_bucket_that_departs_from_the_others_is_a_reason() -> None:
    """The level is right, the shape is not: the sentence names the bucket and by how much."""
    due = Serving().serve(180, lambda bucket: 1.4 if bucket == 4 else 1.0).due
    assert "batches of 4 have taken 1." in due
    assert due.endswith("beside those of other sizes.")


def test_a_slower_device_has_no_departing_bucket() -> None:
    """What all buckets share is the level's business."""
    assert "of other sizes" not in Serving().serve(180, lambda _: 1.4).due


def test_padding_does_not_matter() -> None:
    """Three frames run in the bucket of four."""
    watch = CurveWatch(TABLE)
    for batch in range(3000):
        watch.observe(3, TABLE.by_size_ns[4], batch * SECOND_NS // 20)
    assert watch.factor == pytest.approx(1.0)
    assert watch.due == ""


@given(st.lists(st.tuples(st.integers(1, 8), st.integers(0, 10**12), st.integers(0, 10**9)), max_size=60))
def test_whatever_is_observed_it_goes_on(seen: list[tuple[int, int, int]]) -> None:
    """Even times of nothing, and hours between batches."""
    watch, now_ns = CurveWatch(TABLE), 0
    for frames, service_ns, pause_ns in seen:
        now_ns += pause_ns
        watch.observe(frames, service_ns, now_ns)
    assert watch.factor > 0
    assert watch.due == ""


def test_it_shows_its_state() -> None:
    """The repr names the factor, how many batches counted and what is due."""
    watch = CurveWatch(TABLE)
    watch.observe(1, TABLE.by_size_ns[1], 100 * MS)
    watch.observe(1, TABLE.by_size_ns[1], 110 * MS)
    assert repr(watch) == "CurveWatch(factor=1.000, batches=1, due='')"
