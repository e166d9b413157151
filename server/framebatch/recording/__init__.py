"""What a server wrote down of its frames, batches and decisions, for looking at it later. Values and files; no server.

`records` says what is written, `writer` writes it and `reader` reads it back; `codec` and `columns` know its bytes, `files` and
`output` its files. Nothing here is decided or simulated.
"""

from framebatch.recording.reader import read_recording
from framebatch.recording.records import (
    BatchRecord,
    Decided,
    DecisionRecord,
    FrameRecord,
    ModelRecord,
    Record,
    Recording,
)
from framebatch.recording.writer import RecordingWriter

__all__ = [
    "BatchRecord",
    "Decided",
    "DecisionRecord",
    "FrameRecord",
    "ModelRecord",
    "Record",
    "Recording",
    "RecordingWriter",
    "read_recording",
]
