"""framebatch.calibration.reasons: the reason of a choice in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framebatch.calibration.reasons import explain
from framebatch.profile import Allowed

if TYPE_CHECKING:
    from framebatch.calibration.reasons import Rule


def rules(memory: int, deadline: int, throughput: int, *, open_ended: tuple[Rule, ...] = ()) -> dict[Rule, Allowed]:
    """Answer what three rules allow, those named with nothing larger tried."""
    allowed: dict[Rule, int] = {"memory": memory, "deadline": deadline, "throughput": throughput}
    return {
        name: Allowed(max_batch=batch, at_least=name in open_ended, why=f"Why {name}.")
        for name, batch in allowed.items()
    }


def test_the_rule_that_binds_is_told_first_and_then_the_others() -> None:
    """With what they would have allowed, or at least would have."""
    text = explain(16, "deadline", rules(64, 16, 24, open_ended=("memory",)), only=False)
    assert text == (
        "Use batches of up to 16. The deadline binds: why deadline. Memory would allow at least 64, throughput 24."
    )


def test_rules_that_allow_as_little_are_told_apart_from_those_that_allow_more() -> None:
    """One that would allow no more, and one that would."""
    text = explain(8, "memory", rules(8, 8, 12), only=False)
    assert text.endswith("The deadline would allow no more. Throughput would allow 12.")


def test_three_rules_that_agree_are_told_together() -> None:
    """The first binds, the two others would allow no more."""
    text = explain(1, "memory", rules(1, 1, 1), only=False)
    assert text == "Use batches of 1. Memory binds: why memory. The deadline and throughput would allow no more."


def test_where_no_rule_binds_all_tell_their_figures() -> None:
    """Nothing larger was tried."""
    text = explain(4, "limit", rules(4, 4, 4, open_ended=("memory", "deadline", "throughput")), only=False)
    assert text == (
        "Use batches of up to 4. No rule binds: nothing larger was tried. Why memory. Why deadline. Why throughput."
    )
