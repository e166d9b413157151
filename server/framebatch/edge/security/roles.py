"""Roles, what each may do, and what every method and path counts as. Pure tables: what is not in them is for admins."""

from __future__ import annotations

from enum import Enum
from typing import Final

__all__ = ["Action", "Role", "action_of_method", "action_of_path", "may", "who_may"]


class Role(Enum):
    """What an entry of the access file is for; the values are the file's words."""

    CAMERA = "camera"
    OPERATOR = "operator"
    ADMIN = "admin"


class Action(Enum):
    """What somebody wants to do; the values are words for people."""

    ASK_HEALTH = "ask for health"
    ASK_REFLECTION = "ask which services there are"
    SEND_FRAMES = "send frames"
    LOOK = "see figures, pages and models"
    CHANGE = "load and unload models"


_ROLES: Final[dict[Action, frozenset[Role]]] = {
    Action.ASK_REFLECTION: frozenset(Role),
    Action.SEND_FRAMES: frozenset({Role.CAMERA, Role.ADMIN}),
    Action.LOOK: frozenset({Role.OPERATOR, Role.ADMIN}),
    Action.CHANGE: frozenset({Role.ADMIN}),
}
"""Who may do it; health is for everybody, also without a name."""

_METHODS: Final = {
    "/framebatch.v1.Detector/Detect": Action.SEND_FRAMES,
    "/framebatch.v1.Detector/DetectStream": Action.SEND_FRAMES,
    "/framebatch.v1.Models/ListModels": Action.LOOK,
    "/framebatch.v1.Models/LoadModel": Action.CHANGE,
    "/framebatch.v1.Models/UnloadModel": Action.CHANGE,
}
_SERVICES: Final = {
    "/grpc.health.v1.Health/": Action.ASK_HEALTH,
    "/grpc.reflection.v1alpha.ServerReflection/": Action.ASK_REFLECTION,
}
_HEALTH_PATHS: Final = frozenset({"/healthz", "/readyz"})


def may(role: Role, action: Action) -> bool:
    """Whether the role may do it."""
    return action is Action.ASK_HEALTH or role in _ROLES[action]


def who_may(action: Action) -> str:
    """The roles that may do it, for people; not for what is open to everybody."""
    return " or ".join(role.value for role in Role if role in _ROLES[action])


def action_of_method(method: str) -> Action:
    """What a gRPC method counts as, by its full name (`/package.Service/Method`); an unknown one is for admins."""
    found = _METHODS.get(method) or _SERVICES.get(method[: method.rfind("/") + 1])
    return found or Action.CHANGE


def action_of_path(path: str) -> Action:
    """What a path of the HTTP port counts as, whatever the method: the port shows, and changes nothing."""
    return Action.ASK_HEALTH if path in _HEALTH_PATHS else Action.LOOK
