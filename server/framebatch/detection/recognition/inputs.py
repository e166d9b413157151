"""What a model takes: which input is the picture, of what size, and with what the others are filled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from framebatch.errors import ModelError

if TYPE_CHECKING:
    import numpy.typing as npt

    from framebatch.detection.manifest import Manifest
    from framebatch.detection.recognition.metadata import Exporter
    from framebatch.device.model_file import ModelFile, Tensor

__all__ = ["Inputs", "read_inputs"]

_DEFAULT_SIDE: Final = 640
_AXES: Final = 4
_COLOURS: Final = 3
_FLOATS: Final = frozenset({"float32", "float16"})
_SIZES_WANTED: Final = frozenset({"orig_target_sizes", "orig_target_size", "target_sizes"})
_NUMBERS: Final = frozenset({"int64", "int32", "float32"})


class Inputs(NamedTuple):
    """What is fed."""

    picture: Tensor
    """The input that takes the picture: float, (batch, 3, height, width)."""
    width: int
    """Of the network's picture, in pixels."""
    height: int
    extras: dict[str, npt.NDArray[np.generic]]
    """What each further input gets for every frame, shape (1, ...)."""
    why: str
    """Where the size comes from, as a sentence for people."""


def read_inputs(where: str, model: ModelFile, exporter: Exporter, manifest: Manifest) -> Inputs:
    """Find out what the model takes.

    Args:
        where: The model, as messages name it.
        model: The file's facts.
        exporter: What the metadata say.
        manifest: What a person says.

    Raises:
        ModelError: it takes no picture that could be given to it, or more than a picture.

    """
    pictures = [tensor for tensor in model.inputs if tensor.name not in _SIZES_WANTED]
    if len(pictures) != 1:
        listed = "; ".join(map(str, model.inputs)) or "none"
        raise ModelError(
            f"{where} has {len(model.inputs)} inputs ({listed}); it may have one picture, and {', '.join(_sorted())} beside "
            "it: export it without the others"
        )
    picture = pictures[0]
    refusal = _why_no_picture(picture)
    if refusal:
        raise ModelError(f"{where} has the input {picture}; {refusal}")
    width, height, why = _size(where, exporter, manifest, picture)
    extras = {
        tensor.name: _target_size(where, tensor, width, height)
        for tensor in model.inputs
        if tensor.name in _SIZES_WANTED
    }
    return Inputs(picture, width, height, extras, why)


def _sorted() -> list[str]:
    return sorted(_SIZES_WANTED)


def _why_no_picture(tensor: Tensor) -> str | None:
    """Why this input cannot be given a picture, and the remedy."""
    wanted = "(batch, 3, height, width) in float32 or float16"
    if len(tensor.shape) != _AXES:
        return f"a picture is {wanted}, so it must have 4 axes: give a detector of pictures"
    channels = tensor.shape[1]
    if channels != _COLOURS and tensor.shape[-1] == _COLOURS:
        return f"its channels come last, and must come first, {wanted}: export it channels first"
    if channels not in {_COLOURS, None}:
        colours = "one grey channel" if channels == 1 else f"{channels} channels"
        return f"it takes {colours}, and only colour pictures are given, {wanted}: export it for 3 channels"
    if tensor.dtype not in _FLOATS:
        return f"it takes {tensor.dtype}, and must take {wanted}: export it without its own conversion"
    return None


def _size(where: str, exporter: Exporter, manifest: Manifest, picture: Tensor) -> tuple[int, int, str]:
    """Width and height of the network's picture, and where they come from."""
    height, width = picture.shape[2:]
    if manifest.input is not None:
        wanted_width, wanted_height = manifest.input
        if width not in {None, wanted_width} or height not in {None, wanted_height}:
            raise ModelError(
                f"{where} takes {width or 'any'} x {height or 'any'} pixels; the manifest key input says "
                f"{wanted_width} x {wanted_height}: remove it or correct it"
            )
        return wanted_width, wanted_height, "from the manifest key input"
    if width and height:
        return width, height, f"as the input {picture.name} states"
    if exporter.size is not None:
        wanted_height, wanted_width = exporter.size
        return width or wanted_width, height or wanted_height, "the file leaves it open, its metadata say imgsz"
    return (
        width or _DEFAULT_SIDE,
        height or _DEFAULT_SIDE,
        "the file leaves it open, so the usual one; the manifest key input sets another",
    )


def _target_size(where: str, tensor: Tensor, width: int, height: int) -> npt.NDArray[np.generic]:
    """The network's own size, so that boxes come back in its pixels."""
    if len(tensor.shape) != 2 or tensor.shape[1] not in {2, None} or tensor.dtype not in _NUMBERS:  # noqa: PLR2004
        raise ModelError(
            f"{where} has the input {tensor}; it must be a width and a height for each frame, int64 (batch, 2)"
        )
    return np.array([[width, height]], tensor.dtype)
