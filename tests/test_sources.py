"""Picture sources: what they give, in which order, when they end, and what is said about a bad one."""

import os
import threading
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from framebatch_client.errors import SourceError
from framebatch_client.sources import FORMS, LiveSource, SourceFrame, open_source
from framebatch_models.conveyor import Conveyor


def jpeg(gray: int) -> bytes:
    """Answer a small picture of one shade."""
    return bytes(cv2.imencode(".jpg", np.full((48, 64, 3), gray, np.uint8))[1])


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Write a video of 3 frames, each brighter than the one before."""
    path = tmp_path / "belt.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for gray in (0, 100, 200):
        writer.write(np.full((48, 64, 3), gray, np.uint8))
    writer.release()
    return path


def shades(frames: list[SourceFrame]) -> list[int]:
    """Answer the mean brightness of each picture, rounded to tens."""
    pictures = [cv2.imdecode(np.frombuffer(frame.data, np.uint8), cv2.IMREAD_GRAYSCALE) for frame in frames]
    return [round(float(picture.mean()) / 10) * 10 for picture in pictures if picture is not None]


def test_a_single_picture_repeats_byte_for_byte(tmp_path: Path) -> None:
    """One file is sent again and again as it is, with growing index."""
    path = tmp_path / "part.jpg"
    path.write_bytes(jpeg(9))
    with open_source(str(path)) as source:
        assert list(islice(source, 2)) == [SourceFrame(jpeg(9), None, index) for index in (0, 1)]


def test_a_directory_repeats_its_pictures_by_name(tmp_path: Path) -> None:
    """Pictures come sorted by name and start again after the last; other files are left out."""
    for name in ("b.PNG", "a.jpg", "c.webp"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "d.jpg").mkdir()
    with open_source(str(tmp_path)) as source:
        assert [frame.data for frame in islice(source, 4)] == [b"a.jpg", b"b.PNG", b"c.webp", b"a.jpg"]


@pytest.mark.parametrize("header", [b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"BM", b"RIFF\0\0\0\0WEBP"])
def test_a_picture_is_known_by_its_first_bytes(tmp_path: Path, header: bytes) -> None:
    """The name of a single picture does not matter."""
    path = tmp_path / "snapshot"
    path.write_bytes(header + b"rest")
    with open_source(str(path)) as source:
        assert next(source).data == header + b"rest"


def test_a_picture_that_disappears_is_an_error(tmp_path: Path) -> None:
    """A file that cannot be read any more is named."""
    path = tmp_path / "part.jpg"
    path.write_bytes(jpeg(9))
    with open_source(str(path)) as source:
        path.unlink()
        with pytest.raises(SourceError, match=f"cannot read {path}: No such file or directory"):
            next(source)


def test_a_video_gives_its_frames_once(video: Path) -> None:
    """Without looping, a video ends after its last frame."""
    with open_source(str(video), loop=False) as source:
        frames = list(source)
    assert (shades(frames), [frame.index for frame in frames]) == ([0, 100, 200], [0, 1, 2])


def test_a_looping_video_starts_again(video: Path) -> None:
    """Looping goes on with the first frame and a growing index."""
    with open_source(str(video), loop=True) as source:
        frames = list(islice(source, 5))
    assert (shades(frames), frames[-1].index) == ([0, 100, 200, 0, 100], 4)


def test_the_conveyor_gives_pictures_with_their_truth() -> None:
    """The simulated belt is that of its seed, encoded, with what truly lies on it."""
    with open_source("sim:conveyor?seed=7&width=320&height=240", fps=5) as source:
        frame = next(source)
    scene = Conveyor(7, width=320, height=240, fps=5).frame(0)
    picture = cv2.imdecode(np.frombuffer(frame.data, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert frame.truth == scene.truth
    assert float(np.abs(picture.astype(float) - scene.pixels).mean()) < 5


def test_cameras_see_different_belts_and_the_same_again() -> None:
    """Without a seed, the belt follows from the camera's id, in every process alike."""
    first, again, other = (next(open_source("sim:conveyor", camera=camera)).data for camera in ("a", "a", "b"))
    assert (first == again, first == other) == (True, False)
    assert (
        repr(open_source("sim:conveyor", camera="a")) == "<ConveyorSource seed 4355907, 640 x 480 at 10 fps, 0 given>"
    )


