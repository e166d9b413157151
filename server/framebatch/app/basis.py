"""What the scheduling of a model starts from: a profile cut to what the loaded detector runs, or a brief measurement.

Only values and what follows from them; who finds, measures and loads is `profiles`.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

from framebatch.errors import UsageError
from framebatch.profile import LatencyTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch.config import Config
    from framebatch.profile import Profile

__all__ = ["Basis", "Source", "above_choice", "adopted", "beyond", "cut"]

Source: TypeAlias = Literal["profile", "quick", "brief", "simulated"]
"""Where the times come from: a full calibration, a quick one, some runs at the start, or a device's own definition."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Basis:
    """Times of the batches that a detector runs, and where they come from.

    Attributes:
        table: service time by bucket, in nanoseconds.
        source: where it comes from.
        spread: a batch's 10th and 90th percentile over its median; (1, 1) where nobody measured them.
        profile: whose times these are; None for `brief` and `simulated`.
        command: what calibrates the model fully, for people.
    """

    table: LatencyTable
    source: Source
    spread: tuple[float, float] = (1.0, 1.0)
    profile: Profile | None = None
    command: str = ""

    @property
    def sentence(self) -> str:
        """What was chosen and why, for people."""
        most = self.table.max_batch
        if self.profile is None:
            how = "known, as the device is simulated" if self.source == "simulated" else "measured briefly at the start"
            return f"batches of up to {most}; their times are {how}"
        run = self.profile.run
        kind = ("quick" if run.quick else "full") if run.complete else "interrupted"
        used = "" if most == self.profile.choice.max_batch else f"batches of up to {most} are run; "
        return f"{used}{kind} calibration of {run.created}: {self.profile.choice.text}"

    def age_seconds(self, now_seconds: float) -> float | None:
        """How old the profile is; None without one.

        Args:
            now_seconds: since 1970, UTC.
        """
        if self.profile is None:
            return None
        return now_seconds - datetime.fromisoformat(self.profile.run.created).timestamp()

    @property
    def predicted_bytes(self) -> float | None:
        """What the profile's line says that the largest batch takes in memory; None without a line."""
        memory = self.profile.memory if self.profile is not None else None
        if memory is None or memory.line is None:
            return None
        return memory.line.base_bytes + memory.line.bytes_per_frame * self.table.max_batch

    @property
    def limit_bytes(self) -> float | None:
        """How much of the memory may be used, that of other processes included; None where the profile does not tell."""
        memory = self.profile.memory if self.profile is not None else None
        return None if memory is None else memory.fraction * memory.total_bytes


def adopted(config: Config, profile: Profile | None) -> Config:
    """The settings, with what they leave open as the profile was measured: largest batch and threads."""
    if profile is None:
        return config
    threads = profile.fingerprint.options.get("threads")
    return config.model_copy(
        update={
            "max_batch": config.max_batch if config.max_batch > 0 else profile.choice.max_batch,
            "threads": config.threads or (int(threads) if threads and threads.isdecimal() else None),
        }
    )


def cut(profile: Profile, buckets: Sequence[int]) -> Basis | None:
    """What a profile says of the batch sizes that a detector runs; None where it knows nothing of one of them.

    A size between two of the profile's lies on the straight line between them.

    Args:
        profile: of this detector.
        buckets: the detector's batch sizes, rising.
    """
    known = {bucket.batch: bucket.service_ns for bucket in profile.buckets}
    sizes = sorted(known)
    if buckets[0] < sizes[0] or buckets[-1] > sizes[-1]:
        return None
    times = []
    for batch in buckets:
        above = sizes[bisect_left(sizes, batch)]
        below = above if above == batch else sizes[bisect_left(sizes, batch) - 1]
        share = 0.0 if above == below else (batch - below) / (above - below)
        times.append(round(known[below] + share * (known[above] - known[below])))
    return Basis(
        table=LatencyTable(tuple(buckets), tuple(times)),
        source="quick" if profile.run.quick else "profile",
        spread=profile.spread(buckets[-1]),
        profile=profile,
    )


def beyond(profile: Profile, asked: int, *, command: str) -> str:
    """Why a profile says nothing of batches of `asked`, for people; empty where it does.

    Args:
        profile: of the detector.
        asked: the setting `max_batch`.
        command: what calibrates the model.

    Raises:
        UsageError: batches of that size, or smaller ones, failed when they were tried.
    """
    failed = profile.ceiling.smallest_failed
    remedy = f"{command} --max-batch {asked}"
    if failed is not None and asked >= failed:
        why = f" ({profile.ceiling.why})" if profile.ceiling.why else ""
        raise UsageError(
            f"--max-batch is {asked}, but batches of {failed} failed when this device was calibrated{why}; "
            f"give at most {profile.ceiling.largest_ran}, or try again with {remedy}"
        )
    measured = profile.buckets[-1].batch
    if asked <= measured:
        return ""
    return f"--max-batch is {asked}, but batches were measured up to {measured} only; {remedy} measures up to it"


def above_choice(profile: Profile, asked: int) -> str:
    """Which rules a batch of `asked` breaks that the profile chose its maximum by, for people; empty for none."""
    choice = profile.choice
    if asked <= choice.max_batch:
        return ""
    rules = {"memory": choice.memory, "deadline": choice.deadline, "throughput": choice.throughput}
    broken = [name for name, allowed in rules.items() if asked > allowed.max_batch and not allowed.at_least]
    because = f", because of {' and '.join(broken)}" if broken else ""
    why = " ".join(rules[name].why for name in broken) or choice.text
    return f"--max-batch {asked} is run as asked, but the profile chose {choice.max_batch}{because}. {why}"
