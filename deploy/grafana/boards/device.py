"""Device and batching: what is run, why it was started, what it costs, and what the host adds."""

from __future__ import annotations

from typing import Final

from boards import look
from boards.board import Board, Row
from boards.fleet import INSTANCE, MODEL
from boards.matching import BY_INSTANCE, BY_MODEL, mean, quantile, rate
from boards.panels import Query, heatmap, stat, timeline, timeseries

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

MEMORY = Row(
    "Host and memory",
    [
        timeseries(
            "Is there room for pictures?",
            Query(
                f"framebatch_unanswered_bytes{{{BY_MODEL}}} / framebatch_unanswered_limit_bytes{{{BY_MODEL}}}",
                "{{model}} on {{instance}}",
            ),
            description="Bytes of unanswered pictures over what they may take (max_waiting_bytes). At 100 % frames are refused.",
            unit="percentunit",
            width=8,
            thresholds=look.above(0.5, 0.8),
            soft_high=1,
            runbooks=("FramebatchMemoryNearLimit",),
        ),
        timeseries(
            "How much processor does the server use?",
            Query(
                f'rate(process_cpu_seconds_total{{job="framebatch",{BY_INSTANCE}}}[$__rate_interval])', "{{instance}}"
            ),
            description="Cores of the server's own process, without its decoders. Near 1: one event loop reads no more frames, whatever the device could do.",
            unit="suffix: cores",
            width=8,
            thresholds=look.above(0.8, 0.95),
            runbooks=("FramebatchEventLoopLate",),
        ),
        timeseries(
            "How much memory does it use?",
            Query(f'process_resident_memory_bytes{{job="framebatch",{BY_INSTANCE}}}', "{{instance}}"),
            description="Resident memory of the server's own process, without its decoders. It should be flat after the first minutes.",
            unit="bytes",
            width=8,
        ),
    ],
)

TOLD = Row(
    "What the device tells of itself (a processor tells less, a simulated device nothing)",
    [
        timeseries(
            "Is there memory on the device?",
            Query(f"framebatch_device_memory_used_bytes{{{BY_INSTANCE}}}", "{{scope}} on {{instance}}"),
            Query(f"framebatch_device_memory_total_bytes{{{BY_INSTANCE}}}", "there is, on {{instance}}"),
            description="Memory in use by the server and by everybody, of a GPU or, on a processor, of the host. Near the total: batches fail for want of memory and become smaller. Only all grows: another program.",
            unit="bytes",
            width=8,
            runbooks=("FramebatchDeviceMemoryShort",),
        ),
        timeseries(
            "How much does it compute?",
            Query(f"framebatch_device_utilisation_ratio{{{BY_INSTANCE}}}", "{{instance}}"),
            description="Share of the time in which the device worked, for anybody. Much more than this server's share above: another program is on it.",
            unit="percentunit",
            width=8,
            high=1,
        ),
        timeline(
            "Is it held back?",
            Query(
                f"max by (instance, reason) (framebatch_device_throttled{{{BY_INSTANCE}}})", "{{instance}}: {{reason}}"
            ),
            description="Reasons for which the device lowers its clocks. Heat: fans, dust, a warm cabinet. Power: a limit or a weak supply.",
            mappings=look.DUE,
            width=8,
            runbooks=("FramebatchDeviceSlow",),
        ),
        timeseries(
            "How hot was it?",
            Query(f"framebatch_device_temperature_celsius{{{BY_INSTANCE}}}", "{{instance}}"),
            description="A slow rise over days: dust. A rise with the hall: the cabinet needs air.",
            unit="celsius",
            width=6,
            thresholds=look.above(75, 85),
            low=None,
            runbooks=("FramebatchDeviceSlow",),
        ),
        timeseries(
            "How fast are its clocks?",
            Query(f"framebatch_device_clock_hertz{{{BY_INSTANCE}}}", "{{clock}} on {{instance}}"),
            description="Low while it is busy: it is held back. Low while it idles: normal; the first batches after that are slower (keep_warm_ms).",
            unit="hertz",
            width=6,
        ),
        timeseries(
            "How much power does it draw?",
            Query(f"framebatch_device_power_watts{{{BY_INSTANCE}}}", "{{instance}}"),
            description="At its limit the clocks fall. A device that draws little under full load is held back.",
            unit="watt",
            width=6,
        ),
        timeseries(
            "What does a frame cost in energy?",
            Query(
                f"{rate('framebatch_device_energy_joules_total', BY_INSTANCE, by='instance')}"
                f" / ({rate('framebatch_batch_frames_sum', BY_MODEL, by='instance')} > 0)",
                "{{instance}}",
            ),
            description="Joules of the device over the frames that it ran, idling included. Larger batches cost less a frame; a rise at the same load: clocks or heat.",
            unit="joule",
            width=6,
        ),
    ],
)

DEVICE = Board(
    uid="framebatch-device",
    title="framebatch: device and batching",
    description="What is run on the device, why it was started, what it costs, and what the host adds?",
    variables=[INSTANCE, MODEL],
    rows=[STATS, BATCHES, TIME, MEMORY, TOLD],
)
