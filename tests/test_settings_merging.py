"""framebatch.settings.merging: which source wins, and what is said of a value that is wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framebatch.errors import UsageError
from framebatch.settings import load_settings

if TYPE_CHECKING:
    from framebatch.config import Config


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Answer where the settings are."""
    return tmp_path / "framebatch.toml"


def load(path: Path | None, overrides: dict[str, Any], **variables: str) -> Config:
    """The settings of a server."""
    return load_settings(path, overrides, variables).config


@given(st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_the_highest_source_that_names_a_setting_wins(
    tmp_path_factory: pytest.TempPathFactory, named: tuple[bool, bool, bool]
) -> None:
    """Options over variables, these over the file, and the file over defaults; and it is known which it was."""
    path = tmp_path_factory.mktemp("settings") / "framebatch.toml"
    path.write_text("port = 1\n" if named[0] else "", encoding="utf-8")
    variables = {"FRAMEBATCH_PORT": "2"} if named[1] else {}
    options: dict[str, Any] = {"model": "a.onnx", **({"port": 3} if named[2] else {})}
    settings = load_settings(path, options, variables)
    origins = [None, "file", "environment", "option"]
    place = max((number for number, is_named in enumerate(named, 1) if is_named), default=0)
    assert (settings.config.port, settings.origins.get("port")) == (place or 8001, origins[place])


def test_variables_mean_what_the_file_would() -> None:
    """Numbers, flags and paths are read from their text by the same rules."""
    config = load(
        None, {}, FRAMEBATCH_MODEL="a", FRAMEBATCH_TF32="true", FRAMEBATCH_CACHE_DIR="/c", FRAMEBATCH_THREADS="3"
    )
    assert (config.tf32, config.cache_dir, config.threads) == (True, Path("/c"), 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"port": 70_000}, "setting 'port' is 70000: Input should be less than or equal to 65535"),
        ({"port": "lots"}, "setting 'port' is 'lots': Input should be a valid integer"),
        ({"deadline_ms": 0}, "setting 'deadline_ms' is 0: Input should be greater than 0"),
        ({"deadline_ms": float("nan")}, "setting 'deadline_ms' is nan: "),
        ({"answer_margin_ms": float("inf")}, "setting 'answer_margin_ms' is inf: Input should be a finite number"),
        ({"max_batch": -2}, "setting 'max_batch' is -2: "),
        ({"max_batch": 0}, "setting 'max_batch' is 0: a batch holds at least one frame"),
        ({"decoders": 0}, "setting 'decoders' is 0: "),
        ({"drain_seconds": 61}, "setting 'drain_seconds' is 61: "),
        ({"record_max_mb": 15}, "setting 'record_max_mb' is 15: Input should be greater than or equal to 16"),
        ({"model": ""}, "setting 'model' is '': "),
    ],
)
def test_values_out_of_range_are_named(settings: dict[str, Any], message: str) -> None:
    """With the setting, its value and the rule."""
    with pytest.raises(UsageError, match=re.escape(message)):
        load(None, {"model": "a.onnx", **settings})


def test_a_wrong_value_says_which_file_it_is_from(file: Path) -> None:
    """And on which line, also within a table."""
    file.write_text('model = "a.onnx"\nport = -1\n', encoding="utf-8")
    with pytest.raises(UsageError, match=re.escape(f"setting 'port' in {file}:2 is -1: ")):
        load(file, {})
    file.write_text('model = "a.onnx"\n[priorities]\n"press-*" = "high"\n', encoding="utf-8")
    with pytest.raises(UsageError, match=re.escape(f"setting 'priorities.press-*' in {file}:3 is 'high': ")):
        load(file, {})


def test_a_wrong_value_says_which_variable_it_is_from() -> None:
    """With the value as it was given."""
    with pytest.raises(UsageError, match=re.escape("variable FRAMEBATCH_PORT is '70000': Input should be less")):
        load(None, {"model": "a.onnx"}, FRAMEBATCH_PORT="70000")


def test_a_value_that_is_overruled_is_not_blamed_on_the_file(file: Path) -> None:
    """It is the option that is wrong."""
    file.write_text('model = "a.onnx"\nport = 9000\n', encoding="utf-8")
    with pytest.raises(UsageError, match="setting 'port' is -1: "):
        load(file, {"port": -1})


def test_an_unknown_key_is_refused_with_the_nearest_one(file: Path) -> None:
    """A misspelt setting does not pass unnoticed."""
    file.write_text('model = "a.onnx"\nmax_bach = 4\n', encoding="utf-8")
    with pytest.raises(UsageError, match=r"setting 'max_bach' in .*:2 is not known; the nearest is 'max_batch'"):
        load(file, {})


@pytest.mark.parametrize(
    ("content", "told"), [("", "neither is given"), ('model = "a.onnx"\nmodels = "folder"\n', "both are given")]
)
def test_what_to_serve_is_told_once(file: Path, content: str, told: str) -> None:
    """Neither none nor both."""
    file.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=f"settings 'model' and 'models': {told}; give one of them"):
        load(file, {})


def test_settings_that_need_not_be_complete_may_leave_out_what_to_serve(file: Path) -> None:
    """A file may be meant for any model; it is checked all the same."""
    file.write_text("port = 9000\n", encoding="utf-8")
    config = load_settings(file, {}, {}, complete=False).config
    assert (config.model, config.models, config.port) == (None, None, 9000)
    file.write_text("port = -1\n", encoding="utf-8")
    with pytest.raises(UsageError, match="setting 'port'"):
        load_settings(file, {}, {}, complete=False)


def test_the_highest_source_that_says_what_to_serve_decides(file: Path) -> None:
    """A model takes the place of a folder below it, and a folder that of a model."""
    file.write_text('model = "a.onnx"\n', encoding="utf-8")
    config = load(file, {}, FRAMEBATCH_MODELS="folder")
    assert (config.model, config.models) == (None, Path("folder"))
    config = load(file, {"model": "b.onnx"}, FRAMEBATCH_MODELS="folder")
    assert (config.model, config.models) == ("b.onnx", None)
    settings = load_settings(file, {"models": Path("other")}, {})
    assert (settings.config.model, settings.config.models, dict(settings.origins)) == (
        None,
        Path("other"),
        {"models": "option"},
    )
