"""The manifest beside a model: every key is checked, outweighs what is guessed, and stands in the documentation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tiny_models

from framebatch.detection.labels import COCO
from framebatch.detection.loading import inspect_model
from framebatch.detection.manifest import KEYS, Manifest, read_manifest
from framebatch.detection.tiling import Tiles
from framebatch.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    from framebatch.detection.spec import ModelSpec

YOLOV8 = {"names": "{0: 'a', 1: 'b'}", "task": "detect", "imgsz": "[64, 64]", "version": "8", "description": "other"}


def served(tmp_path: Path, text: str) -> ModelSpec:
    """Recognise a YOLOv8 of two classes and 64 x 64 pixels with this manifest."""
    (tmp_path / "m.toml").write_text(text, encoding="utf-8")
    path = tiny_models.constant(tmp_path / "m.onnx", np.zeros((1, 6, 84), np.float32), metadata=YOLOV8)
    return inspect_model(path)


def read(tmp_path: Path, text: str) -> Manifest:
    """Read this manifest."""
    (tmp_path / "m.toml").write_text(text, encoding="utf-8")
    return read_manifest(tmp_path / "m.onnx")


def test_a_manifest_outweighs_everything(tmp_path: Path) -> None:
    """Every key reaches the spec."""
    spec = served(
        tmp_path,
        'family = "yolov8"\nlabels = ["p", "q"]\nresize = "stretch"\ncolor = "bgr"\nscale = 0.5\nmean = [1, 2, 3]\n'
        "std = 2\npad = 0\nconfidence = 0.1\niou = 0.7\nmax_detections = 5\naccept_dynamic_quantisation = true\n"
        'tiles = 640\nversion = "2"\ndescription = "d"\nlicense = "l"\ninput = [64, 64]\n',
    )
    assert (spec.labels, spec.resize, spec.color, spec.scale, spec.pad) == (("p", "q"), "stretch", "bgr", 0.5, 0)
    assert (spec.mean, spec.std) == ((1.0, 2.0, 3.0), (2.0, 2.0, 2.0))
    assert (spec.confidence, spec.iou, spec.max_detections) == (0.1, 0.7, 5)
    assert (spec.accept_dynamic_quantisation, spec.tiles) == (True, Tiles(width=640, height=640, overlap=0.2))
    assert (spec.version, spec.description, spec.license) == ("2", "d", "l")
    assert spec.why == (
        "family yolov8: the manifest names it",
        "input 64 x 64: from the manifest key input",
        "preparation: the usual one of the family; resize, color, scale, mean, std, pad from the manifest",
        "labels: 2 from the manifest",
    )


def test_without_a_manifest_the_model_speaks_for_itself(tmp_path: Path) -> None:
    """Names, version and description are the exporter's, the rest the family's."""
    spec = served(tmp_path, "")
    assert (spec.labels, spec.version, spec.description, spec.tiles) == (("a", "b"), "8", "other", None)
    assert (spec.accept_dynamic_quantisation, spec.confidence) == (False, 0.25)
    assert read_manifest(tmp_path / "other.onnx") == Manifest()


def test_coco_may_be_named_instead_of_listed(tmp_path: Path) -> None:
    """Its 80 names are known."""
    assert read(tmp_path, 'labels = "coco"').labels == COCO


@pytest.mark.parametrize(
    ("text", "tiles"),
    [
        ("tiles = 1024", Tiles(width=1024, height=1024)),
        ("tiles = { width = 640, height = 480 }", Tiles(width=640, height=480)),
        ("[tiles]\nwidth = 640\nheight = 480\noverlap = 0.5", Tiles(width=640, height=480, overlap=0.5)),
        ("tiles = { width = 640, height = 480, overlap = 0 }", Tiles(width=640, height=480, overlap=0.0)),
    ],
)
def test_tiles_are_a_side_or_a_table(tmp_path: Path, text: str, tiles: Tiles) -> None:
    """A fifth of a tile overlaps where nothing is said."""
    assert read(tmp_path, text).tiles == tiles


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour = 'rgb'", r"there is no key 'colour'; did you mean color\?"),
        ("lables = ['a']", r"there is no key 'lables'; did you mean labels\?"),
        ("names = ['a']", r"there is no key 'names'; did you mean labels\?"),
        ("imgsz = 640", r"there is no key 'imgsz'; did you mean input\?"),
        ("treshold = 0.5", "there is no key 'treshold'; the keys are family, labels, resize, color"),
        ("color = 'grey'", "color is 'grey'; it must be one of rgb, bgr"),
        ("color = ['rgb']", r"color is \['rgb'\]; it must be one of rgb, bgr"),
        ("family = 'yolo'", "family is 'yolo'; it must be one of yolov8"),
        ("labels = 'imagenet'", "labels is 'imagenet'; it must be a list of names, or one of coco"),
        ("labels = []", "labels is .* a list of names"),
        ("scale = 0", "scale is 0; it must be a number above 0"),
        ("scale = nan", "scale is nan; it must be a number above 0"),
        ("mean = [1, 2]", "mean is .* one number, or three"),
        ("mean = ['a', 'b', 'c']", "mean is .* one number, or three"),
        ("std = [1, 0, 1]", "std is .* one number above 0, or three"),
        ("pad = 1.5", "pad is 1.5; it must be a whole number from 0 to 255"),
        ("confidence = true", "confidence is True; it must be a number from 0 to 1"),
        ("version = 2", "version is 2; it must be a text"),
        ("accept_dynamic_quantisation = 1", "accept_dynamic_quantisation is 1; it must be true or false"),
        ("tiles = 8", "tiles is 8; it must be the side of a tile .*: width is 8; "),
        ("tiles = 640.5", "tiles is 640.5; it must be the side of a tile"),
        ("tiles = true", "tiles is True; it must be the side of a tile"),
        ("tiles = { width = 640 }", "tiles is .* a table of width, height and, if need be, overlap"),
        ("tiles = { width = 640, height = 640, step = 3 }", "tiles is .* a table of width, height"),
        (
            "tiles = { width = 640, height = 640, overlap = 0.95 }",
            "overlap is 0.95; ",
        ),
        ("input = 640", "input is 640; it must be a list of two whole numbers"),
        ("input = [32, 64]", "takes 64 x 64 pixels; the manifest key input says 32 x 64"),
        ("labels = ['one']", r"its 6 rows are 4 \+ 1 named classes \+ 1 further ones: .* or correct its labels"),
        ("labels = ['one', 'two', 'three']", "and its 3 class names; .* with the key family .*; or correct its labels"),
        ("family = 'yolov5'", r"read as yolov5 \(the manifest .*\), .* have 79 classes, but 2 names are given"),
        ("family = 'ssd'", r"read as ssd \(the manifest names it\), but its outputs .* cannot be that family"),
        ("pad = ", "manifest .* cannot be read: .* correct it or remove it"),
    ],
)
def test_a_wrong_manifest_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """File, key, value and remedy are named."""
    with pytest.raises(ModelError, match=message):
        served(tmp_path, text)


def test_the_documentation_names_exactly_the_keys_that_exist(root: Path) -> None:
    """The table of docs/models.md, row for row."""
    table = (root / "docs/models.md").read_text(encoding="utf-8").partition("## The manifest")[2]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(KEYS)
