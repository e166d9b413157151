"""A plan as one JSON document: shares from 0 to 1, times in milliseconds. Field names are kept stable, others may come."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from framebatch.clock import ns_to_ms
from framebatch.planning.what_ifs import RESOURCES

if TYPE_CHECKING:
    from framebatch.planning.evidence import Evidence
    from framebatch.planning.plan import Named, Plan
    from framebatch.planning.setting import Setting

__all__ = ["document"]

_DIGITS: Final = 6
"""After the point; more would be noise."""


def document(plan: Plan) -> dict[str, Any]:
    """All that a plan says."""
    wanted, capacity = plan.wanted, plan.capacity
    content: dict[str, Any] = {"max_cameras": capacity.cameras, **_figures(plan.shown)}
    if wanted.cameras is not None:
        fits = wanted.cameras <= capacity.cameras
        content |= {"cameras": wanted.cameras, "fits": fits, "headroom": capacity.cameras - wanted.cameras}
        if not fits:
            content["most_fps"] = plan.most_fps
    if capacity.why:
        content["why"] = capacity.why
    content |= {
        "bound_by": plan.bound_by or None,
        "gains": [
            {
                "kind": answer.what_if.kind,
                "change": answer.what_if.words,
                "max_cameras": answer.capacity.cameras,
                "more": answer.capacity.cameras - capacity.cameras,
            }
            for answer in plan.answers
            if answer.what_if.kind in RESOURCES
        ],
        "advice": [asdict(each) for each in plan.advice],
        "near": [{"cameras": cameras, **_figures(evidence)} for cameras, evidence in plan.near],
        "asked": _asked(wanted.setting),
    }
    if plan.cells:
        content["table"] = [
            {"deadline_ms": ns_to_ms(cell.deadline_ns), "fps": cell.fps, "max_cameras": cell.cameras}
            for cell in plan.cells
        ]
    if plan.compared:
        content["compared"] = [_compared(each) for each in plan.compared]
    return content


def _figures(evidence: Evidence | None) -> dict[str, Any]:
    """How a fleet fares; zeros where there is none."""
    if evidence is None:
        names = ("goodput_fps", "miss_rate", "p50_ms", "p99_ms", "mean_batch", "device_busy", "worst_camera")
        return dict.fromkeys((*names, "worst_stretch"), 0.0)
    figures = evidence.figures
    content = {
        "goodput_fps": figures.goodput_fps,
        "miss_rate": figures.miss_rate,
        "p50_ms": figures.p50_ms,
        "p99_ms": figures.p99_ms,
        "mean_batch": figures.mean_batch,
        "device_busy": figures.device_busy,
        "worst_camera": 1 - figures.worst_camera,
        "worst_stretch": evidence.worst,
    }
    return {name: round(value, _DIGITS) for name, value in content.items()}


def _compared(each: Named) -> dict[str, Any]:
    capacity = each.capacity
    return {
        "device": each.label,
        "max_cameras": capacity.cameras,
        **_figures(capacity.evidence),
        "limit_fps": each.setting.limit_fps,
        **({"why": capacity.why} if capacity.why else {}),
    }


def _asked(setting: Setting) -> dict[str, Any]:
    fleet, host = setting.fleet, setting.host
    return {
        "device": setting.device.name,
        "limit_fps": setting.limit_fps,
        "fps": fleet.fps,
        "deadline_ms": ns_to_ms(fleet.deadline_ns),
        "trigger": fleet.trigger.value,
        "mode": "live" if fleet.live else "inspect",
        "max_batch": setting.largest,
        "network_ms": ns_to_ms(fleet.network.mean_ns),
        "decoders": host.decoders or None,
        "decode_ms": ns_to_ms(host.decode.mean_ns) if host.decoders else None,
        "seed": setting.seed,
    }
