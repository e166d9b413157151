"""Asks who makes a gRPC call, before its handler sees it. The only module that knows how gRPC carries credentials."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

import grpc
from grpc import aio

from framebatch.edge.peers import address_of
from framebatch.edge.security.caller import CALLER, Ended
from framebatch.edge.security.guard import forbidden
from framebatch.edge.security.refusals import FORBIDDEN, UNAUTHENTICATED
from framebatch.edge.security.roles import Action, action_of_method
from framebatch.edge.security.tokens import bearer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from framebatch.edge.security.guard import Guard

    Handler = grpc.RpcMethodHandler[Any, Any]
    Context = aio.ServicerContext[Any, Any]

__all__ = ["GrpcDoor", "end_call"]

_KINDS: Final = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
_STATUS: Final = {
    Ended.REMOVED: grpc.StatusCode.UNAUTHENTICATED,
    Ended.CHANGED: grpc.StatusCode.UNAVAILABLE,  # clients connect again after this one
}
HOW: Final = "give the metadata 'authorization: Bearer fb_...'"


class GrpcDoor(aio.ServerInterceptor):
    """Lets a call through to its handler, with its caller in `CALLER`, or ends it. Costs once a call, nothing a message."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._guarded: dict[str, tuple[Handler, Handler]] = {}

    def __repr__(self) -> str:
        return f"GrpcDoor({self._guard!r})"

    async def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]], details: Any
    ) -> Handler | None:
        """Called by gRPC for each call; a method that does not exist is gRPC's to refuse."""
        found = await continuation(details)  # each time: interceptors behind this one want to see every call
        if found is None:
            return None
        method: str = details.method
        known, guarded = self._guarded.get(method, (None, None))
        if known is not found:
            action = action_of_method(method)
            guarded = found if action is Action.ASK_HEALTH else self._behind(found, method, action)
            self._guarded[method] = found, guarded
        return guarded

    def _behind(self, handler: Handler, method: str, action: Action) -> Handler:
        """A handler that admits the call first."""
        kind = (bool(handler.request_streaming), bool(handler.response_streaming))
        behaviour: Any = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream

        async def answer(request: Any, context: Context) -> Any:
            await self._admit(context, method, action)
            return await behaviour(request, context)

        async def generate(request: Any, context: Context) -> AsyncIterator[Any]:
            await self._admit(context, method, action)
            async for each in behaviour(request, context):
                yield each

        return _KINDS[kind](
            generate if inspect.isasyncgenfunction(behaviour) else answer,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    async def _admit(self, context: Context, method: str, action: Action) -> None:
        """Return when the caller may do that; else end the call, which raises."""
        header = next((value for key, value in context.invocation_metadata() or () if key == "authorization"), None)
        token = bearer(header if isinstance(header, str) else None)
        if header is not None and not token:
            await self._unknown(context, method, "its authorization is not 'Bearer TOKEN'")
        caller = self._guard.register.find(token, _certificate_names(context))
        if caller is None:
            await self._unknown(
                context, method, "its credentials are not known" if token else "it shows no credentials"
            )
            return  # for type checkers: it raised
        if not caller.may(action):
            why = forbidden(caller, action)
            self._guard.refusals.add(FORBIDDEN, address_of(context.peer()), f"{method}: {why}")
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, why)
        CALLER.set(caller)

    async def _unknown(self, context: Context, method: str, why: str) -> None:
        self._guard.refusals.add(UNAUTHENTICATED, address_of(context.peer()), f"{method}: {why}")
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, f"this server answers to whom it knows; {why}: {HOW}")


async def end_call(context: Context, ended: Ended) -> None:
    """End a call whose caller is no longer welcome; raises."""
    await context.abort(_STATUS[ended], ended.value)


def _certificate_names(context: Context) -> list[str]:
    """The names of the client's certificate that gRPC has verified; none without one."""
    found = context.auth_context()
    if found.get("transport_security_type") != [b"ssl"]:
        return []
    names = [*found.get("x509_subject_alternative_name", ()), *found.get("x509_common_name", ())]
    return [name.decode("utf-8", "replace") for name in names]
