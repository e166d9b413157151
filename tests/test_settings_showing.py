"""framebatch.settings.showing: what may be printed of a setting."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, SecretStr

from framebatch.config import Config
from framebatch.settings import changed, default_of, shown
from framebatch.settings.showing import HIDDEN, hides


class WithSecret(BaseModel):
    """Settings as they may be one day."""

    token: SecretStr | None = None
    name: str = ""


def test_a_secret_is_never_shown() -> None:
    """Neither its value, nor what was wrongly given for it."""
    assert shown(WithSecret(token=SecretStr("hunter2")).token) == HIDDEN
    assert {key: hides(field) for key, field in WithSecret.model_fields.items()} == {"token": True, "name": False}


def test_other_values_are_shown_as_json_knows_them() -> None:
    """Paths are text there."""
    values = [Path("/a"), "b", 1, 2.5, True, None, {"c": "normal"}]
    assert [shown(value) for value in values] == ["/a", *values[1:]]


def test_what_differs_from_the_defaults_is_known() -> None:
    """A value that is set to its default is no difference."""
    config = Config(model="a", port=9000, http_port=8002, decoders=os.cpu_count() or 1)
    assert changed(config) == ["model", "port"]
    assert default_of("decoders") == (os.cpu_count() or 1)
