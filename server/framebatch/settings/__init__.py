"""Where settings come from, and which of them win: options, environment variables, a TOML file, defaults.

Nothing here knows what a setting does; what may be set, and its rules, are `framebatch.config`'s.
"""

from framebatch.settings.environment import read_environment, variable_of
from framebatch.settings.file import place_of
from framebatch.settings.merging import Settings, load_settings
from framebatch.settings.showing import changed, default_of, shown

__all__ = [
    "Settings",
    "changed",
    "default_of",
    "load_settings",
    "place_of",
    "read_environment",
    "shown",
    "variable_of",
]
