"""The one tree of exceptions, split by whose fault it is. No handling lives here.

    FramebatchError
    |-- UsageError          the person who started us: an option, a file, a configuration key    exit code 2
    |   `-- ModelError      the model file cannot be served; says why and which manifest key helps
    |-- InvalidFrame        the sender of one frame: broken picture, bad field                   Outcome.INVALID
    `-- DeviceError         us or the device: the run failed, the provider does not load         Outcome.FAILED, exit 1
        `-- DeviceMemoryError   the device is out of memory: a smaller batch may succeed         as above

Foreign exceptions (onnxruntime's, OpenCV's, gRPC's) are translated once, in the room that owns the library. A message
names the field, the value and the remedy, because it is shown to people as it is.
"""

__all__ = ["DeviceError", "DeviceMemoryError", "FramebatchError", "InvalidFrame", "ModelError", "UsageError"]


class FramebatchError(Exception):
    """Anything that framebatch itself reports as gone wrong."""


class UsageError(FramebatchError):
    """What the person asked for cannot be done as asked; the message says what to change."""


class ModelError(UsageError):
    """This model file cannot be served; the message says why and what would settle it."""


class InvalidFrame(FramebatchError):  # noqa: N818 - it names the frame, and Outcome.INVALID
    """One frame is at fault. Sending the same frame again will not help."""


class DeviceError(FramebatchError):
    """The device or its runtime failed; the frames concerned are answered FAILED."""


class DeviceMemoryError(DeviceError):
    """The device ran out of memory. The same batch may fail again; a smaller one, or a later one, may succeed."""
