"""The fleet: is every frame of every camera answered in time, and if not, where to look on."""

from __future__ import annotations

from typing import Final

from boards import look
from boards.board import Board, Row, variable
from boards.matching import BY_CAMERA, BY_INSTANCE, BY_MODEL, COUNTED, MISSED, in_time, quantile, rate
from boards.panels import Column, Query, heatmap, stat, table, timeline, timeseries

__all__ = ["FLEET", "INSTANCE", "MODEL", "TO_CAMERA"]

INSTANCE: Final = variable("instance", "Server", "label_values(framebatch_info, instance)")
MODEL: Final = variable("model", "Model", f"label_values(framebatch_model_info{{{BY_INSTANCE}}}, model)")
CAMERA: Final = variable("camera", "Camera", f"label_values(framebatch_frames_total{{{BY_MODEL}}}, camera)")
TO_CAMERA: Final = (
    "Look at this camera",
    "/d/framebatch-camera?var-camera=${__value.raw}&${instance:queryparam}&${model:queryparam}&${__url_time_range}",
)
OBJECTIVE: Final = 0.01
AGES: Final = f'framebatch_camera_last_frame_age_seconds{{{BY_INSTANCE},camera=~"$camera"}}'
UP: Final = f'up{{job="framebatch",{BY_INSTANCE}}}'

STATS = Row(
    "",
    [
        stat(
            "Is every frame answered in time?",
            in_time(BY_CAMERA),
            description="Share of the frames that were answered OK, of those that had to be: superseded and invalid ones do not count, best-effort ones do. "
            "Below 99 %: the cameras' table says whose frames, and the load whether they are too many.",
            unit="percentunit",
            decimals=2,
            thresholds=look.below(0.95, 0.99),
            none="no frames",
            runbooks=("FramebatchDeadlinesMissed",),
        ),
        stat(
            "How much of the error budget is used?",
            f"max(framebatch:missed:ratio_rate3d{{{BY_MODEL}}}) / {OBJECTIVE}",
            description="Misses of the last 3 days over what the objective of 99 % allows in that time, of the model that misses most; best-effort frames do not count. "
            "Above 100 % the objective is not kept. It needs the recording rules of deploy/prometheus/alerts.yml.",
            unit="percentunit",
            decimals=0,
            thresholds=look.above(0.5, 1),
            none="no frames",
            runbooks=("FramebatchErrorBudgetSlow",),
        ),
        stat(
            "How many servers take no frames?",
            f"count({UP} == 0 or framebatch_ready{{{BY_INSTANCE}}} == 0) or vector(0)",
            description="Servers that Prometheus cannot read, or that refuse every frame. Not 0: /readyz of the server says why, or its log, if it is down.",
            unit="none",
            thresholds=look.above(1),
            runbooks=("FramebatchDown", "FramebatchNotReady"),
        ),
        stat(
            "How many cameras are silent?",
            f"count({AGES} > 120 < 43200) or vector(0)",
            description="Cameras that sent frames and have sent none for 2 minutes; after 12 hours a camera counts as taken away. Not 0: look at the camera, its cable and its client.",
            unit="none",
            thresholds=look.above(1),
            runbooks=("FramebatchCameraSilent",),
        ),
        stat(
            "How full is the fullest device?",
            f"max(framebatch_load_ratio{{{BY_MODEL}}})",
            description="Arrival rate over what the device carries at its best. Above 100 % frames must be lost: take cameras or frames away, or give important cameras a class.",
            unit="percentunit",
            decimals=0,
            thresholds=look.above(0.85, 1),
            runbooks=("FramebatchCamerasNotFitting",),
        ),
        stat(
            "How long do the slowest answers take?",
            f"{quantile(0.99, 'framebatch_latency_seconds')} > 0",
            description="From reading a frame to its detections, the slowest of a hundred. Near the cameras' deadlines: the dashboard of device and batching says where the time goes.",
            unit="s",
            thresholds=look.neutral(),
            none="no frames",
        ),
    ],
)

