"""The server's own view of what deploy/prometheus/alerts.yml watches, for those who look at its page. Pure.

The same conditions by the same thresholds, over the minute that the page knows, and told at once where the rules wait: they
wake people, the page is looked at. What takes hours to judge (the error budget) is left to Prometheus.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["RULES", "Alert", "Alerts", "CameraFigures", "Condition", "Figures", "ModelFigures", "conditions"]

LATE_FRAMES_SHARE: Final = 0.01
FEWEST_FRAMES: Final = 100
"""Of a camera in the window: of fewer, a single miss would be 1 %."""
SILENT_SECONDS: Final = 120.0
TAKEN_AWAY_SECONDS: Final = 43_200.0
SLOW_RATIO: Final = 0.8
FULL_RATIO: Final = 0.8
LATE_SECONDS: Final = 0.05
LATE_SHARE: Final = 0.01
"""Of the timers: one in a hundred is what a 99th percentile tells."""
DAY_SECONDS: Final = 86_400.0
URGENT_DAYS: Final = 3
SOON_DAYS: Final = 21
MAX_ALERTS: Final = 100

RULES: Final = {
    "FramebatchNotReady": ("critical", "docs/runbooks/not-ready.md"),
    "FramebatchModelDown": ("critical", "docs/runbooks/model-down.md"),
    "FramebatchCertificateExpires": ("critical", "docs/runbooks/certificate-expires.md"),
    "FramebatchCamerasNotFitting": ("warning", "docs/runbooks/cameras-not-fitting.md"),
    "FramebatchDeviceSlow": ("warning", "docs/runbooks/device-slow.md"),
    "FramebatchRecalibrationDue": ("warning", "docs/runbooks/recalibration-due.md"),
    "FramebatchMemoryNearLimit": ("warning", "docs/runbooks/memory-near-limit.md"),
    "FramebatchDeviceMemoryShort": ("warning", "docs/runbooks/device-memory-short.md"),
    "FramebatchEventLoopLate": ("warning", "docs/runbooks/event-loop-late.md"),
    "FramebatchDeadlinesMissed": ("warning", "docs/runbooks/deadlines-missed.md"),
    "FramebatchCameraSilent": ("warning", "docs/runbooks/camera-silent.md"),
    "FramebatchRecordingLoses": ("warning", "docs/runbooks/recording-loses.md"),
    "FramebatchCertificateExpiresSoon": ("warning", "docs/runbooks/certificate-expires-soon.md"),
}
"""Severity and runbook by name; what is urgent comes first, and what many cameras suffer from before each of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFigures:
    """Of one model; `fill` is what of the room for unanswered pictures is taken, `out_of_memory` counts runs in the window."""

    name: str
    why_down: str = ""
    not_fitting: int = 0
    derate: float = 1.0
    recalibration_due: str = ""
    fill: float = 0.0
    out_of_memory: int = 0


