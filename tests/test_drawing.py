"""framebatch_client.drawing: boxes on pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from framebatch_client import Answer, Detection, InvalidRequest, Outcome, Timing
from framebatch_client.drawing import annotate

GREY = 100


def answer(*detections: Detection) -> Answer:
    """An OK answer with these detections."""
    timing = Timing(decode=0, queue=0, device=0, post=0, total=0, batch_size=1, age=None)
    return Answer(
        sequence=0,
        camera="",
        outcome=Outcome.OK,
        reason="",
        detections=detections,
        timing=timing,
        model="m",
        model_version="1",
        width=200,
        height=160,
        latency_seconds=0.0,
    )


def changed(*detections: Detection) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which pixels of a grey picture are touched."""
    picture = cv2.imencode(".png", np.full((160, 200, 3), GREY, np.uint8))[1].tobytes()
    drawn = cv2.imdecode(np.frombuffer(annotate(picture, answer(*detections)), np.uint8), cv2.IMREAD_COLOR)
    assert drawn is not None
    touched: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = np.abs(drawn.astype(int) - GREY).max(axis=2) > 30
    return touched


def test_a_box_is_drawn_where_it_is() -> None:
    """Its outline is there, and inside and far away nothing changes."""
    touched = changed(Detection(box=(60.0, 70.0, 140.0, 130.0), score=0.9, class_id=0, label="gear"))
    outline = (touched[70, 100], touched[130, 100], touched[100, 60], touched[100, 140])
    assert (outline, touched[100, 100], touched[150, 20]) == ((True,) * 4, np.False_, np.False_)


def test_a_picture_without_detections_stays_as_it_is() -> None:
    """Nothing is drawn."""
    assert not changed().any()


def test_a_label_at_the_edge_stays_inside() -> None:
    """A box in the top right corner has its label below and moved in."""
    touched = changed(Detection(box=(180.0, 0.0, 199.0, 20.0), score=0.5, class_id=0, label="a long label"))
    assert touched[24:34, 60:170].any()


def test_what_is_no_picture_is_refused() -> None:
    """With what was wrong with it."""
    with pytest.raises(InvalidRequest, match=r"the picture \(5 bytes\) cannot be decoded"):
        annotate(b"hello", answer())
