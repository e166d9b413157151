"""Which series a panel reads: matchers of the dashboards' variables, and expressions that several panels share."""

from __future__ import annotations

from typing import Final

__all__ = ["BY_CAMERA", "BY_INSTANCE", "BY_MODEL", "ONE_CAMERA", "OTHER_CAMERAS", "in_time", "mean", "quantile", "rate"]

BY_INSTANCE: Final = 'instance=~"$instance"'
BY_MODEL: Final = f'{BY_INSTANCE},model=~"$model"'
BY_CAMERA: Final = f'{BY_MODEL},camera=~"$camera"'
ONE_CAMERA: Final = f'{BY_MODEL},camera="$camera"'
OTHER_CAMERAS: Final = f'{BY_MODEL},camera!="$camera"'
MISSED: Final = 'outcome=~"EXPIRED|REJECTED|FAILED"'
COUNTED: Final = 'outcome=~"OK|EXPIRED|REJECTED|FAILED"'


def rate(series: str, matchers: str, *, by: str = "") -> str:
    """Growth a second of a counter, summed over all labels but those of `by`."""
    return f"sum {_by(by)}(rate({series}{{{matchers}}}[$__rate_interval]))"


def in_time(matchers: str, *, by: str = "") -> str:
    """Share of the frames that had to be answered and were, in time; nothing where there were none.

    Worked out from the misses: those are told of every camera from its first frame on, `OK` only once there is one.
    """
    missed = rate("framebatch_frames_total", f"{matchers},{MISSED}", by=by)
    counted = rate("framebatch_frames_total", f"{matchers},{COUNTED}", by=by)
    return f"1 - {missed} / ({counted} > 0)"


def quantile(share: float, histogram: str, matchers: str = BY_MODEL, *, by: str = "") -> str:
    """A quantile of what a histogram saw lately; NaN where it saw nothing."""
    buckets = rate(f"{histogram}_bucket", matchers, by=f"{by}, le" if by else "le")
    return f"histogram_quantile({share:g}, {buckets})"


def mean(histogram: str, matchers: str = BY_MODEL, *, by: str = "") -> str:
    """The mean of what a histogram saw lately; nothing where it saw nothing."""
    return f"{rate(f'{histogram}_sum', matchers, by=by)} / ({rate(f'{histogram}_count', matchers, by=by)} > 0)"


def _by(labels: str) -> str:
    return f"by ({labels}) " if labels else ""
