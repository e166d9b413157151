"""A profile as a file: read with one clear line for what is wrong, written so that nobody ever sees half of it."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from framebatch.errors import UsageError
from framebatch.faults import first_fault
from framebatch.profile.document import SCHEMA_VERSION, Profile

__all__ = ["read_profile", "write_profile"]

_REMEDY: Final = "give another file, or make one with `framebatch calibrate`"
_MODE: Final = 0o644


def read_profile(path: Path) -> Profile:
    """The profile in a file.

    Raises:
        UsageError: it cannot be read, is no profile, is of a newer version, or a field is wrong; the message names file,
            field and value, and what to do.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"profile {path} cannot be read: {error.strerror}; {_REMEDY}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"profile {path} is no text; {_REMEDY}") from error
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"profile {path} is not whole JSON: {error}; {_REMEDY}") from error
    return _parsed(content, path)


def _parsed(content: Any, path: Path) -> Profile:
    if not isinstance(content, dict) or "schema_version" not in content:
        raise UsageError(f"profile {path} has no field 'schema_version', so it is no profile; {_REMEDY}")
    version = content["schema_version"]
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise UsageError(
            f"profile {path} has schema_version {version}, and this framebatch reads up to {SCHEMA_VERSION}; "
            "update framebatch, or calibrate again with this one"
        )
    try:
        return Profile.model_validate(content)
    except ValidationError as error:
        fault = first_fault(error)
        if fault.kind == "missing":
            raise UsageError(f"profile {path} has no field {fault.field!r}; {_REMEDY}") from error
        if fault.kind == "value_error":  # a rule of ours, which names the values itself
            where = f"in {fault.field!r} " if fault.field else ""
        else:
            where = f"field {fault.field!r} is {fault.value}: "
        raise UsageError(f"profile {path}: {where}{fault.rule}; {_REMEDY}") from error


def write_profile(profile: Profile, path: Path) -> None:
    """Write a profile as JSON, readable for all; a file that is there is replaced in one step.

    It is written under another name in the same folder, flushed to the disk and renamed: whoever reads sees the old file
    or the new one, also after a power cut.

    Raises:
        UsageError: the folder does not exist or cannot be written to, or something other than a file has that name.
    """
    temporary = None
    try:
        if path.exists() and not path.is_file():  # a rename would put a file in the place of /dev/null
            raise UsageError(f"profile {path} cannot be written: it exists, and is no file; give another path")
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".profile-", delete=False) as file:
            temporary = Path(file.name)
            file.write(profile.model_dump_json(indent=2).encode() + b"\n")
            file.flush()
            os.fchmod(file.fileno(), _MODE)
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise UsageError(
            f"profile {path} cannot be written: {error.strerror}; give a path in a folder that exists and can be written to"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)  # where it was not renamed


def _sync_folder(folder: Path) -> None:
    """Make the rename last; some file systems cannot, and keep the file all the same."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
