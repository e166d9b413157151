"""framebatch.doctor.keeping: what is said of profiles and disks."""

from __future__ import annotations

import pytest

from framebatch.doctor.facts import Disk, Model
from framebatch.doctor.keeping import check_disk, check_model

GIB = 1 << 30


@pytest.mark.parametrize(
    ("disk", "verdict"),
    [
        (Disk("recordings", "/r", 10 * GIB, 20 * GIB, GIB, writable=True), "ok"),
        (Disk("recordings", "/r", GIB // 2, 20 * GIB, GIB, writable=True), "note"),
        (Disk("recordings", "/r", 10 * GIB, 20 * GIB, GIB, writable=False), "problem"),
        (Disk("profiles", "/p", 10 * GIB, 20 * GIB, GIB, writable=False), "note"),
    ],
)
def test_a_folder_needs_room_and_a_right(disk: Disk, verdict: str) -> None:
    """Without a folder for profiles a server still starts; with one for recordings that cannot be written it does not."""
    said = check_disk(disk)
    assert (said.topic, said.verdict, bool(said.remedy)) == (disk.what, verdict, verdict != "ok")


def test_a_model_should_be_calibrated_here() -> None:
    """A profile of another device or driver does not count."""
    assert check_model(Model("m", "", "full, 2026-11-21", ("driver 570",)))[1:] == (
        "ok",
        "calibrated on this device (full, 2026-11-21)",
        "",
    )
    moved = check_model(Model("m", "", "", ("driver 570", "device NVIDIA L4")))
    assert (moved.verdict, moved.found) == ("note", "its profiles are of something else: driver 570, device NVIDIA L4")
    assert check_model(Model("m", "", "", ())).remedy == "framebatch calibrate --model m"
    assert check_model(Model("m", "m cannot be read: Permission denied", "", ())).verdict == "problem"