FRAMES = Row(
    "Frames and cameras",
    [
        timeseries(
            "What becomes of the frames?",
            Query(rate("framebatch_frames_total", BY_CAMERA, by="outcome"), "{{outcome}}"),
            description="Answers a second by outcome. REJECTED were refused on arrival, EXPIRED came too late, SUPERSEDED were replaced by their own camera, INVALID are the sender's fault, "
            "FAILED the server's. The answers carry the reason in words.",
            unit="suffix: frames/s",
            stacked=True,
            colours=look.coloured(look.OUTCOMES),
            runbooks=("FramebatchDeadlinesMissed",),
        ),
        timeseries(
            "Which cameras miss most?",
            Query(
                f"topk(10, {rate('framebatch_frames_total', f'{BY_CAMERA},{MISSED}', by='camera')}"
                f" / ({rate('framebatch_frames_total', f'{BY_CAMERA},{COUNTED}', by='camera')} > 0))",
                "{{camera}}",
            ),
            description="Share of a camera's frames that were EXPIRED, REJECTED or FAILED, of the ten that miss most. One camera alone: its deadline, its pictures or its network. All of them: load or device.",
            unit="percentunit",
            thresholds=look.above(0.01, 0.05),
            soft_high=0.02,
            runbooks=("FramebatchDeadlinesMissed",),
        ),
        table(
            "Which cameras are worst off?",
            {
                "in time": in_time(BY_CAMERA, by="camera"),
                "frames": rate("framebatch_frames_total", BY_CAMERA, by="camera"),
                "missed": f"sum by (camera) (increase(framebatch_frames_total{{{BY_CAMERA},{MISSED}}}[$__range]))",
                "age": f"min by (camera) ({AGES})",
            },
            {
                "camera": Column(name="Camera", link=TO_CAMERA),
                "in time": Column(name="In time now", unit="percentunit", thresholds=look.below(0.95, 0.99)),
                "frames": Column(name="Frames a second", unit="suffix: frames/s"),
                "missed": Column(name="Missed in this time range", unit="short"),
                "age": Column(name="Last frame", unit="s", thresholds=look.above(10, 120)),
            },
            description="Every camera, the worst first; a name leads to its own dashboard. A camera without a share in time sends nothing that has to be answered.",
            sort="In time now",
            width=14,
            runbooks=("FramebatchDeadlinesMissed",),
        ),
        table(
            "Which alerts are there?",
            {"since": f'time() - ALERTS_FOR_STATE{{alertname=~"Framebatch.+",{BY_INSTANCE}}}'},
            {
                "alertname": Column(name="Alert", link=("Open the runbooks", "/d/framebatch-runbooks")),
                "severity": Column(name="Severity"),
                "instance": Column(name="Server"),
                "camera": Column(name="Camera", link=TO_CAMERA),
                "since": Column(name="For", unit="s"),
            },
            description="Alerts whose condition holds; those of them fire that held for as long as their rule asks. Each has a runbook.",
            sort="For",
            descending=True,
            width=10,
        ),
    ],
)

OBJECTIVES = Row(
    "Error budget: 99 % of the frames in time",
    [
        timeseries(
            "How fast is the error budget used?",
            *(
                Query(f"max(framebatch:missed:ratio_rate{window}{{{BY_MODEL}}}) / {OBJECTIVE}", f"over {window}")
                for window in ("5m", "1h", "6h", "3d")
            ),
            description="Misses over what is allowed, of the model that misses most: 1 uses up exactly the budget of 30 days in 30 days, 14.4 in two. "
            "Somebody is called at 14.4 over an hour and at 6 over six hours.",
            unit="suffix: x",
            thresholds=look.above(1, 14.4),
            soft_high=2,
            runbooks=("FramebatchErrorBudgetFast",),
        ),
        timeseries(
            "Which model uses it?",
            Query(f"framebatch:missed:ratio_rate1h{{{BY_MODEL}}} / {OBJECTIVE}", "{{model}} on {{instance}}"),
            description="The same over an hour, by server and model. One server: its device or its processor. One model on all servers: its cameras' deadlines, or the model.",
            unit="suffix: x",
            thresholds=look.above(1, 14.4),
            soft_high=2,
            runbooks=("FramebatchErrorBudgetFast",),
        ),
    ],
)

