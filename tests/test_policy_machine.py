"""framebatch.scheduling.policy: what holds whatever happens, tried by a state machine of arrivals, batches and waits.

The machine is a device under a virtual clock with exact service times, two kinds of table, and any mix of options. More
examples: HYPOTHESIS_PROFILE=nightly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from framebatch.profile import LatencyTable
from framebatch.scheduling import Pending, Policy, PolicyOptions, Priority, Run, ServiceEstimate, Shed, WaitUntil

MS = 1_000_000
TABLES = (
    LatencyTable.linear(alpha_ns=6 * MS, beta_ns=3 * MS, buckets=range(1, 17)),
    LatencyTable.linear(alpha_ns=2 * MS, beta_ns=0.1 * MS, buckets=(1, 2, 3, 4, 6, 8, 12, 16, 24, 32)),
    LatencyTable.linear(alpha_ns=1 * MS, beta_ns=25 * MS, buckets=(1, 2, 4, 8)),
)
CAMERAS = "abcdef"


@dataclass(eq=False)
class Item:
    """A frame."""

    number: int
    camera: str
    arrival_ns: int
    deadline_ns: int
    live: bool
    rows: int


class Device(RuleBasedStateMachine):
    """A device, its policy, and the fate of every frame."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000 * MS
        self.pending: Pending[Item] = Pending()
        self.running: list[Item] = []
        self.finish_ns = 0
        self.wake_ns: int | None = None
        self.fates: dict[int, list[str]] = {}
        self.items: list[Item] = []

    @initialize(
        table=st.sampled_from(TABLES),
        options=st.builds(PolicyOptions, predict=st.booleans(), look_ahead=st.booleans(), fair=st.booleans()),
        critical=st.sets(st.sampled_from(CAMERAS), max_size=2),
        after_ns=st.sampled_from((0, 2 * MS)),
    )
    def begin(self, table: LatencyTable, options: PolicyOptions, critical: set[str], after_ns: int) -> None:
        """A device with nothing to do."""
        self.table = table
        self.policy = Policy(ServiceEstimate(table), after_ns=after_ns, options=options)
        self.policy.shares.classify(CAMERAS[0], Priority.BEST_EFFORT)
        for camera in critical:
            self.policy.shares.classify(camera, Priority.CRITICAL)

    # What happens ----------------------------------------------------------------------------------------------------

    @rule(
        cameras=st.lists(st.sampled_from(CAMERAS), min_size=1, max_size=6, unique=True),
        alone_times=st.integers(1, 12),
        live=st.booleans(),
        rows=st.sampled_from((1, 1, 1, 3)),
    )
    def frames_come(self, *, cameras: list[str], alone_times: int, live: bool, rows: int) -> None:
        """A frame of each of some cameras, at once."""
        for camera in cameras:
            self._come(camera, alone_times * self.table.service_ns[0], live=live, rows=rows)
        self._ask()

    @rule(
        gap=st.integers(1, 40),
        frames=st.integers(2, 5),
        cameras=st.integers(1, 6),
        alone_times=st.integers(1, 12),
        hint=st.sampled_from((0, 0, 1, 10, 40, 4000)),
    )
    def cameras_run_free(self, *, gap: int, frames: int, cameras: int, alone_times: int, hint: int) -> None:
        """Some frames of some cameras, a regular gap apart, which their senders know, or know wrongly, or do not say."""
        for _ in range(frames):
            for camera in CAMERAS[:cameras]:
                self._come(camera, alone_times * self.table.service_ns[0], live=False, rows=1, hint=hint)
            self._ask()
            self._pass(gap * MS)

    @rule(times=st.integers(1, 400))
    def time_passes(self, times: int) -> None:
        """Some hundredths of the shortest batch, up to four."""
        self._pass(times * self.table.service_ns[0] // 100)

    @rule(size=st.integers(1, 40))
    def batches_are_limited(self, size: int) -> None:
        """As after the device ran out of memory; 40 lifts the limit."""
        self.policy.limit_batch(size)

    # What the device does --------------------------------------------------------------------------------------------

    def _come(self, camera: str, budget_ns: int, *, live: bool, rows: int, hint: int = 0) -> None:
        item = Item(len(self.items), camera, self.now, self.now + budget_ns, live, rows)
        self.items.append(item)
        self.fates[item.number] = []
        self.policy.arrived(self.now, rows)
        superseded = self.pending.accept(item)
        if superseded is not None:
            self._end(superseded, "superseded")
        assert self.pending.make_ready(item)
        self.policy.ready(camera, self.now, item.deadline_ns, rows, self.now + hint * MS if hint else 0)

    def _pass(self, duration_ns: int) -> None:
        end_ns = self.now + duration_ns
        while True:
            event_ns = self.finish_ns if self.running else self.wake_ns
            if event_ns is None or event_ns > end_ns:
                break
            self.now = event_ns
            self._ask()
        self.now = end_ns

    def _ask(self) -> None:
        if self.running and self.finish_ns <= self.now:
            for item in self.running:
                assert self.finish_ns + self.policy.after_ns <= item.deadline_ns, "run in vain"
                self._end(item, "answered")
            self.policy.estimate.observe(len(self.running), self.table.by_size_ns[len(self.running)])
            self.running = []
        while not self.running:
            decision = self.policy.decide(self.pending, self.now)
            assert decision == self.policy.decide(self.pending, self.now), "deciding changed something"
            self.wake_ns = None
            if isinstance(decision, WaitUntil):
                self._wait(decision)
                return
            if isinstance(decision, Shed):
                for item in self.pending.take(decision.count):
                    self._end(item, "shed")
            else:
                self._run(decision)

    def _run(self, run: Run) -> None:
        assert 1 <= run.count <= self.policy.max_batch
        assert run.bucket == min(bucket for bucket in self.table.buckets if bucket >= run.count)
        if run.chosen is not None:
            assert len(run.chosen) == run.count
            assert sorted(set(run.chosen)) == list(run.chosen)
        taken = self.pending.take(run.count, run.chosen)
        assert len(taken) == run.count
        self.policy.taken(item.camera for item in taken)
        self.running = taken
        self.finish_ns = self.now + self.table.by_size_ns[run.count]

    def _wait(self, decision: WaitUntil) -> None:
        if len(self.pending):
            latest_ns = max(self.pending.deadlines) - self.table.by_size_ns[1] - self.policy.after_ns
            assert decision.time_ns is not None, "idle with frames that could be served"
            assert self.now < decision.time_ns <= latest_ns, "idle for too long"
        self.wake_ns = decision.time_ns

    def _end(self, item: Item, fate: str) -> None:
        self.fates[item.number].append(fate)

    # What holds ------------------------------------------------------------------------------------------------------

    @precondition(lambda self: hasattr(self, "policy"))
    @invariant()
    def estimates_never_fall_with_size(self) -> None:
        """Neither of them."""
        for times in (self.policy.estimate.low_ns, self.policy.estimate.mid_ns, self.policy.estimate.high_ns):
            assert times == sorted(times)

    @precondition(lambda self: hasattr(self, "policy"))
    @invariant()
    def no_row_of_a_frame_has_two_fates(self) -> None:
        """Every row is waiting, running, or ended once; none is lost."""
        rows: dict[int, int] = {item.number: len(self.fates[item.number]) for item in self.items}
        for item in (*self.pending, *self.running):
            rows[item.number] += 1
        for item in self.items:
            whole = "superseded" in self.fates[item.number]
            assert rows[item.number] == (rows[item.number] if whole else item.rows)

    def teardown(self) -> None:
        """In the end nothing waits, and every row of every frame had its fate."""
        if not hasattr(self, "policy"):
            return
        self._ask()
        self._pass(10_000 * MS)
        assert not self.running
        assert not self.pending.waiting
        for item in self.items:
            assert self.fates[item.number]


NIGHTLY = settings.default is not None and settings.default.max_examples > 100

TestDevice: Any = Device.TestCase
TestDevice.settings = settings(
    max_examples=10_000 if NIGHTLY else 500, stateful_step_count=12, suppress_health_check=[HealthCheck.too_slow]
)
