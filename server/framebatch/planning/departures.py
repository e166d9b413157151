"""What a recording shows that no simulation foresees: a device off its table, slow stretches, a late event loop. Sentences."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

from framebatch.clock import MILLISECOND_NS, ns_to_ms, ns_to_seconds
from framebatch.frame import Outcome
from framebatch.planning.figures import quantile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from framebatch.planning.recorded import Recorded

__all__ = ["departures"]

STRETCHES: Final = 10
FEWEST: Final = 20
"""Values that a stretch must have to be spoken of."""
OFF: Final = 0.02
"""A device that is less off its table is as it was told."""
SLOWER: Final = 2.0
"""Times as slow as usual, and"""
SLOWER_BY_NS: Final = 2 * MILLISECOND_NS
"""by so much, is slow."""
LATE_NS: Final = 5 * MILLISECOND_NS


def departures(recorded: Recorded) -> Iterator[str]:
    """The largest first within each cause; none where all was as expected."""
    yield from _service(recorded)
    yield from _decoding(recorded)
    yield from _loop(recorded)
    failed = sum(record.outcome is Outcome.FAILED for record in recorded.frames)
    if failed:
        yield f"{failed} frames failed; the simulation knows no failures"


def _service(recorded: Recorded) -> Iterator[str]:
    """The device against what the server believed at the start, in all and over time."""
    ratios = recorded.ratios()
    if not ratios:
        return
    middle = median([ratio for _, ratio in ratios])
    if abs(middle - 1) > OFF:
        yield f"batches took {abs(middle - 1):.1%} {'more' if middle > 1 else 'less'} than the server's table says (median)"
    stretches = {name: median(values) for name, values in _stretches(recorded, ratios)} or {"": middle}
    slowest, quickest = max(stretches, key=stretches.__getitem__), min(stretches, key=stretches.__getitem__)
    drift = stretches[slowest] / stretches[quickest] - 1
    if drift > OFF:
        yield (
            f"the device drifted: from {stretches[quickest]:.2f} times the table ({quickest}) "
            f"to {stretches[slowest]:.2f} times ({slowest})"
        )


def _decoding(recorded: Recorded) -> Iterator[str]:
    """Stretches in which pixels were there much later than usual."""
    took = [(each.arrival_ns, float(each.ready_ns - each.arrival_ns)) for each in recorded.frames if each.ready_ns]
    if not took:
        return
    usual_ns = median([value for _, value in took])
    slow = {name: median(values) for name, values in _stretches(recorded, took)}
    slow = {name: ns for name, ns in slow.items() if ns > max(SLOWER * usual_ns, usual_ns + SLOWER_BY_NS)}
    for name in sorted(slow, key=slow.__getitem__, reverse=True)[:1]:
        yield (
            f"decoding was slow {name}: {ns_to_ms(slow[name]):.1f} ms from arrival to pixels, "
            f"{ns_to_ms(usual_ns):.1f} ms usually (medians)"
        )


def _loop(recorded: Recorded) -> Iterator[str]:
    """An event loop that woke late: it expires frames after their deadlines, and answers long after the device."""
    late = sorted(
        each.answered_ns - each.deadline_ns for each in recorded.frames if each.answered_ns > each.deadline_ns
    )
    beyond = [ns for ns in late if ns > LATE_NS]
    if beyond:
        yield (
            f"the event loop was late: {len(beyond)} answers left more than {ns_to_ms(LATE_NS):.0f} ms after their "
            f"deadlines, the latest by {ns_to_ms(beyond[-1]):.0f} ms"
        )
    after = sorted(each.answered_ns - each.finished_ns for each in recorded.frames if each.outcome is Outcome.OK)
    if after and quantile(after, 0.99) > max(LATE_NS, SLOWER * quantile(after, 0.5)):
        yield (
            f"answers left {ns_to_ms(quantile(after, 0.5)):.1f} ms after the device had finished in the median, and "
            f"{ns_to_ms(quantile(after, 0.99)):.1f} ms after for one in a hundred: the event loop was busy or held up"
        )


def _stretches(recorded: Recorded, values: Sequence[tuple[int, float]]) -> Iterator[tuple[str, list[float]]]:
    """Values by tenths of the recording, each called by its seconds; those with few are left out."""
    begin_ns, length_ns = recorded.from_ns, max(1, recorded.until_ns - recorded.from_ns)
    groups: list[list[float]] = [[] for _ in range(STRETCHES)]
    for time_ns, value in values:
        at = (time_ns - begin_ns) * STRETCHES // length_ns
        groups[min(STRETCHES - 1, max(0, at))].append(value)
    for number, group in enumerate(groups):
        if len(group) >= FEWEST:
            first, last = (ns_to_seconds(length_ns) * each / STRETCHES for each in (number, number + 1))
            yield f"from second {first:.1f} to {last:.1f}", group
