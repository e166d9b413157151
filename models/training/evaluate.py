"""Score an exported detector on held-out scenes: ``python evaluate.py [--pictures 1200]``.

Only running the model, timing it and printing belong here.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime
from data import HELD_OUT_SEEDS, LABELS, PAD, SIZE, held_out
from scoring import Tally, confuse, decode

_MODEL = Path(__file__).resolve().parents[1] / "framebatch_models" / "conveyor.onnx"
_FLOOR = 0.001
_BATCH = 8


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _milliseconds(session: onnxruntime.InferenceSession, batch: int) -> float:
    """Median CPU milliseconds per picture in batches of ``batch``, on one thread."""
    pictures = np.full((batch, 3, SIZE, SIZE), PAD / 255.0, np.float32)
    pictures += np.random.default_rng(0).uniform(-0.3, 0.3, pictures.shape).astype(np.float32)
    took = []
    for _ in range(40):
        began = time.process_time()
        session.run(["output0"], {"images": pictures})
        took.append(time.process_time() - began)
    return float(np.median(took)) * 1000.0 / batch


def main() -> None:
    """Print the whole report for the model the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=_MODEL)
    parser.add_argument("--pictures", type=int, default=1200)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--jpeg", type=int, default=0, help="compress the pictures to this quality first (0: do not)")
    parser.add_argument("--confidence", type=float, default=0.25)
    asked = parser.parse_args()
    session = _session(asked.model)
    tally, matrix = Tally(len(LABELS)), np.zeros((len(LABELS) + 1,) * 2, np.int64)
    waiting: list[tuple[np.ndarray, np.ndarray]] = []
    difficult = 0
    scenes = held_out(asked.pictures, width=asked.width, height=asked.height, jpeg=asked.jpeg)
    for number, (picture, truth) in enumerate(scenes, start=1):
        difficult += int(truth[:, 5].sum())
        waiting.append((picture, truth))
        if len(waiting) == _BATCH or number == asked.pictures:
            images = np.stack([one for one, _ in waiting]).astype(np.float32) / np.float32(255.0)
            for head, (_, objects) in zip(session.run(["output0"], {"images": images})[0], waiting, strict=True):
                found = decode(head, _FLOOR)
                tally.add(found, objects)
                confuse(matrix, found[found[:, 4] >= asked.confidence], objects)
            waiting.clear()

    out = sys.stdout.write
    out(
        f"{asked.pictures} pictures, seeds from {HELD_OUT_SEEDS}; {tally.objects.sum()} objects, {difficult} difficult ignored\n"
    )
    out(f"{'class':14}{'objects':>8}{'AP@0.5':>9}{'precision':>11}{'recall':>9}\n")
    for kind, label in enumerate(LABELS):
        precision, recall = tally.precision_recall(asked.confidence, kind)
        average = tally.average_precision(kind)
        out(f"{label:14}{tally.objects[kind]:8d}{average:9.4f}{precision:11.4f}{recall:9.4f}\n")
    mean = float(np.mean([tally.average_precision(kind) for kind in range(len(LABELS))]))
    precision, recall = tally.precision_recall(asked.confidence)
    out(f"{'all':14}{tally.objects.sum():8d}{mean:9.4f}{precision:11.4f}{recall:9.4f}\n")
    for level in (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6):
        precision, recall = tally.precision_recall(level)
        out(f"at confidence {level:.2f}: precision {precision:.4f} recall {recall:.4f}\n")
    out("confusion, rows truth (last: nothing there), columns detected (last: missed)\n")
    for label, row in zip((*LABELS, "nothing"), matrix, strict=True):
        out(f"{label:14}" + "".join(f"{value:7d}" for value in row) + "\n")
    for batch in (1, 8):
        out(f"batch {batch}: {_milliseconds(session, batch):.2f} ms CPU per picture, one thread\n")


if __name__ == "__main__":
    main()
