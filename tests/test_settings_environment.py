"""framebatch.settings.environment: settings in variables."""

from __future__ import annotations

import pytest

from framebatch.config import Config
from framebatch.errors import UsageError
from framebatch.settings import read_environment, variable_of


def test_every_plain_setting_has_a_variable_of_its_own() -> None:
    """The key in upper case; tables have none."""
    assert variable_of("http_port") == "FRAMEBATCH_HTTP_PORT"
    assert [key for key in Config.model_fields if variable_of(key) is None] == ["priorities"]


def test_variables_give_settings_and_others_are_left_alone() -> None:
    """As text; what is empty is not set."""
    environ = {
        "PATH": "/bin",
        "FRAMEBATCH_PORT": "9000",
        "FRAMEBATCH_HOST": "",
        "framebatch_port": "1",
        "XFRAMEBATCH_A": "",
    }
    assert read_environment(environ) == {"port": "9000"}


def test_an_unknown_variable_is_refused_with_the_nearest_one_and_without_its_value() -> None:
    """Even an empty one; a misspelt secret would be one."""
    for value in ("8003", ""):
        with pytest.raises(
            UsageError, match="FRAMEBATCH_HTP_PORT names no setting; the nearest is FRAMEBATCH_HTTP_PORT"
        ) as told:
            read_environment({"FRAMEBATCH_HTP_PORT": value})
        assert "8003" not in str(told.value)


def test_a_table_is_refused_with_where_it_belongs() -> None:
    """Its form in one variable would be one more thing to know."""
    with pytest.raises(
        UsageError, match=r"FRAMEBATCH_PRIORITIES: .* is a table and has no variable; put \[priorities\]"
    ):
        read_environment({"FRAMEBATCH_PRIORITIES": "press-*=critical"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "tcp://10.0.0.7:8001"),
        ("HTTP_PORT", "udp://10.0.0.7:8001"),
        ("SERVICE_HOST", "10.0.0.7"),
        ("SERVICE_PORT", "8001"),
        ("SERVICE_PORT_GRPC", "8001"),
        ("PORT_8001_TCP", "tcp://10.0.0.7:8001"),
        ("PORT_8001_TCP_PROTO", "tcp"),
        ("CAMERAS_PORT_8001_TCP_ADDR", "10.0.0.7"),
        ("CAMERAS_PORT", "tcp://10.0.0.7:8001"),
    ],
)
def test_what_kubernetes_says_of_a_service_called_framebatch_is_no_setting(name: str, value: str) -> None:
    """It puts these variables into every container of the namespace."""
    assert read_environment({f"FRAMEBATCH_{name}": value}) == {}
