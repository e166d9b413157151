"""Rows of the device's dashboard about what is around it: the host's processor and memory, and what the device tells of itself."""

from __future__ import annotations

from typing import Final

from boards import look
from boards.board import Row
from boards.matching import BY_INSTANCE, BY_MODEL, rate
from boards.panels import Query, timeline, timeseries

__all__ = ["HOST", "TOLD"]

HOST: Final = Row(
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

TOLD: Final = Row(
    "What the device tells of itself (a processor tells less, a simulated device nothing)",
    [
        timeseries(
            "Is there memory on the device?",
            Query(f"framebatch_device_memory_used_bytes{{{BY_INSTANCE}}}", "{{scope}} on {{instance}}"),
            Query(f"framebatch_device_memory_total_bytes{{{BY_INSTANCE}}}", "there is, on {{instance}}"),
            description="Memory in use by the server and by everybody, of a GPU or, on a processor, of the host. Near the total: batches fail for want of memory and become smaller. Only all grows: another program.",
            unit="bytes",
            width=8,
            runbooks=("FramebatchDeviceMemoryNearlyFull", "FramebatchDeviceMemoryShort"),
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
