"""framebatch.scheduling.sharing: whose turn it is when several models share a device."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framebatch.scheduling import Claim, Usage, order

SECOND = 1_000_000_000
CLAIMS = st.lists(st.builds(Claim, st.none() | st.integers(0, 10), st.integers(0, 10).map(float)), max_size=6)


@pytest.mark.parametrize(
    ("claims", "overloaded", "expected"),
    [
        ([], False, []),
        ([Claim(30, 0.0), Claim(10, 9.0), Claim(20, 5.0)], False, [1, 2, 0]),
        ([Claim(30, 0.0), Claim(10, 9.0), Claim(20, 5.0)], True, [0, 2, 1]),
        ([Claim(None, 0.0), Claim(10, 9.0)], False, [1, 0]),
        ([Claim(None, 0.0), Claim(10, 9.0)], True, [1, 0]),
        ([Claim(5, 2.0), Claim(5, 1.0)], False, [0, 1]),
    ],
)
def test_small_cases(claims: list[Claim], overloaded: bool, expected: list[int]) -> None:  # noqa: FBT001
    """The earliest start first; under overload who had least; those without a frame worth running last."""
    assert order(claims, overloaded=overloaded) == expected


@given(claims=CLAIMS, overloaded=st.booleans())
def test_everybody_is_asked_once(claims: list[Claim], overloaded: bool) -> None:  # noqa: FBT001
    """Whatever they claim, nobody is forgotten."""
    assert sorted(order(claims, overloaded=overloaded)) == list(range(len(claims)))


def test_under_overload_nobody_starves() -> None:
    """Three models that always have frames, one with batches ten times as long, get the same time within a batch."""
    lengths_ns = [SECOND // 100, SECOND // 100, SECOND // 10]
    usages = [Usage() for _ in lengths_ns]
    total_ns = [0, 0, 0]
    now = 0
    while now < 60 * SECOND:
        first = order([Claim(now, usage.at(now)) for usage in usages], overloaded=True)[0]
        now += lengths_ns[first]
        usages[first].add(lengths_ns[first], now)
        total_ns[first] += lengths_ns[first]
    assert [round(each / (20 * SECOND), 1) for each in total_ns] == [1.0, 1.0, 1.0]


def test_what_was_used_fades() -> None:
    """By half each second, and what comes later counts in full."""
    usage = Usage()
    usage.add(800, SECOND)
    assert usage.at(2 * SECOND) == 400
    usage.add(100, 3 * SECOND)
    assert usage.at(3 * SECOND) == 300
    assert repr(usage) == "Usage(300 ns)"
