"""What a recording tells of a model's frames, of its device and of the machine around it, as a simulation wants them.

Only taken from the records, or estimated from them; nothing is played here.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Final, NamedTuple

from framebatch.errors import UsageError
from framebatch.frame import Outcome, Priority
from framebatch.planning.durations import NOTHING, SeenAt
from framebatch.planning.fleet import SimulatedFrame
from framebatch.planning.host import ANSWERING, FILLING, Host
from framebatch.planning.service import Q90, DeviceModel
from framebatch.profile import LatencyTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from framebatch.planning.durations import Durations
    from framebatch.recording import BatchRecord, FrameRecord, ModelRecord, Recording

__all__ = ["Ran", "Recorded", "choose"]

ENOUGH: Final = 8
"""So many batches of one size tell what it takes; of fewer the table's shape is believed."""


class Ran(NamedTuple):
    """A batch as it was run; see `planning.figures`."""

    frames: range
    started_ns: int
    finished_ns: int


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What was written down of one model.

    Attributes:
        model: as it was served; the last version where there were several.
        frames: in the order of their arrival, those with invalid pictures left out: no simulation knows these.
        batches: in the order in which they began.
        others: other models that shared the device.
        versions: how many versions of it were served.
        invalid: frames left out.
    """

    model: ModelRecord
    frames: tuple[FrameRecord, ...]
    batches: tuple[BatchRecord, ...]
    others: tuple[str, ...]
    versions: int
    invalid: int

    @property
    def from_ns(self) -> int:
        """When the first frame arrived."""
        return self.frames[0].arrival_ns

    @property
    def until_ns(self) -> int:
        """After the last frame's arrival."""
        return self.frames[-1].arrival_ns + 1

    def played(self) -> list[SimulatedFrame]:
        """The frames as they ended, in order."""
        return [_ended(record) for record in self.frames]

    def ran(self) -> list[Ran]:
        """The batches as they were run."""
        return [Ran(range(each.frames), each.started_ns, each.finished_ns) for each in self.batches]

    def frames_to_play(self) -> list[SimulatedFrame]:
        """The same frames, new. Decoding takes what it took; where that is not known, what it took for the next ones."""
        known = [record for record in self.frames if record.ready_ns]
        times = [record.arrival_ns for record in known]
        return [_new(record, _decoding_ns(record, known, times)) for record in self.frames]

    def ratios(self) -> list[tuple[int, float]]:
        """When each batch began, and what it took over what the server believed at the start."""
        return self._ratios_to(self._told())

    def _ratios_to(self, table: LatencyTable) -> list[tuple[int, float]]:
        return [
            (each.started_ns, max(1, each.finished_ns - each.started_ns) / table.by_size_ns[each.bucket])
            for each in self.batches
            if each.bucket <= table.max_batch
        ]

    def device(self) -> DeviceModel:
        """As its batches show it: medians by size, and at each time as much slower or quicker as it was then."""
        model, told = self.model, self._told()
        ratios = sorted(ratio for _, ratio in self.ratios())
        middle = ratios[len(ratios) // 2] if ratios else 1.0
        low, high = (_of(ratios, share, middle) for share in (0.1, 0.9))
        table = LatencyTable(told.buckets, tuple(self._service_ns(told, middle)))
        beside = self._ratios_to(table)
        return DeviceModel(
            name=model.device,
            table=table,
            told=told,
            seen=(tuple(time_ns for time_ns, _ in beside), tuple(ratio for _, ratio in beside)),
            spread=(min(1.0, model.low_ratio), max(1.0, model.high_ratio)),
            sigma=log(high / low) / (2 * Q90),
        )

    def host(self) -> Host:
        """What handing over and answering took, at each time."""
        last: dict[int, int] = {}
        for record in self.frames:
            if record.outcome is Outcome.OK:
                last[record.finished_ns] = max(record.answered_ns, last.get(record.finished_ns, 0))
        before = [
            (each.dispatched_ns, each.submitted_ns - each.dispatched_ns) for each in self.batches if each.submitted_ns
        ]
        after = [(finished_ns, answered_ns - finished_ns) for finished_ns, answered_ns in last.items()]
        return Host(
            decoders=self.model.decoders,
            before=_seen(before, FILLING),
            after=_seen(after, ANSWERING),
            decode=_seen([(r.arrival_ns, r.ready_ns - r.arrival_ns) for r in self.frames if r.ready_ns], NOTHING),
            margin_ns=self.model.answer_margin_ns,
        )

    def _told(self) -> LatencyTable:
        return LatencyTable(self.model.buckets, self.model.service_ns)

    def _service_ns(self, told: LatencyTable, middle: float) -> Iterable[int]:
        """By bucket, not falling."""
        took: dict[int, list[int]] = {bucket: [] for bucket in told.buckets}
        for each in self.batches:
            took.get(each.bucket, []).append(each.finished_ns - each.started_ns)
        before_ns = 1
        for bucket, told_ns in zip(told.buckets, told.service_ns, strict=True):
            seen = sorted(took[bucket])
            service_ns = seen[len(seen) // 2] if len(seen) >= ENOUGH else round(middle * told_ns)
            before_ns = max(before_ns, service_ns)
            yield before_ns


def choose(recording: Recording, name: str = "") -> Recorded:
    """What there is of the model of this name; by default of that with most frames.

    Raises:
        UsageError: it is not in the recording, or nothing is; says what is.
    """
    counts: dict[str, int] = {model.name: 0 for model in recording.models}
    for frame in recording.frames:
        if frame.model in counts:
            counts[frame.model] += 1
    if name and name not in counts:
        raise UsageError(f"--model {name}: the recording has {', '.join(counts) or 'no model'}; name one of these")
    chosen = name or max(counts, key=lambda each: counts[each], default="")
    versions = [model for model in recording.models if model.name == chosen]
    frames = [frame for frame in recording.frames if frame.model == chosen]
    valid = sorted((f for f in frames if f.outcome is not Outcome.INVALID), key=lambda frame: frame.arrival_ns)
    if not valid:
        raise UsageError("the recording has no frame that could be played; record a server while cameras send to it")
    batches = [batch for batch in recording.batches if batch.model == chosen]
    return Recorded(
        model=versions[-1],
        frames=tuple(valid),
        batches=tuple(sorted(batches, key=lambda batch: batch.started_ns)),
        others=tuple(sorted({each.model for each in recording.batches} - {chosen})),
        versions=len(versions),
        invalid=len(frames) - len(valid),
    )


def _new(record: FrameRecord, decoding_ns: int) -> SimulatedFrame:
    return SimulatedFrame(
        record.camera,
        record.arrival_ns,
        record.deadline_ns,
        live=record.live,
        rows=record.rows,
        decoding_ns=decoding_ns,
        priority=Priority(record.priority),
    )


def _ended(record: FrameRecord) -> SimulatedFrame:
    frame = _new(record, 0)
    frame.ready_ns, frame.dispatched_ns = record.ready_ns, record.dispatched_ns
    frame.started_ns, frame.finished_ns = record.started_ns, record.finished_ns
    frame.answered_ns, frame.batch_size, frame.outcome = record.answered_ns, record.batch_size, record.outcome
    return frame


def _decoding_ns(record: FrameRecord, known: Sequence[FrameRecord], times: Sequence[int]) -> int:
    """Its own, or that of the frame which arrived next among those `known`, or before it where there is none."""
    if not record.ready_ns:
        if not known:
            return 0
        record = known[min(bisect_left(times, record.arrival_ns), len(known) - 1)]
    return max(0, record.ready_ns - record.arrival_ns)


def _seen(times_and_values: list[tuple[int, int]], otherwise: Durations) -> Durations:
    if not times_and_values:
        return otherwise
    ordered = sorted(times_and_values)
    return SeenAt(tuple(time for time, _ in ordered), tuple(max(0, value) for _, value in ordered))


def _of(ordered: Sequence[float], share: float, otherwise: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else otherwise
