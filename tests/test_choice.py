"""framebatch.calibration.choice: the largest batch worth using, by every rule, and why."""

from __future__ import annotations

import random
from dataclasses import replace
from math import hypot

import pytest
from exact_choices import MIB, STEEP, chosen, curve_of, memory_of
from hypothesis import given
from hypothesis import strategies as st
from simulated_points import LADDER, MS, affine_ms, counts_within_budget, points_of, random_device

from framebatch.calibration.choice import choose
from framebatch.calibration.fit import Curve, fit_curve
from framebatch.calibration.memory_line import fit_memory
from framebatch.clock import SECOND_NS
from framebatch.profile import Ceiling, Memory


def test_the_deadline_holds_two_batches() -> None:
    """The largest of which two fit is allowed, and the sentence names the first of which they do not."""
    choice = chosen(deadline_ms=1000)
    assert (choice.max_batch, choice.bound_by) == (16, "deadline")
    assert choice.deadline.why == "Two batches of 24 take 1.31 s, which is more than 1 s."
    assert choice.text == (
        "Use batches of up to 16. The deadline binds: two batches of 24 take 1.31 s, which is more than 1 s. "
        "Memory would allow at least 24, throughput at least 24."
    )


def test_figures_that_nearly_agree_are_told_apart() -> None:
    """Digits are added until the sentence can be seen to be true."""
    choice = chosen(curve_of({1: 10.0, 2: 500.02}), deadline_ms=1000)
    assert choice.deadline.why == "Two batches of 2 take 1.00004 s, which is more than 1 s."


def test_a_deadline_that_nothing_meets_is_said_plainly() -> None:
    """The smallest size is used all the same, and the sentence tells the least deadline that would do."""
    choice = chosen(deadline_ms=100)
    assert (choice.max_batch, choice.deadline.max_batch, choice.bound_by) == (1, 0, "deadline")
    assert choice.text.startswith(
        "Use batches of 1. The deadline binds, and even 1 is more than it allows: two batches of 1 take 112 ms, "
        "which is more than 100 ms; a deadline of 112 ms would do."
    )


def test_throughput_allows_sizes_up_to_the_knee() -> None:
    """The smallest size from which every doubling brings less than 3 %."""
    choice = chosen(curve_of({batch: 10.0 + 20 * batch for batch in LADDER[:9]}))
    assert (choice.max_batch, choice.bound_by) == (12, "throughput")
    assert choice.throughput.why == (
        "Batches of 24 bring 2 % more frames a second than batches of 12, and no further doubling brings 3 %."
    )


def test_a_knee_is_none_while_a_later_doubling_is_worth_it() -> None:
    """A flat piece in the middle of the curve ends nothing."""
    times = {1: 10.0, 2: 12.0, 4: 24.0, 8: 30.0, 16: 59.0, 32: 118.0}
    assert chosen(curve_of(times), limit=32).throughput.max_batch == 8
    assert chosen(curve_of(times | {32: 80.0}), limit=32).throughput.at_least


def test_a_doubling_that_brings_fewer_frames_is_said_so() -> None:
    """A device that slows down with larger batches."""
    choice = chosen(curve_of({1: 10.0, 2: 25.0}), limit=2)
    assert choice.max_batch == 1
    assert choice.throughput.why.startswith("Batches of 2 bring 20 % fewer frames a second than batches of 1")


def test_another_failure_binds_by_itself() -> None:
    """A crash is no want of memory, and is told apart from it."""
    ceiling = Ceiling(largest_ran=24, smallest_failed=32, why="its process died of signal 11", failure="crash")
    choice = chosen(memory=memory_of(8192), ceiling=ceiling)
    assert (choice.max_batch, choice.bound_by, choice.memory.at_least) == (24, "failure", True)
    assert "A failure binds: a batch of 32 failed: its process died of signal 11." in choice.text


def test_another_failure_is_told_even_where_it_does_not_bind() -> None:
    """At the end."""
    ceiling = Ceiling(largest_ran=24, smallest_failed=32, why="it took too long", failure="timeout")
    choice = chosen(deadline_ms=1000, ceiling=ceiling)
    assert choice.bound_by == "deadline"
    assert choice.text.endswith("A batch of 32 failed: it took too long.")


def test_the_limit_binds_where_no_rule_does() -> None:
    """And every rule tells how far it was from binding."""
    choice = chosen(limit=8)
    assert (choice.max_batch, choice.bound_by) == (8, "limit")
    assert choice.text == (
        "Use batches of up to 8. No rule binds: nothing larger was tried. "
        "A batch of 8 ran, and nobody can tell how much memory there is. "
        "Two batches of 8 take 476 ms, and 100 s are allowed. "
        "Batches of 8 bring 13 % more frames a second than batches of 4."
    )


def test_a_model_with_a_fixed_batch_has_that_one() -> None:
    """Nothing can be compared, and the text says that there was no other."""
    choice = chosen(curve_of({8: 40.0}), limit=8)
    assert (choice.max_batch, choice.bound_by) == (8, "limit")
    assert choice.text.startswith("Use batches of 8, the only size that ran. No rule binds: nothing larger was tried.")


def test_a_fixed_batch_that_is_too_slow_is_used_all_the_same() -> None:
    """There is no smaller one."""
    choice = chosen(curve_of({8: 40.0}), limit=8, deadline_ms=50)
    assert (choice.max_batch, choice.deadline.max_batch) == (8, 0)
    assert "even 8 is more than it allows: two batches of 8 take 80 ms" in choice.text


