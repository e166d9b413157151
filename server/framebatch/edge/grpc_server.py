"""The gRPC port: our services, grpc.health.v1 and reflection on one grpc.aio server. Wires; handles no frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from framebatch.edge.models import MODELS_NAME, ModelsService
from framebatch.edge.service import SERVICE_NAME, DetectorService
from framebatch.errors import UsageError

# Reflection serves the descriptors of what is imported.
from framebatch_proto.v1 import detector_pb2, models_pb2, models_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Sequence

    import grpc

__all__ = ["Bounds", "GrpcServer"]

KEEPALIVE_MS: Final = 20_000
KEEPALIVE_TIMEOUT_MS: Final = 10_000
HANDSHAKE_MS: Final = 10_000
"""From the connection to the client's HTTP/2 settings, TLS included."""
IDLE_MS: Final = 300_000
"""A connection without a call is closed; clients of gRPC open another one with their next call."""
METADATA_BYTES: Final = 16 << 10


class Bounds(NamedTuple):
    """What peers may open; gRPC itself holds them to it."""

    connections: int
    """Further ones are closed as soon as they are accepted."""
    calls: int
    """Of all kinds at a time, streams among them; further ones end with RESOURCE_EXHAUSTED."""
    calls_of_connection: int
    """Further ones wait at the client."""


class GrpcServer:
    """Listens from `start` to `stop`."""

    def __init__(
        self,
        service: DetectorService,
        models: ModelsService,
        *,
        max_message_bytes: int,
        bounds: Bounds,
        interceptors: Sequence[aio.ServerInterceptor] = (),
    ) -> None:
        self._service = service
        self._server = aio.server(
            interceptors=interceptors,
            maximum_concurrent_rpcs=bounds.calls,
            options=[
                ("grpc.max_receive_message_length", max_message_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),
                # A camera that lost its power is noticed within half a minute.
                ("grpc.keepalive_time_ms", KEEPALIVE_MS),
                ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
                ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
                ("grpc.max_allowed_incoming_connections", bounds.connections),
                ("grpc.max_concurrent_streams", bounds.calls_of_connection),
                ("grpc.server_handshake_timeout_ms", HANDSHAKE_MS),
                ("grpc.max_connection_idle_ms", IDLE_MS),
                ("grpc.max_metadata_size", METADATA_BYTES),
                ("grpc.absolute_max_metadata_size", METADATA_BYTES),
            ],
        )
        self._server.add_generic_rpc_handlers((service.handlers(),))
        models_pb2_grpc.add_ModelsServicer_to_server(models, self._server)
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = (
            detector_pb2.DESCRIPTOR.services_by_name["Detector"].full_name,
            models_pb2.DESCRIPTOR.services_by_name["Models"].full_name,
            health.SERVICE_NAME,
            reflection.SERVICE_NAME,
        )
        reflection.enable_server_reflection(names, self._server)
        self.port = 0

    def __repr__(self) -> str:
        return f"GrpcServer(port={self.port}, {self._service!r})"

    async def start(self, host: str, port: int, *, tls: grpc.ServerCredentials | None = None) -> None:
        """Bind and accept calls, in plain text without `tls`; the health service says NOT_SERVING until `set_serving`.

        Raises:
            UsageError: the address cannot be had.
        """
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            if tls is None:
                self.port = self._server.add_insecure_port(address)
            else:
                self.port = self._server.add_secure_port(address, tls)
        except RuntimeError as error:
            raise UsageError(f"--port {port}: cannot listen on {address}; is it taken? choose another") from error
        await self.set_serving(serving=False)
        await self._server.start()

    async def set_serving(self, *, serving: bool) -> None:
        """What the health service says, for the server as a whole and for its services."""
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in ("", SERVICE_NAME, MODELS_NAME):
            await self._health.set(name, status)

    async def stop(self, grace_seconds: float) -> None:
        """Refuse new calls at once; cancel what still runs after the grace period."""
        await self._server.stop(grace_seconds)
