"""What measuring one batch size comes to: the values that pass between the measuring process, the sweep and the fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from framebatch.device.meter import Reading

__all__ = ["Failure", "Point", "Reading", "StageSamples"]

Failure = Literal["", "memory", "crash", "timeout", "device"]
"""Why a point has no figures: the device's memory did not suffice; the process died; it took too long; another error."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StageSamples:
    """Times of each timed batch's parts in nanoseconds; empty where the provider does not tell them apart."""

    fill_ns: tuple[int, ...] = ()
    copy_in_ns: tuple[int, ...] = ()
    compute_ns: tuple[int, ...] = ()
    copy_out_ns: tuple[int, ...] = ()
    parse_ns: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One batch size, measured once in one process.

    Attributes:
        batch: frames.
        number: which pass over the sizes it belongs to, from 0; even ones rise, odd ones fall.
        samples_ns: service time of each timed batch, in the order of time; empty when it failed at once.
        stages: parts of them.
        reading: the machine meanwhile.
        failure: why it ended early.
        why: the same for people.
    """

    batch: int
    number: int = 0
    samples_ns: tuple[int, ...] = ()
    stages: StageSamples = field(default_factory=StageSamples)
    reading: Reading = field(default_factory=Reading)
    failure: Failure = ""
    why: str = ""
