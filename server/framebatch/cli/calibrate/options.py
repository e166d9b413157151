"""The options of `framebatch calibrate`, as people read them in its help. Only their texts and bounds belong here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

__all__ = [
    "CompareOption",
    "ConfigOption",
    "CudaGraphOption",
    "DeadlineOption",
    "DeviceOption",
    "Fp16Option",
    "KeepOption",
    "MaxBatchOption",
    "MemoryFractionOption",
    "ModelOption",
    "OutOption",
    "PicturesOption",
    "ProvidersOption",
    "QuickOption",
    "ReportOption",
    "StoreOption",
    "Tf32Option",
    "ThreadsOption",
    "ToleranceOption",
]

_RUNNING: Final = "How it runs, as a server is told"
_WRITING: Final = "What is written"
_COMPARING: Final = "Comparison"

ModelOption = Annotated[
    str | None, typer.Option("--model", metavar="PATH|NAME", help="An ONNX file, or the name of a bundled model.")
]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        "--device",
        metavar="DEVICE",
        help="auto, cpu, cuda:N, or a simulated one: sim: with ALPHA_MS,BETA_MS[,NOISE], and behind these "
        "BASE_MB,FRAME_MB,LIMIT_MB for its memory. Default: auto.",
    ),
]
MemoryFractionOption = Annotated[
    float,
    typer.Option(
        "--memory-fraction",
        metavar="SHARE",
        min=0.01,
        max=1.0,
        help="How much of the memory may be used, by all together.",
    ),
]
DeadlineOption = Annotated[
    float | None,
    typer.Option("--deadline-ms", metavar="MS", help="Two batches must fit into it. Default: a server's, 1000."),
]
MaxBatchOption = Annotated[
    int | None, typer.Option("--max-batch", metavar="N", help="Largest batch to try, in frames.")
]
QuickOption = Annotated[
    bool, typer.Option("--quick", help="At most 20 seconds instead of 120: fewer sizes, fewer batches.")
]

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE.toml",
        help="A server's settings; options and variables win.",
        rich_help_panel=_RUNNING,
    ),
]
ThreadsOption = Annotated[
    str | None,
    typer.Option(
        "--threads", metavar="N[,N...]", help="On a processor; several are compared.", rich_help_panel=_RUNNING
    ),
]
ProvidersOption = Annotated[
    str | None,
    typer.Option(
        "--providers",
        metavar="NAME[,...]",
        help="cpu, cuda, tensorrt; several are compared.",
        rich_help_panel=_RUNNING,
    ),
]
Tf32Option = Annotated[
    bool | None,
    typer.Option("--tf32/--no-tf32", help="A GPU may round products to TF32.", rich_help_panel=_RUNNING),
]
Fp16Option = Annotated[
    bool | None,
    typer.Option("--fp16/--no-fp16", help="TensorRT may compute in half precision.", rich_help_panel=_RUNNING),
]
CudaGraphOption = Annotated[
    bool | None,
    typer.Option("--cuda-graph/--no-cuda-graph", help="Capture batches as CUDA graphs.", rich_help_panel=_RUNNING),
]

OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE.json", help="Write the profile here too.", rich_help_panel=_WRITING),
]
ReportOption = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FILE.html|.png",
        help="Draw it: a page and a picture beside it, or one picture.",
        rich_help_panel=_WRITING,
    ),
]
StoreOption = Annotated[
    bool,
    typer.Option(
        "--store/--no-store", help="Keep the profile where `serve --profile auto` looks.", rich_help_panel=_WRITING
    ),
]

CompareOption = Annotated[
    str | None,
    typer.Option(
        "--compare",
        metavar="NAME,NAME",
        help="Precisions: fp32, tf32, fp16 (converted for it). Each is measured quickly.",
        rich_help_panel=_COMPARING,
    ),
]
PicturesOption = Annotated[
    Path | None,
    typer.Option(
        "--pictures",
        metavar="DIR",
        help="On which detections are compared. Default: made-up scenes.",
        rich_help_panel=_COMPARING,
    ),
]
ToleranceOption = Annotated[
    float,
    typer.Option(
        "--tolerance",
        metavar="SHARE",
        min=0,
        max=1,
        help="How many of the boxes may be lost or gained.",
        rich_help_panel=_COMPARING,
    ),
]
KeepOption = Annotated[
    Path | None,
    typer.Option("--keep", metavar="DIR", help="Keep converted models here.", rich_help_panel=_COMPARING),
]
