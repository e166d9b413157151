"""The names of devices, as people write them: `auto`, `cpu`, `cuda:N`, `sim:ALPHA_MS,BETA_MS[,NOISE[,MEMORY]]`.

Only parsing belongs here; whether a device exists is found out by whoever opens it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from framebatch.clock import ms_to_ns, ns_to_ms
from framebatch.errors import UsageError

__all__ = ["MAX_BATCH_SIMULATED", "Device", "parse_device"]

MAX_BATCH_SIMULATED: Final = 64
"""The largest batch of a simulated device, where no other is asked for."""

_SIMULATED: Final = "sim:ALPHA_MS,BETA_MS[,NOISE[,BASE_MB,FRAME_MB,LIMIT_MB]]"
_FORMS: Final = f"auto, cpu, cuda:N or {_SIMULATED}"
_NUMBERS: Final = (2, 3, 6)
_MAX_NOISE: Final = 2.0
_MEBIBYTE: Final = 1 << 20
_DECIMALS: Final = 8
_KINDS: Final = ("auto", "cpu", "cuda", "sim")


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """Which device was asked for.

    Attributes:
        kind: `auto` (CUDA where it really loads, else the processor), `cpu`, `cuda` or `sim`.
        index: `cuda`: which GPU, from 0.
        alpha_ns: `sim`: time that every batch takes, in nanoseconds.
        beta_ns: `sim`: time that every frame adds, in nanoseconds.
        noise: `sim`: coefficient of variation of a batch's time, from 0; default 0.
        base_bytes: `sim`: memory that a loaded model takes; default 0.
        frame_bytes: `sim`: memory that every frame of the largest batch adds; default 0.
        limit_bytes: `sim`: all the memory that there is; default None, and then nobody asks how much is taken.
    """

    kind: str = "auto"
    index: int = 0
    alpha_ns: int = 0
    beta_ns: int = 0
    noise: float = 0.0
    base_bytes: int = 0
    frame_bytes: int = 0
    limit_bytes: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ValueError(f"kind is {self.kind!r}; it must be one of {', '.join(_KINDS)}")
        if self.index < 0:
            raise ValueError(f"index is {self.index}; it must be at least 0")
        if self.alpha_ns < 0 or self.beta_ns < 0 or (self.kind == "sim" and self.alpha_ns + self.beta_ns == 0):
            raise ValueError(f"alpha_ns is {self.alpha_ns}, beta_ns {self.beta_ns}; a batch must take some time")
        if not 0 <= self.noise <= _MAX_NOISE:
            raise ValueError(f"noise is {self.noise}; it must be 0 to 2")
        if self.base_bytes < 0 or self.frame_bytes < 0 or (self.limit_bytes is not None and self.limit_bytes < 1):
            raise ValueError(
                f"base_bytes is {self.base_bytes}, frame_bytes {self.frame_bytes}, limit_bytes {self.limit_bytes}; "
                "memory must be at least 0, and its limit at least 1"
            )

    def __str__(self) -> str:
        if self.kind == "cuda":
            return f"cuda:{self.index}"
        if self.kind == "sim":
            numbers = [ns_to_ms(self.alpha_ns), ns_to_ms(self.beta_ns)]
            if self.noise or self.limit_bytes is not None:
                numbers.append(self.noise)
            if self.limit_bytes is not None:
                numbers += [_mebibytes(count) for count in (self.base_bytes, self.frame_bytes, self.limit_bytes)]
            return "sim:" + ",".join(repr(float(number)).removesuffix(".0") for number in numbers)
        return self.kind


def _mebibytes(count: int) -> float:
    """With as few decimals as still mean this number of bytes."""
    exact = count / _MEBIBYTE
    rounded = (round(exact, decimals) for decimals in range(_DECIMALS))
    return next((number for number in rounded if round(number * _MEBIBYTE) == count), exact)


def parse_device(text: str, option: str = "--device") -> Device:
    """Read a device's name.

    Args:
        text: as people write it.
        option: whose value it is, for messages.

    Raises:
        UsageError: not of one of the forms, or a number out of range.

    """
    name = text.strip().lower()
    if name in {"auto", "cpu"}:
        return Device(kind=name)
    if match := re.fullmatch(r"cuda(?::(\d{1,3}))?", name):
        return Device(kind="cuda", index=int(match[1] or 0))
    if name.startswith("sim:"):
        return _simulated(text, name.removeprefix("sim:"), option)
    raise UsageError(f"{option} is {text!r}; it must be {_FORMS}")


def _simulated(text: str, numbers: str, option: str) -> Device:
    try:
        parts = [float(part) for part in numbers.split(",")]
    except ValueError:
        parts = []
    if len(parts) not in _NUMBERS:
        raise UsageError(f"{option} is {text!r}; a simulated device is written {_SIMULATED}")
    if not all(map(math.isfinite, parts)):
        raise UsageError(f"{option} is {text!r}; its numbers must be finite")
    alpha_ms, beta_ms, noise = (*parts, 0.0)[:3]
    base_bytes, frame_bytes, limit_bytes = (round(part * _MEBIBYTE) for part in parts[3:] or (0.0, 0.0, 0.0))
    try:
        return Device(
            kind="sim",
            alpha_ns=ms_to_ns(alpha_ms),
            beta_ns=ms_to_ns(beta_ms),
            noise=noise,
            base_bytes=base_bytes,
            frame_bytes=frame_bytes,
            limit_bytes=limit_bytes if parts[3:] else None,
        )
    except ValueError as error:
        raise UsageError(f"{option} is {text!r}: {error}") from error
