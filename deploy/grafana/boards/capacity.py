"""Calibration and capacity: does what was measured still hold, and how much room is there?"""

from __future__ import annotations

from typing import Final

from boards import look
from boards.board import Board, Row
from boards.fleet import INSTANCE, MODEL
from boards.matching import BY_INSTANCE, BY_MODEL, rate
from boards.panels import Column, Query, stat, table, timeseries

__all__ = ["CAPACITY"]

CAPACITY_FPS: Final = f"framebatch_capacity_frames_per_second{{{BY_MODEL}}}"
LOAD: Final = f"framebatch_load_ratio{{{BY_MODEL}}}"
CAMERAS: Final = (
    f"count by (instance, model) (sum by (instance, model, camera) "
    f'(rate(framebatch_frames_total{{{BY_MODEL},model!=""}}[$__rate_interval])) > 0)'
)
MORE_CAMERAS: Final = f"{CAMERAS} * on (instance, model) (1 / ({LOAD} > 0) - 1)"


def _curve(quantile: str) -> str:
    return f'max by (model, batch) (framebatch_curve_seconds{{{BY_MODEL},quantile="{quantile}"}})'


LATELY: Final = (
    "label_replace("
    f"sum by (model, bucket) (rate(framebatch_batch_device_seconds_total{{{BY_MODEL}}}[$__range]))"
    f" / (sum by (model, bucket) (rate(framebatch_batches_total{{{BY_MODEL}}}[$__range])) > 0)"
    ', "batch", "$1", "bucket", "(.+)")'
)

STATS = Row(
    "",
    [
        stat(
            "How much room is left?",
            f"1 - max({LOAD})",
            description="What the fullest device could carry beyond what it is asked for, at its largest batch. Below 15 %: add no cameras. Deadlines that are short for the batch leave less: framebatch plan knows.",
            unit="percentunit",
            decimals=0,
            thresholds=look.below(0, 0.15),
            runbooks=("FramebatchCamerasNotFitting",),
        ),
        stat(
            "How many more cameras fit?",
            f"floor(sum({MORE_CAMERAS}))",
            description="If they are like those that send now, by rates alone. Negative: so many are too many. Before you buy, ask framebatch plan, which plays their deadlines too.",
            unit="suffix: cameras",
            decimals=0,
            thresholds=look.below(0, 1),
            none="no frames",
            runbooks=("FramebatchCamerasNotFitting",),
        ),
        stat(
            "How many cameras do not fit?",
            f"sum(framebatch_cameras_not_fitting{{{BY_MODEL}}})",
            description="Cameras that lately got less than 90 % of their frames answered because the device is asked for more than it carries. They are told so in their answers.",
            unit="none",
            decimals=0,
            thresholds=look.above(1),
            runbooks=("FramebatchCamerasNotFitting",),
        ),
        stat(
            "Does the calibration hold?",
            f"max(framebatch_drift_ratio{{{BY_MODEL}}})",
            description="Recent times of batches over the measured ones, of the model that departs most; 100 % when nothing changed. Above 125 % for long: find out why, or calibrate again.",
            unit="percentunit",
            decimals=0,
            thresholds=look.above(1.1, 1.25),
            runbooks=("FramebatchDeviceSlow",),
        ),
        stat(
            "Is a recalibration due?",
            f"max(framebatch_recalibration_due{{{BY_MODEL}}})",
            description="Whether batches have long taken other times than were measured. If the change is to stay: the server's log has the command.",
            unit="none",
            thresholds=look.neutral(),
            mappings=look.DUE,
            runbooks=("FramebatchRecalibrationDue",),
        ),
        stat(
            "How old is the calibration?",
            f"max(framebatch_profile_age_seconds{{{BY_MODEL}}})",
            description="Of the oldest profile that is served by. Age alone is no fault; after a new driver, a new device or a move of the cabinet, calibrate again.",
            unit="s",
            decimals=0,
            thresholds=look.neutral(),
            none="no profile",
            runbooks=("FramebatchRecalibrationDue",),
        ),
    ],
)

CAPACITY_ROW = Row(
    "Capacity",
    [
        timeseries(
            "How close to its limit is each device?",
            Query(CAPACITY_FPS, "can: {{model}} on {{instance}}"),
            Query(
                rate("framebatch_frames_total", f'{BY_MODEL},model!=""', by="instance, model"),
                "is asked: {{model}} on {{instance}}",
            ),
            description="Frames a second that the device carries at its best, as it runs now, and those that come. When they meet, frames must be lost. Models that share a device share it also here.",
            unit="suffix: frames/s",
            runbooks=("FramebatchCamerasNotFitting",),
        ),
        timeseries(
            "How much of it is used?",
            Query(LOAD, "{{model}} on {{instance}}"),
            description="Arrival rate over the rate at the largest batch. Look at the highest of a whole shift before adding cameras.",
            unit="percentunit",
            thresholds=look.above(0.85, 1),
            soft_high=1.1,
            runbooks=("FramebatchCamerasNotFitting",),
        ),
    ],
)

