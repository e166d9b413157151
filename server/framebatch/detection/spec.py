"""What must be known about a model to serve it, in one frozen value. How it is found out is in `recognition`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from framebatch.detection.geometry import Resize
from framebatch.detection.heads import FAMILIES, Head, Layout

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    from framebatch.detection.tiling import Tiles

__all__ = ["ModelSpec"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSpec:
    """One detector, as it is served.

    Attributes:
        name: The file's name without its suffix.
        path: Of the ONNX file.
        sha256: Of the file, in hexadecimal.
        family: How its output is read: a key of `heads.FAMILIES`.
        labels: Class names, by class id.
        input_name: Of the model's input.
        input_width: Of the network's picture, in pixels.
        input_height: Of the network's picture, in pixels.
        input_dtype: `float32` or `float16`, of the model's input.
        batch_size: The only batch that the model takes, or None where any will do.
        extras: What each further input is given for every frame, by its name; arrays of shape (1, ...). Read-only.
        outputs: Places of the outputs that the family reads, in its order. Default the first.
        color: `rgb` or `bgr`, the order of the channels. Default rgb.
        scale: Each sample is multiplied by it first. Default 1/255.
        mean: Then subtracted, by channel. Default 0.
        std: Then divided by, by channel. Default 1.
        pad: Value of the samples around the picture, 0 to 255. Default 114.
        resize: `letterbox`, `letterbox_topleft` or `stretch`. Default letterbox.
        confidence: Only scores above it count, 0 to 1. Default 0.25.
        iou: Overlap above which the weaker box of a class goes, 0 to 1. Default 0.45.
        max_detections: At most so many boxes in one picture, the best ones. Default 300.
        accept_dynamic_quantisation: Whether a dynamically quantised model may be run in batches, although a frame's
            scores then depend a little on who shares its batch. Default no.
        tiles: How large pictures are cut into overlapping tiles, or None: every picture is one frame.
        precision: `float32`, `float16` or `int8`, for people.
        version: For people; may be empty.
        description: For people; may be empty.
        license: For people; may be empty.
        why: How the above was found out, as sentences for people.
    """

    name: str
    path: Path
    sha256: str
    family: str
    labels: tuple[str, ...]
    input_name: str
    input_width: int
    input_height: int
    input_dtype: str = "float32"
    batch_size: int | None = None
    extras: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict, compare=False)
    outputs: tuple[int, ...] = (0,)
    color: str = "rgb"
    scale: float = 1 / 255
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    pad: int = 114
    resize: str = "letterbox"
    confidence: float = 0.25
    iou: float = 0.45
    max_detections: int = 300
    accept_dynamic_quantisation: bool = False
    tiles: Tiles | None = None
    precision: str = "float32"
    version: str = ""
    description: str = ""
    license: str = ""
    why: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise ValueError(f"family is {self.family!r}; it must be one of {', '.join(FAMILIES)}")
        if not self.labels:
            raise ValueError("labels is empty; a detector has at least one class")
        if self.color not in {"rgb", "bgr"}:
            raise ValueError(f"color is {self.color!r}; it must be rgb or bgr")
        for share in ("confidence", "iou"):
            if not 0.0 <= getattr(self, share) <= 1.0:
                raise ValueError(f"{share} is {getattr(self, share)}; it must be 0 to 1")
        if self.batch_size is not None and self.batch_size < 1:
            raise ValueError(f"batch_size is {self.batch_size}; it must be at least 1")
        if self.max_detections < 1:
            raise ValueError(f"max_detections is {self.max_detections}; it must be at least 1")
        _ = self.fit  # its own checks: size, mode, pad

    @property
    def fit(self) -> Resize:
        """How a picture is brought to the network's size."""
        return Resize(width=self.input_width, height=self.input_height, mode=self.resize, pad=self.pad)

    def label(self, class_id: int) -> str:
        """The name of a class; the number itself where the model names fewer."""
        return self.labels[class_id] if class_id < len(self.labels) else str(class_id)

    @property
    def layout(self) -> Layout:
        """What the family's head must know."""
        return Layout(self.input_width, self.input_height)

    @property
    def head(self) -> Head:
        """The family's head."""
        return FAMILIES[self.family]
