"""What pydantic finds wrong with a document, in values to word one line from. The wording is the caller's."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pydantic import ValidationError

__all__ = ["Fault", "first_fault"]

_LONGEST = 60


class Fault(NamedTuple):
    """The first thing that is wrong."""

    field: str
    """Where, e.g. `buckets.2.service_ns`; empty: several fields together, and `rule` names them."""
    kind: str
    """pydantic's name of the rule, e.g. `missing` or `extra_forbidden`."""
    value: str
    """What stands there, as Python writes it, cut when it is long."""
    rule: str
    """What should."""


def first_fault(error: ValidationError) -> Fault:
    """The first of what pydantic found, which usually explains the others."""
    first = error.errors(include_url=False, include_context=False)[0]
    value = repr(first["input"])
    return Fault(
        field=".".join(str(part) for part in first["loc"]),
        kind=first["type"],
        value=value if len(value) <= _LONGEST else f"{value[:_LONGEST]}...",
        rule=first["msg"].removeprefix("Value error, "),
    )
