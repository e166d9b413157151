"""framebatch: every camera frame answered by its deadline.

Only the version lives here; `docs/architecture.md` names the rooms and who may call whom.
"""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("framebatch")
