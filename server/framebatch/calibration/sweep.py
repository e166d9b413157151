"""The sweep: from a model and a device to its profile. The story of one calibration, told from start to end.

    load       once, in a process of its own
    climb      1, 2, 4, 8, ... up to what fails, takes too long, or is enough
    passes     over all sizes up to there, falling and rising in turn
    idle       how much longer the first batch takes after a pause
    choose     fit, then the largest batch that every rule allows
    soak       that size without a pause; a size that fails gives way to the next smaller

What is decided lies in pure modules beside this one; who measures, in `process` and `point`.
"""

from __future__ import annotations

import logging
import random
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from framebatch.calibration.climb import Bounds, Tried, factor_for, foretold, next_size
from framebatch.calibration.effort import Effort, climb_effort, idle_plan, passes_in, plan_pass
from framebatch.calibration.findings import Findings, Loaded, soak_of
from framebatch.calibration.messages import IdleTask, LoadTask, RunTask
from framebatch.calibration.outlook import Outlook
from framebatch.calibration.process import Answered, measure_point, run_task
from framebatch.calibration.wanted import Progress, Wanted
from framebatch.clock import SECOND_NS, now_ns, ns_to_seconds
from framebatch.device.devices import parse_device
from framebatch.errors import DeviceError, ModelError
from framebatch.logs import event
from framebatch.profile import Fingerprint, buckets_up_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from framebatch.profile import Profile

__all__ = ["Progress", "Wanted", "calibrate"]

log = logging.getLogger(__name__)

LIMIT_ACCELERATOR: Final = 128
LIMIT: Final = 64
TARGET_SHARE: Final = {False: 0.9, True: 0.82}
"""Of the budget, for a full run and for a quick one; the rest is for what was foretold wrongly, and for the process
around this."""
SOAK_SHARE: Final = 0.1
SOAK_BATCHES: Final = 2000
IDLE_SHARE: Final = 0.16
CLIMB_SHARE: Final = {False: 0.4, True: 0.7}
"""Of what is left after loading, for a full run and for a quick one."""
CLIMB_POINT_SHARE: Final = {False: 0.008, True: 0.025}
"""Of the budget, for the timed batches of one size."""
TAIL_SHARE: Final = 0.05
"""Of the budget, that is not worth another pass over some of the sizes."""
CHEAP_SHARE: Final = 0.004
"""Of the budget, for a single batch of a size that the deadline does not allow."""
LONGEST_START_NS: Final = {"sim": 20 * SECOND_NS, "cpu": 20 * SECOND_NS, "cuda": 90 * SECOND_NS}
UNKNOWN_NS: Final = 1200 * SECOND_NS
"""For what may take long: proving on a slow device, a first batch of unknown time, building TensorRT's engines."""
PATIENCE: Final = 5
"""A process that takes so many times as long as expected hangs."""


def calibrate(wanted: Wanted, on_progress: Callable[[Progress], None] | None = None) -> Profile:
    """Measure, fit, choose, and see that the choice holds.

    Blocks for about as long as the budget says, shorter where all is known sooner. Measuring happens in processes of
    their own; none is left when this returns or raises. On KeyboardInterrupt what was measured is kept: the profile's
    `run.complete` is False.

    Args:
        wanted: What, where and how.
        on_progress: Told about each step several times a second, in this thread.

    Raises:
        ModelError: the model cannot be served.
        DeviceError: the device cannot be used, or not even one frame runs.
        KeyboardInterrupt: before anything was measured.

    """
    began_ns, created = now_ns(), datetime.now(UTC).astimezone().isoformat(timespec="seconds")
    with tempfile.TemporaryDirectory(prefix="framebatch-") as folder:
        sweep = _Sweep(wanted, Path(folder), on_progress or (lambda _: None))
        complete = True
        try:
            findings = sweep.run()
        except KeyboardInterrupt:
            complete, kept = False, sweep.findings
            if kept is None or not kept.ran():
                raise
            log.warning("stopped; what was measured up to now is kept", extra=event("calibration.stopped"))
            findings = kept
    seconds = ns_to_seconds(now_ns() - began_ns)
    return findings.profile(wanted, created=created, seconds=seconds, complete=complete)


