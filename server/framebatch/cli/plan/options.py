"""The options of `framebatch plan`, as people read them in its help. Only their texts and bounds belong here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

__all__ = [
    "CamerasOption",
    "CompareOption",
    "DeadlineOption",
    "DeadlinesOption",
    "DecodeOption",
    "DecodersOption",
    "FpsListOption",
    "FpsOption",
    "MaxBatchOption",
    "ModeOption",
    "NetworkOption",
    "PictureOption",
    "ProfileOption",
    "ReplayOption",
    "ReplayedModelOption",
    "SeedOption",
    "TableOption",
    "TriggerOption",
]

_AROUND: Final = "Around the device"
_MORE: Final = "More to see"

ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="FILE|ID|sim:A,B",
        help="What the device's batches cost: a profile of `framebatch calibrate` (its file, or its id of "
        "`framebatch profile list`), or sim:ALPHA_MS,BETA_MS[,NOISE].",
    ),
]
FpsOption = Annotated[float | None, typer.Option("--fps", metavar="F", help="Frames a second of each camera.")]
DeadlineOption = Annotated[
    float | None,
    typer.Option(
        "--deadline-ms",
        metavar="D",
        help="The answer is wanted so soon after the picture was taken; the network's time counts.",
    ),
]
CamerasOption = Annotated[
    int | None,
    typer.Option("--cameras", metavar="N", help="How do so many fare? Default: the largest fleet that is carried."),
]
TriggerOption = Annotated[
    str,
    typer.Option(
        "--trigger",
        metavar="free|sync|burst",
        help="What makes cameras take pictures: each its own clock, one clock for all, or parts that pass at random "
        "and of which four cameras take three pictures each.",
    ),
]
ModeOption = Annotated[
    str,
    typer.Option(
        "--mode",
        metavar="inspect|live",
        help="inspect: each frame is a part. live: a newer frame takes the place of one that waits, which is a miss.",
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Of all that is drawn; the same gives the same plan.")]

NetworkOption = Annotated[
    str | None,
    typer.Option(
        "--network-ms",
        metavar="MEAN[,VARIATION]",
        help="From taking a picture to the server having read it; variation: standard deviation over mean. "
        "Default: no time.",
        rich_help_panel=_AROUND,
    ),
]
DecodersOption = Annotated[
    int | None,
    typer.Option(
        "--decoders",
        metavar="N",
        help="Decoder processes; needs --decode-ms. Default: decoding is not counted.",
        rich_help_panel=_AROUND,
    ),
]
DecodeOption = Annotated[
    str | None,
    typer.Option(
        "--decode-ms",
        metavar="MEAN[,VARIATION]",
        help="What a picture takes one of them; needs --decoders.",
        rich_help_panel=_AROUND,
    ),
]
MaxBatchOption = Annotated[
    int | None,
    typer.Option(
        "--max-batch",
        metavar="N",
        help="Largest batch, in frames. Default: the profile's; 64 for a simulated device.",
        rich_help_panel=_AROUND,
    ),
]

CompareOption = Annotated[
    list[str] | None,
    typer.Option(
        "--compare",
        metavar="FILE|ID|sim:A,B",
        help="Another device, or another precision's profile, with the same cameras; may be given several times.",
        rich_help_panel=_MORE,
    ),
]
TableOption = Annotated[
    bool,
    typer.Option(
        "--table", help="Cameras by deadline and rate: half, once and twice what is asked.", rich_help_panel=_MORE
    ),
]
DeadlinesOption = Annotated[
    str | None,
    typer.Option("--deadlines-ms", metavar="D[,D...]", help="Deadlines of the table.", rich_help_panel=_MORE),
]
FpsListOption = Annotated[
    str | None, typer.Option("--fps-list", metavar="F[,F...]", help="Rates of the table.", rich_help_panel=_MORE)
]
PictureOption = Annotated[
    Path | None,
    typer.Option(
        "--picture",
        metavar="FILE.png|.svg",
        help="Draw misses and latency over the number of cameras.",
        rich_help_panel=_MORE,
    ),
]

ReplayOption = Annotated[
    Path | None,
    typer.Option(
        "--replay",
        metavar="DIR|FILE",
        help="Instead of planning: play what `serve --record` wrote down again, live against simulated. Needs no other option.",
        rich_help_panel=_MORE,
    ),
]
ReplayedModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="With --replay: whose frames. Default: the model with most.",
        rich_help_panel=_MORE,
    ),
]
