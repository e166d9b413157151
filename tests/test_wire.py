"""framebatch.edge.wire: from a message to a frame, from a frame to an answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framebatch.edge.priorities import Priorities
from framebatch.edge.wire import WireFormat
from framebatch.errors import InvalidFrame
from framebatch.frame import (
    NO_MODEL,
    Detections,
    EncodedPicture,
    Frame,
    Header,
    Model,
    Outcome,
    Picture,
    Priority,
    RawPicture,
    Region,
)
from framebatch_proto.v1 import detector_pb2 as pb

MS = 1_000_000
ARRIVAL_NS = 5_000 * MS
WALL_NS = 1_800_000_000 * 1_000 * MS
GRAY = pb.RawPicture(width=2, height=1, layout=pb.PIXEL_LAYOUT_GRAY, pixels=b"ab")


def read_header(picture: Picture) -> Header:
    """Answer 40 x 30 for every picture but a broken one."""
    if picture.data == b"broken":
        raise InvalidFrame("encoded is broken")
    return Header(40, 30, "jpeg")


BOLTS = Model("bolts", "7", ("bolt", "nut"))


def find_model(name: str) -> Model:
    """Answer the one model that there is."""
    if name not in {"", "bolts"}:
        raise InvalidFrame(f"model {name!r} is not served here; this server has: bolts")
    return BOLTS


WIRE = WireFormat(
    read_header=read_header,
    find_model=find_model,
    deadline_ns=1_000 * MS,
    wall_clock_ns=lambda: WALL_NS,
)


def ignore(_: Frame) -> None:
    """Do nothing with an answer."""


def read(message: bytes, *, camera: str = "", call_deadline_ns: int | None = None) -> tuple[Frame, str]:
    """Answer the frame, and what is wrong with it."""
    return WIRE.frame(message, camera=camera, arrival_ns=ARRIVAL_NS, call_deadline_ns=call_deadline_ns, reply=ignore)


def wire(**fields: Any) -> bytes:
    """Answer the message of a good frame with these fields over it."""
    return pb.Frame(**{"encoded": b"jpeg", **fields}).SerializeToString()


def test_a_frame_without_options_gets_the_defaults() -> None:
    """Parts are judged, all of the picture is looked at, and the server's budget holds."""
    frame, problem = read(wire())
    assert problem == ""
    assert (frame.camera, frame.sequence, frame.live, frame.region, frame.capture_unix_ns) == ("", 0, False, None, None)
    assert (frame.arrival_ns, frame.deadline_ns) == (ARRIVAL_NS, ARRIVAL_NS + 1_000 * MS)
    assert (frame.picture, frame.header) == (EncodedPicture(b"jpeg"), Header(40, 30, "jpeg"))
    assert frame.outcome is None


def test_every_field_is_read() -> None:
    """What the client says is what the frame says."""
    message = wire(
        camera="press-3",
        sequence=2**64 - 1,
        deadline_ms=12.5,
        capture_time_unix_ns=17,
        mode=pb.MODE_LIVE,
        region=pb.Region(x=1, y=2, width=39, height=28),
        next_frame_ms=40.0,
        model="bolts",
        priority=pb.PRIORITY_CRITICAL,
    )
    frame, problem = read(message, camera="another")
    assert problem == ""
    assert (frame.camera, frame.sequence, frame.live) == ("press-3", 2**64 - 1, True)
    assert frame.deadline_ns == ARRIVAL_NS + 12_500_000
    assert (frame.capture_unix_ns, frame.region, frame.model) == (17, Region(1, 2, 39, 28), BOLTS)
    assert (frame.priority, frame.next_frame_ns) == (Priority.CRITICAL, 40_000_000)


@pytest.mark.parametrize(
    ("layout", "name"), [(pb.PIXEL_LAYOUT_BGR, "bgr"), (pb.PIXEL_LAYOUT_RGB, "rgb"), (pb.PIXEL_LAYOUT_GRAY, "gray")]
)
def test_raw_pictures_keep_their_layout(layout: pb.PixelLayout.ValueType, name: str) -> None:
    """Size and samples are handed on for the header to be checked."""
    raw = pb.RawPicture(width=4, height=3, layout=layout, pixels=b"x" * 12)
    assert read(wire(raw=raw))[0].picture == RawPicture(b"x" * 12, 4, 3, name)


def test_the_streams_camera_holds_where_a_frame_names_none() -> None:
    """Only the first frame of a stream needs the name."""
    assert read(wire(), camera="press-3")[0].camera == "press-3"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (pb.PRIORITY_UNSPECIFIED, Priority.NORMAL),
        (pb.PRIORITY_NORMAL, Priority.NORMAL),
        (pb.PRIORITY_CRITICAL, Priority.CRITICAL),
        (pb.PRIORITY_BEST_EFFORT, Priority.BEST_EFFORT),
    ],
)
def test_a_frame_says_its_class(said: pb.Priority.ValueType, expected: Priority) -> None:
    """One that says nothing is normal."""
    assert read(wire(priority=said))[0].priority is expected


