"""framebatch.edge.security.open_calls: calls that are open, by peer."""

from __future__ import annotations

import pytest

from framebatch.edge.security.open_calls import OpenCalls


def test_a_peer_has_its_number_and_no_more() -> None:
    """Whatever others have; and one that was not taken leaves the count as it was."""
    calls = OpenCalls(most=1)
    with calls.one_of("press-3") as first, calls.one_of("press-3") as second, calls.one_of("press-4") as other:
        assert (first, second, other) == (True, False, True)
        assert repr(calls) == "OpenCalls(2 of 2 peers, most=1)"
    with calls.one_of("press-3") as again:
        assert again


def test_nobody_is_remembered_without_a_call() -> None:
    """Also when the call ends with an error, or was not taken."""
    calls = OpenCalls(most=0)
    with pytest.raises(ZeroDivisionError), calls.one_of("press-3"):
        raise ZeroDivisionError
    assert repr(calls) == "OpenCalls(0 of 0 peers, most=0)"
