"""framebatch.edge.quota: how many streams may be open."""

from __future__ import annotations

from framebatch.edge.quota import StreamQuota


def test_one_peer_may_have_so_many_and_others_still_come_in() -> None:
    """The refusal names limit and remedy."""
    quota = StreamQuota(streams=10, per_peer=2)
    assert [quota.enter("a"), quota.enter("a")] == ["", ""]
    assert quota.enter("a") == (
        "a has 2 streams open, and one peer may have 2; close some, or raise max_streams_per_peer on the server"
    )
    assert quota.enter("b") == ""
    assert quota.refused == {"max_streams": 0, "max_streams_per_peer": 1}


def test_all_peers_together_may_have_so_many() -> None:
    """Whoever comes last is told so; who leaves makes room."""
    quota = StreamQuota(streams=1, per_peer=2)
    assert quota.enter("a") == ""
    assert quota.enter("b") == (
        "1 streams are open, and the server may have 1; close some, or raise max_streams on the server"
    )
    assert quota.enter("a") != ""
    quota.leave("a")
    assert quota.enter("b") == ""
    assert quota.refused == {"max_streams": 2, "max_streams_per_peer": 0}


def test_peers_that_left_or_never_came_in_are_forgotten() -> None:
    """Whatever addresses there are, memory is bounded by the streams that are open."""
    quota = StreamQuota(streams=1, per_peer=1)
    quota.enter("a")
    for number in range(100):
        quota.enter(f"peer-{number}")
    assert repr(quota) == "StreamQuota(1 of 1, peers=1, refused={'max_streams': 100, 'max_streams_per_peer': 0})"
    quota.leave("a")
    assert repr(quota) == "StreamQuota(0 of 1, peers=0, refused={'max_streams': 100, 'max_streams_per_peer': 0})"
