"""Answers: from the wire to frozen values."""

import dataclasses

import pytest

from framebatch_client.answer import Answer, Detection, Outcome, Timing, answer_from_wire
from framebatch_proto.v1 import detector_pb2


def test_every_field_of_the_wire_arrives() -> None:
    """An answer holds what the message held, and the latency that the caller measured."""
    message = detector_pb2.Answer(
        sequence=7,
        camera="press-3",
        outcome=detector_pb2.OUTCOME_OK,
        detections=[detector_pb2.Detection(x1=1, y1=2, x2=3, y2=4, score=0.5, class_id=6, label="gear")],
        timing=detector_pb2.Timing(
            decode_seconds=0.5,
            queue_seconds=0.25,
            device_seconds=0.125,
            post_seconds=1,
            total_seconds=2,
            age_seconds=3,
        ),
        batch_size=8,
        model="parts",
        model_version="2",
        width=640,
        height=480,
    )
    expected = Answer(
        sequence=7,
        camera="press-3",
        outcome=Outcome.OK,
        reason="",
        detections=(Detection(box=(1.0, 2.0, 3.0, 4.0), score=0.5, class_id=6, label="gear"),),
        timing=Timing(decode=0.5, queue=0.25, device=0.125, post=1.0, total=2.0, batch_size=8, age=3.0),
        model="parts",
        model_version="2",
        width=640,
        height=480,
        latency_seconds=0.75,
    )
    assert answer_from_wire(message, latency_seconds=0.75) == expected


def test_every_outcome_of_the_wire_has_its_own() -> None:
    """The outcomes are those of the wire, by name and number, but for the unspecified one."""
    wire = {name.removeprefix("OUTCOME_"): number for name, number in detector_pb2.Outcome.items()}
    del wire["UNSPECIFIED"]
    read = {
        name: answer_from_wire(detector_pb2.Answer(outcome=detector_pb2.Outcome.ValueType(number)), latency_seconds=0)
        for name, number in wire.items()
    }
    assert {name: str(answer.outcome) for name, answer in read.items()} == {name: name for name in wire}


@pytest.mark.parametrize(
    ("number", "reason", "expected"),
    [(0, "", "unknown outcome 0"), (99, "", "unknown outcome 99"), (99, "new", "unknown outcome 99: new")],
)
def test_an_unknown_outcome_is_a_failure_with_its_number(number: int, reason: str, expected: str) -> None:
    """An outcome that this client does not know reads as FAILED, and the reason names it."""
    message = detector_pb2.Answer(outcome=detector_pb2.Outcome.ValueType(number), reason=reason)
    answer = answer_from_wire(message, latency_seconds=0)
    assert (answer.outcome, answer.reason) == (Outcome.FAILED, expected)


def test_without_capture_time_there_is_no_age() -> None:
    """The age is None rather than 0 when the server did not give it."""
    assert answer_from_wire(detector_pb2.Answer(outcome=detector_pb2.OUTCOME_OK), latency_seconds=0).timing.age is None


def test_an_outcome_is_its_own_name() -> None:
    """Outcomes compare equal to, and print as, plain strings."""
    assert (Outcome.EXPIRED, f"{Outcome.EXPIRED}") == ("EXPIRED", "EXPIRED")


def test_answers_cannot_be_changed() -> None:
    """Assigning to a field of an answer fails."""
    answer = answer_from_wire(detector_pb2.Answer(), latency_seconds=0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        answer.sequence = 5  # type: ignore[misc]
