"""What a plan is asked for: a device, cameras of one kind, the machine around it. Values, and what can be said without simulating."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import floor, sqrt
from typing import TYPE_CHECKING, Final, Self

from framebatch.clock import SECOND_NS
from framebatch.planning.fleet import STATION, Trigger
from framebatch.planning.host import Host
from framebatch.profile import LatencyTable

if TYPE_CHECKING:
    from framebatch.planning.fleet import Fleet
    from framebatch.planning.service import DeviceModel

__all__ = ["Setting"]

ROUNDING: Final = 1e-9
"""Of a number of cameras: 30.0 must not become 29."""
LULLS: Final = 2
"""Where parts come at random there are lulls and rushes, the stronger the fewer stations there are."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A fleet of a size that is to be found out.

    Attributes:
        device: what batches take.
        fleet: what the cameras are like; their number is not used.
        host: the machine around the device.
        max_batch: the largest batch that is run, at least 1 and no more than the device's; None: the device's.
        staggered: whether the cameras' phases are spread evenly over the period.
        seed: of everything that is drawn.
    """

    device: DeviceModel
    fleet: Fleet
    host: Host = field(default_factory=Host)
    max_batch: int | None = None
    staggered: bool = False
    seed: int = 0

    @property
    def largest(self) -> int:
        """The largest batch that is run, in frames."""
        most = self.device.table.max_batch
        return most if self.max_batch is None else min(self.max_batch, most)

    @property
    def limit_fps(self) -> float:
        """Frames a second that the device does in batches of its best size: no server does more."""
        by_size_ns = self.device.table.by_size_ns
        return max(size * SECOND_NS / by_size_ns[size] for size in range(1, self.largest + 1))

    @property
    def limit(self) -> int:
        """Cameras that the device could carry at its best, whatever the deadline."""
        return floor(self.limit_fps / self.fleet.fps + ROUNDING)

    @property
    def overhead_ns(self) -> int:
        """What passes, beside waiting and the device's run, from a picture's being taken to its answer; on average."""
        host = self.host
        means_ns = (self.fleet.network.mean_ns, host.decode.mean_ns, host.before.mean_ns, host.after.mean_ns)
        return round(sum(means_ns)) + host.margin_ns

    def guess(self) -> int:
        """About how many cameras will be carried: batches of which two fit into a deadline, one after the other."""
        by_size_ns = self.device.table.by_size_ns
        fitting = [
            size * SECOND_NS / by_size_ns[size]
            for size in range(1, self.largest + 1)
            if 2 * by_size_ns[size] + self.overhead_ns <= self.fleet.deadline_ns
        ]
        regular = max(fitting, default=0.0) / self.fleet.fps
        if self.fleet.trigger is Trigger.BURST:
            return int(regular / (1 + LULLS / sqrt(max(1.0, regular / STATION))))
        return int(regular)

    def crew(self, cameras: int) -> Fleet:
        """The fleet of so many, at least 1."""
        spacing_ns = round(SECOND_NS / self.fleet.fps / cameras) if self.staggered else self.fleet.spacing_ns
        return replace(self.fleet, cameras=cameras, spacing_ns=spacing_ns)

    def quicker(self, factor: float) -> Self:
        """The same with a device whose batches take so many times as long."""
        table = self.device.table
        shorter = LatencyTable(table.buckets, tuple(max(1, round(each * factor)) for each in table.service_ns))
        return replace(self, device=replace(self.device, table=shorter, told=None))
