"""What follows from the simulated what-ifs: what binds, and what would carry more cameras. Sentences for people; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from framebatch.clock import ns_to_ms
from framebatch.planning.what_ifs import RESOURCES, Answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from framebatch.planning.capacity import Capacity
    from framebatch.planning.evidence import Evidence
    from framebatch.planning.setting import Setting

__all__ = ["Advice", "advise", "bound_by"]

SELDOM: Final = 0.01
"""Batches that hold a smaller share of the frames are not spoken of."""


@dataclass(frozen=True, kw_only=True)
class Advice:
    """One sentence, and the number of cameras that was simulated for it.

    Attributes:
        kind: one word, for programs.
        text: for people.
        max_cameras: that would be carried; None where it says nothing of that.
    """

    kind: str
    text: str
    max_cameras: int | None = None


def bound_by(cameras: int, answers: Sequence[Answer]) -> str:
    """The resource of which a little more carries most more cameras: `device`, `deadline` or `decoders`.

    Where none carries a whole camera more, that which makes one more camera miss least.

    Args:
        cameras: carried as it is.
        answers: with the resources among them, each a little more plentiful.
    """
    resources = [answer for answer in answers if answer.what_if.kind in RESOURCES]
    return max(resources, key=lambda answer: (answer.capacity.cameras - cameras, -_missed_beyond(answer))).what_if.kind


def _missed_beyond(answer: Answer) -> float:
    beyond = answer.capacity.beyond
    return 1.0 if beyond is None else beyond.figures.miss_rate


def advise(
    setting: Setting, capacity: Capacity, answers: Sequence[Answer], others: Sequence[tuple[str, int]] = ()
) -> Iterator[Advice]:
    """What was found true by simulating: more cameras by other ways of using the device, and what to beware of.

    Args:
        setting: as it is.
        capacity: of that; at least one camera.
        answers: to the what-ifs.
        others: compared devices, and how many cameras they carry.
    """
    for answer in answers:
        gain = answer.capacity.cameras - capacity.cameras
        what, number = answer.what_if, answer.capacity.cameras
        if what.kind == "sync" and gain < 0:
            text = f"Beware of a common trigger: with {what.words}, {number} would be carried, {-gain} fewer."
        elif what.kind not in RESOURCES and gain > 0:
            text = f"{what.words[0].upper()}{what.words[1:]}: {number} would be carried, {gain} more."
        else:
            continue
        yield Advice(kind=what.kind, text=text, max_cameras=number)
    for name, number in others:
        if number > capacity.cameras:
            text = f"{name}: {number} would be carried, {number - capacity.cameras} more."
            yield Advice(kind="device", text=text, max_cameras=number)
    if capacity.evidence is not None:
        yield Advice(kind="batches", text=_batches(setting, capacity.evidence))


def _batches(setting: Setting, evidence: Evidence) -> str:
    total = evidence.sizes.total()
    used = sorted(bucket for bucket, frames in evidence.sizes.items() if frames >= SELDOM * total)
    mean = evidence.figures.mean_batch
    if used[-1] == 1:
        return "Frames are run one by one."
    at_most = f"in batches of up to {used[-1]}"
    if used[-1] < setting.largest:
        takes_ms = ns_to_ms(setting.device.table.by_size_ns[used[-1]])
        at_most += f", which take {takes_ms:.3g} ms; larger ones, up to {setting.largest}, are not needed"
    return f"Frames are run {mean:.1f} at a time on average, {at_most}."
