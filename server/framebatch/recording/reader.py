"""Reads back what a server wrote down. What is damaged is left out and said; a server may be writing meanwhile."""

from __future__ import annotations

import contextlib
import json
import logging
import re
from typing import TYPE_CHECKING, Any, Final

from framebatch.errors import UsageError
from framebatch.logs import event
from framebatch.recording.codec import HEADING_BYTES, MAGIC, decode, heading_of
from framebatch.recording.files import files_of, recordings_in
from framebatch.recording.records import Recording

if TYPE_CHECKING:
    from pathlib import Path

    from framebatch.recording.codec import Content

__all__ = ["read_recording"]

log = logging.getLogger(__name__)

ANY_VERSION: Final = re.compile(rb"framebatch recording \d+\n")
REMEDY: Final = "name a folder that a server was given with --record, a recording in it, or one file of a recording"


def read_recording(path: Path) -> Recording:
    """All records of a recording, or of one of its files.

    Args:
        path: the folder that the server was given, for the newest recording there; a recording's own folder; or a file.

    Raises:
        UsageError: that is no recording, or one of a newer framebatch; says which and what to name instead.
    """
    reading = _Reading()
    try:
        for each in [path] if path.is_file() else _newest(path):
            with contextlib.suppress(FileNotFoundError):  # deleted meanwhile, as the oldest
                reading.read(each, each.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}; {REMEDY}") from error
    if reading.facts is None:
        raise UsageError(f"{path} is no recording: {reading.fault}; {REMEDY}")
    return reading.recording(whole=path.is_dir())


def _newest(folder: Path) -> list[Path]:
    """The files of a recording, or of the newest in the folder."""
    found = files_of(folder)
    for recording in reversed(recordings_in(folder)):
        found = found or files_of(recording)
    if not found:
        raise UsageError(f"{folder} holds no recording; {REMEDY}")
    return found


class _Reading:
    """What was read so far, file by file."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] | None = None
        self.fault = "it has no files"
        self._contents: list[Content] = []
        self._begin = -1
        """The number of the first record; -1: not known yet."""
        self._end = 0
        """That behind the last."""
        self._torn = False
        """Whether the last file ends in something that is no block."""

    def __repr__(self) -> str:
        return f"_Reading({len(self._contents)} blocks, records {self._begin} to {self._end}, torn={self._torn})"

    def read(self, path: Path, content: bytes) -> None:
        """Take in one file, the next in order."""
        begin = self._read_facts(path, content)
        self._torn = begin == 0
        at = begin or len(content)
        while at < len(content):
            heading = heading_of(content[at : at + HEADING_BYTES])
            if heading is None:
                log.warning(
                    "%s is damaged from byte %d on; what stood there is lost",
                    path,
                    at,
                    extra=event("recording.torn", path=path, byte=at),
                )
                self._torn = True
                return
            at += HEADING_BYTES
            block = decode(heading, content[at : at + heading.length])
            at += heading.length
            if block is None:
                log.warning(
                    "%s: a block of %d records is damaged and left out",
                    path,
                    heading.records,
                    extra=event("recording.damaged", path=path, records=heading.records),
                )
            else:
                self._contents.append(block)
            if self._begin < 0:
                self._begin = heading.first
            self._end = max(self._end, heading.first + heading.records)

    def recording(self, *, whole: bool) -> Recording:
        """All of it, of a whole recording or of one file."""
        facts = self.facts or {}
        frames = [frame for content in self._contents for frame in content.frames]
        batches = [batch for content in self._contents for batch in content.batches]
        decisions = [decision for content in self._contents for decision in content.decisions]
        models = dict.fromkeys(model for content in self._contents for model in content.models)
        begin = 0 if whole else max(0, self._begin)
        lost = self._end - begin - len(frames) - len(batches) - len(decisions)
        return Recording(
            created=facts["created"],
            framebatch=facts["framebatch"],
            models=tuple(models),
            frames=tuple(frames),
            batches=tuple(batches),
            decisions=tuple(decisions),
            lost=-1 if self._torn else lost,
            created_ns=facts["created_ns"],
        )

    def _read_facts(self, path: Path, content: bytes) -> int:
        """Where the blocks begin; 0 when the file does not begin as one of ours."""
        begin = content.find(b"\n", len(MAGIC)) + 1
        if content.startswith(MAGIC) and begin:
            try:
                facts = json.loads(content[len(MAGIC) : begin])
            except ValueError:
                facts = None
            if isinstance(facts, dict) and {"created", "framebatch", "created_ns"} <= facts.keys():
                self.facts = self.facts or facts
                return begin
        first = ANY_VERSION.match(content)
        if first is not None and first[0] != MAGIC:
            said = first[0].decode().strip()
            raise UsageError(
                f"{path} was written by another version of framebatch: {said!r}; read it with that version"
            )
        self.fault = f"{path.name} does not begin as one"
        log.warning(
            "%s does not begin as a file of a recording and is left out",
            path,
            extra=event("recording.foreign", path=path),
        )
        return 0
