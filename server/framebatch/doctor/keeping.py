"""Checks of what is kept: profiles of models, and the disks for profiles and recordings. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framebatch.doctor.finding import Finding, bytes_text, note, ok, problem

if TYPE_CHECKING:
    from framebatch.doctor.facts import Disk, Model

__all__ = ["check_disk", "check_model"]


def check_disk(disk: Disk) -> Finding:
    """Whether there is room and a right to write."""
    free = f"{bytes_text(disk.free_bytes)} of {bytes_text(disk.total_bytes)} free for {disk.folder}"
    if not disk.writable and disk.what == "profiles":
        return note(
            disk.what, f"{disk.folder} cannot be written to", "set XDG_DATA_HOME, else each start measures anew"
        )
    if not disk.writable:
        return problem(
            disk.what, f"{disk.folder} cannot be written to", "give this user the right, or set another folder"
        )
    if disk.free_bytes < disk.keep_free_bytes:
        return note(disk.what, free, f"free some: {bytes_text(disk.keep_free_bytes)} have to stay free there")
    return ok(disk.what, free)


def check_model(model: Model) -> Finding:
    """Whether it is known what batches of a model cost here."""
    topic = f"model {model.name}"
    calibrate = f"framebatch calibrate --model {model.name}"
    if model.error:
        return problem(topic, model.error, "give the path of an ONNX file or the name of a bundled model")
    if model.matching:
        return ok(topic, f"calibrated on this device ({model.matching})")
    if model.others:
        return note(
            topic, f"its profiles are of something else: {', '.join(model.others)}", f"calibrate here: {calibrate}"
        )
    return note(topic, "no profile on this device; the first start measures for up to 20 s", calibrate)
