"""framebatch.doctor.timekeeping: whether the wall clock is kept by somebody."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from host_tree import tree

from framebatch.device.host import Host
from framebatch.doctor.facts import Clock
from framebatch.doctor.timekeeping import Timex, find_clock, kernel_clock

if TYPE_CHECKING:
    from pathlib import Path


def library(state: int, status: int, maxerror: int) -> Any:
    """C's library, as far as it is asked."""

    def adjtimex(found: Any) -> int:
        timex = ctypes.cast(found, ctypes.POINTER(Timex)).contents
        assert timex.modes == 0
        timex.status, timex.maxerror = status, maxerror
        return state

    return SimpleNamespace(adjtimex=adjtimex)


@pytest.mark.parametrize(
    ("state", "status", "answer"),
    [(0, 0x2001, (True, 0.025)), (5, 0x40, (False, 0.025)), (1, 0x40, (False, 0.025)), (-1, 0, None)],
)
def test_the_kernel_says_whether_its_clock_is_kept(state: int, status: int, answer: tuple[bool, float] | None) -> None:
    """And how far it may be off; nothing is set."""
    assert kernel_clock(library(state, status, 25_000)) == answer


def test_a_library_without_the_call_says_nothing() -> None:
    """Not every C library has it."""
    empty: Any = SimpleNamespace()
    assert kernel_clock(empty) is None


def test_who_keeps_the_clock_is_seen_by_what_runs(tmp_path: Path) -> None:
    """Its folder is there while it does."""
    assert find_clock(Host(tmp_path), ask=lambda: (False, 16.0)) == Clock(
        synchronised=False, error_seconds=16.0, keeper=""
    )
    here = tree(tmp_path, {"run/systemd/timesync/synchronized": ""})
    assert find_clock(here, ask=lambda: (True, 0.5)) == Clock(
        synchronised=True, error_seconds=0.5, keeper="systemd-timesyncd"
    )
    here = tree(tmp_path, {"run/chrony/chronyd.pid": "7"})
    assert find_clock(here, ask=lambda: None) == Clock(None, 0.0, "chrony")


def test_this_host_can_be_asked() -> None:
    """Without root."""
    answer = kernel_clock()
    assert answer is not None
    assert find_clock(Host()).synchronised is answer[0]
