"""How families are told apart, on the outputs that each of them gives; pure: no file is made and no model run."""

from __future__ import annotations

import zlib
from typing import Any

import family_outputs
import numpy as np
import pytest
from family_outputs import REFUSED, SERVED, Answer

from framebatch.detection.heads import FAMILIES
from framebatch.detection.recognition.decision import Finding, decide
from framebatch.detection.recognition.evidence import Evidence
from framebatch.detection.recognition.metadata import Exporter, read_metadata
from framebatch.detection.recognition.rules import RULES
from framebatch.device.model_file import Tensor
from framebatch.errors import ModelError

SIZES = ((640, 640), (320, 320), (416, 416), (1280, 1280), (640, 384))
ULTRALYTICS = {"task": "detect", "stride": "32"}


def recognised(
    answer: Answer,
    size: tuple[int, int] = (640, 640),
    *,
    names: int | None = None,
    metadata: dict[str, str] | None = None,
    **options: Any,
) -> Finding:
    """Decide what a model is that answers this to any picture."""
    exporter = read_metadata("model m", metadata or {}) if metadata else Exporter()
    evidence = Evidence(
        outputs=options.pop("outputs", family_outputs.tensors(answer)),
        width=size[0],
        height=size[1],
        names=names or len(exporter.names) or None,
        probe=lambda: list(answer.values()),
        extras=options.pop("extras", ("orig_target_sizes",) if "labels" in answer and len(answer) == 3 else ()),
    )
    return decide("model m", evidence, exporter, manifest="m.toml", named=options.pop("named", None))


def answer_of(kind: str, classes: int, size: tuple[int, int]) -> Answer:
    """What such a model answers; the same on every run."""
    make = SERVED[kind][1] if kind in SERVED else REFUSED[kind]
    return make(np.random.default_rng(zlib.crc32(f"{kind} {classes} {size}".encode())), classes, *size)


def test_every_family_has_its_rule() -> None:
    """The two tables of families name the same ones."""
    assert set(RULES) == set(FAMILIES)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(
    ("kind", "classes"),
    [(kind, classes) for kind in SERVED for classes in ((1,) if kind == "yunet" else (1, 2, 6, 80))],
)
def test_a_model_without_any_metadata_is_known_by_shapes_and_values(
    kind: str, classes: int, size: tuple[int, int]
) -> None:
    """Each family at every usual size, with one class, two, and many; none is taken for another."""
    found = recognised(answer_of(kind, classes, size), size)
    told = 0 if kind in {"end_to_end", "nms_inside", "detr"} else classes
    assert (found.family, found.classes) == (SERVED[kind][0], told)


@pytest.mark.parametrize("kind", SERVED)
def test_with_class_names_the_model_is_known_too(kind: str) -> None:
    """Names make it easier, never harder."""
    classes = 1 if kind == "yunet" else 3
    assert recognised(answer_of(kind, classes, (640, 640)), names=classes).family == SERVED[kind][0]


@pytest.mark.parametrize("classes", [1, 2, 80])
@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_served_detector_is_refused(kind: str, classes: int) -> None:
    """Keypoints, angles, masks, other heads: refused although shapes may fit."""
    with pytest.raises(ModelError, match=r"model m: "):
        recognised(answer_of(kind, classes, (640, 640)))


@pytest.mark.parametrize(
    ("answer", "names", "message"),
    [
        (answer_of("pose", 1, (640, 640)), None, "not yolov8: its rows after the box hold values .*keypoints"),
        (answer_of("pose", 1, (640, 640)), 1, r"its 56 rows are 4 \+ 1 named classes \+ 51 further ones: keypoints"),
        (answer_of("segmentation", 80, (640, 640)), None, "segmentation model .mask prototypes in output1"),
        (answer_of("softmax_detr", 91, (640, 640)), None, "'no object'"),
        (answer_of("yolo_nas", 3, (640, 640)), None, "do not add up to 1"),
        ({"o": np.zeros((1, 1000))}, None, "as a classifier does"),
        ({"o": np.zeros((12, 7))}, None, "exported with --end2end"),
        ({"o": np.zeros((1, 19, 512, 512))}, None, "as semantic segmentation does"),
        ({"o": np.zeros((1, 255, 80, 80)), "p": np.zeros((1, 255, 40, 40))}, None, "it answers 2 raw maps"),
        ({"o": np.zeros((1, 3, 80, 80, 85)), "p": np.zeros((1, 3, 40, 40, 85))}, None, "export it with --grid"),
        (
            {"loc": np.zeros((1, 4385, 14)), "conf": np.zeros((1, 4385, 2)), "iou": np.zeros((1, 4385, 1))},
            None,
            "the YuNet of 2022.* use face_detection_yunet_2023mar",
        ),
        (
            {"num_dets": np.zeros((1, 1)), "boxes": np.zeros((1, 100, 4)), "scores": np.zeros((1, 100))},
            None,
            "export it without NMS",
        ),
        ({"boxes": np.zeros((5, 4)), "labels": np.zeros(5), "scores": np.zeros(5)}, None, "without a batch axis"),
        (
            {"dets": np.zeros((1, 300, 4)), "labels": np.zeros((1, 300, 91)), "masks": np.zeros((1, 9, 9))},
            None,
            "masks",
        ),
        ({"o": np.zeros((1, 17, 90))}, None, r"no family .* certain from its outputs \(o float64 \(\?, 17, 90\)\)"),
    ],
)
def test_a_refusal_says_what_it_looks_like_and_what_to_do(answer: Answer, names: int | None, message: str) -> None:
    """So that a person with the wrong file knows."""
    with pytest.raises(ModelError, match=message):
        recognised(answer, names=names)


