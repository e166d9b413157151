"""A made-up root of a file system, with what a kernel would show in /proc and /sys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framebatch.device.host import Host

if TYPE_CHECKING:
    from pathlib import Path


def tree(root: Path, files: dict[str, str]) -> Host:
    """Write these files below `root`, and answer the host that they make."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return Host(root)
