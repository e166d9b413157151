"""The client of framebatch: send pictures, get detections or the reason why not.

Only the public names belong here. Nothing in this package imports the server.
"""

from framebatch_client.access import Access, read_access
from framebatch_client.aio import AsyncClient
from framebatch_client.answer import Answer, Detection, Outcome, Timing
from framebatch_client.client import Client, Stream
from framebatch_client.errors import (
    AnswerTimeout,
    CallFailed,
    ClientClosed,
    ClientError,
    ConnectionLost,
    InvalidRequest,
    ServerUnavailable,
    SourceError,
)
from framebatch_client.models import ModelVersion, ServerModel, ServerModels
from framebatch_client.sources import SourceFrame, open_source
from framebatch_client.statistics import StreamStats
from framebatch_client.stream import AsyncStream
from framebatch_client.tls import Tls

__all__ = [
    "Access",
    "Answer",
    "AnswerTimeout",
    "AsyncClient",
    "AsyncStream",
    "CallFailed",
    "Client",
    "ClientClosed",
    "ClientError",
    "ConnectionLost",
    "Detection",
    "InvalidRequest",
    "ModelVersion",
    "Outcome",
    "ServerModel",
    "ServerModels",
    "ServerUnavailable",
    "SourceError",
    "SourceFrame",
    "Stream",
    "StreamStats",
    "Timing",
    "Tls",
    "open_source",
    "read_access",
]
