"""Export a checkpoint as ONNX and prove the file right: ``python export.py --weights runs/conveyor/final.pt``.

Fusing, metadata and the checks of the written file belong here; how good the detections are does not.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from data import LABELS, SIZE, held_out
from network import STRIDES, Detector

logger = logging.getLogger("export")

VERSION = "1"
DESCRIPTION = "Parts and surface defects on a conveyor belt, trained on procedurally rendered scenes"
_OPSET = 17
_TOLERANCE_PX = 2e-2
_TOLERANCE = 1e-4  # of a probability
_TARGET = Path(__file__).resolve().parents[1] / "framebatch_models" / "conveyor.onnx"


def load(weights: Path) -> Detector:
    """Give the fused network of a checkpoint."""
    network = Detector(len(LABELS))
    network.load_state_dict(torch.load(weights, map_location="cpu")["weights"])
    return network.fuse()


def write(network: Detector, path: Path) -> None:
    """Write the network with its metadata to ``path``, at once or not at all."""
    waiting = path.with_suffix(".part")
    torch.onnx.export(
        network,
        (torch.zeros(1, 3, SIZE, SIZE),),
        str(waiting),
        dynamo=False,
        opset_version=_OPSET,
        input_names=["images"],
        output_names=["output0"],
        dynamic_axes={"images": {0: "batch"}, "output0": {0: "batch"}},
    )
    model = onnx.load(str(waiting))
    cells = sum((SIZE // stride) ** 2 for stride in STRIDES)
    for axis, value in zip(
        model.graph.output[0].type.tensor_type.shape.dim, ("batch", 4 + len(LABELS), cells), strict=True
    ):
        if isinstance(value, str):
            axis.dim_param = value
        else:
            axis.dim_value = value
    metadata = {
        "task": "detect",
        "names": str(dict(enumerate(LABELS))),
        "imgsz": str([SIZE, SIZE]),
        "stride": str(max(STRIDES)),
        "batch": "1",
        "description": DESCRIPTION,
        "license": "Apache-2.0",
        "version": VERSION,
        "author": "framebatch contributors",
    }
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(waiting))
    waiting.replace(path)


def check(network: Detector, path: Path) -> None:
    """Fail unless onnxruntime agrees with torch, and batches of 1 agree with a batch of 5."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    pictures = np.stack([picture for picture, _ in held_out(5, per_camera=1)]).astype(np.float32) / np.float32(255.0)
    together = np.asarray(session.run(["output0"], {"images": pictures})[0])
    alone = np.concatenate([np.asarray(session.run(["output0"], {"images": row[None]})[0]) for row in pictures])
    with torch.no_grad():
        wanted = network(torch.from_numpy(pictures)).numpy()
    for name, other in (("batches of 1", alone), ("torch", wanted)):
        boxes = float(np.abs(together[:, :4] - other[:, :4]).max())
        scores = float(np.abs(together[:, 4:] - other[:, 4:]).max())
        logger.info("batch of 5 against %s: boxes differ by %.1e px, probabilities by %.1e", name, boxes, scores)
        if boxes > _TOLERANCE_PX or scores > _TOLERANCE:
            raise SystemExit(f"the exported file disagrees with {name}")


def main() -> None:
    """Export the checkpoint the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--target", type=Path, default=_TARGET)
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    network = load(asked.weights)
    write(network, asked.target)
    check(network, asked.target)
    logger.info("%s: %.2f MB", asked.target, asked.target.stat().st_size / 1e6)


if __name__ == "__main__":
    main()
