"""The sender's trace, from the metadata of its call: `traceparent` of W3C Trace Context."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from framebatch.frame import TraceParent

if TYPE_CHECKING:
    from framebatch.edge.intake import Context

__all__ = ["parse", "trace_parent_of"]

KEY: Final = "traceparent"
FORM: Final = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


def trace_parent_of(context: Context) -> TraceParent | None:
    """Whose part the frames of this call are; None where the sender does not trace."""
    for key, value in context.invocation_metadata() or ():
        if key == KEY and isinstance(value, str):
            return parse(value)
    return None


def parse(text: str) -> TraceParent | None:
    """Read the header; None where it is not one, which is then as good as none (W3C Trace Context, section 3.2)."""
    found = FORM.fullmatch(text)
    if found is None or (found[1] == "00" and found[5]):
        return None
    trace_id, span_id = int(found[2], 16), int(found[3], 16)
    return TraceParent(trace_id, span_id, sampled=bool(int(found[4], 16) & 1)) if trace_id and span_id else None