@pytest.mark.parametrize(
    ("metadata", "kind", "classes", "family"),
    [
        ({"end2end": "True"}, "end_to_end", 2, "end_to_end"),
        ({"args": "{'nms': True}"}, "nms_inside", 2, "end_to_end"),
        ({"head": "RTDETRDecoder"}, "rtdetr", 2, "rtdetr"),
        ({"description": "Ultralytics rtdetr-l model trained on coco.yaml"}, "rtdetr", 2, "rtdetr"),
        ({"description": "Ultralytics RT-DETR-l model"}, "rtdetr", 1, "rtdetr"),
        ({"end2end": "False", "names": "['a', 'b']"}, "rtdetr", 2, "rtdetr"),
    ],
)
def test_the_exporters_word_settles_six_columns(metadata: dict[str, str], kind: str, classes: int, family: str) -> None:
    """Even where nothing was found in the picture that the model was shown."""
    empty = {name: np.zeros_like(values) for name, values in answer_of(kind, classes, (640, 640)).items()}
    assert recognised(empty, metadata={**ULTRALYTICS, **metadata}).family == family


def test_two_classes_in_six_columns_are_ambiguous_where_values_say_nothing() -> None:
    """Refused, with what each reading lacks and the key that settles it."""
    with pytest.raises(
        ModelError, match=r"not end_to_end: no row has a score.*not rtdetr: .*m.toml beside it with the key"
    ):
        recognised({"o": np.zeros((1, 300, 6))}, metadata={**ULTRALYTICS, "names": "['a', 'b']"})


def test_what_stays_ambiguous_is_refused_with_every_reading() -> None:
    """A constructed one: the rows fit the grid of a small picture and a DETR, the values both."""
    size = (160, 160)
    answer = answer_of("yolox", 2, size)
    answer["output"][:] = np.random.default_rng(0).uniform(0.1, 0.9, answer["output"].shape)
    with pytest.raises(ModelError, match=r"more than one family fits: yolox \(.*, or rtdetr \(.*; name it in m.toml"):
        recognised(answer, size)


def test_the_manifest_has_the_first_word() -> None:
    """Rows that fit no grid are read as the person says; what cannot be that family is refused."""
    odd = {"o": np.zeros((1, 777, 9))}
    assert recognised(odd, named="yolov5") == Finding("yolov5", 4, "the manifest names it")
    with pytest.raises(
        ModelError, match=r"read as nanodet \(the manifest names it\), but its outputs .* cannot be that family's"
    ):
        recognised(odd, named="nanodet")
    with pytest.raises(ModelError, match=r"read as yolov5 .* have 4 classes, but 3 names are given"):
        recognised(odd, named="yolov5", names=3)


def test_open_axes_are_filled_in_by_running_the_model_once() -> None:
    """And only then: a file that states its shapes and names its classes is not run at all."""
    answer = answer_of("yolov8", 2, (640, 640))
    open_axes = (Tensor(name="output0", shape=(None, None, None), dtype="float32"),)
    assert recognised(answer, outputs=open_axes).family == "yolov8"
    never_run = Evidence(
        outputs=family_outputs.tensors(answer), width=640, height=640, names=2, probe=lambda: pytest.fail("it was run")
    )
    exporter = Exporter(names=("a", "b"))
    assert decide("m", never_run, exporter, manifest="m.toml", named=None).classes == 2


def test_raw_maps_behind_the_decoded_array_do_not_count() -> None:
    """Older YOLOv5 exports answer them too."""
    answer = answer_of("yolov5", 3, (320, 320))
    maps = {f"map{side}": np.zeros((1, 3, side, side, 8)) for side in (40, 20, 10)}
    assert recognised({**answer, **maps}, (320, 320)).family == "yolov5"


def test_exchanged_axes_are_not_taken_for_yolox() -> None:
    """84 columns are 4 and the classes of COCO, and no objectness is among them."""
    with pytest.raises(ModelError, match="no family"):
        recognised(family_outputs.exchanged(np.random.default_rng(0), 80, 640, 640))


def test_a_finding_says_what_was_seen_and_what_was_excluded() -> None:
    """For `models check`."""
    why = recognised(answer_of("yolox", 80, (416, 416)), (416, 416)).why
    assert why.startswith(
        "its 3549 rows are the cells of strides 8, 16 and 32 at 416 x 416, its 85 columns 5 + 80 classes"
    )
    assert "; not yolox_decoded: its box centres do not reach over the picture" in why
