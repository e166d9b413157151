"""Two profiles side by side: which batch sizes became slower or faster, by how much, and whether that is more than noise.

Only figures belong here; `framebatch.profile.verdict` puts them into words.

The test of one size: each profile has a 95 % distribution-free interval of its median. On a log scale its half width over
1.96 is taken as the median's standard error (McKean and Schrader 1984; for ratios of medians Price and Bonett 2002,
"Distribution-free confidence intervals for difference and ratio of medians"), and the logarithm of the ratio over the two
errors together as a normal deviate. Many sizes are tested at once, so their p-values are adjusted (Holm 1979).

That covers what varies within a run and not what varies from run to run: the host, the heat. So a difference that is no
larger than what two passes of one run disagreed by is noise too, whatever its p-value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from framebatch.profile.matching import Difference, differences

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framebatch.profile.document import Bucket, Measurement, Profile

__all__ = ["LEAST", "Change", "Comparison", "Verdict", "compare"]

Verdict = Literal["slower", "faster", "noise", "few", "unmeasured"]
"""`noise`: nothing is shown to have changed. `few`: too few batches were timed to show anything. `unmeasured`: one of the
two did not run this size, so nothing is tested."""

_ALPHA: Final = 0.05
_Z: Final = 1.959964
"""Of a two-sided 95 % interval."""
LEAST: Final = 0.01
"""As precise as a calibration measures medians; smaller differences are not told from noise."""
_FEWEST: Final = 6
"""Fewer samples have no 95 % distribution-free interval of the median: 2 / 2^n is more than 5 %."""


class Change(NamedTuple):
    """One batch size in both profiles."""

    old: Bucket
    new: Bucket
    old_ns: int
    """The measured median; the fitted one where the size was not measured in both."""
    new_ns: int
    """Likewise."""
    ratio: float
    """New over old."""
    low: float
    """Lower end of the ratio's 95 % interval, for this size alone."""
    high: float
    """Upper end."""
    p: float
    """Chance of so large a difference where there is none, adjusted for all sizes; 1 where nothing is tested."""
    verdict: Verdict

    @property
    def batch(self) -> int:
        """Frames."""
        return self.old.batch


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What changed from one profile to another.

    Attributes:
        old: the reference.
        new: what is compared with it.
        differences: of the fingerprints; `expected` is the reference's. Not empty: the two measured different things.
        changes: the sizes that both have, rising.
        only_old: sizes that only the reference has.
        only_new: sizes that only the other has.
        floor: relative difference up to which everything is noise: what passes of one run disagreed by, at least 1 %.
    """

    old: Profile
    new: Profile
    differences: tuple[Difference, ...]
    changes: tuple[Change, ...]
    only_old: tuple[int, ...]
    only_new: tuple[int, ...]
    floor: float


def compare(old: Profile, new: Profile) -> Comparison:
    """What changed from `old` to `new`; also where their fingerprints differ, which it says."""
    before = {bucket.batch: bucket for bucket in old.buckets}
    after = {bucket.batch: bucket for bucket in new.buckets}
    floor = max(LEAST, old.conditions.disagreement, new.conditions.disagreement)
    both = [(bucket, after[batch]) for batch, bucket in before.items() if batch in after]
    tests = {
        left.batch: _test(left.measured, right.measured) for left, right in both if left.measured and right.measured
    }
    adjusted = _holm({batch: test.p for batch, test in tests.items() if not test.few})
    return Comparison(
        old=old,
        new=new,
        differences=tuple(differences(old.fingerprint, new.fingerprint)),
        changes=tuple(
            _judged(left, right, tests[left.batch], adjusted.get(left.batch), floor)
            if left.batch in tests
            else _untested(left, right)
            for left, right in both
        ),
        only_old=tuple(batch for batch in before if batch not in after),
        only_new=tuple(batch for batch in after if batch not in before),
        floor=floor,
    )


class _Test(NamedTuple):
    """Of the hypothesis that two medians are the same."""

    old_ns: int
    new_ns: int
    log_ratio: float
    error: float
    """Standard error of the logarithm."""
    p: float
    few: bool
    """The medians have no 95 % intervals."""


def _test(old: Measurement, new: Measurement) -> _Test:
    log_ratio = math.log(new.median_ns / old.median_ns)
    error = math.hypot(_log_error(old), _log_error(new))
    p = math.erfc(abs(log_ratio) / error / math.sqrt(2)) if error else float(log_ratio == 0)
    return _Test(old.median_ns, new.median_ns, log_ratio, error, p, few=min(old.n, new.n) < _FEWEST)


def _log_error(measured: Measurement) -> float:
    return math.log(measured.median_high_ns / measured.median_low_ns) / (2 * _Z)


def _judged(old: Bucket, new: Bucket, test: _Test, p: float | None, floor: float) -> Change:
    """The answer to one test, by its adjusted p-value; None: it does not count."""
    ratio, reach = math.exp(test.log_ratio), math.exp(_Z * test.error)
    verdict: Verdict = "noise"
    if p is None:
        verdict = "few"
    elif p < _ALPHA and abs(test.log_ratio) > math.log1p(floor):
        verdict = "slower" if ratio > 1 else "faster"
    return Change(
        old, new, test.old_ns, test.new_ns, ratio, ratio / reach, ratio * reach, 1.0 if p is None else p, verdict
    )


def _untested(old: Bucket, new: Bucket) -> Change:
    ratio = new.service_ns / old.service_ns
    return Change(old, new, old.service_ns, new.service_ns, ratio, ratio, ratio, 1.0, "unmeasured")


def _holm(ps: Mapping[int, float]) -> dict[int, float]:
    """Holm's step-down adjustment: comparing the answers with a level keeps the chance of any false alarm below it."""
    adjusted: dict[int, float] = {}
    largest = 0.0
    for rank, (key, p) in enumerate(sorted(ps.items(), key=lambda item: item[1])):
        largest = max(largest, min(1.0, p * (len(ps) - rank)))
        adjusted[key] = largest
    return adjusted
