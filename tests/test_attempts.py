"""framebatch.edge.security.attempts: how often an address may try to log in."""

from __future__ import annotations

from framebatch.edge.security.attempts import MOST_ADDRESSES, MOST_WRONG, WITHIN_NS, Attempts


def test_ten_wrong_ones_within_a_minute_are_enough() -> None:
    """Until the first of them is a minute old; other addresses may try."""
    attempts = Attempts()
    for number in range(MOST_WRONG):
        assert attempts.wait_ns("192.0.2.1", number) == 0
        attempts.wrong("192.0.2.1", number)
    assert attempts.wait_ns("192.0.2.1", MOST_WRONG) == WITHIN_NS - MOST_WRONG
    assert attempts.wait_ns("192.0.2.2", MOST_WRONG) == 0
    assert attempts.wait_ns("192.0.2.1", WITHIN_NS) == 0


def test_one_more_wrong_one_waits_for_the_next_oldest() -> None:
    """There are never more than ten in a minute."""
    attempts = Attempts()
    for number in range(MOST_WRONG):
        attempts.wrong("192.0.2.1", number)
    attempts.wrong("192.0.2.1", WITHIN_NS)
    assert attempts.wait_ns("192.0.2.1", WITHIN_NS) == 1


def test_so_many_addresses_are_remembered_and_no_more() -> None:
    """The memory is bounded, whoever tries."""
    attempts = Attempts()
    for number in range(MOST_ADDRESSES + 5):
        attempts.wrong(str(number), 0)
    assert repr(attempts) == f"Attempts(addresses={MOST_ADDRESSES})"
