"""framebatch.doctor.host: what is said of processors, memory, ports, clock and open files."""

from __future__ import annotations

import pytest

from framebatch.doctor.facts import Clock, Memory, Port, Processors, SharedMemory
from framebatch.doctor.host import (
    check_clock,
    check_descriptors,
    check_memory,
    check_port,
    check_processors,
    check_shared_memory,
)

GIB = 1 << 30
FREE = Port("port", "127.0.0.1", 8001, "", "", ours=False)


@pytest.mark.parametrize(
    ("found", "verdict", "remedy"),
    [
        (Processors(4, 4.0, 4), "ok", ""),
        (Processors(16, 1.5, 16), "note", "set decoders = 2"),
        (Processors(16, 1.5, 2), "ok", ""),
        (Processors(1, 1.0, 1), "note", "give it two or more"),
        (Processors(8, 0.5, 1), "note", "give it two or more"),
    ],
)
def test_decoders_have_to_fit_what_the_process_may_use(found: Processors, verdict: str, remedy: str) -> None:
    """A container's limit does not change how many processors are counted by default."""
    said = check_processors(found)
    assert (said.verdict, said.remedy.startswith(remedy)) == (verdict, True)


def test_memory_has_to_hold_the_server_and_its_pictures() -> None:
    """A limit of a control group is named as one."""
    assert check_memory(None).verdict == "note"
    assert check_memory(Memory(32 * GIB, 32 * GIB, 20 * GIB, 2 * GIB))[1:3] == ("ok", "20 GiB of 32 GiB available")
    tight = check_memory(Memory(32 * GIB, 2 * GIB, GIB, 2 * GIB))
    assert (tight.verdict, "limited by its control group; the host has 32 GiB" in tight.found) == ("note", True)
    assert check_memory(Memory(32 * GIB, GIB, GIB // 4, 2 * GIB)).verdict == "problem"


def test_a_small_dev_shm_is_no_problem() -> None:
    """Decoders share anonymous files, which its size does not limit."""
    said = check_shared_memory(SharedMemory("", 64 << 20))
    assert (said.verdict, "shm (64 MiB) is not used" in said.found) == ("ok", True)
    assert check_shared_memory(SharedMemory("", None)).verdict == "ok"
    assert check_shared_memory(SharedMemory("Operation not permitted", None)).verdict == "problem"


def test_a_port_has_to_be_free() -> None:
    """Who has it is named; a framebatch server there is what one would expect of a host that serves."""
    taken = FREE._replace(error="Address already in use")
    assert check_port(FREE).verdict == "ok"
    assert check_port(FREE._replace(number=0)).found == "port = 0 takes any free one"
    assert check_port(taken._replace(owner="nginx (process 7)"))[1:3] == (
        "problem",
        "port = 8001 on 127.0.0.1 is taken by nginx (process 7)",
    )
    assert check_port(taken._replace(owner="a framebatch server (process 7)", ours=True)).verdict == "note"
    assert (check_port(taken).verdict, "CAP_NET" in check_port(taken).remedy) == ("problem", False)
    assert "CAP_NET_BIND_SERVICE" in check_port(taken._replace(number=80)).remedy


@pytest.mark.parametrize(
    ("clock", "verdict", "words"),
    [
        (Clock(synchronised=True, error_seconds=0.0123, keeper="chrony"), "ok", "synchronised by chrony, by the kernel's bound within 12 ms"),
        (Clock(synchronised=True, error_seconds=0.002, keeper=""), "ok", "synchronised, by the kernel's bound within 2 ms"),
        (Clock(synchronised=False, error_seconds=16, keeper=""), "note", "not synchronised"),
        (Clock(synchronised=False, error_seconds=16, keeper="chrony"), "note", "while chrony runs"),
        (Clock(synchronised=None, error_seconds=0, keeper=""), "note", "cannot be seen from here"),
    ],
)  # fmt: skip
def test_a_clock_that_nobody_keeps_is_told(clock: Clock, verdict: str, words: str) -> None:
    """It is no problem: deadlines are kept by another clock."""
    said = check_clock(clock)
    assert (said.verdict, words in said.found) == (verdict, True)


@pytest.mark.parametrize(("limit", "verdict"), [(256, "problem"), (1535, "note"), (1536, "ok"), (1 << 20, "ok")])
def test_connections_need_open_files(limit: int, verdict: str) -> None:
    """One each, beside the server's own."""
    said = check_descriptors(limit, 1280)
    assert (said.verdict, "1536" in said.remedy) == (verdict, verdict != "ok")
