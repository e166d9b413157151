"""Every error that the client raises, as one small tree.

Only exception classes belong here. Deciding which gRPC status becomes which error belongs to ``transport``; an outcome
of a frame (expired, rejected, ...) is no error and never appears here: it is a value in an ``Answer``.

    ClientError
    |-- InvalidRequest (also a ValueError)   the caller's fault: nothing was sent
    |-- SourceError (also a ValueError)      a picture source cannot be opened or has stopped
    |-- ClientClosed                         used after close()
    |-- AnswerTimeout                        connected, but no answer within the call's own time limit
    |-- CallFailed                           the server refused the call as a whole; trying again will not help
    `-- ServerUnavailable                    nobody answers at the address; trying later may help
        `-- ConnectionLost                   the connection went while an answer was awaited
"""

from __future__ import annotations


class ClientError(Exception):
    """Whatever this package raises on purpose."""


class InvalidRequest(ClientError, ValueError):  # noqa: N818 - named for what it is, like the outcome INVALID
    """The picture or an option cannot be sent; the message names the value and what would be accepted."""


class SourceError(ClientError, ValueError):
    """A picture source cannot be opened, or stopped giving pictures; the message names it."""


class ClientClosed(ClientError):  # noqa: N818 - a state, not a mishap
    """The client or the stream was used after it was closed."""


class AnswerTimeout(ClientError):  # noqa: N818 - a timeout is an error to everyone
    """The server is connected and kept silent for longer than the frame's deadline and a margin."""


class CallFailed(ClientError):  # noqa: N818 - reads as what happened
    """The server refused the call as a whole: not a frame's outcome, and not cured by trying again.

    ``status`` is the name of the gRPC status, for example ``"UNIMPLEMENTED"``.
    """

    def __init__(self, message: str, *, status: str) -> None:
        super().__init__(message)
        self.status = status


class ServerUnavailable(ClientError):  # noqa: N818 - reads as what happened
    """Nobody answers at the address. The frame was not looked at; trying later may help."""


class ConnectionLost(ServerUnavailable):
    """The connection went while an answer was awaited: whether the frame was looked at is not known."""
