"""Sections of gpu_check.py: is it really the GPU, and are its answers right?"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnxruntime
import variants

from framebatch.detection.boxes import iou_matrix
from framebatch.detection.difference import compare, together
from framebatch.detection.loading import load_detector
from framebatch.detection.reading import read_batch
from framebatch.device.engine import OnnxEngine
from framebatch.device.options import EngineOptions
from framebatch.device.providers import CPU, CUDA, cuda_options
from framebatch.errors import FramebatchError
from framebatch.frame import EncodedPicture

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    from gpu_check import Run

    from framebatch.detection.detector import Detector

LEAST: Final = 0.99
SAME_IOU: Final = 0.9
SAME_SCORE: Final = 0.02
SAME_PX: Final = 0.05
BATCH: Final = 8


def provider(run: Run) -> dict[str, Any]:
    """Does the provider that was asked for compute, and all of the graph?"""
    detector = load_detector(run.models[0], device=run.device, max_batch=2)
    batch = variants.frames(detector, 2)
    detector.detect(batch)
    found: dict[str, Any] = {"provider": detector.provider, "device": detector.device}
    settings = onnxruntime.SessionOptions()
    settings.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    wanted = [(CUDA, cuda_options(run.device.index, EngineOptions(), graphs=False)), CPU] if run.gpu else [CPU]
    for name, program in variants.programs(detector).items():
        session = onnxruntime.InferenceSession(program.content, settings, providers=wanted)
        parts = session.get_provider_graph_assignment_info()
        nodes = Counter(part.ep_name for part in parts for _ in part.get_nodes())
        aside = Counter(node.op_type for part in parts if run.gpu and part.ep_name != CUDA for node in part.get_nodes())
        found[name] = {"nodes": dict(nodes), "not on the gpu": dict(aside)}
        run.say(f"- {name}: nodes {dict(nodes)}{f', of which not on the GPU {dict(aside)}' if aside else ''}")
    run.say(f"- {found['provider']} on {found['device']}")
    detector.close()
    if run.gpu and found["provider"] != CUDA:
        found["missed"] = f"the provider is {found['provider']}"
    return found


def right(run: Run) -> dict[str, Any]:
    """Every model of the assets against its expected detections, in batches where it takes them."""
    if run.assets is None:
        return {"not_here": "no test assets"}
    found: dict[str, Any] = {"models": {}}
    missed = []
    run.say("| model | batch | pictures | recall | precision |\n| --- | ---: | ---: | ---: | ---: |")
    for path in sorted((run.assets / "expected").glob("*.json")):
        expected = json.loads(path.read_text())
        try:
            detector = load_detector(run.assets / expected["file"], device=run.device, max_batch=BATCH)
        except FramebatchError as error:
            found["models"][path.stem] = {"refused": str(error)}
            missed.append(path.stem)
            run.say(f"| {path.stem} | refused: {error} |||")
            continue
        size = detector.buckets[-1]
        pictures = dict(list(expected["images"].items())[: 4 if run.quick else None])
        recall, precision = _rates(detector, run.assets / "images", pictures)
        found["models"][path.stem] = {"batch": size, "recall": recall, "precision": precision}
        run.say(f"| {path.stem} | {size} | {len(pictures)} | {recall:.4f} | {precision:.4f} |")
        detector.close()
        if min(recall, precision) < LEAST:
            missed.append(path.stem)
    if missed:
        found["missed"] = f"below {LEAST}, or refused: {', '.join(missed)}"
    return found


def _rates(detector: Detector, folder: Path, pictures: dict[str, Any]) -> tuple[float, float]:
    """Recall and precision at `SAME_IOU` and `SAME_SCORE`; what is just under the threshold may fall either way."""
    names = list(pictures)
    hit = wanted = good = given = 0
    for first in range(0, len(names), detector.buckets[-1]):
        chunk = names[first : first + detector.buckets[-1]]
        batch = [detector.prepare(EncodedPicture((folder / name).read_bytes())) for name in chunk]
        for name, answer in zip(chunk, detector.detect(batch).detections, strict=True):
            rows = np.concatenate([answer.boxes, answer.scores[:, None], answer.class_ids[:, None]], axis=1)
            truth = np.array(pictures[name]["detections"], np.float64).reshape(-1, 6)
            maybe = np.array(pictures[name].get("borderline", []), np.float64).reshape(-1, 6)
            same, met = _matched(rows, truth)
            forgiven, _ = _matched(rows[~same], maybe)
            hit, wanted = hit + int(met.sum()), wanted + len(truth)
            good, given = good + int(same.sum()), given + len(rows) - int(forgiven.sum())
    return hit / wanted if wanted else 1.0, good / given if given else 1.0


def _matched(
    found: npt.NDArray[np.floating[Any]], truth: npt.NDArray[np.floating[Any]]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which of either have a partner in the other: one to one, the best overlap first."""
    overlap = iou_matrix(found[:, :4], truth[:, :4])
    overlap[found[:, None, 5] != truth[None, :, 5]] = 0
    overlap[np.abs(found[:, None, 4] - truth[None, :, 4]) > SAME_SCORE] = 0
    same, met = np.zeros(len(found), bool), np.zeros(len(truth), bool)
    while overlap.size and overlap.max() >= SAME_IOU:
        row, column = np.unravel_index(overlap.argmax(), overlap.shape)
        same[row] = met[column] = True
        overlap[row, :], overlap[:, column] = 0, 0
    return same, met


