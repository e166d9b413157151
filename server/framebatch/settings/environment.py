"""Settings in environment variables: `FRAMEBATCH_` and the key in upper case. Pure: the environment is passed in.

A name that means no setting is an error, because a misspelt variable that is passed over would never be found. Tables
have no variable. Kubernetes gives every container variables for the services beside it; those of a service that is
called framebatch, such as `FRAMEBATCH_PORT=tcp://10.0.0.7:8001`, are passed over. So are those of the client's commands.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, get_origin

from framebatch.config import Config
from framebatch.errors import UsageError
from framebatch.settings.naming import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["read_environment", "variable_of"]

_PREFIX: Final = "FRAMEBATCH_"
_OF_CLIENTS: Final = frozenset(
    _PREFIX + name for name in ("CA", "CERTIFICATE", "KEY", "SERVER_NAME", "TLS", "TOKEN", "TOKEN_FILE")
)
"""How commands that talk to a server reach it; may be set for a whole machine, and are no settings of a server."""
_SERVICE_LINK: Final = re.compile(
    r"\w*?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
"""Names that Kubernetes and Docker's links make for a service."""
_SERVICE_ADDRESS: Final = re.compile(r"(tcp|udp|sctp)://.*")


def variable_of(key: str) -> str | None:
    """Answer the variable that sets a key; None: the key is a table, and has none."""
    return None if get_origin(Config.model_fields[key].annotation) is dict else _PREFIX + key.upper()


def read_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Answer the settings that variables give, by key, as text. An empty variable counts as not set.

    Args:
        environ: the variables of a process, by name.

    Raises:
        UsageError: a variable names no setting, or a table. Its value is not told: it might be a secret.
    """
    known = {variable: key for key in Config.model_fields if (variable := variable_of(key))}
    values: dict[str, str] = {}
    for name, value in sorted(environ.items()):
        if not name.startswith(_PREFIX) or name in _OF_CLIENTS or _of_service(name.removeprefix(_PREFIX), value):
            continue
        if name not in known:
            raise UsageError(_unknown(name, known))
        if value:
            values[known[name]] = value
    return values


def _of_service(name: str, value: str) -> bool:
    if _SERVICE_LINK.fullmatch(name):
        return True
    return name.endswith("PORT") and _SERVICE_ADDRESS.fullmatch(value) is not None


def _unknown(name: str, known: Mapping[str, str]) -> str:
    key = name.removeprefix(_PREFIX).lower()
    if key in Config.model_fields:
        return f"variable {name}: setting {key!r} is a table and has no variable; put [{key}] into the file of --config"
    return f"variable {name} names no setting; the nearest is {nearest(name, known)}. Correct its name, or unset it"
