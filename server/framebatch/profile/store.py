"""The profiles of one user: a folder with one folder for each model, and in it one for each way it was run.

    yolov8n-5e5b05aa/                                 the model's name, and the beginning of its file's hash
        imagined-processor-9000-2-cores-0c1f9a3e/     the device's name, and the beginning of the fingerprint's hash
            20261120T140307Z-7d3b2c61.json            when it was made (UTC), and the beginning of the content's hash

Names are for people; what a profile holds for is what its own fingerprint says. Files are only added whole and removed
whole, so any number of processes may use one folder at a time, without a lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from framebatch.errors import UsageError
from framebatch.profile.files import read_profile, write_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from framebatch.profile.document import Fingerprint, Profile

__all__ = ["KeptProfile", "ProfileStore", "default_folder", "read_profile", "write_profile"]

_KEPT: Final = 50
_HASH: Final = 8
_NAME: Final = 48


class KeptProfile(NamedTuple):
    """A profile and where it lies."""

    path: Path
    profile: Profile


def default_folder() -> Path:
    """`framebatch/profiles` in the user's folder for data: `$XDG_DATA_HOME`, or `~/.local/share`.

    Raises:
        UsageError: the user has no home folder.
    """
    base = Path(os.environ.get("XDG_DATA_HOME", ""))
    if not base.is_absolute():  # as the XDG Base Directory Specification asks
        try:
            base = Path.home() / ".local" / "share"
        except RuntimeError as error:
            raise UsageError("there is no home folder to keep profiles in; set XDG_DATA_HOME") from error
    return base / "framebatch" / "profiles"


class ProfileStore:
    """Profiles by what they hold for, newest first.

    Invariants: no file is ever seen half written; of each fingerprint the newest `keep` are never removed, and an `add`
    removes all others but its own; a file that cannot be read is reported, and disturbs nothing.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        keep: int = _KEPT,
        on_skip: Callable[[Path, str], None] | None = None,
    ) -> None:
        """Use a folder, which need not exist.

        Args:
            folder: Default: `default_folder()`.
            keep: How many profiles of one fingerprint stay, at least 1; the oldest go. Default 50.
            on_skip: Is told of each file that cannot be used, and why.
        """
        if keep < 1:
            raise ValueError(f"keep is {keep}; it must be at least 1")
        self.folder: Final = folder or default_folder()
        self._keep = keep
        self._on_skip = on_skip

    def __repr__(self) -> str:
        return f"<ProfileStore {self.folder}>"

    def add(self, profile: Profile) -> Path:
        """Keep a profile; adding the same one again changes nothing.

        Raises:
            UsageError: the folder cannot be written to.
        """
        model = f"{_slug(profile.model)}-{profile.fingerprint.model_sha256[:_HASH]}"
        folder = self.folder / model / f"{_slug(profile.fingerprint.device)}-{_key(profile.fingerprint)}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"profiles cannot be kept in {self.folder}: {error.strerror}; set XDG_DATA_HOME to a folder that can be written to"
            ) from error
        made = datetime.fromisoformat(profile.run.created).astimezone(UTC)
        content = hashlib.sha256(profile.model_dump_json().encode()).hexdigest()
        path = folder / f"{made:%Y%m%dT%H%M%SZ}-{content[:_HASH]}.json"
        write_profile(profile, path)
        for old in sorted(folder.glob("*.json"), reverse=True)[self._keep :]:
            if old != path:
                with contextlib.suppress(OSError):  # another process may prune too
                    old.unlink()
        return path

    def find(self, fingerprint: Fingerprint) -> Profile | None:
        """The newest complete profile that holds for exactly this; None where there is none."""
        return next((kept.profile for kept in self._matching(fingerprint) if kept.profile.run.complete), None)

    def history(self, fingerprint: Fingerprint | None = None) -> list[KeptProfile]:
        """All profiles that hold for exactly this, or simply all, newest first."""
        return list(self._matching(fingerprint))

    def _matching(self, fingerprint: Fingerprint | None) -> Iterator[KeptProfile]:
        pattern = "*/*/*.json" if fingerprint is None else f"*/*-{_key(fingerprint)}/*.json"
        for path in sorted(self.folder.glob(pattern), key=lambda path: path.name, reverse=True):
            try:
                profile = read_profile(path)
            except UsageError as error:
                if self._on_skip is not None and path.exists():  # another process may have pruned it
                    self._on_skip(path, str(error))
                continue
            if fingerprint is None or profile.fingerprint == fingerprint:
                yield KeptProfile(path, profile)


def _key(fingerprint: Fingerprint) -> str:
    """A short name of a fingerprint, which a field added with a default does not change."""
    values = fingerprint.model_dump(exclude_defaults=True)
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:_HASH]


def _slug(name: str) -> str:
    """A name that every file system takes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_NAME].strip("-") or "unnamed"
