"""framebatch.app.live.pictures: of each camera the last picture with its own boxes, references only, never above the limit."""

from __future__ import annotations

import numpy as np

from framebatch.app.live.pictures import Pictures
from framebatch.clock import SECOND_NS
from framebatch.errors import FramebatchError
from framebatch.frame import Detections, EncodedPicture, Frame, Header, Outcome, RawPicture


def arrived(camera: str, sequence: int, *, size: int = 100) -> Frame:
    """Answer a frame with a picture of its own."""
    picture = EncodedPicture(bytes([sequence % 256]) * size)
    frame = Frame(
        camera=camera,
        sequence=sequence,
        live=False,
        picture=picture,
        arrival_ns=sequence,
        deadline_ns=sequence + 1000,
        reply=lambda _: None,
    )
    frame.header = Header(8, 6, "jpeg")
    return frame


def answer(pictures: Pictures, frame: Frame, outcome: Outcome = Outcome.OK) -> None:
    """Give the frame its outcome, as the server does: its picture has been let go."""
    frame.picture, frame.outcome = None, outcome
    if outcome is Outcome.OK:
        number = frame.sequence
        frame.detections = Detections(
            np.full((1, 4), number, np.float32), np.ones(1, np.float32), np.zeros(1, np.int32)
        )
    pictures.answered(frame)


def test_a_picture_is_kept_with_what_was_found_in_it() -> None:
    """Not with what was found in another one that came between; it is what was received, not a copy."""
    pictures = Pictures()
    first, second = arrived("a", 1), arrived("a", 2)
    received = first.picture
    pictures.follow(first)
    pictures.follow(second)  # one of a camera is followed at a time
    answer(pictures, second)
    assert pictures.newest("a") is None
    answer(pictures, first)
    kept = pictures.newest("a")
    assert kept is not None
    assert kept.detections is not None
    assert (kept.picture, kept.arrival_ns, float(kept.detections.boxes[0, 0])) == (received, 1, 1.0)
    assert kept.picture is received


def test_numbers_rise_and_one_picture_of_a_camera_is_kept() -> None:
    """The newest."""
    pictures = Pictures()
    for sequence in range(1, 6):
        frame = arrived("a", sequence)
        pictures.follow(frame)
        answer(pictures, frame)
        assert pictures.number("a") == sequence
    assert repr(pictures) == "Pictures(1 kept, 0 followed, 100 bytes)"
    assert pictures.number("b") is None


def test_what_was_not_answered_ok_is_shown_without_boxes() -> None:
    """With its outcome; a picture that is none does not take the place of a good one."""
    pictures = Pictures()
    for sequence, outcome in enumerate((Outcome.REJECTED, Outcome.INVALID), 1):
        frame = arrived("a", sequence)
        pictures.follow(frame)
        answer(pictures, frame, outcome)
    kept = pictures.newest("a")
    assert kept is not None
    assert (kept.number, kept.outcome, kept.detections) == (1, Outcome.REJECTED, None)
    assert pictures.held_bytes == 100


def test_a_picture_is_told_to_be_safe_once_a_decoder_got_through_it() -> None:
    """Not before, and not where the decoder died of it; raw pixels need none."""
    pictures = Pictures()
    for camera, ready_ns, error, raw in (
        ("refused", 0, None, False),
        ("deadly", 5, FramebatchError("the decoder died of this picture"), False),
        ("late", 5, None, False),
        ("raw", 0, None, True),
    ):
        frame = arrived(camera, 1)
        if raw:
            frame.picture = RawPicture(bytes(48), 8, 6, "gray")
        pictures.follow(frame)
        frame.ready_ns, frame.error = ready_ns, error
        answer(pictures, frame, Outcome.FAILED)
    found = {
        camera: kept.decoded for camera in ("refused", "deadly", "late", "raw") if (kept := pictures.newest(camera))
    }
    assert found == {"refused": False, "deadly": False, "late": True, "raw": True}


def test_under_overload_boxes_stay_a_while() -> None:
    """A frame that was lost takes the place of one with boxes only when that is two seconds old."""
    pictures = Pictures()
    for time_ns, outcome, number in (
        (0, Outcome.OK, 1),
        (SECOND_NS, Outcome.REJECTED, 1),
        (2 * SECOND_NS, Outcome.EXPIRED, 2),
        (2 * SECOND_NS + 1, Outcome.SUPERSEDED, 3),
    ):
        frame = arrived("a", time_ns)
        pictures.follow(frame)
        answer(pictures, frame, outcome)
        assert pictures.number("a") == number
    assert pictures.held_bytes == 100


def test_the_oldest_pictures_go_when_there_is_no_room() -> None:
    """What is held never exceeds the limit, with those of frames on their way; a picture larger than all room is not kept."""
    pictures = Pictures(max_bytes=350)
    for sequence, camera in enumerate("abcd"):
        frame = arrived(camera, sequence)
        pictures.follow(frame)
        assert pictures.held_bytes <= 350
        answer(pictures, frame)
    assert [pictures.number(camera) for camera in "abcd"] == [None, 2, 3, 4]
    huge = arrived("e", 9, size=351)
    pictures.follow(huge)
    answer(pictures, huge)
    assert pictures.newest("e") is None
    assert pictures.held_bytes <= 350


def test_frames_on_their_way_keep_their_place() -> None:
    """While they take all the room, no other picture is taken up, and none is counted twice."""
    pictures = Pictures(max_bytes=250)
    frames = [arrived(camera, sequence) for sequence, camera in enumerate("abc")]
    for frame in frames:
        pictures.follow(frame)
    assert repr(pictures) == "Pictures(0 kept, 2 followed, 200 bytes)"
    for frame in frames:
        answer(pictures, frame)
    assert repr(pictures) == "Pictures(2 kept, 0 followed, 200 bytes)"
    for camera in "abc":
        pictures.forget(camera)
    assert pictures.held_bytes == 0
