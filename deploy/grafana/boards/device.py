"""Device and batching: what is run, why it was started, what it costs, and what the host adds."""

from __future__ import annotations

from typing import Final

from boards import look
from boards.board import Board, Row
from boards.fleet import INSTANCE, MODEL
from boards.host import HOST, TOLD
from boards.matching import BY_INSTANCE, BY_MODEL, mean, quantile, rate
from boards.panels import Query, heatmap, stat, timeseries

__all__ = ["DEVICE"]

FRAMES_RUN: Final = rate("framebatch_batch_frames_sum", BY_MODEL)
PADDING: Final = rate("framebatch_padding_frames_total", BY_MODEL)

STATS = Row(
    "",
    [
        stat(
            "Does the device carry the load?",
            f"max(framebatch_load_ratio{{{BY_MODEL}}})",
            description="Arrival rate over what the device carries at its best, of the fullest model. Above 100 % frames must be lost: fewer cameras, fewer frames, or a quicker device.",
            unit="percentunit",
            decimals=0,
            thresholds=look.above(0.85, 1),
            runbooks=("FramebatchCamerasNotFitting",),
        ),
        stat(
            "How busy is the device?",
            f"max({rate('framebatch_device_busy_seconds_total', BY_MODEL, by='instance')})",
            description="Share of the time in which it ran batches, of the busiest server. Near 100 % is no fault by itself: batches then grow, and carry more. Low, and frames are missed: look at the host below.",
            unit="percentunit",
            decimals=0,
            thresholds=look.neutral(),
            none="no batches",
        ),
        stat(
            "How large are the batches?",
            mean("framebatch_batch_frames"),
            description="Mean number of frames in a device run. Small: the device has time, and answers at once. Large: it is busy. Small and busy: framebatch_batch_limit_frames may be low.",
            unit="suffix: frames",
            decimals=1,
            thresholds=look.neutral(),
            none="no batches",
        ),
        stat(
            "How much of a batch is empty?",
            f"{PADDING} / ({FRAMES_RUN} + {PADDING} > 0)",
            description="Share of padding: batches are run in the sizes that were measured. A high share while the device is full is lost capacity: measure more batch sizes.",
            unit="percentunit",
            decimals=0,
            thresholds=look.above(0.25, 0.5),
            none="no batches",
        ),
        stat(
            "Does it run as fast as measured?",
            f"min(framebatch_derate_ratio{{{BY_MODEL}}})",
            description="Frames a second in the largest batches that are run now, over what was measured, of the slowest. Below 80 %: heat, a power limit, another program, or smaller batches.",
            unit="percentunit",
            decimals=0,
            thresholds=look.below(0.8, 0.95),
            runbooks=("FramebatchDeviceSlow",),
        ),
        stat(
            "How hot is it?",
            f"max(framebatch_device_temperature_celsius{{{BY_INSTANCE}}})",
            description="The hottest device. GPUs slow themselves down at a limit of their own, many between 80 and 90 °C: cool it before that.",
            unit="celsius",
            decimals=0,
            thresholds=look.above(75, 85),
            none="not told",
            runbooks=("FramebatchDeviceSlow",),
        ),
    ],
)

