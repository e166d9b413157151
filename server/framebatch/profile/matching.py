"""Whether a profile holds here: which fields of two fingerprints differ, and how to say so. Nothing is refused here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framebatch.profile.document import Fingerprint

__all__ = ["Difference", "differences", "mismatch"]

_OPTIONS: Final = "options"
_LONGEST: Final = 48
_HASH_FIELD: Final = "model_sha256"
_HASH_SHOWN: Final = 12


class Difference(NamedTuple):
    """One thing that two fingerprints say differently."""

    field: str
    """A field of the fingerprint; `options.NAME` for one of its options."""
    expected: str | None
    """What it is here; None: this option is not set."""
    found: str | None
    """What it is in the profile; None: this option is not set."""

    def __str__(self) -> str:
        return f"{self.field}: {_shown(self.field, self.expected)} vs {_shown(self.field, self.found)}"


def differences(expected: Fingerprint, found: Fingerprint) -> list[Difference]:
    """All fields that differ, in the order of the fingerprint's fields, each option by itself.

    Args:
        expected: what is to be run here.
        found: what a profile holds for.
    """
    left, right = _flat(expected), _flat(found)
    names = [*left, *(name for name in right if name not in left)]
    order = {name: place for place, name in enumerate(type(expected).model_fields)}
    names.sort(key=lambda name: order[name.partition(".")[0]])  # stable: options keep their own order
    return [Difference(name, left.get(name), right.get(name)) for name in names if left.get(name) != right.get(name)]


def mismatch(found: Sequence[Difference]) -> str:
    """What differs and what to do about it, as one sentence for people; empty where nothing differs."""
    if not found:
        return ""
    what = "; ".join(
        f"{each.field} is {_shown(each.field, each.expected)} here and {_shown(each.field, each.found)} in the profile"
        for each in found
    )
    return f"{what}; {_remedy({each.field.partition('.')[0] for each in found})}"


def _remedy(fields: set[str]) -> str:
    calibrate = "calibrate again with `framebatch calibrate`"
    if fields == {_OPTIONS}:
        return f"set these options as they were, or {calibrate}"
    if _HASH_FIELD in fields:
        return f"give the model that was calibrated, or {calibrate}"
    return calibrate


def _flat(fingerprint: Fingerprint) -> Mapping[str, str]:
    """Every field as text, options under names of their own."""
    values = fingerprint.model_dump()
    options = values.pop(_OPTIONS)
    return {name: str(value) for name, value in values.items()} | {
        f"{_OPTIONS}.{name}": value for name, value in options.items()
    }


def _shown(field: str, value: str | None) -> str:
    if value is None:
        return "not set"
    if not value:
        return "none"
    longest = _HASH_SHOWN if field == _HASH_FIELD else _LONGEST
    return repr(value if len(value) <= longest else f"{value[:longest]}...")
