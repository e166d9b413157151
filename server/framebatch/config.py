"""Everything that can be set, checked where it is made. Reads the file; knows nothing of what the settings do.

Precedence: command line, then the TOML file, then the defaults below.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path  # noqa: TC003 - pydantic needs the type at run time
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from framebatch.errors import UsageError

__all__ = ["Config", "load_config"]


def _default_decoders() -> int:
    return os.cpu_count() or 1


class Config(BaseModel):
    """Settings of one server; frozen. Every field stands by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: str = Field(min_length=1)
    """Path of an ONNX file, or the name of a bundled model."""

    device: str = "auto"
    """`auto`, `cpu`, `cuda:N`, or `sim:ALPHA_MS,BETA_MS[,NOISE]` for a simulated accelerator."""

    profile: str = "auto"
    """`auto` or `off`: measure briefly at start. A path will name a calibrated profile."""

    host: str = "127.0.0.1"
    """Address to listen on; other machines need `0.0.0.0` or an address of this one."""

    port: int = Field(default=8001, ge=0, le=65535)
    """gRPC port; 0 takes any free one."""

    http_port: int = Field(default=8002, ge=0, le=65535)
    """Port of /metrics, /healthz and /readyz; 0 takes any free one."""

    max_batch: int = Field(default=-1, ge=-1, le=1024)
    """Largest batch in frames; -1 lets framebatch choose."""

    @field_validator("max_batch")
    @classmethod
    def _not_zero(cls, value: int) -> int:
        if value == 0:
            raise ValueError("a batch holds at least one frame; give 1 or more, or -1")
        return value

    deadline_ms: float = Field(default=1000.0, gt=0, le=3_600_000)
    """Budget of a frame that names none, in milliseconds."""

    answer_margin_ms: float = Field(default=2.0, ge=0)
    """Answers are planned to leave so much before the deadline, for their way to the client."""

    decoders: int = Field(default_factory=_default_decoders, ge=1, le=256)
    """Processes that decode pictures; default: the number of cores."""

    threads: int | None = Field(default=None, ge=1, le=1024)
    """Threads of the network on the CPU; default: the number of cores."""

    max_message_bytes: int = Field(default=64 << 20, ge=1 << 16)
    """Largest gRPC message; a larger one ends its call with RESOURCE_EXHAUSTED."""

    max_picture_bytes: int = Field(default=32 << 20, ge=1024)
    """Largest encoded picture."""

    max_picture_pixels: int = Field(default=50_000_000, ge=1)
    """Largest picture in pixels, checked before decoding."""

    max_waiting: int = Field(default=4096, ge=1)
    """Frames that may wait at a time, over all cameras; further ones are refused."""

    max_waiting_bytes: int = Field(default=1 << 30, ge=1 << 20)
    """Bytes of pictures that may be unanswered at a time, over all cameras; further frames are refused."""

    max_stream_frames: int = Field(default=256, ge=1)
    """Frames of one stream that may be unanswered or unread; the server stops reading the stream at that."""

    drain_seconds: float = Field(default=3.0, ge=0, le=60)
    """How long a stopping server works on accepted frames before it refuses them."""


def load_config(path: Path | None, overrides: dict[str, Any]) -> Config:
    """The settings of a TOML file with `overrides` over them.

    Raises:
        UsageError: the file cannot be read, or a setting is unknown or out of range; names it, its value and the rule.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"--config {path}: cannot be read: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"--config {path}: is not TOML: {error}") from error
    values.update(overrides)
    try:
        return Config(**values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = ", ".join(sorted(Config.model_fields))
            raise UsageError(f"setting {key!r} is not known; known are: {known}") from error
        where = f" in {path}" if path is not None and key not in overrides else ""
        raise UsageError(f"setting {key!r}{where} is {first.get('input')!r}: {first['msg']}") from error
