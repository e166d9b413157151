"""framebatch.device.convert and `framebatch models convert`: half precision inside, the same model outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import cv2
import numpy as np
import onnx
import pytest
import tiny_models

import framebatch_models
from framebatch.detection.difference import compare
from framebatch.detection.loading import load_detector
from framebatch.device.convert import to_half
from framebatch.device.devices import Device
from framebatch.device.model_file import read_model_file
from framebatch.errors import ModelError, UsageError
from framebatch.frame import RawPicture
from framebatch_models.conveyor import Conveyor

if TYPE_CHECKING:
    from pathlib import Path

CPU = Device(kind="cpu")


def convert(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "framebatch.cli", "models", "convert", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"},
    )


def weighted(path: Path, *, listed: bool = False, apart: bool = False) -> Path:
    """Write a colours model whose scores go through a thousand weights and back, in one of the forms that files have."""
    tiny_models.colours(path)
    model = onnx.load(path)
    weights = np.linspace(0.5, 1.5, 1000, dtype=np.float32).reshape(1000, 1)
    stored = onnx.numpy_helper.from_array(weights, "weights")
    if listed:
        stored = onnx.helper.make_tensor("weights", onnx.TensorProto.FLOAT, (1000, 1), weights.ravel().tolist())
        model.ir_version = 3
        model.graph.input.append(onnx.helper.make_tensor_value_info("weights", onnx.TensorProto.FLOAT, (1000, 1)))
    else:
        del model.graph.initializer[:]
        model.graph.initializer.extend(onnx.load(path).graph.initializer)
    model.graph.initializer.append(stored)
    (scores,) = (node for node in model.graph.node if "scores" in node.output)
    scores.output[0] = "unweighted"
    wider = [
        onnx.helper.make_node("Mul", ["weights", "one"], ["half"]),
        onnx.helper.make_node("ReduceMean", ["half"], ["mean"], keepdims=0),
        onnx.helper.make_node("Mul", ["unweighted", "mean"], ["scores"]),
    ]
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones(1, np.float32), "one"))
    place = list(model.graph.node).index(scores) + 1
    nodes = [*model.graph.node[:place], *wider, *model.graph.node[place:]]
    ordered = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    model.graph.ClearField("node")
    model.graph.node.extend(ordered)
    if listed:
        for tensor in model.graph.initializer:
            if tensor.name != "weights":
                kind = onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tuple(tensor.dims))
                model.graph.input.append(kind)
    onnx.save_model(model, str(path), save_as_external_data=apart, location="m.data", size_threshold=100)
    return path


@pytest.mark.parametrize("form", [{}, {"listed": True}, {"apart": True}], ids=["plain", "listed", "apart"])
def test_a_converted_model_is_used_as_before(tmp_path: Path, form: dict[str, bool]) -> None:
    """Same inputs and outputs, metadata and manifest; half the weights; nearly the same detections."""
    source, target = weighted(tmp_path / "m.onnx", **form), tmp_path / "new" / "half.onnx"
    (tmp_path / "m.toml").write_text('description = "three colours"\n')
    conversion = to_half(source, target)
    assert conversion.bytes_after < 0.6 * conversion.bytes_before
    before, after = read_model_file(source), read_model_file(target)
    assert (before.inputs, before.outputs, before.metadata) == (after.inputs, after.outputs, after.metadata)
    assert (before.precision, after.precision) == ("float32", "float16")
    onnx.checker.check_model(onnx.load(target), full_check=True)
    picture = RawPicture(bytes((200, 50, 10)) * 6400, 80, 80, "rgb24")
    detectors = [load_detector(path, device=CPU, max_batch=2) for path in (source, target)]
    first, second = (detector.detect([detector.prepare(picture)]).detections[0] for detector in detectors)
    found = compare(first, second)
    assert (len(found.score), found.lost, found.gained) == (1, 0, 0)
    assert 0 < found.score.max() < 0.002
    assert detectors[1].spec.description == "three colours"


def test_what_gains_nothing_is_refused(tmp_path: Path) -> None:
    """Half precision already, or 8 bits; and a model is not overwritten by its own conversion."""
    half = tmp_path / "half.onnx"
    to_half(weighted(tmp_path / "m.onnx"), half)
    with pytest.raises(ModelError, match="is in half precision already"):
        to_half(half, tmp_path / "again.onnx")
    with pytest.raises(UsageError, match="the model itself"):
        to_half(half, tmp_path / "new" / ".." / "half.onnx")
    quantised = [onnx.helper.make_node("DynamicQuantizeLinear", ["images"], ["q", "s", "z"])]
    path = tiny_models.save(tmp_path / "q.onnx", quantised, output_shapes={"s": ()})
    with pytest.raises(ModelError, match="is quantised to 8 bits"):
        to_half(path, tmp_path / "again.onnx")
    assert not (tmp_path / "again.onnx").exists()


def test_the_bundled_model_is_converted_and_the_drift_measured(tmp_path: Path) -> None:
    """One document on stdout: sizes, and how far boxes and scores moved on pictures."""
    source = framebatch_models.find("conveyor")
    picture = tmp_path / "belt.png"
    cv2.imwrite(str(picture), Conveyor(3).frame(5).pixels)
    done = convert("conveyor", "--to", "fp16", "--out", tmp_path / "half.onnx", "--image", picture, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    facts = json.loads(done.stdout)
    assert facts["model"] == str(source)
    assert facts["weight_bytes_after"] * 2 == facts["weight_bytes_before"]
    assert facts["drift"]["matched"] > 0
    assert (facts["drift"]["lost"], facts["drift"]["gained"]) == (0, 0)
    assert 0 < facts["drift"]["box_px_median"] <= facts["drift"]["box_px_max"] < 1
    assert facts["drift"]["score_max"] < 0.02


def test_real_detectors_keep_what_they_see(assets: Path, tmp_path: Path) -> None:
    """YOLOv8 on photos: nothing that is clearly seen goes or comes, and boxes stay where they are."""
    target = tmp_path / "half.onnx"
    photos = sorted((assets / "images/coco").glob("*.jpg"))[:3]
    arguments = [part for photo in photos for part in ("--image", photo)]
    done = convert(assets / "models/yolov8n_dyn640.onnx", "--to", "fp16", "--out", target, *arguments, "--json")
    drift = json.loads(done.stdout)["drift"]
    assert drift["matched"] > 5
    assert (drift["lost"], drift["gained"]) == (0, 0)
    assert drift["box_px_median"] < 0.3
    assert drift["score_median"] < 0.002


def test_without_photos_no_drift_is_claimed(tmp_path: Path) -> None:
    """And wrong options are refused."""
    source = weighted(tmp_path / "m.onnx")
    done = convert(source, "--to", "fp16", "--out", tmp_path / "half.onnx")
    assert done.returncode == 0
    assert "was not measured; give photos with --image" in done.stdout
    assert "MB of weights became" in done.stdout
    done = convert(source, "--to", "fp8", "--out", tmp_path / "half.onnx")
    assert (done.returncode, "--to is 'fp8'; it must be fp16" in done.stderr) == (2, True)
    done = convert(source, "--to", "fp16", "--out", tmp_path / "half.onnx", "--image", tmp_path / "none.jpg")
    assert (done.returncode, "cannot be read" in done.stderr) == (2, True)
