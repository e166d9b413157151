"""From settings to a detector on its device: the one place that knows which setting goes where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framebatch.detection.headers import Limits
from framebatch.detection.loading import load_detector
from framebatch.device.devices import parse_device
from framebatch.device.options import EngineOptions

if TYPE_CHECKING:
    from pathlib import Path

    from framebatch.config import Config
    from framebatch.detection.detector import Detector

__all__ = ["engine_options", "limits_of", "open_detector"]


def limits_of(config: Config) -> Limits:
    """How large a picture may be."""
    return Limits(max_bytes=config.max_picture_bytes, max_pixels=config.max_picture_pixels)


def engine_options(config: Config) -> EngineOptions:
    """How a model is to run on its device."""
    return EngineOptions(
        provider=config.provider,
        tf32=config.tf32,
        fp16=config.fp16,
        cuda_graph=config.cuda_graph,
        memory_limit_bytes=None if config.memory_limit_mb is None else config.memory_limit_mb << 20,
        threads=config.threads,
        cache_dir=config.cache_dir,
    )


def open_detector(path: Path, name: str, config: Config) -> Detector:
    """Load and prove a model; blocks for seconds.

    Args:
        path: of the ONNX file.
        name: what to call it.
        config: settings of the server.

    Raises:
        ModelError: the model cannot be served.
        UsageError: a setting does not fit.
        DeviceError: the device cannot be used, or its memory does not suffice.
    """
    return load_detector(
        path,
        device=parse_device(config.device),
        options=engine_options(config),
        max_batch=config.max_batch if config.max_batch > 0 else None,
        limits=limits_of(config),
        name=name,
    )