BATCHES = Row(
    "Batches",
    [
        heatmap(
            "How large were the batches?",
            f"sum by (le) (increase(framebatch_batch_frames_bucket{{{BY_MODEL}}}[$__rate_interval]))",
            description="Device runs by the frames in them, without padding. It should move up when cameras are added and down when they go. Stuck at 1: batches would answer otherwise, so it runs one by one (framebatch_model_one_by_one).",
            unit="short",
        ),
        timeseries(
            "Why were they started?",
            Query(rate("framebatch_batches_released_total", BY_MODEL, by="reason"), "{{reason}}"),
            description="Device runs a second by why they were not started later or larger. predicted, idle: no frame was worth waiting for. deadline: frames could wait no longer. full: no more fits. "
            "overload: not all can be answered, so remove load. retry: a batch failed; the log says why.",
            unit="suffix: runs/s",
            stacked=True,
        ),
        timeseries(
            "Which sizes are run?",
            Query(rate("framebatch_batches_total", BY_MODEL, by="bucket"), "{{bucket}}"),
            description="Device runs a second by the size they are run in, with padding. Only the smallest while frames wait: look for a lowered limit below.",
            unit="suffix: runs/s",
            stacked=True,
            width=8,
        ),
        timeseries(
            "What does a run of each size take?",
            Query(
                f"{rate('framebatch_batch_device_seconds_total', BY_MODEL, by='model, bucket')}"
                f" / ({rate('framebatch_batches_total', BY_MODEL, by='model, bucket')} > 0)",
                "{{model}}, {{bucket}}",
            ),
            description="Mean device time of a run by its size. It should be flat. A rise in all sizes: the device became slower; in the large ones only: memory or power.",
            unit="s",
            width=8,
            runbooks=("FramebatchDeviceSlow",),
        ),
        timeseries(
            "Are batches smaller than they may be?",
            Query(f"framebatch_batch_limit_frames{{{BY_MODEL}}}", "limit: {{model}} on {{instance}}"),
            Query(f"{rate('framebatch_recovery_total', BY_MODEL, by='event')} > 0", "{{event}} a second"),
            description="The largest batch that is run now, and what failed on the device. The limit falls when the device's memory does not suffice, and comes back by steps.",
            unit="short",
            width=8,
            runbooks=("FramebatchDeviceMemoryShort",),
        ),
    ],
)

TIME = Row(
    "Where the time goes",
    [
        timeseries(
            "Which stage takes it?",
            *(
                Query(mean("framebatch_stage_seconds", f'{BY_MODEL},stage="{stage}"'), stage)
                for stage in ("decode", "queue", "device", "post")
            ),
            description="Mean time of a frame by stage, stacked to its latency. decode grew: larger pictures or a short processor. queue grew: too many frames. device grew: larger batches, or slower ones.",
            unit="s",
            stacked=True,
        ),
        heatmap(
            "How much of their budget do frames use?",
            f"sum by (le) (increase(framebatch_budget_used_ratio_bucket{{{BY_MODEL}}}[$__rate_interval]))",
            description="Latency over the frame's own budget, of frames answered OK. Near 1 for many: there is no room for a disturbance. The scheduler uses time that is there, so the middle is no cause for alarm.",
            unit="percentunit",
            runbooks=("FramebatchDeadlinesMissed",),
        ),
        timeseries(
            "How many frames wait?",
            Query(f"sum(framebatch_waiting_frames{{{BY_MODEL}}})", "accepted, not yet on the device"),
            Query(f"sum(framebatch_decode_backlog_frames{{{BY_MODEL}}})", "of them not yet begun by a decoder"),
            description="Waiting frames at the moments of reading. A decode backlog that stays above 0: more decoders, or fewer pixels.",
            unit="suffix: frames",
            width=8,
        ),
        timeseries(
            "Do the decoders keep up?",
            Query(
                f"{rate('framebatch_decode_seconds_total', BY_MODEL)} / sum(framebatch_decoders{{{BY_MODEL}}})",
                "used",
            ),
            Query(
                f"sum(framebatch_decoders_busy{{{BY_MODEL}}}) / sum(framebatch_decoders{{{BY_MODEL}}})",
                "at work when read",
            ),
            description="Share of the decoders' time in which they decode. Near 100 %: pictures wait for the processor, so send fewer pixels, or give it more cores.",
            unit="percentunit",
            width=8,
            thresholds=look.above(0.8, 0.95),
        ),
        timeseries(
            "Does the event loop come in time?",
            Query(quantile(0.99, "framebatch_event_loop_lag_seconds", BY_INSTANCE, by="instance"), "{{instance}}"),
            description="How late the latest of a hundred timers came. Above 50 ms: the server's thread does not get the processor; look for another program.",
            unit="s",
            width=8,
            thresholds=look.above(0.02, 0.05),
            runbooks=("FramebatchEventLoopLate",),
        ),
    ],
)

DEVICE = Board(
    uid="framebatch-device",
    title="framebatch: device and batching",
    description="What is run on the device, why it was started, what it costs, and what the host adds?",
    variables=[INSTANCE, MODEL],
    rows=[STATS, BATCHES, TIME, HOST, TOLD],
)
