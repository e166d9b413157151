"""framebatch.config: settings from a file and the command line, checked where they are made."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from framebatch.config import Config, load_config
from framebatch.errors import UsageError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Answer where the settings are."""
    return tmp_path / "framebatch.toml"


def test_options_win_over_the_file_and_the_file_over_defaults(file: Path) -> None:
    """Each setting comes from the first that names it."""
    file.write_text('model = "a.onnx"\nport = 9000\nmax_batch = 4\n', encoding="utf-8")
    config = load_config(file, {"port": 9001})
    assert (config.model, config.port, config.max_batch, config.http_port) == ("a.onnx", 9001, 4, 8002)


def test_a_model_alone_is_enough() -> None:
    """All other settings have defaults; there is a decoder for each core."""
    config = load_config(None, {"model": "a.onnx"})
    assert (config.device, config.profile, config.host, config.port, config.http_port) == (
        "auto", "auto", "127.0.0.1", 8001, 8002,
    )  # fmt: skip
    assert config.decoders >= 1


def test_settings_do_not_change() -> None:
    """What was checked stays as it is."""
    config = Config(model="a.onnx")
    with pytest.raises(ValidationError, match="frozen"):
        config.port = 1


def test_an_unknown_key_is_refused_with_the_known_ones(file: Path) -> None:
    """A misspelt setting does not pass unnoticed."""
    file.write_text('model = "a.onnx"\nmax_bach = 4\n', encoding="utf-8")
    with pytest.raises(UsageError, match=r"setting 'max_bach' is not known; known are: .*max_batch, "):
        load_config(file, {})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"port": 70_000}, "setting 'port' is 70000: Input should be less than or equal to 65535"),
        ({"port": "lots"}, "setting 'port' is 'lots': Input should be a valid integer"),
        ({"deadline_ms": 0}, "setting 'deadline_ms' is 0: Input should be greater than 0"),
        ({"deadline_ms": float("nan")}, "setting 'deadline_ms' is nan: "),
        ({"answer_margin_ms": float("inf")}, "setting 'answer_margin_ms' is inf: Input should be a finite number"),
        ({"max_batch": -2}, "setting 'max_batch' is -2: "),
        ({"decoders": 0}, "setting 'decoders' is 0: "),
        ({"drain_seconds": 61}, "setting 'drain_seconds' is 61: "),
        ({"record_max_mb": 15}, "setting 'record_max_mb' is 15: Input should be greater than or equal to 16"),
        ({"model": ""}, "setting 'model' is '': "),
    ],
)
def test_values_out_of_range_are_named(settings: dict[str, Any], message: str) -> None:
    """With the setting, its value and the rule."""
    with pytest.raises(UsageError, match=re.escape(message)):
        load_config(None, {"model": "a.onnx", **settings})


def test_a_wrong_value_says_which_file_it_is_from(file: Path) -> None:
    """Where to change it."""
    file.write_text('model = "a.onnx"\nport = -1\n', encoding="utf-8")
    with pytest.raises(UsageError, match=re.escape(f"setting 'port' in {file} is -1: ")):
        load_config(file, {})


@pytest.mark.parametrize(
    ("content", "given"), [("", "neither is given"), ('model = "a.onnx"\nmodels = "folder"\n', "both are given")]
)
def test_one_model_or_a_folder_of_them_is_served(file: Path, content: str, given: str) -> None:
    """There is no default for what to serve."""
    file.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=f"settings 'model' and 'models': {given}; give one of them"):
        load_config(file, {})


def test_what_the_command_line_serves_takes_the_place_of_what_the_file_does(file: Path) -> None:
    """A model in place of a folder, or a folder in place of a model."""
    file.write_text('model = "a.onnx"\n', encoding="utf-8")
    config = load_config(file, {"models": Path("folder")})
    assert (config.model, config.models) == (None, Path("folder"))
    file.write_text('models = "folder"\n', encoding="utf-8")
    config = load_config(file, {"model": "a.onnx"})
    assert (config.model, config.models) == ("a.onnx", None)


@pytest.mark.parametrize("content", [b"port = ", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_told(file: Path, content: bytes) -> None:
    """With the path that was given."""
    file.write_bytes(content)
    with pytest.raises(UsageError, match=re.escape(f"--config {file}: is not TOML: ")):
        load_config(file, {})


def test_a_file_that_is_not_there_is_told(file: Path) -> None:
    """With the system's reason."""
    with pytest.raises(UsageError, match=re.escape(f"--config {file}: cannot be read: No such file")):
        load_config(file, {})
