"""framebatch.edge.security.sessions: browsers that have logged in."""

from __future__ import annotations

from framebatch.clock import SECOND_NS
from framebatch.edge.security.caller import Caller, Ended
from framebatch.edge.security.entries import Entry
from framebatch.edge.security.roles import Role
from framebatch.edge.security.sessions import MOST, SESSION_SECONDS, Sessions


def ada() -> Caller:
    """Answer an operator's caller."""
    return Caller(Entry(name="ada", role=Role.OPERATOR, token="sha256:hash"))


def test_a_session_is_its_callers_for_half_a_day() -> None:
    """Then it is over."""
    sessions, caller = Sessions(), ada()
    number = sessions.begin(caller, now_ns=5)
    end_ns = 5 + SESSION_SECONDS * SECOND_NS
    assert (sessions.find(number, end_ns - 1), sessions.find(number, end_ns)) == (caller, None)
    assert sessions.find("another", 6) is sessions.find("", 6) is None


def test_a_session_ends_with_its_entry() -> None:
    """Whatever time it had left."""
    sessions, caller = Sessions(), ada()
    number = sessions.begin(caller, now_ns=0)
    caller.ended = Ended.REMOVED
    assert sessions.find(number, 1) is None


def test_logging_out_ends_it() -> None:
    """Once or twice."""
    sessions = Sessions()
    number = sessions.begin(ada(), now_ns=0)
    sessions.end(number)
    sessions.end(number)
    assert sessions.find(number, 1) is None


def test_sessions_that_are_over_are_forgotten() -> None:
    """And the oldest, where there are too many; neither the numbers are kept nor shown."""
    sessions = Sessions()
    first = sessions.begin(ada(), now_ns=0)
    for _ in range(MOST):
        sessions.begin(ada(), now_ns=1)
    assert (sessions.find(first, 2), repr(sessions)) == (None, f"Sessions(open={MOST})")
    number = sessions.begin(ada(), now_ns=SESSION_SECONDS * SECOND_NS + 1)
    assert repr(sessions) == "Sessions(open=1)"
    assert number not in str(vars(sessions))
