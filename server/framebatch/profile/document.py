"""The profile: everything that one calibration found out about one model on one device, as one JSON document.

Only the shape of the document belongs here, and what must hold within it. Times are in nanoseconds, memory in bytes,
shares from 0 to 1. Fields are only added; `schema_version` rises when an old reader would misread a new document.
"""

from __future__ import annotations

from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from framebatch.profile.latency import LatencyTable

__all__ = [
    "SCHEMA_VERSION",
    "Allowed",
    "Bucket",
    "Ceiling",
    "Choice",
    "Conditions",
    "Fingerprint",
    "IdlePenalty",
    "KeptOut",
    "Measurement",
    "Memory",
    "MemoryLine",
    "Profile",
    "Run",
    "Soak",
    "Stages",
]

SCHEMA_VERSION: Final = 1


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Fingerprint(_Value):
    """What the figures hold for; a server that differs in any field must not use them."""

    device: str
    """The device's own name, e.g. `NVIDIA H200`, a processor's model name with its cores, or `sim:6,3`."""
    driver: str
    """Version of the device's driver; empty for a processor or a simulated device."""
    runtime: str
    """What runs the network, e.g. `onnxruntime 1.31.1`."""
    provider: str
    """onnxruntime's name of what computes, e.g. `CUDAExecutionProvider`."""
    options: dict[str, str]
    """How it was opened: threads, tf32, fp16, cuda_graph and so on, as text."""
    model_sha256: str
    """Of the ONNX file."""
    input_width: int = Field(ge=1)
    """Of the network's input, in pixels."""
    input_height: int = Field(ge=1)
    """Of the network's input, in pixels."""
    precision: str
    """Of the weights that most of the network's memory is: `float32`, `float16`, `int8` and so on."""


class Stages(_Value):
    """Medians of what a batch's time consists of; None where the provider does not tell them apart."""

    fill_ns: int | None = None
    """Putting the pictures into one batch, on the host."""
    copy_in_ns: int | None = None
    """Host to device."""
    compute_ns: int | None = None
    """The network."""
    copy_out_ns: int | None = None
    """Device to host."""
    parse_ns: int | None = None
    """Reading boxes out of what came back, on the host."""


class Measurement(_Value):
    """What was measured of one batch size, all passes together; outliers are kept."""

    n: int = Field(ge=1)
    """How many batches were timed."""
    median_ns: int
    median_low_ns: int
    """Lower end of the median's 95 % confidence interval."""
    median_high_ns: int
    """Upper end of it."""
    min_ns: int
    max_ns: int
    p10_ns: int
    p90_ns: int
    p95_ns: int
    p99_ns: int
    """With fewer than about 200 batches little more than the largest."""
    stages: Stages = Stages()
    memory_bytes: int | None = None
    """What a fresh process took on the device (on a processor: of the host's memory) to run this size, at its peak."""
    energy_joules_per_frame: float | None = None
    power_watts: float | None = None
    clock_hz: int | None = None
    """The device's, in the middle of the runs."""
    temperature_celsius: float | None = None


class Bucket(_Value):
    """One batch size that the device runs."""

    batch: int = Field(ge=1)
    """Frames, padding included."""
    service_ns: int = Field(ge=1)
    """What scheduling plans with: the fitted median, which never falls as batches grow."""
    low_ns: int = Field(ge=1)
    """Fitted 10th percentile."""
    high_ns: int = Field(ge=1)
    """Fitted 90th percentile."""
    throughput_fps: float = Field(gt=0)
    """Frames a second when such batches follow each other without a gap, by `service_ns`."""
    measured: Measurement | None = None
    """None: this size was not run, and lies between sizes that were."""


class KeptOut(_Value):
    """A batch size that a fit was not shown, and how well the fit foretold it."""

    batch: int = Field(ge=1)
    predicted: float
    measured: float
    error: float
    """(predicted - measured) / measured."""


class MemoryLine(_Value):
    """Memory as a line over the batch size."""

    base_bytes: float
    """Weights, context and all else that no frame adds."""
    bytes_per_frame: float
    kept_out: tuple[KeptOut, ...] = ()
    """In bytes."""


class Ceiling(_Value):
    """What really ran."""

    largest_ran: int = Field(ge=1)
    smallest_failed: int | None = None
    """None: nothing failed, however large it was tried."""
    why: str = ""
    """How the smallest that failed did."""


