"""What every picture source is: an iterator of frames that can be closed.

The kinds of sources have a file each beside this one; choosing among them belongs to the package itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

if TYPE_CHECKING:
    from types import TracebackType

    from framebatch_models.conveyor import Truth

JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """One picture of a source: encoded ``data``, its ``index`` counted from 0, and what is truly on it, if known."""

    data: bytes
    truth: tuple[Truth, ...] | None
    index: int


class Source(Iterator[SourceFrame], ABC):
    """An iterator of pictures for one camera. Used by one thread at a time; may block for as long as a picture takes.

    ``live`` sources have their own clock: they give the newest picture at the moment of asking, and should be asked
    when a frame is due. All others may be asked ahead of time.
    """

    live: ClassVar[bool] = False

    def __iter__(self) -> Self:
        return self

    @abstractmethod
    def __next__(self) -> SourceFrame:
        """Give the next picture; raises SourceError when there should be one and it cannot be had."""

    def close(self) -> None:
        """Let go of files and devices; closing again does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
