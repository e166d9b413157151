"""framebatch.edge.security.roles: the tables of who may do what."""

from __future__ import annotations

import pytest

from framebatch.edge.models import MODELS_NAME
from framebatch.edge.security.roles import Action, Role, action_of_method, action_of_path, may, who_may
from framebatch.edge.service import SERVICE_NAME
from framebatch_proto.v1 import detector_pb2, models_pb2

MAY = {
    Role.CAMERA: {Action.ASK_HEALTH, Action.ASK_REFLECTION, Action.SEND_FRAMES},
    Role.OPERATOR: {Action.ASK_HEALTH, Action.ASK_REFLECTION, Action.LOOK},
    Role.ADMIN: set(Action),
}


@pytest.mark.parametrize("role", Role)
def test_a_role_may_do_what_the_table_says(role: Role) -> None:
    """And nothing else."""
    assert {action for action in Action if may(role, action)} == MAY[role]


def test_the_roles_that_may_are_told() -> None:
    """For the refusals of the others."""
    assert who_may(Action.SEND_FRAMES) == "camera or admin"
    assert who_may(Action.CHANGE) == "admin"


def test_every_method_of_ours_has_its_action() -> None:
    """None of them falls to the rule for unknown ones."""
    services = {
        SERVICE_NAME: detector_pb2.DESCRIPTOR.services_by_name["Detector"],
        MODELS_NAME: models_pb2.DESCRIPTOR.services_by_name["Models"],
    }
    found = {
        method.name: action_of_method(f"/{name}/{method.name}")
        for name, service in services.items()
        for method in service.methods
    }
    assert found == {
        "Detect": Action.SEND_FRAMES,
        "DetectStream": Action.SEND_FRAMES,
        "ListModels": Action.LOOK,
        "LoadModel": Action.CHANGE,
        "UnloadModel": Action.CHANGE,
    }


@pytest.mark.parametrize(
    ("method", "action"),
    [
        ("/grpc.health.v1.Health/Watch", Action.ASK_HEALTH),
        ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Action.ASK_REFLECTION),
        ("/framebatch.v1.Detector/Later", Action.CHANGE),
        ("/grpc.health.v1.Healthy/Check", Action.CHANGE),
        ("", Action.CHANGE),
    ],
)
def test_what_is_not_in_the_table_is_for_admins(method: str, action: Action) -> None:
    """Health and reflection are whole services."""
    assert action_of_method(method) is action


@pytest.mark.parametrize("path", ["/", "/metrics", "/healthz/", "/healthz/../metrics", "//healthz", ""])
def test_every_path_but_health_is_for_those_who_may_look(path: str) -> None:
    """Also one that only resembles those of health."""
    assert action_of_path(path) is Action.LOOK
    assert action_of_path("/healthz") is action_of_path("/readyz") is Action.ASK_HEALTH