class Memory(_Value):
    """What batches need and what there is."""

    kind: Literal["device", "host"]
    """Whose memory it is."""
    total_bytes: int
    """All that the device (or, on a processor, this process's control group or the host) has."""
    others_bytes: int
    """Taken by other processes when the calibration began."""
    fraction: float = Field(gt=0, le=1)
    """How much of the total may be used, others included."""
    line: MemoryLine | None = None
    """None: too few sizes ran, or memory does not follow a line."""


class Allowed(_Value):
    """What one rule alone would allow."""

    max_batch: int = Field(ge=0)
    """The largest bucket; 0: none, then 1 is run all the same and the text says so."""
    at_least: bool = False
    """Nothing larger was tried, so that the rule may allow more."""
    why: str
    """One sentence for people, with the figures."""


class Choice(_Value):
    """The largest batch to use, and why."""

    max_batch: int = Field(ge=1)
    bound_by: Literal["memory", "deadline", "throughput", "limit"]
    """The rule that allowed least; `limit`: the largest size that was to be tried."""
    deadline_ns: int = Field(ge=1)
    """Two batches have to fit into it."""
    memory: Allowed
    deadline: Allowed
    throughput: Allowed
    text: str
    """The whole reason in words."""


class IdlePenalty(_Value):
    """How much longer the first batch of one frame takes after the device had nothing to do."""

    idle_ns: int
    penalty_ns: int
    """Median of first batches less the median without idling; 0 where it is no longer."""
    n: int


class Soak(_Value):
    """The chosen size, run without a pause, to see that it holds."""

    batch: int
    batches: int
    seconds: float
    median_ns: int
    p99_ns: int
    last_over_first: float
    """Median of the last tenth over that of the first: above 1 where the device grows warm, or memory scarce."""
    failed: str = ""
    """Why it ended early; the next smaller size is then soaked, and chosen."""


class Conditions(_Value):
    """How far the figures can be trusted."""

    noisy: bool = False
    """Two passes over the same sizes disagree."""
    busy: bool = False
    """Other processes used the device, or the processor."""
    throttled: bool = False
    """The device lowered its clocks because of heat or power."""
    disagreement: float = 0.0
    """Largest relative difference between the medians of two passes over one size."""
    text: tuple[str, ...] = ()
    """What was noticed, a sentence each; empty: nothing."""


class Run(_Value):
    """How the profile came about."""

    created: str
    """Date and time, ISO 8601 with the offset from UTC."""
    command: str
    framebatch: str
    """Version."""
    seconds: float
    quick: bool
    complete: bool = True
    """False: the run was stopped before its end, and these are the sizes that it had measured."""


class Profile(_Value):
    """One model on one device.

    Invariants: buckets rise; `service_ns` is positive and never falls; `choice.max_batch` is one of them.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    model: str
    """Its name, for people; the fingerprint's hash tells which file it is."""
    fingerprint: Fingerprint
    simulated: bool = False
    run: Run
    conditions: Conditions = Conditions()
    buckets: tuple[Bucket, ...] = Field(min_length=1)
    kept_out: tuple[KeptOut, ...] = ()
    """Latency of sizes that the fit was not shown, in nanoseconds."""
    memory: Memory | None = None
    """None where nobody can tell."""
    ceiling: Ceiling
    choice: Choice
    idle: tuple[IdlePenalty, ...] = ()
    soak: Soak | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        sizes = tuple(bucket.batch for bucket in self.buckets)
        LatencyTable(sizes, tuple(bucket.service_ns for bucket in self.buckets))
        if self.choice.max_batch not in sizes:
            raise ValueError(f"choice.max_batch is {self.choice.max_batch}, which is none of the buckets {sizes}")
        return self

    def table(self, max_batch: int | None = None) -> LatencyTable:
        """What scheduling plans with: the buckets up to the chosen maximum.

        Args:
            max_batch: one of the buckets, in place of the chosen maximum.
        """
        most = self.choice.max_batch if max_batch is None else max_batch
        used = [bucket for bucket in self.buckets if bucket.batch <= most]
        return LatencyTable(tuple(bucket.batch for bucket in used), tuple(bucket.service_ns for bucket in used))
