"""framebatch.profile.comparing and its verdict: what changed between two profiles, and what is noise."""

from __future__ import annotations

import random
from statistics import median
from typing import TYPE_CHECKING

import pytest
from profiles import make_bucket, make_fingerprint, make_profile

from framebatch.profile import Bucket, Conditions, Profile
from framebatch.profile.comparing import compare
from framebatch.profile.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZES = (1, 2, 4, 8)


def verdicts(old: Profile, new: Profile) -> dict[int, str]:
    """What is said of each batch size."""
    return {change.batch: change.verdict for change in compare(old, new).changes}


def with_buckets(buckets: Sequence[Bucket], max_batch: int | None = None) -> Profile:
    """A profile with just these buckets."""
    sizes = [bucket.batch for bucket in buckets]
    return make_profile(sizes=sizes, max_batch=max_batch, buckets=tuple(buckets))


def test_a_profile_does_not_differ_from_itself() -> None:
    """Every size is noise, and the verdict says so."""
    profile = make_profile()
    comparison = compare(profile, profile)
    assert {(change.ratio, change.p, change.verdict) for change in comparison.changes} == {(1.0, 1.0, "noise")}
    assert verdict(comparison) == [
        "No batch size changed beyond noise; the largest difference is 0.0%.",
        "The chosen maximum is 16 in both.",
    ]


def test_only_the_sizes_that_changed_are_named() -> None:
    """Each by its own ratio, with an interval around it."""
    old = with_buckets([make_bucket(size) for size in SIZES])
    new = with_buckets(
        [*(make_bucket(size) for size in (1, 2)), make_bucket(4, beta_ms=3.3), make_bucket(8, beta_ms=2)]
    )
    assert verdicts(old, new) == {1: "noise", 2: "noise", 4: "slower", 8: "faster"}
    slower = compare(old, new).changes[2]
    assert slower.ratio == pytest.approx(19.2 / 18)
    assert slower.low < slower.ratio < slower.high
    assert verdict(compare(old, new))[0] == (
        "Of 4 batch sizes 1 became slower, by 6.7% at 4 and 1 became faster, by 26.7% at 8; "
        "2 did not change beyond noise."
    )


def test_comparing_the_other_way_round_gives_the_inverse() -> None:
    """Slower becomes faster, by one over the ratio, with the same p."""
    old, new = make_profile(), make_profile(beta_ms=3.5)
    there, back = compare(old, new).changes, compare(new, old).changes
    for one, other in zip(there, back, strict=True):
        assert one.ratio * other.ratio == pytest.approx(1)
        assert one.p == pytest.approx(other.p)
        assert (one.verdict, other.verdict) == ("slower", "faster")


def test_a_difference_within_the_medians_intervals_is_noise() -> None:
    """The same 5 % are clear with narrow intervals, and nothing with wide ones."""
    old, new = make_profile(n=400, spread=0.02), make_profile(n=400, spread=0.02, alpha_ms=6.3, beta_ms=3.15)
    assert set(verdicts(old, new).values()) == {"slower"}
    old, new = make_profile(n=20, spread=0.3), make_profile(n=20, spread=0.3, alpha_ms=6.3, beta_ms=3.15)
    assert set(verdicts(old, new).values()) == {"noise"}


def test_what_passes_of_one_run_disagree_by_is_noise() -> None:
    """Intervals do not know how much the host varies from minute to minute; the passes do."""
    restless = Conditions(noisy=True, disagreement=0.12)
    old, new = make_profile(conditions=restless), make_profile(alpha_ms=6.6, beta_ms=3.3)
    assert set(verdicts(old, new).values()) == {"noise"}
    assert compare(old, new).changes[0].p < 0.01
    assert "Differences up to 12.0% are noise here: passes of one run disagreed by as much." in verdict(
        compare(old, new)
    )
    assert verdict(compare(old, new))[-1] == "Take it with care: the old run was noisy."


def test_under_a_percent_is_noise() -> None:
    """However sure it is: medians are measured to a percent."""
    old, new = make_profile(spread=0.001), make_profile(spread=0.001, alpha_ms=6.03, beta_ms=3.015)
    assert compare(old, new).changes[0].p < 0.01
    assert set(verdicts(old, new).values()) == {"noise"}


