"""Which device a name means: a profile's file or id, or a simulated one. Read once; nothing is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

from framebatch.cli.profile.finding import find
from framebatch.device.devices import MAX_BATCH_SIMULATED, parse_device
from framebatch.errors import UsageError
from framebatch.planning.service import DeviceModel

if TYPE_CHECKING:
    from framebatch.profile import Profile

__all__ = ["device_named"]

_LARGEST: Final = 1_024


def device_named(name: str, option: str, max_batch: int | None) -> DeviceModel:
    """The device's model.

    Args:
        name: as people write it.
        option: whose value it is, for messages.
        max_batch: the largest batch to be run; None: the profile's choice.

    Raises:
        UsageError: it is neither a profile nor a simulated device, or runs no batches as large as that.
    """
    if max_batch is not None and not 1 <= max_batch <= _LARGEST:
        raise UsageError(f"--max-batch is {max_batch}; it must be 1 to {_LARGEST}")
    if name.strip().lower().startswith("sim:"):
        device = parse_device(name, option)
        if device.limit_bytes is not None:
            raise UsageError(f"{option} is {name!r}, and a plan knows no memory; give sim:ALPHA_MS,BETA_MS[,NOISE]")
        return DeviceModel.of_simulated(device, max_batch or MAX_BATCH_SIMULATED)
    try:
        profile = find([name])[0].profile
    except UsageError as error:
        raise UsageError(f"{option} is {name!r}, and no simulated device: {error}") from error
    if not profile.run.complete:
        text = f"the calibration of {name} was stopped before its end; a server does not use it"
        Console(stderr=True, soft_wrap=True, highlight=False).print(Text.assemble(("warning: ", "bold yellow"), text))
    return _of_profile(profile, max_batch)


def _of_profile(profile: Profile, max_batch: int | None) -> DeviceModel:
    device = DeviceModel.of_profile(profile)
    most = device.table.max_batch
    if max_batch is not None and max_batch > most:
        raise UsageError(f"--max-batch is {max_batch}, and {device.name} was calibrated for {most}; give at most that")
    return device
