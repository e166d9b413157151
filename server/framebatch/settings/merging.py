"""Which source of a setting wins, and what is said when a value is wrong.

Precedence: options, then environment variables, then the TOML file, then the defaults. `model` and `models` are one
choice: the highest source that names either of them decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from pydantic import ValidationError

from framebatch.config import Config
from framebatch.errors import UsageError
from framebatch.faults import first_fault
from framebatch.settings.environment import read_environment, variable_of
from framebatch.settings.file import place_of, read_file
from framebatch.settings.naming import nearest
from framebatch.settings.showing import HIDDEN, hides

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from framebatch.faults import Fault

__all__ = ["Origin", "Settings", "load_settings"]

Origin = Literal["file", "environment", "option"]

_WHAT_TO_SERVE: Final = ("model", "models")


class Settings(NamedTuple):
    """Settings, and where they come from."""

    config: Config
    origins: Mapping[str, Origin]
    """Of each key that is set; the others have their defaults."""


def load_settings(
    path: Path | None, overrides: Mapping[str, Any], environ: Mapping[str, str], *, complete: bool = True
) -> Settings:
    """Put the sources together and check what comes of them.

    Args:
        path: of a TOML file; None: there is none.
        overrides: what options say, by key.
        environ: the variables of a process.
        complete: whether it must say what to serve; if not, `model` and `models` may both be None.

    Raises:
        UsageError: a source cannot be read, or a setting is unknown or out of range; names it, its value and the rule.
    """
    sources: dict[Origin, Mapping[str, Any]] = {
        "file": {} if path is None else read_file(path),
        "environment": read_environment(environ),
        "option": overrides,
    }
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for origin, found in sources.items():  # the weakest first
        if any(key in found for key in _WHAT_TO_SERVE):
            values = {key: value for key, value in values.items() if key not in _WHAT_TO_SERVE}
        values.update(found)
        origins.update(dict.fromkeys(found, origin))
    origins = {key: origin for key, origin in origins.items() if key in values}
    try:
        return Settings(_checked(values, complete=complete), origins)
    except ValidationError as error:
        raise UsageError(_wording(first_fault(error), path, origins)) from error


def _checked(values: Mapping[str, Any], *, complete: bool) -> Config:
    if complete or any(key in values for key in _WHAT_TO_SERVE):
        return Config(**values)
    return Config(**values, model="not told").model_copy(update={"model": None})


def _wording(fault: Fault, path: Path | None, origins: Mapping[str, Origin]) -> str:
    """One line for people: which setting, where it is set, its value and the rule."""
    if not fault.field:  # about several settings, and worded where the rule is
        return fault.rule
    key, _, inner = fault.field.partition(".")
    origin = origins.get(key)
    where = f" in {place_of(path, key, inner)}" if path is not None and origin == "file" else ""
    if fault.kind == "extra_forbidden":
        known = nearest(key, Config.model_fields)
        return f"setting {key!r}{where} is not known; the nearest is {known!r}. `framebatch config schema` has all"
    value = HIDDEN if hides(Config.model_fields[key]) else fault.value
    if origin == "environment":
        return f"variable {variable_of(key)} is {value}: {fault.rule}"
    return f"setting {fault.field!r}{where} is {value}: {fault.rule}"
