"""Asks who makes a gRPC call, before its handler sees it. The only module that knows how gRPC carries credentials."""

from __future__ import annotations

import inspect
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import grpc
from grpc import aio

from framebatch.edge.peers import address_of
from framebatch.edge.security.caller import CALLER, Ended
from framebatch.edge.security.guard import forbidden
from framebatch.edge.security.open_calls import OpenCalls
from framebatch.edge.security.refusals import CALLS, FORBIDDEN, UNAUTHENTICATED
from framebatch.edge.security.roles import Action, action_of_method
from framebatch.edge.security.tokens import bearer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from framebatch.edge.security.guard import Guard

    Handler = grpc.RpcMethodHandler[Any, Any]
    Context = aio.ServicerContext[Any, Any]

__all__ = ["GrpcDoor", "end_call"]

_STATUS: Final = {
    Ended.REMOVED: grpc.StatusCode.UNAUTHENTICATED,
    Ended.CHANGED: grpc.StatusCode.UNAVAILABLE,  # clients connect again after this one
}
HOW: Final = "give the metadata 'authorization: Bearer fb_...'"
MOST_NAMELESS: Final = 256
"""Open calls of one address that show no credentials, as those that watch the health."""


class GrpcDoor(aio.ServerInterceptor):
    """Lets a call through to its handler, with its caller in `CALLER`, or ends it. Costs once a call, nothing a message.

    To gRPC every method is one with a stream of requests: of others it would wait for the request, keep what has come of it
    and count the call as open, all before anybody is asked who calls.
    """

    def __init__(self, guard: Guard, *, most_calls: int = sys.maxsize) -> None:
        """Stand before the handlers.

        Args:
            guard: knows the callers.
            most_calls: open at a time of one caller; further ones end with RESOURCE_EXHAUSTED.
        """
        self._guard = guard
        self._guarded: dict[str, tuple[Handler, Handler]] = {}
        self._calls = OpenCalls(most_calls)
        self._nameless = OpenCalls(MOST_NAMELESS)

    def __repr__(self) -> str:
        return f"GrpcDoor({self._guard!r}, {self._calls!r}, nameless={self._nameless!r})"

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
            guarded = self._behind(found, method, action_of_method(method))
            self._guarded[method] = found, guarded
        return guarded

    def _behind(self, handler: Handler, method: str, action: Action) -> Handler:
        """A handler that admits the call first, and only then reads its request."""
        behaviour: Any = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream

        async def answer(requests: Any, context: Context) -> Any:
            async with self._let_in(context, method, action):
                return await behaviour(requests if handler.request_streaming else await _only(context), context)

        async def generate(requests: Any, context: Context) -> AsyncIterator[Any]:
            async with self._let_in(context, method, action):
                async for each in behaviour(requests if handler.request_streaming else await _only(context), context):
                    yield each

        make = (
            grpc.stream_stream_rpc_method_handler
            if handler.response_streaming
            else grpc.stream_unary_rpc_method_handler
        )
        return make(
            generate if inspect.isasyncgenfunction(behaviour) else answer,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    @asynccontextmanager
    async def _let_in(self, context: Context, method: str, action: Action) -> AsyncIterator[None]:
        """Admit the call and count it while it lasts; or end it, which raises."""
        address = address_of(context.peer())
        if action is Action.ASK_HEALTH:
            calls, peer = self._nameless, address
        else:
            calls, peer = self._calls, await self._admit(context, method, action)
        with calls.one_of(peer) as taken:
            if not taken:
                why = f"{peer} has {calls.most} calls open, and may have no more; end some"
                self._guard.refusals.add(CALLS, address, f"{method}: {why}")
                await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, why)
            yield

    async def _admit(self, context: Context, method: str, action: Action) -> str:
        """Answer the caller's name when it may do that; else end the call, which raises."""
        header = next((value for key, value in context.invocation_metadata() or () if key == "authorization"), None)
        token = bearer(header if isinstance(header, str) else None)
        if header is not None and not token:
            await self._unknown(context, method, "its authorization is not 'Bearer TOKEN'")
        caller = self._guard.register.find(token, _certificate_names(context))
        if caller is None:
            await self._unknown(
                context, method, "its credentials are not known" if token else "it shows no credentials"
            )
            return ""  # for type checkers: it raised
        if not caller.may(action):
            why = forbidden(caller, action)
            self._guard.refusals.add(FORBIDDEN, address_of(context.peer()), f"{method}: {why}")
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, why)
        CALLER.set(caller)
        return caller.name

    async def _unknown(self, context: Context, method: str, why: str) -> None:
        self._guard.refusals.add(UNAUTHENTICATED, address_of(context.peer()), f"{method}: {why}")
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, f"this server answers to whom it knows; {why}: {HOW}")


async def _only(context: Context) -> Any:
    """The request of a method that takes one; a call without any is ended, which raises."""
    request = await context.read()
    if request is aio.EOF:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "this call came without its request")
    return request


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
