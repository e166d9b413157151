"""Counting frames: nothing is lost from the sum, whatever happens in whatever order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framebatch_client.answer import Answer, Outcome, Timing
from framebatch_client.errors import InvalidRequest
from framebatch_client.statistics import Ledger, StreamStats, combine


def answer(
    sequence: int, outcome: Outcome = Outcome.OK, *, latency_ms: float = 1.0, batch_size: int = 0, reason: str = ""
) -> Answer:
    """Answer an answer with these values and none else."""
    return Answer(
        sequence=sequence,
        camera="",
        outcome=outcome,
        reason=reason,
        detections=(),
        timing=Timing(batch_size=batch_size),
        model="",
        model_version="",
        width=0,
        height=0,
        latency_seconds=latency_ms / 1000,
    )


@given(st.lists(st.tuples(st.sampled_from(["send", "answer", "lose", "lose_all"]), st.integers(0, 5))))
def test_the_sum_holds_after_every_step(steps: list[tuple[str, int]]) -> None:
    """Frames sent are always those answered, lost and in flight together."""
    ledger = Ledger()
    for step, sequence in steps:
        known = ledger.latency_seconds(sequence, 0) is not None
        if step == "send" and not known:
            ledger.send(sequence, 0)
        elif step == "answer" and known:
            ledger.answer(answer(sequence, Outcome.EXPIRED))
        elif step == "lose":
            ledger.lose(sequence)
        elif step == "lose_all":
            ledger.lose_all()
        stats = combine((ledger,))
        assert stats.sent == sum(stats.answered.values()) + stats.lost + stats.in_flight


def test_a_number_in_flight_cannot_be_sent_again() -> None:
    """Two frames with one number could not be told apart."""
    ledger = Ledger()
    ledger.send(4, 0)
    with pytest.raises(InvalidRequest, match="sequence 4 is still in flight"):
        ledger.send(4, 1)


def test_an_answer_to_nothing_is_counted_apart() -> None:
    """A frame that is not in flight has no latency, and its answer is in no other count."""
    ledger = Ledger()
    assert (ledger.latency_seconds(9, 0), combine((ledger,)).unexpected) == (None, 1)


def test_latency_is_from_sending_to_now() -> None:
    """A frame sent at 1 ms has been in flight for 2 ms at 3 ms."""
    ledger = Ledger()
    ledger.send(1, 1_000_000)
    assert ledger.latency_seconds(1, 3_000_000) == 0.002


def test_percentiles_are_of_ok_answers() -> None:
    """Median and 99th percentile by nearest rank; refusals, which are quick, do not make them look better."""
    ledger = Ledger()
    for sequence in range(1, 101):
        ledger.send(sequence, 0)
        ledger.answer(answer(sequence, latency_ms=sequence))
    ledger.send(0, 0)
    ledger.answer(answer(0, Outcome.REJECTED, latency_ms=0.01))
    stats = combine((ledger,))
    assert [stats.p50_ms, stats.p99_ms] == pytest.approx([50, 99])


def test_mean_batch_is_of_frames_that_reached_the_device() -> None:
    """Answers without a device run do not count."""
    ledger = Ledger()
    for sequence, size in enumerate((2, 4, 0)):
        ledger.send(sequence, 0)
        ledger.answer(answer(sequence, batch_size=size))
    assert combine((ledger,)).mean_batch == 3.0


def test_before_anything_happened_there_are_no_figures() -> None:
    """No frames: counts are 0, figures are None, every outcome is there."""
    assert combine((Ledger(),)) == StreamStats(answered=dict.fromkeys(Outcome, 0))


def test_several_streams_add_up() -> None:
    """Counts and rates of two cameras are summed, their latencies pooled."""
    ledgers = (Ledger(), Ledger())
    for ledger in ledgers:
        for sequence in range(3):
            ledger.send(sequence, 1 + sequence * 100_000_000)
        ledger.answer(answer(0))
        ledger.lose(1)
    stats = combine(ledgers)
    assert (stats.sent, stats.answered[Outcome.OK], stats.lost, stats.in_flight, stats.sent_fps) == (6, 2, 2, 2, 20.0)


def test_lost_frames_are_remembered_by_number() -> None:
    """The numbers of lost frames are kept in the order of their loss."""
    ledger = Ledger()
    for sequence in (3, 4):
        ledger.send(sequence, 0)
    ledger.lose_all()
    assert list(ledger.unanswered) == [3, 4]


def test_a_ledger_shows_its_sum() -> None:
    """The repr is the invariant with its numbers."""
    ledger = Ledger()
    for sequence in range(3):
        ledger.send(sequence, 0)
    ledger.answer(answer(0))
    ledger.lose(1)
    assert repr(ledger) == "<Ledger 3 sent = 1 answered + 1 lost + 1 in flight>"


def test_the_last_reason_of_each_outcome_is_kept() -> None:
    """So that whoever reads the sum knows why."""
    ledger = Ledger()
    given = [(Outcome.INVALID, "camera"), (Outcome.EXPIRED, "late"), (Outcome.INVALID, "width"), (Outcome.OK, "")]
    for sequence, (outcome, reason) in enumerate(given):
        ledger.send(sequence, 0)
        ledger.answer(answer(sequence, outcome, reason=reason))
    assert combine((ledger,)).last_reasons == {Outcome.INVALID: "width", Outcome.EXPIRED: "late"}
