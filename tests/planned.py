"""Small settings for tests of planning: devices on which a second is simulated in a moment."""

from __future__ import annotations

from typing import Any

from framebatch.clock import ms_to_ns
from framebatch.device.devices import parse_device
from framebatch.planning.fleet import Fleet
from framebatch.planning.host import Host
from framebatch.planning.service import DeviceModel
from framebatch.planning.setting import Setting

__all__ = ["make_setting"]


def make_setting(
    device: str = "sim:2,0.5",
    *,
    fps: float = 100.0,
    deadline_ms: float = 60.0,
    largest: int = 16,
    host: Host | None = None,
    seed: int = 0,
    max_batch: int | None = None,
    **fleet: Any,
) -> Setting:
    """Cameras on a simulated device whose largest batch is given; at best it does 1,600 frames/s."""
    return Setting(
        device=DeviceModel.of_simulated(parse_device(device), largest),
        fleet=Fleet(cameras=1, fps=fps, deadline_ns=ms_to_ns(deadline_ms), **fleet),
        host=host or Host(),
        seed=seed,
        max_batch=max_batch,
    )