def test_the_configuration_fixes_classes_also_of_the_streams_camera() -> None:
    """Whatever the frame says; cameras that no pattern matches have the class that they give."""
    format_ = WireFormat(
        read_header=WIRE._read_header,
        find_model=WIRE._find_model,
        deadline_ns=1,
        wall_clock_ns=lambda: 0,
        priorities=Priorities({"press-*": "normal"}),
    )
    message = wire(priority=pb.PRIORITY_CRITICAL)
    found = {
        camera: format_.frame(message, camera=camera, arrival_ns=0, call_deadline_ns=None, reply=lambda _: None)[0]
        for camera in ("press-3", "belt")
    }
    assert found["press-3"].priority is Priority.NORMAL
    assert found["belt"].priority is Priority.CRITICAL


@pytest.mark.parametrize("hint_ms", [1e300, float("inf")])
def test_a_hint_is_an_hour_at_most(hint_ms: float) -> None:
    """Whoever sends so seldom need not be expected."""
    assert read(wire(next_frame_ms=hint_ms))[0].next_frame_ns == 3600 * 10**9


@pytest.mark.parametrize("mode", [pb.MODE_UNSPECIFIED, pb.MODE_INSPECT])
def test_only_live_frames_may_be_superseded(mode: pb.Mode.ValueType) -> None:
    """A client that says nothing wants an answer for each part."""
    assert not read(wire(mode=mode))[0].live


def test_what_a_later_version_says_is_not_understood_and_not_refused() -> None:
    """An unknown mode is read as MODE_INSPECT, a class as normal, and an unknown field is passed over."""
    mode_99, priority_99, field_1000 = b"\x38\x63", b"\x58\x63", b"\xc2\x3e\x03new"
    frame, problem = read(wire(sequence=4) + mode_99 + priority_99 + field_1000)
    assert (problem, frame.live, frame.sequence, frame.priority) == ("", False, 4, Priority.NORMAL)


@pytest.mark.parametrize(
    ("call_ms", "expected_ms"),
    [(None, 100.0), (200, 100.0), (30, 30), (-5, -5)],
)
def test_the_earlier_deadline_wins(call_ms: float | None, expected_ms: float) -> None:
    """That of the call or that of the frame."""
    call_deadline_ns = None if call_ms is None else ARRIVAL_NS + round(call_ms * MS)
    frame, _ = read(wire(deadline_ms=100.0), call_deadline_ns=call_deadline_ns)
    assert frame.deadline_ns == ARRIVAL_NS + round(expected_ms * MS)


BUDGET = "give a budget above 0 and at most 3600000 ms, or leave it out for the server's default"


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"camera": "c" * 129}, "camera has 129 characters; at most 128 are allowed"),
        ({"deadline_ms": 0.0}, f"deadline_ms is 0; {BUDGET}"),
        ({"deadline_ms": -1.5}, f"deadline_ms is -1.5; {BUDGET}"),
        ({"deadline_ms": float("nan")}, f"deadline_ms is nan; {BUDGET}"),
        ({"deadline_ms": float("inf")}, f"deadline_ms is inf; {BUDGET}"),
        ({"deadline_ms": 3_600_001.0}, f"deadline_ms is 3.6e+06; {BUDGET}"),
        ({"next_frame_ms": 0.0}, "next_frame_ms is 0; it must be above 0, or be left out"),
        ({"next_frame_ms": float("nan")}, "next_frame_ms is nan; it must be above 0, or be left out"),
        ({"model": "nuts"}, "model 'nuts' is not served here; this server has: bolts"),
        ({"encoded": b"broken"}, "encoded is broken"),
        (
            {"region": pb.Region(x=1, y=2, width=40, height=28)},
            "region is 40 x 28 at (1, 2); it must have an area and lie inside the picture of 40 x 30 pixels",
        ),
        (
            {"region": pb.Region(x=1, y=2, width=0, height=28)},
            "region is 0 x 28 at (1, 2); it must have an area and lie inside the picture of 40 x 30 pixels",
        ),
        (
            {"region": pb.Region(y=2**32 - 1, width=1, height=1)},
            "region is 1 x 1 at (0, 4294967295); it must have an area and lie inside the picture of 40 x 30 pixels",
        ),
        ({"raw": pb.RawPicture(width=1, height=1)}, "raw.layout is 0; give PIXEL_LAYOUT_BGR, _RGB or _GRAY"),
    ],
)
def test_a_wrong_field_is_named_with_its_value_and_the_remedy(fields: dict[str, Any], problem: str) -> None:
    """The frame keeps its number, so that its answer finds back."""
    frame, found = read(wire(sequence=3, **fields))
    assert (found, frame.sequence) == (problem, 3)


def test_an_unknown_layout_is_named() -> None:
    """One of a later version, too."""
    raw = GRAY.SerializeToString() + b"\x18\x09"
    message = pb.Frame(sequence=1).SerializeToString() + b"\x22" + bytes([len(raw)]) + raw
    assert read(message)[1] == "raw.layout is 9; give PIXEL_LAYOUT_BGR, _RGB or _GRAY"