TIME = Row(
    "Time",
    [
        heatmap(
            "How long do answers take?",
            f"sum by (le) (increase(framebatch_latency_seconds_bucket{{{BY_MODEL}}}[$__rate_interval]))",
            description="Frames answered OK by their latency. A second band far above the first: some cameras have larger pictures or longer deadlines, or something disturbs the device now and then.",
            unit="s",
        ),
        timeseries(
            "How much time is left when an answer is ready?",
            *(
                Query(quantile(share, "framebatch_slack_seconds"), name)
                for share, name in ((0.05, "tightest 5 %"), (0.5, "median"))
            ),
            description="What was left of the deadline. The tightest near 0: the next disturbance costs frames, so do not add cameras.",
            unit="s",
            runbooks=("FramebatchDeadlinesMissed",),
        ),
    ],
)

SERVERS = Row(
    "Servers",
    [
        timeline(
            "When did servers and models take frames?",
            Query(f"framebatch_ready{{{BY_INSTANCE}}}", "{{instance}}"),
            Query(f"framebatch_model_up{{{BY_MODEL}}}", "{{instance}} {{model}}"),
            description="Readiness of each server and whether each model can be run. Red: /readyz and the log say why. A gap: Prometheus could not read the server.",
            mappings=look.STATES,
            runbooks=("FramebatchModelDown",),
        ),
        timeseries(
            "How full is each device?",
            Query(f"framebatch_load_ratio{{{BY_MODEL}}}", "{{model}} on {{instance}}"),
            description="Arrival rate over what the device carries at its best, by model. Above 100 % frames must be lost; look here before cameras are added.",
            unit="percentunit",
            thresholds=look.above(0.85, 1),
            soft_high=1.1,
            runbooks=("FramebatchCamerasNotFitting",),
        ),
        timeseries(
            "How many cameras are there?",
            Query(f"sum by (instance) (framebatch_streams{{{BY_INSTANCE}}})", "streams to {{instance}}"),
            Query(f"count({AGES} < 120)", "sent within 2 minutes"),
            description="Open streams by server, and cameras that sent lately, also by single calls. A step down: cameras lost their connection; a saw: they reconnect.",
            unit="short",
            width=8,
            runbooks=("FramebatchCameraSilent",),
        ),
        timeseries(
            "Who is turned away at the door?",
            Query(rate("framebatch_refused_calls_total", BY_INSTANCE, by="reason"), "calls: {{reason}}"),
            Query(rate("framebatch_refused_streams_total", BY_INSTANCE, by="reason"), "streams: {{reason}}"),
            Query(rate("framebatch_undelivered_answers_total", BY_INSTANCE), "answers whose client had gone"),
            description="Calls without the right credentials, streams beyond a limit (the reason names the setting), and answers that nobody waited for. Not 0: a client without its token, too many cameras, or a client that gives up too early; the log names addresses.",
            unit="suffix: /s",
            width=8,
        ),
        timeseries(
            "How long is the certificate valid?",
            Query(f"framebatch_certificate_expiry_timestamp_seconds{{{BY_INSTANCE}}} - time()", "{{instance}}"),
            description="Time until the server's certificate expires; empty without TLS. Below three weeks: renew it.",
            unit="s",
            width=8,
            low=None,
            runbooks=("FramebatchCertificateExpiresSoon", "FramebatchCertificateExpires"),
        ),
    ],
)

FLEET = Board(
    uid="framebatch-fleet",
    title="framebatch: fleet overview",
    description="Is every frame of every camera answered in time, and if not, where to look on?",
    variables=[INSTANCE, MODEL, CAMERA],
    rows=[STATS, FRAMES, OBJECTIVES, TIME, SERVERS],
)
