"""The names of devices, as people write them: `auto`, `cpu`, `cuda:N`, `sim:ALPHA_MS,BETA_MS[,NOISE]`.

Only parsing belongs here; whether a device exists is found out by whoever opens it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from framebatch.clock import ms_to_ns, ns_to_ms
from framebatch.errors import UsageError

__all__ = ["Device", "parse_device"]

_FORMS: Final = "auto, cpu, cuda:N or sim:ALPHA_MS,BETA_MS[,NOISE]"
_MAX_NOISE: Final = 2.0
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
    """

    kind: str = "auto"
    index: int = 0
    alpha_ns: int = 0
    beta_ns: int = 0
    noise: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ValueError(f"kind is {self.kind!r}; it must be one of {', '.join(_KINDS)}")
        if self.index < 0:
            raise ValueError(f"index is {self.index}; it must be at least 0")
        if self.alpha_ns < 0 or self.beta_ns < 0 or (self.kind == "sim" and self.alpha_ns + self.beta_ns == 0):
            raise ValueError(f"alpha_ns is {self.alpha_ns}, beta_ns {self.beta_ns}; a batch must take some time")
        if not 0 <= self.noise <= _MAX_NOISE:
            raise ValueError(f"noise is {self.noise}; it must be 0 to 2")

    def __str__(self) -> str:
        if self.kind == "cuda":
            return f"cuda:{self.index}"
        if self.kind == "sim":
            noise = f",{self.noise:g}" if self.noise else ""
            return f"sim:{ns_to_ms(self.alpha_ns):g},{ns_to_ms(self.beta_ns):g}{noise}"
        return self.kind


def parse_device(text: str) -> Device:
    """Read a device's name.

    Raises:
        UsageError: not of one of the forms, or a number out of range.

    """
    name = text.strip().lower()
    if name in {"auto", "cpu"}:
        return Device(kind=name)
    if match := re.fullmatch(r"cuda(?::(\d{1,3}))?", name):
        return Device(kind="cuda", index=int(match[1] or 0))
    if name.startswith("sim:"):
        return _simulated(text, name.removeprefix("sim:"))
    raise UsageError(f"--device is {text!r}; it must be {_FORMS}")


def _simulated(text: str, numbers: str) -> Device:
    parts = numbers.split(",")
    try:
        alpha_ms, beta_ms, noise = (float(part) for part in (*parts, "0")[: max(len(parts), 3)])
    except ValueError:
        raise UsageError(f"--device is {text!r}; a simulated device is written sim:ALPHA_MS,BETA_MS[,NOISE]") from None
    if not all(map(math.isfinite, (alpha_ms, beta_ms, noise))):
        raise UsageError(f"--device is {text!r}; its numbers must be finite")
    try:
        return Device(kind="sim", alpha_ns=ms_to_ns(alpha_ms), beta_ns=ms_to_ns(beta_ms), noise=noise)
    except ValueError as error:
        raise UsageError(f"--device is {text!r}: {error}") from error