CALIBRATION = Row(
    "Calibration",
    [
        timeseries(
            "Do batches take what was measured?",
            Query(f"framebatch_drift_ratio{{{BY_MODEL}}}", "{{model}} on {{instance}}"),
            description="Recent times over the measured table. Steps: another program or a power mode. A slow rise: heat or dust. Below 1: measured on a disturbed machine; calibrate again.",
            unit="percentunit",
            thresholds=look.above(1.1, 1.25),
            low=None,
            soft_high=1.3,
            runbooks=("FramebatchRecalibrationDue",),
        ),
        timeseries(
            "Does it carry what was measured?",
            Query(f"framebatch_derate_ratio{{{BY_MODEL}}}", "{{model}} on {{instance}}"),
            description="Frames a second in the largest batches that are run now, over what was measured. Low with a drift near 1: batches are smaller than they were.",
            unit="percentunit",
            thresholds=look.below(0.8, 0.95),
            soft_high=1.1,
            runbooks=("FramebatchDeviceSlow",),
        ),
        table(
            "What do batches cost?",
            {"median": _curve("0.5"), "slow": _curve("0.95"), "lately": LATELY},
            {
                "model": Column(name="Model"),
                "batch": Column(name="Batch"),
                "median": Column(name="Measured, median", unit="s"),
                "slow": Column(name="Measured, slowest 5 %", unit="s"),
                "lately": Column(name="Mean in this time range", unit="s"),
            },
            description="Device time by batch size: what plans are made with, and what was seen. Seen much above measured: the device is slower than it was. Where several servers are chosen, the slowest table is shown.",
            sort="Batch",
            width=12,
            height=10,
            runbooks=("FramebatchRecalibrationDue",),
        ),
        timeseries(
            "Will the largest batch fit into memory?",
            Query(f"framebatch_memory_predicted_bytes{{{BY_MODEL}}}", "foretold: {{model}} on {{instance}}"),
            Query(f"framebatch_memory_limit_bytes{{{BY_MODEL}}}", "allowed: {{model}} on {{instance}}"),
            description="What the profile foretells that the largest batch takes, and what the calibration allowed; only of models with a profile. Foretold near allowed: a second model on the device may not fit.",
            unit="bytes",
            runbooks=("FramebatchDeviceMemoryShort",),
        )
        | {"gridPos": {"w": 12, "h": 10}},
    ],
)

SERVED = Row(
    "What is served",
    [
        table(
            "By what does each server plan?",
            {"info": f"framebatch_profile_info{{{BY_MODEL}}}"},
            {
                "instance": Column(name="Server"),
                "model": Column(name="Model"),
                "source": Column(name="Table from"),
                "created": Column(name="Calibrated"),
                "max_batch": Column(name="Largest batch"),
                "bound_by": Column(name="Bound by"),
            },
            description="Where the table of times comes from, and which rule bounds the largest batch. Not a profile where you expect one: the server's log says why it was not taken.",
            sort="Server",
            width=12,
        ),
        table(
            "Which versions are served?",
            {"info": f"framebatch_model_info{{{BY_MODEL}}}"},
            {
                "instance": Column(name="Server"),
                "model": Column(name="Model"),
                "model_version": Column(name="Version"),
                "family": Column(name="Family"),
                "max_batch": Column(name="Largest batch"),
            },
            description="The version of each model. One server with another version than the rest: an exchange that failed; its log says why.",
            sort="Server",
            width=12,
        ),
        table(
            "What serves, on what?",
            {"info": f"framebatch_info{{{BY_INSTANCE}}}"},
            {
                "instance": Column(name="Server"),
                "version": Column(name="framebatch"),
                "device": Column(name="Device"),
                "provider": Column(name="Computed by"),
            },
            description="Version and device of each server. A processor where a GPU was meant: framebatch doctor says why CUDA does not load.",
            sort="Server",
            width=12,
        ),
        table(
            "Are all servers made of the same?",
            {"info": f"framebatch_build_info{{{BY_INSTANCE}}}"},
            {
                "instance": Column(name="Server"),
                "version": Column(name="framebatch"),
                "python": Column(name="Python"),
                "onnxruntime": Column(name="onnxruntime"),
                "grpcio": Column(name="grpcio"),
                "numpy": Column(name="NumPy"),
                "opencv": Column(name="OpenCV"),
            },
            description="Versions of each server and of what it is made of. Two that behave differently: what is different here?",
            sort="Server",
            width=12,
        ),
        timeseries(
            "Is the recording whole?",
            Query(rate("framebatch_recording_records_total", BY_INSTANCE, by="result"), "{{result}}"),
            width=24,
            description="Records written and lost a second; empty where nothing is recorded. Lost ones: the disk is too slow or full. Serving is not touched.",
            unit="suffix: records/s",
            runbooks=("FramebatchRecordingLoses",),
        ),
    ],
)

CAPACITY = Board(
    uid="framebatch-capacity",
    title="framebatch: calibration and capacity",
    description="Does what was measured still hold, and how much room is there for more?",
    variables=[INSTANCE, MODEL],
    rows=[STATS, CAPACITY_ROW, CALIBRATION, SERVED],
    time_from="now-6h",
)
