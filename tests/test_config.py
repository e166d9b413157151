"""framebatch.config: what may be set, and its rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from framebatch.config import Config, schema

if TYPE_CHECKING:
    from pathlib import Path


def test_a_model_alone_is_enough() -> None:
    """All other settings have defaults; there is a decoder for each core."""
    config = Config(model="a.onnx")
    assert (config.device, config.profile, config.host, config.port, config.http_port) == (
        "auto", "auto", "127.0.0.1", 8001, 8002,
    )  # fmt: skip
    assert config.decoders >= 1


def test_settings_do_not_change() -> None:
    """What was checked stays as it is."""
    config = Config(model="a.onnx")
    with pytest.raises(ValidationError, match="frozen"):
        config.port = 1


@pytest.mark.parametrize("settings", [{}, {"model": "a.onnx", "models": "folder"}])
def test_one_model_or_a_folder_of_them_is_served(settings: dict[str, Any]) -> None:
    """There is no default for what to serve."""
    with pytest.raises(ValidationError, match="give one of them, --model or --models"):
        Config(**settings)


def test_the_published_schema_is_that_of_the_settings(root: Path) -> None:
    """Made anew with `framebatch config schema > docs/configuration.schema.json`."""
    assert json.loads((root / "docs" / "configuration.schema.json").read_text(encoding="utf-8")) == schema()


def test_every_setting_says_in_the_schema_what_it_is() -> None:
    """Editors show it."""
    assert [key for key, each in schema()["properties"].items() if not each.get("description")] == []