def test_a_frame_without_a_picture_is_told_so() -> None:
    """With the two ways to give one."""
    expected = "picture is missing; give encoded (JPEG, PNG, WebP or BMP bytes) or raw pixels"
    assert read(pb.Frame(sequence=1).SerializeToString())[1] == expected


@pytest.mark.parametrize("model", ["", "nuts"])
def test_a_name_that_is_too_long_goes_no_further(model: str) -> None:
    """Metrics and answers get its beginning only, also where the model is not served either."""
    frame, _ = read(wire(camera="c" * 1_000_000, model=model))
    assert frame.camera == "c" * 128


def test_bytes_that_are_no_message_are_told_so() -> None:
    """The frame belongs to its stream's camera."""
    frame, problem = read(b"\xff\xff\xff\xff", camera="press-3")
    assert (problem, frame.camera) == ("the message is not a framebatch.v1.Frame", "press-3")


@given(st.binary(max_size=200))
def test_whatever_comes_there_is_a_frame_to_answer(message: bytes) -> None:
    """No bytes raise an error; a frame with a problem has no region beyond its picture."""
    frame, problem = read(message)
    assert frame.outcome is None
    assert bool(problem) or frame.header is not None


def answered(**changes: Any) -> Frame:
    """Answer a frame that was detected in 1 + 2 + 3 + 4 ms and answered after 11."""
    frame, _ = read(wire(camera="press-3", sequence=9, capture_time_unix_ns=WALL_NS - 250 * MS))
    frame.ready_ns = ARRIVAL_NS + MS
    frame.started_ns = ARRIVAL_NS + 3 * MS
    frame.finished_ns = ARRIVAL_NS + 6 * MS
    frame.parsed_ns = ARRIVAL_NS + 10 * MS
    frame.answered_ns = ARRIVAL_NS + 11 * MS
    frame.batch_size = 4
    frame.outcome = Outcome.OK
    boxes = np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.float32)
    frame.detections = Detections(boxes, np.array([0.75, 0.5], np.float32), np.array([1, 2], np.int32))
    for name, value in changes.items():
        setattr(frame, name, value)
    return frame


def test_an_answer_says_everything() -> None:
    """Detections with labels, where the time went, the model and the picture's size."""
    expected = pb.Answer(
        sequence=9,
        camera="press-3",
        outcome=pb.OUTCOME_OK,
        detections=[
            pb.Detection(x1=1, y1=2, x2=3, y2=4, score=0.75, class_id=1, label="nut"),
            pb.Detection(x1=5, y1=6, x2=7, y2=8, score=0.5, class_id=2, label="2"),
        ],
        timing=pb.Timing(
            decode_seconds=0.001,
            queue_seconds=0.002,
            device_seconds=0.003,
            post_seconds=0.004,
            total_seconds=0.011,
            age_seconds=0.25,
        ),
        batch_size=4,
        model="bolts",
        model_version="7",
        width=40,
        height=30,
    )
    assert pb.Answer.FromString(WIRE.answer(answered())) == expected


def test_a_frame_of_no_model_names_none() -> None:
    """Neither what was asked for nor the default has answered it."""
    frame, _ = read(wire(model="nuts"))
    frame.outcome = Outcome.INVALID
    answer = pb.Answer.FromString(WIRE.answer(frame))
    assert (frame.model, answer.model, answer.model_version) == (NO_MODEL, "", "")


def test_stages_that_were_not_reached_are_zero() -> None:
    """A frame that expired in the queue has a decoding time and a total, and nothing else."""
    expired = answered(
        parsed_ns=0, batch_size=0, detections=None, outcome=Outcome.EXPIRED, reason="late", capture_unix_ns=None
    )
    answer = pb.Answer.FromString(WIRE.answer(expired))
    expected = pb.Timing(decode_seconds=0.001, total_seconds=0.011)
    assert (answer.outcome, answer.reason, answer.timing) == (pb.OUTCOME_EXPIRED, "late", expected)
    assert not answer.timing.HasField("age_seconds")
    assert len(answer.detections) == 0


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_its_name_on_the_wire(outcome: Outcome) -> None:
    """The closed set is the same on both sides."""
    answer = pb.Answer.FromString(WIRE.answer(answered(outcome=outcome)))
    assert pb.Outcome.Name(answer.outcome) == f"OUTCOME_{outcome.value}"


def test_both_sides_know_the_same_outcomes() -> None:
    """But for the one that stands for none."""
    assert {f"OUTCOME_{outcome.value}" for outcome in Outcome} == set(pb.Outcome.keys()) - {"OUTCOME_UNSPECIFIED"}


def test_a_picture_that_was_not_read_has_no_size() -> None:
    """Width and height are 0."""
    answer = pb.Answer.FromString(WIRE.answer(answered(header=None)))
    assert (answer.width, answer.height) == (0, 0)


def test_no_answer_without_an_outcome() -> None:
    """That would be a mistake of the program, and shows."""
    with pytest.raises(ValueError, match="in flight\\) has no outcome yet"):
        WIRE.answer(answered(outcome=None))


def test_it_shows_its_state() -> None:
    """The repr tells the budget of a frame that names none."""
    assert repr(WIRE) == "WireFormat(deadline=1000 ms)"
