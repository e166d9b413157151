"""Models that are no served detectors but are often taken for one, and what to do instead. Looked at when no family fits."""

# ruff: noqa: PLR2004 - the numbers are axes and columns of output arrays, explained in each sentence
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from framebatch.detection.recognition.evidence import Evidence
    from framebatch.device.model_file import Tensor

    Outputs = tuple[Tensor, ...]

__all__ = ["why_not_served"]


def why_not_served(evidence: Evidence) -> str | None:
    """Answer what a model with these outputs is, and the remedy; None where it is nothing that is known here."""
    outputs = evidence.outputs
    return next((reason for question in _QUESTIONS if (reason := question(outputs))), None) or _more_than_boxes(
        evidence
    )


def _more_than_boxes(e: Evidence) -> str | None:
    shape = e.only(2)
    if shape is None or e.names is None or not e.grid(shape[1], (8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32)):
        return None
    further = shape[0] - 4 - e.names
    if further < 1:
        return None
    return (
        f"its {shape[0]} rows are 4 + {e.names} named classes + {further} further ones: keypoints, mask coefficients or an "
        "angle; export a detector (task detect), or correct its labels"
    )


def _segmentation(outputs: Outputs) -> str | None:
    prototypes = next((output for output in outputs if len(output.shape) == 4), None)
    if len(outputs) == 2 and prototypes and any(len(output.shape) == 3 for output in outputs):
        return f"it looks like a segmentation model (mask prototypes in {prototypes}); export a detector (task detect)"
    masks = next((output for output in outputs if "mask" in output.name), None)
    return f"it answers masks ({masks}), so it segments; export a detector" if masks else None


def _raw_maps(outputs: Outputs) -> str | None:
    anchors = next((output for output in outputs if len(output.shape) == 5), None)
    if anchors is not None:
        return f"it answers raw anchor maps ({anchors}), as YOLOv5 and YOLOv7 do without their last layer; export it with --grid"
    if len(outputs) > 1 and all(len(output.shape) == 4 for output in outputs):
        return f"it answers {len(outputs)} raw maps ({outputs[0]}, ...); export it with the decoding of its boxes"
    return None


def _classifier(outputs: Outputs) -> str | None:
    if len(outputs) != 1 or len(outputs[0].shape) != 2:
        return None
    if outputs[0].shape[1] == 7:
        return (
            f"it joins the boxes of all frames ({outputs[0]}), as YOLOv7 exported with --end2end for ONNX Runtime does; "
            "export it with --grid only"
        )
    return f"it answers one row a picture ({outputs[0]}), as a classifier does; give a detector"


def _scene_map(outputs: Outputs) -> str | None:
    if len(outputs) != 1 or len(outputs[0].shape) != 4:
        return None
    return (
        f"it answers one map over the picture ({outputs[0]}), as semantic segmentation does, or a detector without the "
        "decoding of its boxes; give a detector that decodes them"
    )


def _older_yunet(outputs: Outputs) -> str | None:
    if {output.name for output in outputs} != {"loc", "conf", "iou"}:
        return None
    return "it is the YuNet of 2022, with prior boxes (loc, conf, iou); use face_detection_yunet_2023mar.onnx"


def _runtime_suppression(outputs: Outputs) -> str | None:
    if not any(output.name.startswith(("num_det", "num_dets", "num_detections")) for output in outputs):
        return None
    names = ", ".join(output.name for output in outputs)
    return f"it ends in suppression that counts its boxes ({names}); export it without NMS"


def _unbatched(outputs: Outputs) -> str | None:
    if len(outputs) < 2 or not any(len(output.shape) == 1 for output in outputs):
        return None
    return f"it answers boxes without a batch axis ({'; '.join(map(str, outputs))}), so frames cannot be told apart"


_QUESTIONS = (
    _segmentation,
    _raw_maps,
    _older_yunet,
    _runtime_suppression,
    _unbatched,
    _classifier,
    _scene_map,
)
