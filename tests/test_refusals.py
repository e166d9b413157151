"""framebatch.edge.security.refusals: calls that were refused, counted and told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framebatch.edge.security.refusals import FORBIDDEN, MOST_PEERS, QUIET_NS, UNAUTHENTICATED, Refusals

if TYPE_CHECKING:
    import pytest


def test_every_refusal_is_counted_and_one_a_minute_told(caplog: pytest.LogCaptureFixture) -> None:
    """For each peer by itself."""
    now = [0]
    refusals = Refusals(lambda: now[0])
    for peer in ("192.0.2.1", "192.0.2.1", "192.0.2.2"):
        refusals.add(UNAUTHENTICATED, peer, "no token")
    now[0] = QUIET_NS
    refusals.add(FORBIDDEN, "192.0.2.1", "wrong role")
    assert [line.partition(" (")[0] for line in caplog.messages] == [
        "refused 192.0.2.1: no token",
        "refused 192.0.2.2: no token",
        "refused 192.0.2.1: wrong role",
    ]
    assert repr(refusals) == "Refusals(unauthenticated=3, forbidden=1, too_many_logins=0, too_many_calls=0)"


def test_so_many_peers_are_remembered_and_no_more() -> None:
    """The memory is bounded, whoever calls."""
    refusals = Refusals(lambda: 0)
    for number in range(MOST_PEERS + 5):
        refusals.add(UNAUTHENTICATED, str(number), "no token")
    assert len(refusals._told_ns) == MOST_PEERS


def test_a_token_that_stands_where_none_belongs_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    """Somebody may put it into a path."""
    Refusals(lambda: 0).add(UNAUTHENTICATED, "192.0.2.1", "'/fb_Secret-1/x': no token")
    assert "'/fb_.../x': no token" in caplog.text
    assert "Secret" not in caplog.text
