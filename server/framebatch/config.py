"""Everything that can be set, with its default and its rule. Where settings come from is told by `framebatch.settings`.

A key may be a plain value, which an option, a variable or a line of the file can give, or a table, which only the file
gives. A secret, once there is one, is declared as pydantic's `SecretStr`: then no message, listing or log shows it.
"""

from __future__ import annotations

import os
from pathlib import Path  # noqa: TC003 - pydantic needs the type at run time
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

__all__ = ["Config", "schema"]


def _default_decoders() -> int:
    return os.cpu_count() or 1


class Config(BaseModel):
    """Settings of one server; frozen. Every field stands by itself."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        json_schema_extra={"not": {"required": ["model", "models"]}},
    )

    model: str | None = Field(default=None, min_length=1)
    """Path of an ONNX file, or the name of a bundled model. Either this or `models` is given."""

    models: Path | None = None
    """Folder of models, each with its versions; what changes in it is loaded while the server runs."""

    @model_validator(mode="after")
    def _one_or_many(self) -> Self:
        if (self.model is None) == (self.models is None):
            given = "both are" if self.models else "neither is"
            raise ValueError(f"settings 'model' and 'models': {given} given; give one of them, --model or --models")
        return self

    default_model: str | None = Field(default=None, min_length=1)
    """With `models`: who answers frames that name no model; default: the first by name of those served at the start."""

    reload_seconds: float = Field(default=2.0, ge=0, le=3600)
    """With `models`: how often the folder is looked at for changes; 0: never."""

    model_control: Literal["local", "all", "off"] = "local"
    """Who may load and unload models over gRPC: calls from this machine, all, or nobody."""

    device: str = "auto"
    """`auto`, `cpu`, `cuda:N`, or `sim:ALPHA_MS,BETA_MS[,NOISE]` for a simulated accelerator."""

    profile: str = "auto"
    """`auto`: the stored profile, or a quick calibration at start; `off`: measure briefly; or the path of a profile."""

    host: str = "127.0.0.1"
    """Address to listen on; other machines need `0.0.0.0` or an address of this one."""

    port: int = Field(default=8001, ge=0, le=65535)
    """gRPC port; 0 takes any free one."""

    http_port: int = Field(default=8002, ge=0, le=65535)
    """Port of /metrics, /healthz and /readyz; 0 takes any free one."""

    page: Literal["pictures", "figures", "off"] = "pictures"
    """The status page at /: with the cameras' last pictures, without (no picture leaves the server by HTTP), or no page."""

    max_viewers: int = Field(default=32, ge=1, le=1024)
    """How many may look at the page at a time; a further one is told to come back."""

    max_batch: int = Field(default=-1, ge=-1, le=1024)
    """Largest batch in frames; -1: as the profile says."""

    @field_validator("max_batch")
    @classmethod
    def _not_zero(cls, value: int) -> int:
        if value == 0:
            raise ValueError("a batch holds at least one frame; give 1 or more, or -1")
        return value

    deadline_ms: float = Field(default=1000.0, gt=0, le=3_600_000)
    """Budget of a frame that names none, in milliseconds."""

    priorities: dict[str, Literal["critical", "normal", "best-effort"]] = {}
    """Classes of cameras by patterns of their names, e.g. `"press-*" = "critical"`; the first that matches wins, also over
    what frames say."""

    answer_margin_ms: float = Field(default=2.0, ge=0)
    """Answers are planned to leave so much before the deadline, for their way to the client."""

    decoders: int = Field(default_factory=_default_decoders, ge=1, le=256)
    """Processes that decode pictures, shared out among the models; default: the number of cores."""

    threads: int | None = Field(default=None, ge=1, le=1024)
    """Threads of the network on the CPU; default: as many as help, by measurement."""

    provider: Literal["auto", "cuda", "tensorrt"] = "auto"
    """What computes on a GPU; `auto`: cuda."""

    tf32: bool = False
    """Whether a GPU may round products of float32 to TF32: several times quicker from Ampere on, scores change a little."""

    fp16: bool = False
    """Whether TensorRT may compute in half precision where that is quicker."""

    cache_dir: Path | None = None
    """Where TensorRT's engines are kept, which take minutes to build; default: nowhere."""

    cuda_graph: bool = False
    """Whether each batch size is captured as a CUDA graph, where the model allows."""

    memory_limit_mb: int | None = Field(default=None, ge=1)
    """How much of a GPU's memory each model may take for weights and results in between; default: all that is free."""

    keep_warm_ms: float = Field(default=0.0, ge=0, le=60_000)
    """Run the smallest batch for nobody after so much idleness, for devices that fall into low clocks; 0: never."""

    max_message_bytes: int = Field(default=64 << 20, ge=1 << 16)
    """Largest gRPC message; a larger one ends its call with RESOURCE_EXHAUSTED."""

    max_picture_bytes: int = Field(default=32 << 20, ge=1024)
    """Largest encoded picture."""

    max_picture_pixels: int = Field(default=50_000_000, ge=1)
    """Largest picture in pixels, checked before decoding."""

    max_waiting: int = Field(default=4096, ge=1)
    """Frames of a model that may wait at a time, over all cameras; further ones are refused."""

    max_waiting_bytes: int = Field(default=1 << 30, ge=1 << 20)
    """Bytes of a model's pictures that may be unanswered at a time, over all cameras; further frames are refused."""

    max_stream_frames: int = Field(default=256, ge=1)
    """Frames of one stream that may be unanswered or unread; the server stops reading the stream at that."""

    record: Path | None = None
    """Folder to write down when frames came, what was decided and how they were answered, to be looked at later."""

    record_max_mb: int = Field(default=256, ge=16, le=1 << 20)
    """With `record`: MiB that all recordings in the folder may take; the oldest files are deleted."""

    drain_seconds: float = Field(default=3.0, ge=0, le=60)
    """How long a stopping server works on accepted frames before it refuses them."""


def schema() -> dict[str, Any]:
    """The JSON Schema of a file of settings (draft 2020-12), as docs/configuration.schema.json publishes it."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}
