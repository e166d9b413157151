"""What a server wrote down of its frames, batches and decisions, for looking at it later. Values and files; no server.

`records` says what is written, `writer` writes it, `reader` reads it back. Nothing here is decided or simulated.
"""

from framebatch.recording.records import BatchRecord, Decided, DecisionRecord, FrameRecord, ModelRecord, Recording

__all__ = ["BatchRecord", "Decided", "DecisionRecord", "FrameRecord", "ModelRecord", "Recording"]
