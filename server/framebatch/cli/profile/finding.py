"""Which profiles a command means, and where to print: shared by the commands of `framebatch profile`."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from framebatch.errors import UsageError
from framebatch.profile import KeptProfile, ProfileStore, read_profile

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["find", "history", "id_of", "shown_path", "stdout"]


def history() -> list[KeptProfile]:
    """The profiles in the user's folder, newest first; files that cannot be used are told of on stderr.

    Raises:
        UsageError: there are none.
    """
    store = ProfileStore(on_skip=_warn)
    kept = store.history()
    if not kept:
        raise UsageError(f"there are no profiles in {store.folder}; make one with `framebatch calibrate`")
    return kept


def find(names: Sequence[str]) -> list[KeptProfile]:
    """The profiles that these paths or ids mean.

    Raises:
        UsageError: a name is no file and no id of exactly one profile in the user's folder, or a file is no profile.
    """
    paths = [Path(name) if Path(name).exists() or "/" in name else _path_of(name) for name in names]
    return [KeptProfile(path, read_profile(path)) for path in paths]


def id_of(path: Path) -> str:
    """What a profile in the user's folder can be called by: the end of its file's name."""
    return path.stem.rpartition("-")[2]


def shown_path(path: Path) -> str:
    """A path with `~` for the user's home folder."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def stdout() -> Console:
    """The console on stdout; what its encoding cannot say becomes a question mark, not an error."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return Console(highlight=False)


def _path_of(name: str) -> Path:
    """The file of the user's folder with this id, or beginning of one."""
    folder = ProfileStore().folder
    matching = sorted(path for path in folder.glob("*/*/*.json") if id_of(path).startswith(name))
    if not matching:
        raise UsageError(
            f"{name} is no file, and no profile in {folder} has that id; `framebatch profile list` names them"
        )
    if len(matching) > 1:
        ids = ", ".join(map(id_of, matching))
        raise UsageError(f"{name} is the beginning of {len(matching)} ids ({ids}); give more of it")
    return matching[0]


def _warn(path: Path, why: str) -> None:
    message = Text.assemble(("warning: ", "bold yellow"), f"{path.name} is passed over: {why}")
    Console(stderr=True, soft_wrap=True, highlight=False).print(message)