def test_a_few_batches_show_nothing() -> None:
    """Fewer than six have no 95 % interval, and do not count among those that are tested."""
    assert set(verdicts(make_profile(n=5), make_profile(beta_ms=6)).values()) == {"few"}
    assert set(verdicts(make_profile(n=6), make_profile(beta_ms=6)).values()) == {"slower"}
    mixed = with_buckets([make_bucket(1, n=5), make_bucket(2)])
    assert verdict(compare(mixed, make_profile()))[0] == (
        "No batch size changed beyond noise; the largest difference is 0.0%. Too few batches were timed to tell at 1."
    )


def test_intervals_of_no_width_are_sure() -> None:
    """A simulated device without noise has them."""
    still = make_profile(spread=0.0)
    assert {change.p for change in compare(still, still).changes} == {1.0}
    assert set(verdicts(still, make_profile(beta_ms=3.5, spread=0.0)).values()) == {"slower"}


def test_sizes_that_were_not_run_are_not_tested() -> None:
    """Their fitted times are shown; sizes of only one profile are listed."""
    fitted = [make_bucket(1), make_bucket(2).model_copy(update={"measured": None}), make_bucket(4)]
    comparison = compare(with_buckets(fitted), make_profile(beta_ms=4, sizes=(2, 4, 8)))
    assert [(change.batch, change.verdict) for change in comparison.changes] == [(2, "unmeasured"), (4, "slower")]
    assert comparison.changes[0].ratio == pytest.approx(14 / 12)
    assert (comparison.only_old, comparison.only_new) == ((1,), (8,))
    assert verdict(compare(with_buckets(fitted[1:2]), make_profile()))[0] == (
        "No batch size was measured well enough in both, so nothing can be said of times."
    )


def test_other_fingerprints_are_compared_and_named() -> None:
    """Another driver is a reason to compare; that it is another is said."""
    other = make_profile(fingerprint=make_fingerprint(options={"threads": "4"}))
    comparison = compare(make_profile(), other)
    assert [each.field for each in comparison.differences] == ["options.threads"]
    assert "The two were not measured of the same thing: options.threads: '2' vs '4'." in verdict(comparison)


def test_the_maximum_memory_and_energy_are_told_where_they_changed() -> None:
    """Each in a sentence; what did not change, or nobody knows, is left out."""
    bucket = make_bucket(8)
    assert bucket.measured is not None
    before = bucket.measured.model_copy(update={"energy_joules_per_frame": 0.2, "memory_bytes": 100})
    after = before.model_copy(update={"energy_joules_per_frame": 0.25, "memory_bytes": 90})
    old, new = ([make_bucket(4), bucket.model_copy(update={"measured": each})] for each in (before, after))
    assert verdict(compare(with_buckets(old), with_buckets(new, max_batch=4)))[1:] == [
        "The chosen maximum is 4 (bound by memory), was 8 (memory).",
        "Change of memory: -10.0% to +0.0%.",
        "Change of energy per frame: +25.0%.",
    ]


def test_false_alarms_are_as_rare_as_promised() -> None:
    """Of 200 pairs of runs of one device with 5 % noise, about one in twenty has any size with p below 0.05."""
    draw = random.Random(5)  # noqa: S311 - no secret
    alarms = sum(any(change.p < 0.05 for change in compare(sampled(draw), sampled(draw)).changes) for _ in range(200))
    assert alarms <= 20  # 10 are expected; more than 20 come once in a thousand


def sampled(draw: random.Random) -> Profile:
    """A profile of times drawn around those of one device; intervals of medians as order statistics."""
    buckets = []
    for size in SIZES:
        bucket = make_bucket(size)
        assert bucket.measured is not None
        times = sorted(round(bucket.service_ns * draw.lognormvariate(0, 0.05)) for _ in range(200))
        update = {"median_ns": round(median(times)), "median_low_ns": times[85], "median_high_ns": times[114]}
        buckets.append(bucket.model_copy(update={"measured": bucket.measured.model_copy(update=update)}))
    return with_buckets(buckets)
