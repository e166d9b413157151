"""framebatch.device.turns: one device, several engines, and a guest that gives way."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from framebatch.device.simulated import SimulatedEngine
from framebatch.device.turns import Turns, as_guest, taken_by_guest, turns_of

MS = 1_000_000


def test_one_at_a_time_has_the_device() -> None:
    """Threads that take many turns are never in at the same time."""
    turns, inside, worst = Turns(), 0, 0

    def work() -> None:
        nonlocal inside, worst
        for _ in range(300):
            with turns.turn():
                inside += 1
                worst = max(worst, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (worst, repr(turns)) == (1, "Turns(free, 0 have it or want it)")


def test_a_guest_waits_while_others_want_the_device() -> None:
    """It has its turn when they are done, and shows while it has it."""
    turns, order = Turns(), []
    wants = threading.Event()

    def guest() -> None:
        with as_guest():
            wants.set()
            with turns.turn():
                order.append(f"guest, taken {turns.taken_by_guest}")

    with turns.turn():
        thread = threading.Thread(target=guest)
        thread.start()
        wants.wait()
        assert not turns.taken_by_guest
        order.append("frames")
    thread.join()
    assert (order, turns.taken_by_guest) == (["frames", "guest, taken True"], False)


def test_a_device_that_is_never_free_lets_a_guest_in_all_the_same() -> None:
    """Between two batches, though the next one waits already."""
    turns, done = Turns(), threading.Event()

    def lane() -> None:
        while not done.is_set():
            with turns.turn():
                pass

    lanes = [threading.Thread(target=lane) for _ in range(2)]
    for thread in lanes:
        thread.start()
    with as_guest():
        for _ in range(3):
            with turns.turn():
                assert turns.taken_by_guest
    done.set()
    for thread in lanes:
        thread.join()


def test_a_run_that_fails_ends_its_turn() -> None:
    """That of a guest, and any other."""
    turns = Turns()
    with pytest.raises(KeyError), turns.turn():
        raise KeyError
    with pytest.raises(KeyError), as_guest(), turns.turn():
        raise KeyError
    assert (repr(turns), turns.taken_by_guest) == ("Turns(free, 0 have it or want it)", False)


def test_each_device_has_its_turns() -> None:
    """The same for all who name it, and a guest shows whichever it has."""
    assert turns_of("sim:7,7") is turns_of("sim:7,7")
    assert turns_of("sim:7,7") is not turns_of("sim:8,8")
    assert not taken_by_guest()
    with as_guest(), turns_of("sim:8,8").turn():
        assert taken_by_guest()


def test_simulated_engines_share_a_device() -> None:
    """A batch of one begins when that of the other is over, as on a real device."""
    turns = Turns()
    clock = [0]

    def sleep(seconds: float) -> None:
        clock[0] += round(seconds * 1e9)

    engines = [
        SimulatedEngine(
            alpha_ns=10 * MS, beta_ns=0, output_shapes=[(1, 6)], now=lambda: clock[0], sleep=sleep, turns=turns
        )
        for _ in range(2)
    ]
    picture = np.zeros((1, 4, 4, 3), np.uint8)
    times = [engine.run(picture)[1:] for engine in (*engines, *engines)]
    assert times == [(at * MS, (at + 10) * MS) for at in (0, 10, 20, 30)]
    clock[0] = 5 * MS  # as another thread sees it that submitted while the last batch ran
    assert engines[0].run(picture)[1] == 40 * MS
