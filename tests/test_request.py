"""Frames: from what a caller has in hand to the wire, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framebatch_client.errors import ClientError, InvalidRequest
from framebatch_client.request import FrameOptions
from framebatch_proto.v1 import detector_pb2

JPEG = b"\xff\xd8\xff\xe0 not really"


def test_options_and_picture_become_one_frame() -> None:
    """Every option arrives in its field of the message."""
    options = FrameOptions(
        camera="press-3",
        deadline_ms=100,
        mode="live",
        region=(1, 2, 3, 4),
        model="parts",
        priority="critical",
        next_frame_ms=40,
    )
    expected = detector_pb2.Frame(
        camera="press-3",
        sequence=5,
        encoded=JPEG,
        deadline_ms=100,
        capture_time_unix_ns=1_500_000_000,
        mode=detector_pb2.MODE_LIVE,
        region=detector_pb2.Region(x=1, y=2, width=3, height=4),
        next_frame_ms=40,
        model="parts",
        priority=detector_pb2.PRIORITY_CRITICAL,
    )
    assert options.frame(JPEG, sequence=5, capture_time=1.5) == expected


def test_what_was_not_asked_for_is_absent() -> None:
    """Without options only the picture, its number and the mode are on the wire."""
    expected = detector_pb2.Frame(encoded=JPEG, mode=detector_pb2.MODE_INSPECT)
    assert FrameOptions().frame(JPEG, sequence=0) == expected


def test_a_frame_may_have_a_hint_of_its_own() -> None:
    """It takes the place of the options', and is checked like that."""
    options = FrameOptions(next_frame_ms=40)
    assert options.frame(JPEG, sequence=0, next_frame_ms=10).next_frame_ms == 10
    with pytest.raises(InvalidRequest) as caught:
        options.frame(JPEG, sequence=0, next_frame_ms=0)
    assert str(caught.value) == "next_frame_ms must be a number of milliseconds greater than 0, not 0"


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_encoded_bytes_are_sent_as_they_are(kind: Any) -> None:
    """Anything that holds bytes is sent byte for byte."""
    assert FrameOptions().frame(kind(JPEG), sequence=0).encoded == JPEG


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_stands_for_the_bytes_of_its_file(tmp_path: Path, kind: Any) -> None:
    """A file is sent byte for byte, whatever is in it."""
    path = tmp_path / "part.jpg"
    path.write_bytes(JPEG)
    assert FrameOptions().frame(kind(path), sequence=0).encoded == JPEG


@pytest.mark.parametrize(
    ("shape", "layout"),
    [((2, 3, 3), detector_pb2.PIXEL_LAYOUT_BGR), ((2, 3), detector_pb2.PIXEL_LAYOUT_GRAY)],
)
def test_an_array_is_sent_as_raw_pixels(shape: tuple[int, ...], layout: detector_pb2.PixelLayout.ValueType) -> None:
    """Three channels are taken for BGR and two axes for gray, width and height in the right places."""
    pixels = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    expected = detector_pb2.RawPicture(width=3, height=2, layout=layout, pixels=bytes(range(pixels.size)))
    assert FrameOptions().frame(pixels, sequence=0).raw == expected


def test_a_view_of_an_array_is_sent_without_gaps() -> None:
    """Rows of a picture cut out of a larger one follow each other directly."""
    pixels = np.arange(16, dtype=np.uint8).reshape(4, 4)[1:3, 1:3]
    assert FrameOptions().frame(pixels, sequence=0).raw.pixels == bytes([5, 6, 9, 10])


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (7, "a picture must be encoded bytes, a path or a uint8 array, not int (7)"),
        (np.zeros((2, 2, 3), np.float32), "an array must hold uint8 samples, not float32"),
        (
            np.zeros((2, 2, 4), np.uint8),
            "an array must be (height, width, 3) BGR or (height, width) gray, not (2, 2, 4)",
        ),
        (np.zeros(4, np.uint8), "an array must be (height, width, 3) BGR or (height, width) gray, not (4,)"),
        (np.zeros((0, 2, 3), np.uint8), "an array needs at least one pixel, its shape is (0, 2, 3)"),
        ("/no/such/file.jpg", "cannot read the picture '/no/such/file.jpg': "),
        ("part\0.jpg", "cannot read the picture 'part\\x00.jpg': "),
    ],
)
def test_what_is_no_picture_is_named(picture: Any, message: str) -> None:
    """The error says what was given and what would be accepted."""
    with pytest.raises(InvalidRequest) as caught:
        FrameOptions().frame(picture, sequence=0)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"camera": "x" * 129}, "camera must have at most 128 characters, has 129"),
        ({"mode": "burst"}, "mode must be 'live' or 'inspect', not 'burst'"),
        ({"priority": "high"}, "priority must be 'critical', 'normal' or 'best-effort', not 'high'"),
        ({"next_frame_ms": -1.0}, "next_frame_ms must be a number of milliseconds greater than 0, not -1.0"),
        ({"region": (0, 0, 0, 1)}, "region must be whole pixels (x, y, width, height), width and height >= 1"),
        ({"region": (0, -1, 1, 1)}, "region must be whole pixels (x, y, width, height), width and height >= 1"),
        ({"region": (0.5, 0, 1, 1)}, "region must be whole pixels (x, y, width, height), width and height >= 1"),
        ({"region": (0, 0, 1)}, "region must be whole pixels (x, y, width, height), width and height >= 1"),
    ],
)
def test_an_option_out_of_range_is_named(options: dict[str, Any], message: str) -> None:
    """The error names the option and the value, at once and before any picture."""
    with pytest.raises(InvalidRequest) as caught:
        FrameOptions(**options)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(("sequence", "capture_time"), [(-1, None), (2**64, None), (0, 1.7e12), (0, -1.0)])
def test_numbers_that_do_not_fit_are_refused(sequence: int, capture_time: float | None) -> None:
    """A negative number, one beyond 64 bits, and a capture time in milliseconds are the caller's mistake."""
    with pytest.raises(InvalidRequest):
        FrameOptions().frame(JPEG, sequence=sequence, capture_time=capture_time)


def test_a_refused_request_is_a_value_error_and_a_client_error() -> None:
    """Both who catches ValueError and who catches everything of this package gets it."""
    assert (issubclass(InvalidRequest, ValueError), issubclass(InvalidRequest, ClientError)) == (True, True)


@pytest.mark.parametrize("deadline_ms", [0, -5.0, float("nan")])
def test_what_the_server_must_judge_is_sent_as_it_is(deadline_ms: float) -> None:
    """An empty picture and a deadline that is none go onto the wire, and are waited for no longer than usual."""
    options = FrameOptions(deadline_ms=deadline_ms)
    frame = options.frame(b"", sequence=0)
    assert (frame.WhichOneof("picture"), frame.encoded, repr(frame.deadline_ms), options.budget_seconds) == (
        "encoded",
        b"",
        repr(float(deadline_ms)),
        0.0,
    )
