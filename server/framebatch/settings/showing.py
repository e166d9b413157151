"""Settings as people and programs may see them. The one place where values become text, so that no secret does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretBytes, SecretStr

from framebatch.config import Config

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

__all__ = ["HIDDEN", "changed", "default_of", "hides", "shown"]

HIDDEN: Final = "(set, not shown)"


def default_of(key: str) -> Any:
    """The value of a setting that nobody sets, on this host."""
    return Config.model_fields[key].get_default(call_default_factory=True)


def changed(config: Config) -> list[str]:
    """The keys whose values are not their defaults, in the order of the settings."""
    return [key for key in Config.model_fields if getattr(config, key) != default_of(key)]


def shown(value: Any) -> Any:
    """Answer what may be printed of a setting, as JSON knows it."""
    if isinstance(value, SecretStr | SecretBytes):
        return HIDDEN
    return str(value) if isinstance(value, Path) else value


def hides(field: FieldInfo) -> bool:
    """Whether a setting is a secret, whatever its value is."""
    return "Secret" in str(field.annotation)
