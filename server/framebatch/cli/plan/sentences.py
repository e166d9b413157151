"""The sentences of a plan as it is printed: what was asked, what is assumed, the answer, and what binds. Text only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from framebatch.clock import ns_to_ms
from framebatch.planning.evidence import MISSES
from framebatch.planning.fleet import Trigger
from framebatch.planning.what_ifs import RESOURCES

if TYPE_CHECKING:
    from framebatch.planning.plan import Plan
    from framebatch.planning.setting import Setting

__all__ = ["assumptions", "binding", "question", "verdict"]

_TRIGGERS: Final = {
    Trigger.FREE: "free-running cameras",
    Trigger.SYNC: "cameras on one trigger",
    Trigger.BURST: "parts that trigger four cameras three times",
}
_BOUNDS: Final = {
    "device": "the device",
    "deadline": "the deadline: with more time, larger batches would fit",
    "decoders": "decoding",
}


def question(setting: Setting) -> str:
    """What is asked, in a line."""
    name, fleet = setting.device.name, setting.fleet
    simulated = " (simulated)" if "sim:" in name else ""
    return f"{name}{simulated}: {fleet.fps:g} frames/s a camera, answered within {ns_to_ms(fleet.deadline_ns):g} ms"


def assumptions(setting: Setting) -> str:
    """What it holds for, and what is not counted."""
    fleet, host = setting.fleet, setting.host
    parts = [f"{_TRIGGERS[fleet.trigger]}{', live' if fleet.live else ''}", f"batches of up to {setting.largest}"]
    ignored = []
    if fleet.network.mean_ns:
        parts.append(f"{ns_to_ms(fleet.network.mean_ns):g} ms of network")
    else:
        ignored.append("the network")
    if host.decoders:
        parts.append(
            f"{host.decoders} {'decoder' if host.decoders == 1 else 'decoders'} at {ns_to_ms(host.decode.mean_ns):g} ms a picture"
        )
    else:
        ignored.insert(0, "decoding")
    text = "; ".join(parts)
    return f"{text}; {' and '.join(ignored)} not counted" if ignored else text


def verdict(plan: Plan) -> str:
    """The answer."""
    capacity, asked = plan.capacity, plan.wanted.cameras
    most = _most(plan)
    if asked is None or plan.asked is None:
        return most
    missed = _percent(plan.asked.figures.miss_rate)
    if asked <= capacity.cameras:
        spare = capacity.cameras - asked
        room = f"{spare} more would be carried too" if spare else "and not one more would be"
        return f"{_cameras(asked)}: carried, {missed} missed; {room}."
    setting = plan.wanted.setting
    why = f", {missed} missed"
    if asked > setting.limit:
        why = (
            f"; they send {asked * setting.fleet.fps:,.0f} frames/s, and the device does {setting.limit_fps:,.0f} "
            "at its best"
        )
    slower = f" At {plan.most_fps:.3g} frames/s each they would be carried." if plan.most_fps else ""
    return f"{_cameras(asked)}: not carried{why}.{slower} {most}"


def _most(plan: Plan) -> str:
    evidence = plan.capacity.evidence
    if evidence is None:
        return f"No camera is carried: {plan.capacity.why}."
    figures = evidence.figures
    share = figures.goodput_fps / plan.wanted.setting.limit_fps
    text = (
        f"{_cameras(plan.capacity.cameras)} at most: {figures.goodput_fps:,.0f} frames/s in time, {_percent(share, digits=0)} of what "
        f"the device does at its best; {_percent(figures.miss_rate)} missed."
    )
    if evidence.worst > MISSES:
        text += (
            f" That is on average: in the worst of {evidence.stretches} draws {_percent(evidence.worst)} were missed, and "
            f"{_percent(1 - figures.worst_camera, digits=0)} of one camera's."
        )
    return text


def _percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"


def binding(plan: Plan) -> str:
    """What binds, and what more of each resource would bring."""
    gains = []
    for answer in plan.answers:
        if answer.what_if.kind in RESOURCES:
            more = answer.capacity.cameras - plan.capacity.cameras
            gains.append(f"{answer.what_if.words} would carry {f'{more} more' if more > 0 else 'no more'}")
    return f"Bound by {_BOUNDS[plan.bound_by]}. {_listed(gains)}."


def _listed(parts: list[str]) -> str:
    text = ", ".join(parts)
    return text[0].upper() + text[1:]


def _cameras(number: int) -> str:
    return "1 camera" if number == 1 else f"{number} cameras"
