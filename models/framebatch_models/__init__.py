"""The models bundled with framebatch, found by name.

Only finding belongs here: no inference, no training, no imports beyond the standard library.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["find", "names"]


def names() -> tuple[str, ...]:
    """Answer the names of the bundled models, sorted."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.onnx")))


def find(name: str) -> Path:
    """Answer the path of the bundled model ``name``; its manifest lies beside it with the suffix ``.toml``.

    Raises:
        KeyError: if no bundled model is called that.

    """
    known = names()
    if name not in known:
        raise KeyError(f"no bundled model {name!r}; there are: {', '.join(known) or 'none'}")
    return Path(__file__).parent / f"{name}.onnx"
