"""Where a report goes: which files a path means, and writing them. Nothing is drawn here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from framebatch.calibration.report.drawing import to_png
from framebatch.calibration.report.page import page, title_of, words_of
from framebatch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from framebatch.calibration.variants import Advice, Trial

__all__ = ["report_files", "write_report"]

_PAGES: Final = (".html", ".htm")
_PICTURE: Final = ".png"


def report_files(path: Path, option: str = "--report") -> tuple[Path, ...]:
    """The files that a report to `path` consists of: a page and the picture beside it, or only the picture.

    Args:
        path: ends in .html, or in .png.
        option: whose path it is, for the message.

    Raises:
        UsageError: by its suffix it is neither a page nor a picture.
    """
    if path.suffix.lower() in _PAGES:
        return path, path.with_suffix(_PICTURE)
    if path.suffix.lower() == _PICTURE:
        return (path,)
    raise UsageError(f"{option} is {path}; give a path that ends in .html or .png")


def write_report(path: Path, trials: Sequence[Trial], advice: Advice | None = None) -> tuple[Path, ...]:
    """Write the page and the picture, or only the picture.

    Args:
        path: ends in .html, or in .png.
        trials: at least one has a profile.
        advice: which of several to use.

    Returns:
        The files written.

    Raises:
        UsageError: a file cannot be written.
    """
    targets = report_files(path)
    for target in targets:
        if target.suffix.lower() == _PICTURE:
            content = to_png(trials, title=title_of(trials), words=words_of(trials, advice))
        else:
            content = page(trials, advice).encode(errors="replace")  # a file's name may be no text
        try:
            target.write_bytes(content)
        except OSError as error:
            raise UsageError(f"report {target} cannot be written: {error.strerror}; give another path") from error
    return targets