def test_two_rules_that_allow_the_same_are_both_named() -> None:
    """The first one binds, the other would allow no more."""
    choice = chosen(deadline_ms=1000, memory=memory_of(1000, others_mib=300))
    assert choice.bound_by == "memory"
    assert choice.text.endswith("The deadline would allow no more. Throughput would allow at least 24.")


CURVES = st.builds(
    lambda alpha, beta, count: curve_of({batch: alpha + beta * batch for batch in LADDER[:count]}),
    st.floats(0.2, 30),
    st.floats(0.05, 30),
    st.integers(1, 14),
)


@given(CURVES, st.floats(0.1, 10_000), st.floats(1, 10))
def test_a_longer_deadline_never_makes_batches_smaller(curve: Curve, deadline_ms: float, factor: float) -> None:
    """The choice grows with the deadline, or stays."""
    assert chosen(curve, deadline_ms=deadline_ms).max_batch <= chosen(curve, deadline_ms=factor * deadline_ms).max_batch


def by_deadline(medians_ms: dict[int, float], deadline_ms: float) -> int:
    """Answer what the deadline allows by the true medians."""
    return max((batch for batch, time in medians_ms.items() if 2 * time <= deadline_ms), default=0)


def gains_of(medians_ms: dict[int, float]) -> dict[int, float]:
    """Answer the throughput of twice the batch over that of the batch, by the true medians."""
    return {batch: 2 * time / medians_ms[2 * batch] for batch, time in medians_ms.items() if 2 * batch in medians_ms}


def by_throughput(medians_ms: dict[int, float]) -> int:
    """Answer what throughput allows by the true medians."""
    gains = gains_of(medians_ms)
    flat = [batch for batch in gains if all(gain < 1.03 for size, gain in gains.items() if size >= batch)]
    return min(flat, default=max(medians_ms))


def half_widths(curve: Curve) -> dict[int, float]:
    """Answer half of each median's 95 % interval, as a share: how well the size was measured."""
    measured = {bucket.batch: bucket.measured for bucket in curve.buckets if bucket.measured}
    return {batch: (m.median_high_ns - m.median_low_ns) / 2 / m.median_ns for batch, m in measured.items()}


@pytest.mark.parametrize("seed", range(60))
def test_the_true_size_is_chosen_by_every_rule(seed: int) -> None:
    """On random devices with a hard memory limit, noise to 20 % and 100 s to measure.

    By memory always; by deadline and throughput whenever no true figure is closer to its threshold than the medians'
    intervals are wide to one side.
    """
    device, _ = random_device(seed)
    chance = random.Random(1000 + seed)  # noqa: S311 - a test needs no secrecy
    base, frame, total = chance.uniform(100, 800), chance.uniform(5, 120), chance.uniform(1000, 8000)
    deadline_ms = chance.choice((100, 250, 1000, 2000))
    taken = {batch: round((base + frame * batch) * MIB) for batch in LADDER if base + frame * batch <= total}
    failed = next((batch for batch in LADDER if batch not in taken), None)
    times = affine_ms(device, tuple(taken))
    curve = fit_curve(
        points_of(times, noise=device.noise, counts=counts_within_budget(times, device.noise), seed=seed), LADDER
    )
    choice = choose(
        curve,
        deadline_ns=round(deadline_ms * MS),
        limit=LADDER[-1],
        memory=Memory(
            kind="device", total_bytes=round(total * MIB), others_bytes=0, fraction=0.8, line=fit_memory(taken)
        ),
        ceiling=Ceiling(largest_ran=max(taken), smallest_failed=failed, failure="memory" if failed else ""),
    )
    medians, half = {batch: device.median_ns(batch) / MS for batch in taken}, half_widths(curve)
    assert choice.memory.max_batch == max(batch for batch in taken if base + frame * batch <= 0.8 * total)
    if all(abs(2 * time / deadline_ms - 1) > half[batch] for batch, time in medians.items()):
        assert choice.deadline.max_batch == by_deadline(medians, deadline_ms)
    if all(abs(gain - 1.03) > hypot(half[batch], half[2 * batch]) for batch, gain in gains_of(medians).items()):
        assert choice.throughput.max_batch == by_throughput(medians)


def test_noisy_large_sizes_do_not_move_the_knee() -> None:
    """After a doubling that brings nothing, one that seems to bring more counts only beyond its noise."""
    flat = {1: 10.0, 2: 20.0, 4: 40.0, 8: 80.0, 16: 160.0}
    points = points_of(flat, noise=0.2, counts=dict.fromkeys(flat, 2000) | {8: 6, 16: 6}, seed=4)
    curve = fit_curve(points, tuple(flat))
    lucky = curve.buckets[4].model_copy(update={"throughput_fps": 2 / 1.9 * curve.buckets[3].throughput_fps})
    throughput = chosen(replace(curve, buckets=(*curve.buckets[:4], lucky)), limit=16).throughput
    assert throughput.max_batch < 8
    assert throughput.why.endswith("and no further doubling surely brings 3 %.")


def test_the_default_deadline_is_no_unit_mistake() -> None:
    """A second is a second."""
    assert choose(STEEP, deadline_ns=SECOND_NS, limit=24, memory=None, ceiling=Ceiling(largest_ran=24)).max_batch == 16