class FakeCapture:
    """A camera of which the test decides when a picture comes; stands in for cv2.VideoCapture."""

    def __init__(self, *, opened: bool = True) -> None:
        self.opened = opened
        self.released = threading.Event()
        self.read_again = threading.Semaphore(0)
        self.at_rest = threading.Semaphore(0)
        self.shade: int | None = 0

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        """Answer whether the camera is there."""
        return self.opened

    def read(self) -> tuple[bool, Any]:
        """Wait for the test, then give a picture of the current shade; no shade: the camera is gone."""
        self.at_rest.release()
        self.read_again.acquire()
        shade, self.shade = self.shade, None if self.shade is None else self.shade + 50
        return shade is not None, None if shade is None else np.full((48, 64, 3), shade, np.uint8)

    def release(self) -> None:
        """Note that the camera was let go."""
        self.released.set()

    def show(self, count: int) -> None:
        """Let the reader take this many pictures, and wait until it has."""
        for _ in range(count):
            self.at_rest.acquire()
            self.read_again.release()
        self.at_rest.acquire()
        self.at_rest.release()


def test_a_live_camera_gives_its_newest_picture() -> None:
    """Pictures that nobody asked for in time are dropped, and none is given twice."""
    capture = FakeCapture()
    source = LiveSource(capture, name="usb:0")  # type: ignore[arg-type]
    capture.show(3)
    first = next(source)
    capture.show(1)
    second = next(source)
    capture.shade = None
    capture.read_again.release()
    source.close()
    assert (shades([first, second]), first.index, second.index, source.live) == ([100, 150], 0, 1, True)


def test_a_live_camera_that_goes_is_an_error() -> None:
    """When the camera gives no more pictures, the source says so and lets go of it."""
    capture = FakeCapture()
    capture.shade = None
    capture.read_again.release()
    source = LiveSource(capture, name="usb:0")  # type: ignore[arg-type]
    with pytest.raises(SourceError, match="usb:0: the camera gives no more pictures"):
        next(source)
    source.close()
    assert capture.released.is_set()
    assert repr(source) == "<LiveSource usb:0, 0 given, usb:0: the camera gives no more pictures>"


def test_a_camera_that_does_not_open_is_an_error() -> None:
    """Nothing is started for a camera that is not there."""
    with pytest.raises(SourceError, match="the camera cannot be opened"):
        LiveSource(FakeCapture(opened=False), name="usb:0")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("/no/such/file.jpg", "No such file or directory"),
        ("", "no picture"),
        ("sim:belt", "the only simulation is sim:conveyor"),
        ("sim:conveyor?speed=9", "speed=9 must be seed, width or height with a whole number"),
        ("sim:conveyor?seed=x", "seed=x must be seed, width or height with a whole number"),
        ("sim:conveyor?seed", "bad query field"),
        ("sim:conveyor?width=8", "a conveyor needs "),
        ("usb:one", "usb: needs the number of the camera, for example usb:0"),
        ("ftp://belt", "this kind of address is not supported"),
    ],
)
def test_a_bad_source_is_named_with_what_is_accepted(
    text: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error holds the text as given, the reason, and every accepted form."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError) as caught:
        open_source(text)
    message = str(caught.value)
    assert message.startswith(f"source {text!r}: {reason}")
    assert message.endswith(f"(accepted: {FORMS})")


def test_a_file_that_is_neither_picture_nor_video_is_named(tmp_path: Path) -> None:
    """Any other file is refused when it is opened."""
    path = tmp_path / "notes.txt"
    path.write_text("no picture")
    with pytest.raises(SourceError, match="nor a video that can be read"):
        open_source(str(path))


def test_sources_show_how_far_they_are(tmp_path: Path, video: Path) -> None:
    """The reprs name the source and count what was given."""
    (tmp_path / "a.jpg").write_bytes(jpeg(9))
    with open_source(str(tmp_path)) as pictures, open_source(str(video)) as frames:
        next(pictures)
        next(frames)
    assert [repr(pictures), repr(frames)] == [
        f"<PictureSource 1 pictures from {tmp_path}, 1 given>",
        f"<VideoSource {tmp_path}{os.sep}belt.avi, 1 given, loops>",
    ]
