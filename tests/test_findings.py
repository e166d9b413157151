"""framebatch.calibration.findings: what was found at any moment is worth a profile."""

from __future__ import annotations

from pathlib import Path

import pytest

from framebatch.calibration.findings import Findings, Loaded, soak_of
from framebatch.calibration.points import Failure, Point
from framebatch.calibration.wanted import Wanted
from framebatch.device.devices import Device
from framebatch.device.meter import MemoryTotal, Reading
from framebatch.profile import Fingerprint

MS = 1_000_000
CREATED = "2026-11-20T14:03:07+00:00"
LADDER = (1, 2, 3, 4, 6, 8)
FINGERPRINT = Fingerprint(
    device="d",
    driver="",
    runtime="r",
    provider="p",
    options={},
    model_sha256="0" * 64,
    input_width=64,
    input_height=64,
    precision="float32",
)
WANTED = Wanted(model=Path("m.onnx"), device=Device(kind="cpu"), command="c", memory_fraction=1.0)


def ran(batch: int, *, number: int = 0) -> Point:
    """A size that took 10 ms and 1 ms for every frame, and 100 bytes and 10 for every frame."""
    return Point(
        batch=batch,
        number=number,
        samples_ns=((10 + batch) * MS,) * 10,
        reading=Reading(memory_bytes=100 + 10 * batch),
    )


def failed(batch: int, *, number: int = 0, failure: Failure = "crash", samples: int = 0) -> Point:
    """A size that did not, perhaps after some batches."""
    return Point(batch=batch, number=number, samples_ns=(MS,) * samples, failure=failure, why=f"{batch} broke")


def found(*points: Point) -> Findings:
    """All of these, on a host of 1000 bytes."""
    loaded = Loaded("m", Device(kind="cpu"), simulated=False, batch_size=None, fingerprint=FINGERPRINT)
    return Findings(loaded=loaded, ladder=LADDER, points=list(points), memory=MemoryTotal("host", 1000, 200))


def test_one_size_is_enough_for_a_profile() -> None:
    """As when it was stopped early: it says so, and chooses what there is."""
    profile = found(ran(1)).profile(WANTED, created=CREATED, seconds=1.0, complete=False)
    assert [bucket.batch for bucket in profile.buckets] == [1]
    assert (profile.choice.max_batch, profile.ceiling.largest_ran, profile.run.complete) == (1, 1, False)
    assert (profile.model, profile.run.command, profile.idle, profile.soak) == ("m", "c", (), None)


def test_what_failed_bounds_the_choice() -> None:
    """Its samples are not used, and larger sizes that ran once do not count."""
    decision = found(ran(1), ran(2), ran(4), failed(3, samples=5, failure="memory")).decide(WANTED)
    assert (decision.ceiling.largest_ran, decision.ceiling.smallest_failed) == (2, 3)
    assert (decision.ceiling.why, decision.ceiling.failure) == ("3 broke", "memory")
    assert decision.choice.max_batch == 2


def test_the_latest_try_of_a_size_counts() -> None:
    """A crash that does not come again is forgiven; the smallest size is what is left at the worst."""
    assert found(ran(1), failed(2), ran(2, number=1)).failed() == {}
    assert list(found(ran(1), ran(2), failed(2, number=1)).failed()) == [2]
    assert found(ran(1), ran(2), failed(1, number=1)).decide(WANTED).ceiling.largest_ran == 2


def test_a_soak_that_fails_lets_a_smaller_size_be_chosen() -> None:
    """And its own result is told when it held."""
    findings = found(*map(ran, LADDER))
    assert findings.decide(WANTED).choice.max_batch == 8
    for point in (failed(8, samples=3), ran(6)):
        findings.soaks.append((soak_of(point), point))
    profile = findings.profile(WANTED, created=CREATED, seconds=1.0, complete=True)
    assert (profile.choice.max_batch, profile.ceiling.smallest_failed, profile.ceiling.why) == (6, 8, "8 broke")
    assert profile.soak is not None
    assert (profile.soak.batch, profile.soak.failed) == (6, "")


def test_memory_is_what_each_size_took_at_its_peak() -> None:
    """Of those that ran; the line goes through them."""
    findings = found(ran(1), ran(2), ran(4), failed(8))
    assert findings.memory_bytes() == {1: 110, 2: 120, 4: 140}
    memory = findings.decide(WANTED).memory
    assert memory is not None
    assert (memory.kind, memory.total_bytes, memory.others_bytes) == ("host", 1000, 200)
    assert memory.line is not None
    assert memory.line.bytes_per_frame == pytest.approx(10)


def test_the_penalty_of_idling_is_against_batches_without_a_pause() -> None:
    """And not below zero."""
    findings = found(ran(1))
    findings.busy_ns += [10 * MS, 11 * MS, 12 * MS]
    findings.rested_ns |= {1000: [20 * MS, 13 * MS, 14 * MS], 100: [9 * MS]}
    profile = findings.profile(WANTED, created=CREATED, seconds=1.0, complete=True)
    assert [(each.idle_ns, each.penalty_ns, each.n) for each in profile.idle] == [(100, 0, 1), (1000, 3 * MS, 3)]


def test_a_soak_is_summed_up() -> None:
    """The last tenth over the first shows a device that grows warm."""
    point = Point(batch=4, samples_ns=tuple(MS * (100 + number) for number in range(20)))
    soak = soak_of(point)
    assert (soak.batch, soak.batches, soak.seconds, soak.median_ns) == (4, 20, 2.19, 109_500_000)
    assert soak.last_over_first == pytest.approx(118.5 / 100.5, abs=1e-4)
    nothing = soak_of(failed(4))
    assert (nothing.batches, nothing.failed) == (0, "4 broke")


def test_a_full_run_wants_every_size_twice() -> None:
    """Also those that were not measured yet, whose time is foretold from their neighbours."""
    findings = found(ran(1), ran(2), ran(4))
    assert [(each.batch, each.service_ns / MS, each.width is None) for each in findings.unfinished(quick=False)] == [
        (1, 11, False),
        (2, 12, False),
        (3, 13, True),
        (4, 14, False),
    ]


def test_a_quick_run_wants_what_it_climbed_and_one_size_between() -> None:
    """The largest; once that was measured, no other. What is known fairly is done."""
    findings = found(ran(1), ran(2), ran(4), ran(8))
    assert [each.batch for each in findings.unfinished(quick=True)] == [6]
    findings.points.append(ran(6))
    assert findings.unfinished(quick=True) == []


def test_a_size_that_ran_and_then_failed_gets_one_more_chance() -> None:
    """One that never ran gets none, nor one that failed twice."""
    findings = found(ran(1), ran(2), ran(4), failed(3), failed(2, number=1))
    assert [each.batch for each in findings.unfinished(quick=False)] == [1, 2, 4]
    findings.points.append(failed(2, number=2))
    assert [each.batch for each in findings.unfinished(quick=False)] == [1, 4]
