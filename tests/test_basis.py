"""framebatch.app.basis: what a profile means for the batches that a loaded detector runs."""

from __future__ import annotations

import pytest
from profiles import MIB, make_fingerprint, make_profile

from framebatch.app.basis import Basis, above_choice, adopted, beyond, cut
from framebatch.clock import ms_to_ns
from framebatch.config import Config
from framebatch.errors import UsageError
from framebatch.profile import Allowed, Ceiling, Choice, LatencyTable

COMMAND = "framebatch calibrate --model belt.onnx"
CREATED_SECONDS = 1795183387.0  # of make_profile


def times_ms(basis: Basis | None) -> dict[int, float]:
    """Answer what each bucket takes."""
    assert basis is not None
    return dict(zip(basis.table.buckets, (each / 1e6 for each in basis.table.service_ns), strict=True))


def test_the_detectors_batch_sizes_get_the_profiles_times() -> None:
    """Those of the profile's buckets that it runs, and no others."""
    basis = cut(make_profile(alpha_ms=6, beta_ms=3), (1, 2, 3, 4))
    assert times_ms(basis) == {1: 9.0, 2: 12.0, 3: 15.0, 4: 18.0}


def test_a_size_between_two_measured_ones_lies_on_the_line_between_them() -> None:
    """For a largest batch that is none of the usual sizes."""
    basis = cut(make_profile(alpha_ms=6, beta_ms=3), (1, 2, 3, 4, 5))
    assert times_ms(basis)[5] == 21.0


@pytest.mark.parametrize("buckets", [(1, 2, 3, 4, 6), (1, 2)])
def test_nothing_is_said_of_sizes_outside_of_what_was_measured(buckets: tuple[int, ...]) -> None:
    """Below as above: a line that goes on beyond its last point is a guess."""
    assert cut(make_profile(sizes=(2, 3, 4)), buckets) is None


def test_a_model_of_a_fixed_batch_has_that_bucket_alone() -> None:
    """However many sizes the profile has."""
    assert times_ms(cut(make_profile(alpha_ms=6, beta_ms=3), (4,))) == {4: 18.0}


def test_the_spread_is_that_of_the_buckets_that_are_run() -> None:
    """The 10th and 90th percentile over the median."""
    basis = cut(make_profile(spread=0.1), (1, 2))
    assert basis is not None
    assert basis.spread == pytest.approx((0.92, 1.1), abs=1e-6)


def test_the_basis_tells_where_it_comes_from() -> None:
    """A full or a quick calibration with its reason, some runs at the start, or a simulated device's definition."""
    full = make_profile(max_batch=4)
    quick = full.model_copy(update={"run": full.run.model_copy(update={"quick": True})})
    table = LatencyTable.linear(alpha_ns=1, beta_ns=1, buckets=(1, 2))
    found = [cut(full, (1, 2, 3, 4)), cut(quick, (1, 2)), Basis(table=table, source="brief")]
    assert [basis and basis.source for basis in found] == ["profile", "quick", "brief"]
    assert [basis and basis.sentence for basis in found] == [
        f"full calibration of 2026-11-20T14:03:07+00:00: {full.choice.text}",
        f"batches of up to 2 are run; quick calibration of 2026-11-20T14:03:07+00:00: {full.choice.text}",
        "batches of up to 2; their times are measured briefly at the start",
    ]
    assert Basis(table=table, source="simulated").sentence.endswith("are known, as the device is simulated")


def test_a_profile_has_an_age_and_foretells_memory() -> None:
    """600 MiB and 40 for each frame, of 80 % of 2 GiB."""
    basis = cut(make_profile(), (1, 2, 3, 4))
    assert basis is not None
    assert basis.age_seconds(CREATED_SECONDS + 60) == 60
    assert (basis.predicted_bytes, basis.limit_bytes) == (760 * MIB, 0.8 * 2048 * MIB)


def test_without_a_profile_nothing_is_foretold() -> None:
    """None, and not zero."""
    basis = Basis(table=LatencyTable((1,), (5,)), source="brief")
    assert (basis.age_seconds(0.0), basis.predicted_bytes, basis.limit_bytes) == (None, None, None)


def test_what_the_settings_leave_open_is_as_in_the_profile() -> None:
    """The largest batch, and on a processor the threads; what somebody set stays."""
    profile, open_ = make_profile(max_batch=6), Config(model="belt.onnx")
    assert adopted(open_, None) is open_
    assert adopted(open_, profile) == Config(model="belt.onnx", max_batch=6, threads=2)
    chosen = Config(model="belt.onnx", max_batch=5, threads=1)
    assert adopted(chosen, profile) == chosen
    accelerator = make_profile(max_batch=6, fingerprint=make_fingerprint(options={"tf32": "no"}))
    assert adopted(open_, accelerator) == Config(model="belt.onnx", max_batch=6)


def test_a_batch_that_failed_is_refused() -> None:
    """Also a larger one; with the size that failed, why, and what to do."""
    failed = Ceiling(largest_ran=8, smallest_failed=12, why="out of memory")
    profile = make_profile(sizes=(1, 2, 4, 8), ceiling=failed)
    for asked in (12, 13):
        with pytest.raises(UsageError) as caught:
            beyond(profile, asked, command=COMMAND)
        assert str(caught.value) == (
            f"--max-batch is {asked}, but batches of 12 failed when this device was calibrated (out of memory); "
            f"give at most 8, or try again with {COMMAND} --max-batch {asked}"
        )


def test_a_batch_that_was_not_measured_is_told() -> None:
    """With what was, and what measures it; nothing where it was measured, or nobody asked."""
    profile = make_profile(sizes=(1, 2, 4, 8), ceiling=Ceiling(largest_ran=8))
    assert beyond(profile, 9, command=COMMAND) == (
        f"--max-batch is 9, but batches were measured up to 8 only; {COMMAND} --max-batch 9 measures up to it"
    )
    assert (beyond(profile, 8, command=COMMAND), beyond(profile, -1, command=COMMAND)) == ("", "")


def test_a_batch_above_the_choice_is_told_the_rules_that_it_breaks() -> None:
    """Those alone; a rule that may allow more is not broken."""
    choice = Choice(
        max_batch=2,
        bound_by="deadline",
        deadline_ns=ms_to_ns(40),
        memory=Allowed(max_batch=4, at_least=True, why="everything fitted"),
        deadline=Allowed(max_batch=2, why="Two batches of 3 take 54 ms."),
        throughput=Allowed(max_batch=3, why="4 brings 1 %."),
        text="2, because of the deadline.",
    )
    profile = make_profile(sizes=(1, 2, 3, 4, 6, 8), choice=choice)
    assert above_choice(profile, 2) == ""
    assert above_choice(profile, 3) == (
        "--max-batch 3 is run as asked, but the profile chose 2, because of deadline. Two batches of 3 take 54 ms."
    )
    assert above_choice(profile, 6).endswith(
        "because of deadline and throughput. Two batches of 3 take 54 ms. 4 brings 1 %."
    )
    soaked = choice.model_copy(update={"deadline": Allowed(max_batch=8, why="It fits."), "throughput": choice.memory})
    assert above_choice(profile.model_copy(update={"choice": soaked}), 4) == (
        "--max-batch 4 is run as asked, but the profile chose 2. 2, because of the deadline."
    )
