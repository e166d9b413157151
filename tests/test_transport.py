"""From gRPC's status to the client's errors: one table."""

import grpc
import pytest

from framebatch_client.errors import AnswerTimeout, CallFailed, ClientError, ConnectionLost, ServerUnavailable
from framebatch_client.transport import is_final, translate

REFUSED = (
    "failed to connect to all addresses; last error: UNKNOWN: ipv4:1.2.3.4:5: Failed to connect to remote host: No"
)


@pytest.mark.parametrize(
    ("code", "details", "kind", "message"),
    [
        (grpc.StatusCode.UNAVAILABLE, REFUSED, ServerUnavailable, "edge:1: No"),
        (grpc.StatusCode.UNAVAILABLE, "DNS resolution failed for edge:1", ServerUnavailable, "edge:1: DNS resolution"),
        (grpc.StatusCode.UNAVAILABLE, "Socket closed", ConnectionLost, "edge:1: Socket closed"),
        (grpc.StatusCode.OK, "", ConnectionLost, "edge:1: the server ended the stream"),
        (grpc.StatusCode.CANCELLED, None, ConnectionLost, "edge:1: cancelled"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "", AnswerTimeout, "edge:1: no answer within the call's time limit"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "too large", CallFailed, "edge:1: RESOURCE_EXHAUSTED: too large"),
        (grpc.StatusCode.UNIMPLEMENTED, "no such method", CallFailed, "edge:1: UNIMPLEMENTED: no such method"),
    ],
)
def test_each_status_has_its_error(
    code: grpc.StatusCode, details: str | None, kind: type[ClientError], message: str
) -> None:
    """The error is of the right kind and names the server, in gRPC's own words where it has any."""
    error = translate("edge:1", code, details)
    assert type(error) is kind
    assert str(error).startswith(message)


@pytest.mark.parametrize(
    ("code", "final"),
    [
        (grpc.StatusCode.OK, False),
        (grpc.StatusCode.UNAVAILABLE, False),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, False),
        (grpc.StatusCode.INTERNAL, False),
        (grpc.StatusCode.UNIMPLEMENTED, True),
        (grpc.StatusCode.UNAUTHENTICATED, True),
        (grpc.StatusCode.INVALID_ARGUMENT, True),
    ],
)
def test_only_what_trying_again_may_cure_is_tried_again(code: grpc.StatusCode, *, final: bool) -> None:
    """A stream is given up when the server will not have it, and opened again after everything else."""
    assert is_final(translate("edge:1", code, "")) is final
