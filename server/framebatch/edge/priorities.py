"""Which class a frame is of: what its sender says, unless the server's configuration fixes the camera's. Pure."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from framebatch.frame import Priority

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Priorities"]

MOST_CAMERAS: Final = 4096
"""More are not remembered, however many names are sent."""


class Priorities:
    """The table of the configuration. The first pattern in it that matches a camera's name fixes the camera's class.

    A frame costs one look-up: what the table says of a name is remembered.
    """

    def __init__(self, table: Mapping[str, str]) -> None:
        """Take patterns as of `fnmatch` (`*`, `?`, `[...]`, upper and lower case differ) and names of classes."""
        by_word = {priority.word: priority for priority in Priority}
        self._table = [(pattern, by_word[word]) for pattern, word in table.items()]
        self._known: dict[str, Priority | None] = {}

    def __repr__(self) -> str:
        return f"Priorities({', '.join(f'{pattern}={priority.word}' for pattern, priority in self._table)})"

    def of(self, camera: str, said: Priority) -> Priority:
        """The class of a camera's frame that says so itself."""
        if not self._table:
            return said
        try:
            fixed = self._known[camera]
        except KeyError:
            fixed = next((priority for pattern, priority in self._table if fnmatchcase(camera, pattern)), None)
            if len(self._known) >= MOST_CAMERAS:
                del self._known[next(iter(self._known))]
            self._known[camera] = fixed
        return said if fixed is None else fixed
