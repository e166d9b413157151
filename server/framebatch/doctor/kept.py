"""What is kept on this host of earlier runs: profiles of a model, and room on the disks. Reads only."""

from __future__ import annotations

import hashlib
import os
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from framebatch.doctor.facts import Disk, Model
from framebatch.errors import UsageError
from framebatch.profile import ProfileStore
from framebatch.recording.output import KEEP_FREE_BYTES, KEEP_FREE_SHARE

if TYPE_CHECKING:
    from pathlib import Path

    from framebatch.profile import Fingerprint, KeptProfile

__all__ = ["find_disks", "find_model"]

_PROFILES_BYTES: Final = 64 << 20
_FIELDS: Final = ("device", "driver", "runtime")


def find_model(name: str, path: Path, *, device: str, driver: str, runtime: str) -> Model:
    """Look for profiles of a model.

    Args:
        name: what to call it.
        path: of its ONNX file.
        device: this one, as profiles name it.
        driver: its driver, likewise.
        runtime: what computes, likewise.
    """
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        kept = [each for each in ProfileStore().history() if each.profile.fingerprint.model_sha256 == sha256]
    except OSError as error:
        return Model(name, f"{path} cannot be read: {error.strerror}", "", ())
    except UsageError:  # no folder for profiles; told of the disks
        kept = []
    here = {"device": device, "driver": driver, "runtime": runtime}
    matching = [each for each in kept if not _other(each.profile.fingerprint, here) and each.profile.run.complete]
    others = dict.fromkeys(text for each in kept for text in _other(each.profile.fingerprint, here)[:1])
    return Model(name, "", _made(matching[0]) if matching else "", tuple(others))


def find_disks(recordings: Path | None) -> tuple[Disk, ...]:
    """Look at the disks for profiles, and for recordings where there are to be some."""
    found = []
    try:
        found.append(_disk("profiles", ProfileStore().folder, _PROFILES_BYTES))
    except UsageError:
        found.append(Disk("profiles", "the user's folder (there is no home)", 0, 0, 0, writable=False))
    if recordings is not None:
        total = shutil.disk_usage(_existing(recordings)).total
        found.append(_disk("recordings", recordings, min(KEEP_FREE_BYTES, round(KEEP_FREE_SHARE * total))))
    return tuple(found)


def _other(found: Fingerprint, here: dict[str, str]) -> list[str]:
    """What is not as it is here."""
    pairs = [(field, str(getattr(found, field))) for field in _FIELDS]
    return [f"{field} {value or 'none'}" for field, value in pairs if value != here[field]]


def _made(kept: KeptProfile) -> str:
    run = kept.profile.run
    return f"{'quick' if run.quick else 'full'}, {datetime.fromisoformat(run.created).astimezone(UTC):%Y-%m-%d}"


def _disk(what: str, folder: Path, keep_free_bytes: int) -> Disk:
    existing = _existing(folder)
    total, _, free = shutil.disk_usage(existing)
    return Disk(what, str(folder), free, total, keep_free_bytes, writable=os.access(existing, os.W_OK | os.X_OK))


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    absolute = folder.absolute()
    return next(each for each in (absolute, *absolute.parents) if each.is_dir())
