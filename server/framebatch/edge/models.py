"""framebatch.v1.Models: thin handlers between the wire and whoever keeps the models. Also says who may change them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, NoReturn

import grpc

from framebatch.edge.catalogue import State
from framebatch.edge.peers import address_of, is_local
from framebatch.errors import FramebatchError
from framebatch.logs import event
from framebatch_proto.v1 import models_pb2 as pb
from framebatch_proto.v1 import models_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from grpc import aio

    from framebatch.edge.catalogue import Catalogue, ModelStatus, VersionStatus

__all__ = ["MODELS_NAME", "ModelsService"]

log = logging.getLogger(__name__)

MODELS_NAME: Final = "framebatch.v1.Models"
STATES: Final = {state: pb.State.Value(f"STATE_{state.name}") for state in State}


class ModelsService(models_pb2_grpc.ModelsServicer):
    """The three methods of the service. Lives on the event loop."""

    def __init__(self, catalogue: Catalogue, *, control: str) -> None:
        """Serve.

        Args:
            catalogue: who keeps the models.
            control: who may change what is served: `local` calls (from this machine), `all`, or `off` for nobody.
        """
        self._catalogue = catalogue
        self._control = control

    def __repr__(self) -> str:
        return f"ModelsService(control={self._control!r})"

    async def ListModels(  # noqa: N802 - gRPC's name
        self, request: pb.ListModelsRequest, context: aio.ServicerContext[Any, Any]
    ) -> pb.ListModelsResponse:
        """Everything that is known."""
        del request, context
        return pb.ListModelsResponse(
            models=[_model(model) for model in self._catalogue.models()], faults=self._catalogue.faults
        )

    async def LoadModel(  # noqa: N802 - as above
        self, request: pb.LoadModelRequest, context: aio.ServicerContext[Any, Any]
    ) -> pb.LoadModelResponse:
        """Returns when the version serves."""
        await self._permit(context)
        peer = address_of(context.peer())
        log.info(
            "%s asks to load %s, version %d",
            peer,
            request.name,
            request.version,
            extra=event("model.load_asked", peer=peer, model=request.name, version=request.version),
        )
        return pb.LoadModelResponse(
            model=await self._changed(self._catalogue.load(request.name, request.version), context)
        )

    async def UnloadModel(  # noqa: N802 - as above
        self, request: pb.UnloadModelRequest, context: aio.ServicerContext[Any, Any]
    ) -> pb.UnloadModelResponse:
        """Returns when the model is gone."""
        await self._permit(context)
        peer = address_of(context.peer())
        log.info(
            "%s asks to unload %s",
            peer,
            request.name,
            extra=event("model.unload_asked", peer=peer, model=request.name),
        )
        return pb.UnloadModelResponse(model=await self._changed(self._catalogue.unload(request.name), context))

    async def _permit(self, context: aio.ServicerContext[Any, Any]) -> None:
        """End the call unless its sender may change what is served."""
        if self._control == "all" or (self._control == "local" and is_local(context.peer())):
            return
        who = "calls from other machines" if self._control == "local" else "calls"
        await _abort(
            context,
            grpc.StatusCode.PERMISSION_DENIED,
            f"this server takes no {who} that load or unload models; its setting model_control is {self._control!r}",
        )

    @staticmethod
    async def _changed(change: Awaitable[ModelStatus], context: aio.ServicerContext[Any, Any]) -> pb.Model:
        try:
            return _model(await change)
        except LookupError as error:
            await _abort(context, grpc.StatusCode.NOT_FOUND, str(error.args[0]))
        except FramebatchError as error:
            await _abort(context, grpc.StatusCode.FAILED_PRECONDITION, str(error))


async def _abort(context: aio.ServicerContext[Any, Any], code: grpc.StatusCode, message: str) -> NoReturn:
    await context.abort(code, message)
    raise AssertionError("abort raises")


def _model(model: ModelStatus) -> pb.Model:
    return pb.Model(
        name=model.name,
        default=model.default,
        versions=[_version(version) for version in model.versions],
        pinned=model.pinned,
    )


def _version(version: VersionStatus) -> pb.Version:
    return pb.Version(
        version=version.version,
        state=STATES[version.state],
        reason=version.reason,
        label=version.label,
        family=version.family,
        input_width=version.input_width,
        input_height=version.input_height,
        labels=version.labels,
        batch_sizes=version.batch_sizes,
        device=version.device,
        provider=version.provider,
        sha256=version.sha256,
        report=version.report,
    )