def fused(run: Run) -> dict[str, Any]:
    """The fused form's detections against the plain form's, on the device, and what goes over the bus for a frame."""
    photos = sorted((run.assets / "images" / "coco").glob("*.jpg")) if run.assets else []
    photos = photos[: 4 if run.quick else 40]
    found: dict[str, Any] = {}
    missed = []
    run.say(
        "| model | pictures | boxes | box px, max | score, max | lost | gained | bytes in: host, plain | bytes out: plain, fused |"
    )
    run.say("| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |")
    for path in run.models:
        detector = load_detector(path, device=run.device, max_batch=BATCH)
        some = variants.frames(detector, max(len(photos), 8), photos)
        forms = variants.programs(detector)
        answers: dict[str, list[Any]] = {}
        sizes = {}
        for name, program in forms.items():
            engine = OnnxEngine(program, run.device, options=EngineOptions(), max_batch=BATCH)
            sizes[name] = variants.cost(engine, detector, some[:1], fused=name == "fused", runs=1)[:2]
            answers[name] = []
            for first in range(0, len(some), BATCH):
                batch = some[first : first + BATCH]
                outputs, _, _ = engine.run(np.stack([frame.pixels for frame in batch]))
                geometries = [frame.geometry for frame in batch]
                answers[name] += read_batch(outputs, geometries, detector.spec, fused=name == "fused")
            engine.close()
        if "fused" not in forms:
            missed.append(path.stem)
            continue
        moved = together(map(compare, answers["plain"], answers["fused"]))
        px, score = (float(values.max(initial=0)) for values in (moved.box_px, moved.score))
        found[path.stem] = {
            "boxes": len(moved.score),
            "px": px,
            "score": score,
            "lost": moved.lost,
            "gained": moved.gained,
        }
        found[path.stem] |= {f"bytes {name}": size for name, size in sizes.items()}
        run.say(
            f"| {path.stem} | {len(some)} | {len(moved.score)} | {px:.4f} | {score:.5f} | {moved.lost} | {moved.gained} | "
            f"{sizes['host'][0]:,.0f}, {sizes['plain'][0]:,.0f} | {sizes['plain'][1]:,.0f}, {sizes['fused'][1]:,.0f} |"
        )
        detector.close()
        if px > SAME_PX or moved.lost or moved.gained:
            missed.append(path.stem)
    if missed:
        found["missed"] = f"fused and plain differ, or there is no fused form: {', '.join(missed)}"
    return found
