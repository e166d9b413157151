"""Whether the wall clock is kept by somebody: what the kernel says (adjtimex), which any user may ask. Changes nothing."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Final

from framebatch.doctor.facts import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from framebatch.device.host import Host

__all__ = ["Timex", "find_clock", "kernel_clock"]

_UNSYNCHRONISED: Final = 0x40  # STA_UNSYNC
_TIME_ERROR: Final = 5
_MICROSECONDS: Final = 1_000_000
_REST_BYTES: Final = 512  # the fields that are not read here, and more than any kernel writes
_KEEPERS: Final = (("run/chrony", "chrony"), ("run/systemd/timesync", "systemd-timesyncd"))


class Timex(ctypes.Structure):
    """The beginning of C's `struct timex`."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * _REST_BYTES),
    )


def kernel_clock(library: ctypes.CDLL | None = None) -> tuple[bool, float] | None:
    """Ask the kernel whether the clock is synchronised, and for its bound of the error in seconds; None: it does not say.

    Args:
        library: C's; default: the one of this process.
    """
    found = Timex()  # modes 0: nothing is set
    try:
        state = (library or ctypes.CDLL(None)).adjtimex(ctypes.byref(found))
    except (OSError, AttributeError):
        return None
    if state < 0:
        return None
    return state != _TIME_ERROR and not found.status & _UNSYNCHRONISED, found.maxerror / _MICROSECONDS


def find_clock(here: Host, *, ask: Callable[[], tuple[bool, float] | None] = kernel_clock) -> Clock:
    """Put together what the kernel says and who seems to keep the clock."""
    keeper = next((name for path, name in _KEEPERS if (here.root / path).is_dir()), "")
    answer = ask()
    return Clock(None, 0.0, keeper) if answer is None else Clock(answer[0], answer[1], keeper)
