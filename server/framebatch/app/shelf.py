"""What lies in a folder of models: names, versions, stamps of their files. Looks, and opens no model.

    FOLDER/NAME.onnx                   one version, 1, with NAME.toml beside it
    FOLDER/NAME/VERSION/model.onnx     any number of versions, each with model.toml beside it; a greater number is newer
    FOLDER/NAME/pinned                 a text file with the number of the version to serve in place of the newest

Which version is loaded, and when, is decided in `repository`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from framebatch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Candidate", "Shelf", "read_folder", "single_model", "stamp_of"]

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_VERSION: Final = re.compile(r"[1-9][0-9]{0,17}")
_MODEL: Final = "model.onnx"
_PINNED: Final = "pinned"

Stamp: TypeAlias = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One version of one model as it lies on the disk. Equal as long as none of its files has changed.

    Attributes:
        name: Of the model.
        version: From 1 on; a greater one is newer.
        path: Of the ONNX file.
        numbered: Whether the folders number its versions; if not, the manifest's own text names the version.
        stamp: Name, size in bytes and time of change in nanoseconds of each of its files.
    """

    name: str
    version: int
    path: Path
    numbered: bool
    stamp: Stamp

    def __str__(self) -> str:
        return f"{self.name} version {self.version}" if self.numbered else self.name


@dataclass(frozen=True, slots=True)
class Shelf:
    """One look at everything that could be served.

    Attributes:
        models: The versions of each model, by number.
        pinned: The version to serve in place of the newest, for those that have one; 0 where that cannot be read.
        faults: What could not be made sense of, for people.
    """

    models: Mapping[str, Mapping[int, Candidate]]
    pinned: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


def read_folder(folder: Path) -> Shelf:
    """Look at a folder of models. Whatever cannot be made sense of is a fault, and harms nothing else.

    Raises:
        UsageError: the folder itself cannot be read.
    """
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise UsageError(f"--models {folder}: cannot be read: {error.strerror}; give a folder of models") from error
    models: dict[str, dict[int, Candidate]] = {}
    pinned: dict[str, int] = {}
    faults: list[str] = []
    for entry in entries:
        if entry.name.startswith("."):
            continue
        try:
            if entry.is_dir():
                _read_versions(entry, models, pinned, faults)
            elif entry.suffix == ".onnx":
                _read_file(entry, models, faults)
            elif entry.suffix == ".toml" and not entry.with_suffix(".onnx").exists():
                faults.append(f"{entry} is a manifest without a model; {entry.with_suffix('.onnx').name} is missing")
        except OSError as error:  # it went away between two looks
            faults.append(f"{entry} cannot be read: {error.strerror}")
    return Shelf(models, pinned, tuple(faults))


def single_model(path: Path) -> Shelf:
    """The shelf of a server of one file, wherever it lies."""
    candidate = Candidate(path.stem, 1, path, numbered=False, stamp=stamp_of(path))
    return Shelf({candidate.name: {1: candidate}})


def stamp_of(path: Path) -> Stamp:
    """Name, size and time of change of an ONNX file, its manifest and its weights in files of their own.

    A folder of one version belongs to it as a whole; otherwise its files begin with the ONNX file's name.
    """
    files = {path, path.with_suffix(".toml")}
    whole = path.name == _MODEL
    files.update(entry for entry in path.parent.iterdir() if whole or entry.name.startswith(path.name))
    stamp = []
    for file in sorted(files):
        try:
            status = file.stat()
        except FileNotFoundError:
            continue
        stamp.append((file.name, status.st_size, status.st_mtime_ns))
    return tuple(stamp)


def _read_file(path: Path, models: dict[str, dict[int, Candidate]], faults: list[str]) -> None:
    if not _NAME.fullmatch(path.stem):
        faults.append(_bad_name(path, path.stem))
    elif path.stem in models:
        faults.append(
            f"{path} is not served: the folder {path.stem} holds versions of that name; remove one of the two"
        )
    else:
        models[path.stem] = {1: Candidate(path.stem, 1, path, numbered=False, stamp=stamp_of(path))}


def _read_versions(
    folder: Path, models: dict[str, dict[int, Candidate]], pinned: dict[str, int], faults: list[str]
) -> None:
    name = folder.name
    if not _NAME.fullmatch(name):
        faults.append(_bad_name(folder, name))
        return
    versions: dict[int, Candidate] = {}
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.name == _PINNED:
            text = entry.read_bytes()[:64].decode(errors="replace").strip()
            if _VERSION.fullmatch(text):
                pinned[name] = int(text)
            else:
                pinned[name] = 0
                faults.append(f"{entry} says {text!r}; it must hold the number of a version, from 1 on")
        elif not _VERSION.fullmatch(entry.name):
            faults.append(f"{entry} is no version; the folders of a model are called 1, 2, 3, ...")
        elif not (entry / _MODEL).is_file():
            faults.append(f"{entry} has no {_MODEL}")
        else:
            path = entry / _MODEL
            versions[int(entry.name)] = Candidate(name, int(entry.name), path, numbered=True, stamp=stamp_of(path))
    if not versions:
        faults.append(f"{folder} holds no version; put the model into {folder / '1' / _MODEL}")
        return
    models[name] = versions


def _bad_name(path: Path, name: str) -> str:
    return (
        f"{path} is not served: the name {name!r} may have letters, digits, '.', '_' and '-' only, must begin with a "
        "letter or digit, and have at most 128 characters"
    )
