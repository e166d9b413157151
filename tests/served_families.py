"""What a real server exports: its series with types and labels, for tests of what names them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from certificates import Authority

from framebatch.app import App
from framebatch.config import Config
from framebatch_models import find

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Family", "families_of", "series_of"]


class Family(NamedTuple):
    """Type and labels of one name."""

    kind: str
    labels: frozenset[str]


async def families_of(folder: Path) -> dict[str, Family]:
    """Start a server with TLS that records and traces, on a simulated device, and answer its own families by name."""
    pair = Authority(folder / "certificates").issue("server")
    config = Config(
        model="conveyor",
        device="sim:1,0.1",
        port=0,
        http_port=0,
        decoders=1,
        record=folder / "recording",
        traces="http://127.0.0.1:1",  # where nobody is
        tls_certificate=pair.certificate,
        tls_key=pair.key,
    )
    app = App(config, find("conveyor"))
    await app.start()
    try:
        # the library tells labels only with values, and not every family has some
        return {
            family.name + ("_total" if family.type == "counter" else ""): Family(
                family.type, frozenset(vars(family)["_labelnames"])
            )
            for family in app.metrics.collect()
        }
    finally:
        await app.stop()


def series_of(families: dict[str, Family]) -> dict[str, frozenset[str]]:
    """Answer the labels of each series that a query can name."""
    found: dict[str, frozenset[str]] = {}
    for name, (kind, labels) in families.items():
        if kind == "histogram":
            found |= {f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels}
        else:
            found[name] = labels
    return found
