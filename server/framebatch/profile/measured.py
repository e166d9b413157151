"""The parts of a profile that say what was seen: how long batches take, what the fits foretold, how far to trust it.

What follows from the figures is in `framebatch.profile.choice`. Times are in nanoseconds.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from framebatch.profile.value import Positive, Value, check_order

__all__ = ["Bucket", "Conditions", "IdlePenalty", "KeptOut", "Measurement", "Soak", "Stages"]


class Stages(Value):
    """Medians of what a batch's time consists of; None where the provider does not tell them apart."""

    fill_ns: int | None = Field(default=None, ge=0)
    """Putting the pictures into one batch, on the host."""
    copy_in_ns: int | None = Field(default=None, ge=0)
    """Host to device."""
    compute_ns: int | None = Field(default=None, ge=0)
    """The network."""
    copy_out_ns: int | None = Field(default=None, ge=0)
    """Device to host."""
    parse_ns: int | None = Field(default=None, ge=0)
    """Reading boxes out of what came back, on the host."""


class Measurement(Value):
    """What was measured of one batch size, all passes together; outliers are kept.

    Invariant: the quantiles do not fall, and the median lies within its interval.
    """

    n: Positive
    """How many batches were timed."""
    median_ns: Positive
    """Half of the batches took no longer; device started to device finished."""
    median_low_ns: Positive
    """Lower end of the median's 95 % confidence interval."""
    median_high_ns: Positive
    """Upper end of it."""
    min_ns: Positive
    """The quickest batch."""
    max_ns: Positive
    """The slowest."""
    p10_ns: Positive
    """10th percentile."""
    p90_ns: Positive
    """90th percentile."""
    p95_ns: Positive
    """95th percentile."""
    p99_ns: Positive
    """99th percentile; with fewer than about 200 batches little more than the largest."""
    stages: Stages = Stages()
    """What the time consists of."""
    memory_bytes: int | None = Field(default=None, ge=0)
    """What a fresh process took on the device (on a processor: of the host's memory) to run this size, at its peak."""
    energy_joules_per_frame: float | None = Field(default=None, ge=0)
    """Of the whole device, divided by the frames."""
    power_watts: float | None = Field(default=None, ge=0)
    """Of the whole device, on average."""
    clock_hz: int | None = Field(default=None, ge=0)
    """The device's, in the middle of the runs."""
    temperature_celsius: float | None = None
    """The device's, in the middle of the runs."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        check_order(self, "min_ns", "p10_ns", "median_ns", "p90_ns", "p95_ns", "p99_ns", "max_ns")
        check_order(self, "median_low_ns", "median_ns", "median_high_ns")
        return self


class Bucket(Value):
    """One batch size that the device runs."""

    batch: Positive
    """Frames, padding included."""
    service_ns: Positive
    """What scheduling plans with: the fitted median, which never falls as batches grow."""
    low_ns: Positive
    """Fitted 10th percentile."""
    high_ns: Positive
    """Fitted 90th percentile."""
    throughput_fps: float = Field(gt=0)
    """Frames a second when such batches follow each other without a gap, by `service_ns`.

    Where the host's processor is the device, filling and reading take turns with computing, and are counted.
    """
    measured: Measurement | None = None
    """None: this size was not run, and lies between sizes that were."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        check_order(self, "low_ns", "service_ns", "high_ns")
        return self


class KeptOut(Value):
    """A batch size that a fit was not shown, and how well the fit foretold it."""

    batch: Positive
    """Frames."""
    predicted: float
    """What the fit says."""
    measured: float = Field(gt=0)
    """What was measured."""
    error: float
    """(predicted - measured) / measured."""


class IdlePenalty(Value):
    """How much longer the first batch of one frame takes after the device had nothing to do."""

    idle_ns: Positive
    """For how long it had nothing to do."""
    penalty_ns: int = Field(ge=0)
    """Median of first batches less the median without idling; 0 where it is no longer."""
    n: Positive
    """How many first batches were timed."""


class Soak(Value):
    """The chosen size, run without a pause, to see that it holds."""

    batch: Positive
    """The size that was run."""
    batches: int = Field(ge=0)
    """How many ran."""
    seconds: float = Field(ge=0)
    """How long it went on."""
    median_ns: int = Field(ge=0)
    """Of all its batches."""
    p99_ns: int = Field(ge=0)
    """Of all its batches."""
    last_over_first: float = Field(ge=0)
    """Median of the last tenth over that of the first: above 1 where the device grows warm, or memory scarce."""
    failed: str = ""
    """Why it ended early; the next smaller size is then soaked, and chosen."""


class Conditions(Value):
    """How far the figures can be trusted."""

    noisy: bool = False
    """Two passes over one size disagree, or times drifted within a pass."""
    busy: bool = False
    """Other processes used the device, or the processor."""
    throttled: bool = False
    """The device lowered its clocks because of heat or power."""
    disagreement: float = Field(default=0.0, ge=0)
    """Largest relative difference between the medians of two passes over one size, beyond what chance explains."""
    text: tuple[str, ...] = ()
    """What was noticed, a sentence each; empty: nothing."""
