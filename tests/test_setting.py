"""framebatch.planning.setting: what can be said of a fleet without simulating it."""

from __future__ import annotations

import pytest
from planned import make_setting

from framebatch.clock import MILLISECOND_NS, SECOND_NS
from framebatch.planning.durations import Fixed
from framebatch.planning.fleet import Trigger
from framebatch.planning.host import Host


def test_the_limit_is_what_the_best_batch_does() -> None:
    """16 frames in 10 ms are 1,600 a second; a smaller largest batch does less; whole cameras are counted."""
    assert make_setting().limit_fps == 1_600
    assert make_setting().limit == 16
    assert make_setting(max_batch=8).limit_fps == pytest.approx(8 / 0.006)
    assert make_setting(fps=1_601.0).limit == 0
    assert make_setting("sim:1,9", largest=1, fps=0.1).limit == 1_000


def test_no_larger_batch_is_run_than_the_device_has() -> None:
    """Whatever is asked for."""
    assert (make_setting().largest, make_setting(max_batch=4).largest, make_setting(max_batch=99).largest) == (
        16,
        4,
        16,
    )


def test_the_overhead_is_all_but_waiting_and_running() -> None:
    """Network, decoding, filling, answering and the margin, on average."""
    host = Host(decoders=1, decode=Fixed(3 * MILLISECOND_NS), before=Fixed(1), after=Fixed(2), margin_ns=4)
    setting = make_setting(host=host, network=Fixed(5 * MILLISECOND_NS))
    assert setting.overhead_ns == 8 * MILLISECOND_NS + 7


def test_the_guess_falls_with_the_deadline() -> None:
    """Two batches have to fit; where none does, or nothing is known, it is nothing."""
    guesses = [make_setting(deadline_ms=deadline_ms).guess() for deadline_ms in (3, 10, 15, 60)]
    assert guesses == sorted(guesses)
    assert (guesses[0], guesses[-1]) == (0, 16)
    assert 0 < make_setting(trigger=Trigger.BURST).guess() < 16


def test_staggered_phases_divide_the_period() -> None:
    """Five cameras at 100 frames/s: 2 ms apart."""
    setting = make_setting()
    assert setting.crew(5).spacing_ns is None
    staggered = type(setting)(device=setting.device, fleet=setting.fleet, staggered=True).crew(5)
    assert (staggered.cameras, staggered.spacing_ns) == (5, SECOND_NS // 500)


def test_a_quicker_device_takes_less_for_every_batch() -> None:
    """Nine tenths of it, and the policy is told so."""
    setting = make_setting()
    quicker = setting.quicker(0.9).device
    assert quicker.table.by_size_ns == tuple(round(0.9 * each) for each in setting.device.table.by_size_ns)
    assert quicker.told is None