class CameraFigures(NamedTuple):
    """Of one camera, in the window: `late` and `due` frames are those of `frame.LATE` and `frame.DUE`."""

    id: str
    model: str
    silent_seconds: float
    late: int
    due: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is judged; `late_share` is that of the timers which came later than `LATE_SECONDS`, `lost` counts records.

    `certificate_seconds` is how long the server's certificate is still valid; None: it has none.
    """

    why_not_ready: str = ""
    models: Sequence[ModelFigures] = ()
    cameras: Sequence[CameraFigures] = ()
    late_share: float = 0.0
    lost: int = 0
    certificate_seconds: float | None = None


class Condition(NamedTuple):
    """Something is the matter; `seconds` says for how long where the figures tell, else 0."""

    name: str
    summary: str
    model: str = ""
    camera: str = ""
    seconds: float = 0.0


class Alert(NamedTuple):
    """A condition, and since when it has been seen."""

    name: str
    severity: str
    summary: str
    since_unix_seconds: float
    runbook: str
    model: str
    camera: str


def conditions(figures: Figures) -> Iterator[Condition]:
    """All that hold, those of the server first."""
    if figures.why_not_ready:
        yield Condition("FramebatchNotReady", f"the server takes no frames: {figures.why_not_ready}")
    if figures.late_share > LATE_SHARE:
        yield Condition(
            "FramebatchEventLoopLate",
            f"the server is short of processor time: {100 * figures.late_share:.1f} % of its timers came more than "
            f"{1000 * LATE_SECONDS:.0f} ms late",
        )
    if figures.lost:
        yield Condition("FramebatchRecordingLoses", f"the recording lost {figures.lost} records in the last minute")
    if figures.certificate_seconds is not None:
        yield from _of_certificate(figures.certificate_seconds)
    for model in figures.models:
        yield from _of_model(model)
    for camera in figures.cameras:
        yield from _of_camera(camera)


def _of_certificate(seconds: float) -> Iterator[Condition]:
    if seconds < SOON_DAYS * DAY_SECONDS:
        name = (
            "FramebatchCertificateExpires"
            if seconds < URGENT_DAYS * DAY_SECONDS
            else "FramebatchCertificateExpiresSoon"
        )
        yield Condition(
            name,
            f"the server's certificate expires in {seconds / DAY_SECONDS:.1f} days"
            if seconds > 0
            else "the server's certificate has expired",
        )


def _of_model(model: ModelFigures) -> Iterator[Condition]:
    name = model.name
    if model.why_down:
        yield Condition("FramebatchModelDown", f"{name} cannot be run: {model.why_down}", name)
    if model.not_fitting:
        yield Condition(
            "FramebatchCamerasNotFitting",
            f"more is asked of {name} than the device carries: {_cameras(model.not_fitting)} less than 90 % answered",
            name,
        )
    if model.derate < SLOW_RATIO:
        yield Condition(
            "FramebatchDeviceSlow",
            f"the device carries {100 * model.derate:.0f} % of what was measured for {name}",
            name,
        )
    if model.recalibration_due:
        yield Condition(
            "FramebatchRecalibrationDue", f"{name} should be calibrated anew: {model.recalibration_due}", name
        )
    if model.fill > FULL_RATIO:
        yield Condition(
            "FramebatchMemoryNearLimit",
            f"unanswered pictures of {name} take {100 * model.fill:.0f} % of the room there is for them",
            name,
        )
    if model.out_of_memory:
        yield Condition(
            "FramebatchDeviceMemoryShort", f"batches of {name} failed for want of the device's memory", name
        )


def _of_camera(camera: CameraFigures) -> Iterator[Condition]:
    name = camera.id or "a camera without a name"
    if SILENT_SECONDS < camera.silent_seconds < TAKEN_AWAY_SECONDS:
        yield Condition(
            "FramebatchCameraSilent",
            f"{name} has sent nothing for {_duration(camera.silent_seconds)}",
            camera.model,
            camera.id,
            camera.silent_seconds - SILENT_SECONDS,
        )
    if camera.due >= FEWEST_FRAMES and camera.late > LATE_FRAMES_SHARE * camera.due:
        yield Condition(
            "FramebatchDeadlinesMissed",
            f"{name} misses {100 * camera.late / camera.due:.1f} % of its deadlines",
            camera.model,
            camera.id,
        )


class Alerts:
    """Remembers since when each condition has held. O(n log n) for n conditions."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str, str], float] = {}

    def __repr__(self) -> str:
        return f"Alerts({', '.join(sorted({name for name, _, _ in self._since})) or 'none'})"

    def judge(self, figures: Figures, now_unix_seconds: float) -> list[Alert]:
        """The alerts now, the urgent ones first, of each kind the oldest first; at most `MAX_ALERTS`."""
        before, self._since = self._since, {}
        found: list[Alert] = []
        for each in conditions(figures):
            key = (each.name, each.model, each.camera)
            since = self._since[key] = before.get(key, now_unix_seconds - each.seconds)
            severity, runbook = RULES[each.name]
            found.append(Alert(each.name, severity, each.summary, since, runbook, each.model, each.camera))
        order = {name: place for place, name in enumerate(RULES)}
        found.sort(key=lambda alert: (order[alert.name], alert.since_unix_seconds, alert.model, alert.camera))
        return found[:MAX_ALERTS]


def _cameras(number: int) -> str:
    return "1 camera gets" if number == 1 else f"{number} cameras get"


def _duration(seconds: float) -> str:
    minutes = int(seconds // 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"  # noqa: PLR2004 - an hour
