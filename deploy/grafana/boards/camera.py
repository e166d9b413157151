"""One camera: are its frames answered, does it send as it should, and is it the camera or everything?"""

from __future__ import annotations

from typing import Final

from boards import look
from boards.board import Board, Row, variable
from boards.fleet import INSTANCE, MODEL
from boards.matching import BY_INSTANCE, BY_MODEL, MISSED, ONE_CAMERA, OTHER_CAMERAS, in_time, quantile, rate
from boards.panels import Query, stat, timeline, timeseries

__all__ = ["CAMERA"]

ONE: Final = variable("camera", "Camera", f"label_values(framebatch_frames_total{{{BY_MODEL}}}, camera)", multi=False)
BY_NAME: Final = f'{BY_INSTANCE},camera="$camera"'
OPENED: Final = f"framebatch_camera_streams_opened_total{{{BY_NAME}}}"
INVALID: Final = 'outcome="INVALID"'
AGE: Final = f"min(framebatch_camera_last_frame_age_seconds{{{BY_NAME}}})"


def _grown(outcomes: str) -> str:
    return f"sum(increase(framebatch_frames_total{{{ONE_CAMERA},{outcomes}}}[$__range]))"


STATS = Row(
    "",
    [
        stat(
            "Is it answered in time?",
            in_time(ONE_CAMERA),
            description="Share of its frames that were answered OK, of those that had to be. Below 99 %: is it this camera, or all? The panel below compares.",
            unit="percentunit",
            decimals=2,
            thresholds=look.below(0.95, 0.99),
            none="no frames",
            runbooks=("FramebatchDeadlinesMissed",),
        ),
        stat(
            "How many frames did it lose?",
            _grown(MISSED),
            description="EXPIRED, REJECTED or FAILED in this time range. Its answers carry the reason in words, with figures.",
            unit="short",
            decimals=0,
            thresholds=look.above(1, 100),
            none="none",
            runbooks=("FramebatchDeadlinesMissed",),
        ),
        stat(
            "When did its last frame come?",
            AGE,
            description="Age of its last answered frame. Above 2 minutes the camera counts as silent: look at the camera, its cable and its client's log.",
            unit="s",
            decimals=1,
            thresholds=look.above(10, 120),
            none="never",
            runbooks=("FramebatchCameraSilent",),
        ),
        stat(
            "How many frames does it send?",
            rate("framebatch_frames_total", ONE_CAMERA),
            description="Frames a second, whatever became of them. Fewer than it is set to: its client cannot keep up, or its network cannot.",
            unit="suffix: frames/s",
            decimals=1,
            thresholds=look.neutral(),
            none="no frames",
        ),
        stat(
            "How often did it connect again?",
            f"sum(increase({OPENED}[$__range]))",
            description="Streams that it opened in this time range after its first. Many: its network breaks, its client restarts, or something ends its streams.",
            unit="short",
            decimals=0,
            thresholds=look.above(3, 20),
            none="never",
        ),
        stat(
            "Are its frames at fault?",
            f"{_grown(INVALID)} or vector(0)",
            description="INVALID frames in this time range: broken pictures, wrong formats or sizes. Not 0: the reason in its answers names the field.",
            unit="short",
            decimals=0,
            thresholds=look.above(1, 100),
        ),
    ],
)

FRAMES = Row(
    "Its frames",
    [
        timeseries(
            "What becomes of its frames?",
            Query(rate("framebatch_frames_total", ONE_CAMERA, by="outcome"), "{{outcome}}"),
            description="Answers a second by outcome. SUPERSEDED only: a live camera that sends more than is carried. INVALID: the sender is at fault.",
            unit="suffix: frames/s",
            stacked=True,
            colours=look.coloured(look.OUTCOMES),
            runbooks=("FramebatchDeadlinesMissed",),
        ),
        timeseries(
            "Is it this camera, or all?",
            Query(in_time(ONE_CAMERA), "this camera"),
            Query(in_time(OTHER_CAMERAS), "all others"),
            description="Share answered in time, of this camera and of all others on the chosen servers and models. This one alone: its deadline, its pictures or its network. All: load, device or processor.",
            unit="percentunit",
            thresholds=look.below(0.95, 0.99),
            high=1,
            low=None,
            runbooks=("FramebatchDeadlinesMissed",),
        ),
        timeline(
            "When did it miss frames?",
            Query(in_time(ONE_CAMERA), "$camera"),
            description="In time: 99 % or more. Compare the moments with shifts, other machines and the annotations.",
            mappings=look.VERDICTS,
        ),
        timeseries(
            "Does it send evenly?",
            Query(AGE, "age of its last frame"),
            description="A camera that sends evenly stays below its own period, as far as Prometheus looks. Teeth: it pauses. A ramp: it stopped.",
            unit="s",
            thresholds=look.above(10, 120),
            runbooks=("FramebatchCameraSilent",),
        ),
    ],
)

AROUND = Row(
    "What is around it: its models and servers, all cameras together",
    [
        timeseries(
            "Does it lose its connection?",
            Query(f"sum by (instance) (increase({OPENED}[$__rate_interval]))", "streams opened to {{instance}}"),
            description="Streams that it opened. More than one at a time that it was started: its network breaks, its client restarts, or something ends its streams.",
            unit="short",
            width=8,
            bars=True,
        ),
        timeseries(
            "How much time is left when an answer is ready?",
            *(
                Query(quantile(share, "framebatch_slack_seconds", by="model"), f"{{{{model}}}}, {name}")
                for share, name in ((0.05, "tightest 5 %"), (0.5, "median"))
            ),
            description="What was left of the deadline, over all cameras: times are not kept by camera. Near 0 for all: the device or the processor. Plenty, and this camera misses: its deadline is shorter than others'.",
            unit="s",
            width=8,
        ),
        timeseries(
            "Where does the time go?",
            Query(quantile(0.95, "framebatch_stage_seconds", by="stage"), "{{stage}}"),
            description="The slowest 5 % of each stage, over all cameras. decode grew: larger pictures or a short processor. queue: too many frames. device: slower than it was.",
            unit="s",
            width=8,
            runbooks=("FramebatchDeviceSlow",),
        ),
    ],
)

CAMERA = Board(
    uid="framebatch-camera",
    title="framebatch: one camera",
    description="Are this camera's frames answered, does it send as it should, and is it the camera or everything?",
    variables=[INSTANCE, MODEL, ONE],
    rows=[STATS, FRAMES, AROUND],
)
