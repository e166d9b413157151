"""Everything that can be set, with its default and its rule. Where settings come from is told by `framebatch.settings`.

A key may be a plain value, which an option, a variable or a line of the file can give, or a table, which only the file
gives. A secret, once there is one, is declared as pydantic's `SecretStr`: then no message, listing or log shows it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path  # noqa: TC003 - pydantic needs the type at run time
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

__all__ = ["Config", "schema"]


ADDRESS: Final = re.compile(r"https?://(\[[0-9a-fA-F:.]+\]|[\w.-]+):\d{1,5}/?")


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
    """Who may load and unload models over gRPC: calls from this machine, all, or nobody. With `access`: admins, or nobody."""

    device: str = "auto"
    """`auto`, `cpu`, `cuda:N`, or `sim:ALPHA_MS,BETA_MS[,NOISE]` for a simulated accelerator."""

    profile: str = "auto"
    """`auto`: the stored profile, or a quick calibration at start; `off`: measure briefly; or the path of a profile."""

    host: str = "127.0.0.1"
    """Address to listen on; other machines need `0.0.0.0` or an address of this one, and then `access` or `anonymous`."""

    access: Path | None = None
    """File of names, roles and tokens: who may send frames, look, and change models; default: whoever reaches the server."""

    anonymous: bool = False
    """Whether whoever reaches the server may use it, on an address that other machines reach, where no `access` is given."""

    @model_validator(mode="after")
    def _known_or_anybody(self) -> Self:
        if self.access is not None and self.anonymous:
            raise ValueError(
                "settings 'access' and 'anonymous': both are given; leave 'anonymous' out, or 'access' to allow everybody"
            )
        return self

    port: int = Field(default=8001, ge=0, le=65535)
    """gRPC port; 0 takes any free one."""

    http_port: int = Field(default=8002, ge=0, le=65535)
    """Port of /metrics, /healthz and /readyz; 0 takes any free one."""

    page: Literal["pictures", "figures", "off"] = "pictures"
    """The status page at /: with the cameras' last pictures, without (no picture leaves the server by HTTP), or no page."""

    max_viewers: int = Field(default=32, ge=1, le=1024)
    """How many may look at the page at a time; a further one is told to come back."""

    tls_certificate: Path | None = None
    """PEM file of the certificate that both ports show, followed by those up to its authority; default: plain text."""

    tls_key: Path | None = None
    """PEM file of the certificate's private key, not encrypted."""

    tls_client_ca: Path | None = None
    """PEM file of authorities; clients of the gRPC port must show a certificate of one of them. Default: they need none."""

    tls_http_clients: bool = False
    """Whether browsers and Prometheus must show a certificate of `tls_client_ca` too."""

    @model_validator(mode="after")
    def _whole_tls(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            given, missing = (
                ("tls_key", "tls_certificate") if self.tls_certificate is None else ("tls_certificate", "tls_key")
            )
            raise ValueError(f"setting {given!r} is given without {missing!r}; give both, or neither for plain text")
        if self.tls_client_ca is not None and self.tls_certificate is None:
            raise ValueError(
                "setting 'tls_client_ca' needs 'tls_certificate' and 'tls_key': only TLS shows certificates"
            )
        if self.tls_http_clients and self.tls_client_ca is None:
            raise ValueError("setting 'tls_http_clients' needs 'tls_client_ca', whose certificates are to be shown")
        return self

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

    max_camera_fps: int = Field(default=1000, ge=0, le=1_000_000)
    """Frames a second of one camera, over all of its streams and calls; further ones are answered REJECTED; 0: no limit."""

    max_connections: int = Field(default=1024, ge=1, le=1_000_000)
    """Connections to the gRPC port at a time; further ones are closed at once."""

    max_streams: int = Field(default=2048, ge=1, le=1_000_000)
    """Camera streams at a time, over all peers; a further one ends with RESOURCE_EXHAUSTED."""

    max_streams_per_peer: int = Field(default=1024, ge=1, le=1_000_000)
    """Camera streams of one peer at a time; a further one ends with RESOURCE_EXHAUSTED."""

    max_http_connections: int = Field(default=256, ge=2, le=1_000_000)
    """Connections to the HTTP port at a time, of which one address may have half; further ones are closed at once."""

    record: Path | None = None
    """Folder to write down when frames came, what was decided and how they were answered, to be looked at later."""

    record_max_mb: int = Field(default=256, ge=16, le=1 << 20)
    """With `record`: MiB that all recordings in the folder may take; the oldest files are deleted."""

    log_format: Literal["auto", "human", "json"] = "auto"
    """How lines of the log look: `human`, `json`, or `auto` for `human` that fits systemd's journal where it goes there."""

    log_level: Literal["debug", "info", "warning", "error", "critical"] = "info"
    """The least level of the lines that are written."""

    traces: str | None = None
    """Where to send traces of frames: an OTLP collector's gRPC address such as `http://127.0.0.1:4317`."""

    @field_validator("traces")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value and ADDRESS.fullmatch(value) is None:
            raise ValueError(
                "give the address of a collector, such as http://127.0.0.1:4317, without user and password"
            )
        return value

    traces_share: float = Field(default=0.01, ge=0, le=1)
    """With `traces`: share of the frames that are traced, besides those that go wrong."""

    drain_seconds: float = Field(default=3.0, ge=0, le=60)
    """How long a stopping server works on accepted frames before it refuses them."""


def schema() -> dict[str, Any]:
    """The JSON Schema of a file of settings (draft 2020-12), as docs/configuration.schema.json publishes it."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}