class _Sweep:
    """One calibration under way. Decides nothing by itself but how the budget is divided among its stages."""

    def __init__(self, wanted: Wanted, folder: Path, on_progress: Callable[[Progress], None]) -> None:
        self.findings: Findings | None = None
        self._wanted = wanted
        self._folder = folder
        self._on_progress = on_progress
        began_ns = now_ns()
        self._end_ns = began_ns + round(TARGET_SHARE[wanted.quick] * wanted.budget_ns)
        self._outlook = Outlook(began_ns, self._end_ns)
        self._overhead_ns = 0
        self._seed = random.SystemRandom().getrandbits(32) if wanted.seed is None else wanted.seed

    def __repr__(self) -> str:
        points = len(self.findings.points) if self.findings else 0
        return f"<_Sweep of {self._wanted.model.name}, {points} points, {self._outlook!r}>"

    def run(self) -> Findings:
        """Do all stages."""
        self.findings = findings = self._load()
        self._climb(findings)
        if not findings.ran():
            raise DeviceError(f"not even a batch of {findings.ladder[0]} runs: {findings.points[-1].why}")
        self._pass_over(findings)
        self._rest(findings)
        self._soak(findings)
        self._on_progress(self._outlook.done())
        return findings

    def _load(self) -> Findings:
        wanted = self._wanted
        self._say("loading and proving the model")
        facts: dict[str, Any] = {}
        task = LoadTask(
            folder=self._folder, model=wanted.model, name=wanted.name, device=wanted.device, options=wanted.options
        )
        ended = run_task(task, limit_ns=UNKNOWN_NS, on_answer=facts.update, on_tick=self._tick)
        if ended.failure or "loaded" not in facts:
            kind = ModelError if ended.failure == "model" else DeviceError
            raise kind(ended.why or f"model {wanted.model} was not loaded: the measuring process said nothing")
        facts = facts["loaded"]
        device, batch_size = parse_device(facts["device"]), facts["batch_size"]
        limit = wanted.limit or (LIMIT_ACCELERATOR if device.kind == "cuda" else LIMIT)
        loaded = Loaded(
            facts["name"], device, facts["simulated"], batch_size, Fingerprint.model_validate(facts["fingerprint"])
        )
        return Findings(loaded=loaded, ladder=(batch_size,) if batch_size else buckets_up_to(limit))

    def _climb(self, findings: Findings, number: int = 0) -> None:
        """Try larger sizes; again before each pass, because what seemed too slow may have been a moment's noise."""
        quick = self._wanted.quick
        end_ns = now_ns() + round(CLIMB_SHARE[quick] * self._free_ns())
        budget_ns = round(CLIMB_POINT_SHARE[quick] * self._wanted.budget_ns)
        while True:
            ran = findings.services_ns()
            tried = [Tried(batch=batch) for batch in findings.failed()]
            taken = findings.memory_bytes()
            tried += [
                Tried(batch=batch, service_ns=service_ns, memory_bytes=taken.get(batch))
                for batch, service_ns in ran.items()
            ]
            left_ns, least = end_ns - now_ns(), climb_effort(0, budget_ns=0)
            size = next_size(
                tried,
                self._bounds(findings, max(ran, default=1), left_ns),
                affordable_ns=(left_ns - self._overhead_ns) // (least.warm_ups + least.least),
            )
            if size is None:
                return
            expected_ns = foretold(ran, size) if ran else 0
            effort = climb_effort(expected_ns, budget_ns=budget_ns)
            self._measure(findings, size, number, effort, service_ns=expected_ns, stage="looking for the limit")

    def _bounds(self, findings: Findings, top: int, left_ns: int) -> Bounds:
        """How far to climb from the largest size so far; in a quick run in larger steps, where processes start slowly."""
        memory, tries = findings.memory, left_ns // max(1, self._overhead_ns)
        allowed = room = None
        if memory is not None:
            allowed = round(self._wanted.memory_fraction * memory.total_bytes) - memory.others_bytes
            room = memory.total_bytes - memory.others_bytes if memory.kind == "host" else None
        return Bounds(
            ladder=findings.ladder,
            deadline_ns=self._wanted.deadline_ns,
            memory_bytes=allowed,
            room_bytes=room,
            cheap_ns=0 if self._wanted.quick else round(CHEAP_SHARE * self._wanted.budget_ns),
            factor=factor_for(top, findings.ladder[-1], tries) if self._wanted.quick and self._overhead_ns else 2,
            thorough=not self._wanted.quick,
        )

    def _pass_over(self, findings: Findings) -> None:
        number = 0
        while True:
            number += 1
            self._climb(findings, number)
            known = findings.unfinished(quick=self._wanted.quick)
            free_ns = self._free_ns()
            passes = passes_in(known, budget_ns=free_ns, overhead_ns=self._overhead_ns)
            rest = free_ns < TAIL_SHARE * self._wanted.budget_ns
            if not passes and rest and all(each.width is not None for each in known):
                return
            choice = findings.decide(self._wanted).choice
            planned = plan_pass(
                known,
                budget_ns=free_ns // max(1, passes),
                overhead_ns=self._overhead_ns,
                favoured=2 * choice.max_batch,
            )
            if not planned:
                return
            services, before = {each.batch: each.service_ns for each in known}, len(findings.points)
            for each in planned[:: -1 if number % 2 else 1]:
                service_ns = services[each.batch]
                if self._free_ns() > self._overhead_ns + each.effort.expected_ns(service_ns):
                    self._measure(
                        findings, each.batch, number, each.effort, service_ns=service_ns, stage=f"pass {number}"
                    )
            if len(findings.points) == before:
                return

    def _rest(self, findings: Findings) -> None:
        left_ns = self._end_ns - now_ns() - self._soak_ns() - 2 * self._overhead_ns
        if not self._wanted.quick:  # a full run has kept this time, and a last pass that took longer must not cost it
            left_ns += round(TAIL_SHARE * self._wanted.budget_ns)
        plan = idle_plan(left_ns)
        if not plan.pauses:
            return
        self._say("idling", batch=findings.ladder[0], end_ns=self._after(plan.expected_ns + self._overhead_ns))
        task = IdleTask(folder=self._folder, batch=findings.ladder[0], seed=self._next_seed(), pauses=plan.pauses)

        def note(answer: dict[str, Any]) -> None:
            findings.busy_ns.extend(row[0] for row in answer.get("samples", ()))
            if "rested" in answer:
                pause_ns, service_ns = answer["rested"]
                findings.rested_ns.setdefault(pause_ns, []).append(service_ns)

        limit_ns = self._limit_ns(findings, 2 * plan.expected_ns)
        ended = run_task(task, limit_ns=limit_ns, on_answer=note, on_tick=self._tick)
        if ended.failure:
            log.warning(
                "the penalty after idling was not measured to the end: %s",
                ended.why,
                extra=event("calibration.idling_failed", reason=ended.why),
            )

    def _soak(self, findings: Findings) -> None:
        """Run the chosen size; where it fails, what is chosen then, and so on."""
        while True:
            batch = findings.decide(self._wanted).choice.max_batch
            service_ns = foretold({size: max(times) for size, times in findings.ran().items()}, batch)
            left_ns = self._end_ns - now_ns() - self._overhead_ns
            budget_ns = min(self._soak_ns(), max(left_ns, self._soak_ns() // 4))
            effort = _soak_effort(self._wanted.soak_batches, budget_ns)
            answered = Answered(batch, 0)
            self._say("soaking", batch=batch, end_ns=self._after(0))
            task = RunTask(folder=self._folder, batch=batch, seed=self._next_seed(), effort=effort)
            limit_ns = self._limit_ns(findings, effort.expected_ns(service_ns) + effort.budget_ns)
            point = measure_point(task, answered, limit_ns=limit_ns, on_tick=self._tick)
            findings.soaks.append((soak_of(point), point))
            if not point.failure:
                return
            log.warning(
                "a batch of %d did not hold: %s",
                batch,
                point.why,
                extra=event("calibration.soak_failed", batch=batch, reason=point.why),
            )
            if batch == findings.ladder[0]:
                return

    def _measure(
        self, findings: Findings, batch: int, number: int, effort: Effort, *, service_ns: float, stage: str
    ) -> None:
        """Measure one size in a process of its own, and note what came of it, when interrupted too."""
        self._say(stage, batch=batch)
        answered = Answered(batch, number)
        task = RunTask(folder=self._folder, batch=batch, seed=self._next_seed(), effort=effort)
        limit_ns = self._limit_ns(findings, effort.expected_ns(service_ns) + effort.budget_ns)
        try:
            point = measure_point(task, answered, limit_ns=limit_ns, on_tick=self._tick)
        except KeyboardInterrupt:
            if answered.samples:
                findings.points.append(answered.point())
            raise
        findings.points.append(point)
        findings.memory = findings.memory or answered.memory
        self._overhead_ns = self._overhead_ns or answered.startup_ns
        self._outlook.note(point)
        if point.failure:
            log.info(
                "a batch of %d failed: %s",
                batch,
                point.why,
                extra=event("calibration.point_failed", batch=batch, reason=point.why),
            )
        self._tick()

    def _free_ns(self) -> int:
        """What is left for measuring sizes, when the later stages have theirs; a quick run idles if time is left over."""
        later_ns = self._soak_ns() + self._overhead_ns
        if not self._wanted.quick:
            later_ns += idle_plan(round(IDLE_SHARE * self._wanted.budget_ns)).expected_ns + self._overhead_ns
        return self._end_ns - now_ns() - later_ns

    def _soak_ns(self) -> int:
        """What the soak has."""
        return round(SOAK_SHARE * self._wanted.budget_ns)

    def _limit_ns(self, findings: Findings, expected_ns: int) -> int:
        """After which time a process hangs."""
        if not findings.ran():
            return UNKNOWN_NS
        start_ns = LONGEST_START_NS[findings.loaded.device.kind]
        if self._wanted.options.provider == "tensorrt":
            start_ns = UNKNOWN_NS
        return start_ns + PATIENCE * expected_ns

    def _next_seed(self) -> int:
        self._seed += 1
        return self._seed

    def _after(self, stage_ns: int) -> int:
        """When all is over, if this stage takes so long and only the soak follows."""
        return now_ns() + stage_ns + self._soak_ns() + self._overhead_ns

    def _say(self, stage: str, *, batch: int = 0, end_ns: int | None = None) -> None:
        self._outlook.begin(stage, batch=batch, end_ns=end_ns)
        self._tick()

    def _tick(self) -> None:
        self._on_progress(self._outlook.at(now_ns()))


def _soak_effort(batches: int | None, budget_ns: int) -> Effort:
    if batches is not None:
        return Effort(warm_ups=1, warm_ns=0, least=batches, most=batches, budget_ns=0, until_enough=False)
    return Effort(warm_ups=1, warm_ns=0, least=3, most=SOAK_BATCHES, budget_ns=budget_ns, until_enough=False)
