"""The access file as values: one entry for each name, checked. Pure; no message ever shows a token or its hash."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from framebatch.edge.security.roles import Role
from framebatch.edge.security.tokens import is_digest
from framebatch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["WILDCARDS", "Entry", "check_name", "read_entries"]

LONGEST_NAME: Final = 128
"""Of a camera on the wire, too."""
_LONGEST_SHOWN: Final = 20
"""What is longer may be a token that was put at the wrong place, and is not repeated."""
WILDCARDS: Final = frozenset("*?[")
_KEYS: Final = ("role", "cameras", "token", "certificate")
_ROLES: Final = " or ".join(f'"{role.value}"' for role in Role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One name of the file. Two with the same values mean the same caller.

    Attributes:
        name: who it is.
        role: what it may do.
        cameras: of a camera: patterns as of `fnmatch` of the names that it may send as.
        token: hash of its token; empty where its certificate is enough.
        certificate: a name that its verified certificate must have; empty where its token is enough.
    """

    name: str
    role: Role
    cameras: tuple[str, ...] = ()
    token: str = field(default="", repr=False)
    certificate: str = ""


def check_name(name: str) -> str:
    """What is wrong with the name of an entry; empty: nothing."""
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or not WILDCARDS.isdisjoint(name):
        return f"a name has 1 to {LONGEST_NAME} printable characters, and none of * ? ["
    return ""


def read_entries(text: str, where: str) -> tuple[Entry, ...]:
    """Answer the entries of an access file, in its order.

    Args:
        text: TOML.
        where: the file, for messages.

    Raises:
        UsageError: it is not TOML, or an entry is wrong; names the entry, its key and the rule.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"access file {where}: is not TOML: {error}") from error
    except RecursionError:
        raise UsageError(f"access file {where}: has tables or lists inside each other without end") from None
    entries = tuple(_entry(name, found, where) for name, found in document.items())
    _tell_apart([(entry.name, entry.token) for entry in entries if entry.token], "token", where)
    by_certificate = [(entry.name, entry.certificate) for entry in entries if not entry.token]
    _tell_apart(by_certificate, "certificate", where)
    return entries


def _entry(name: str, found: Any, where: str) -> Entry:
    at = f"access file {where}: [{name}]"
    fault = check_name(name)
    if fault:
        raise UsageError(f"{at}: {fault}")
    if not isinstance(found, dict):
        raise UsageError(f"{at} must be a table with a role and a token or a certificate")
    for key, value in found.items():
        if isinstance(value, dict):
            raise UsageError(f'{at} has a table {key!r} inside; a name with a dot is quoted: ["{name}.{key}"]')
        if key not in _KEYS:
            raise UsageError(f"{at}: key {key!r} is not known; there are: {', '.join(_KEYS)}")
    role = _role(found.get("role"), at)
    token, certificate = _text(found, "token", at), _text(found, "certificate", at)
    if token and not is_digest(token):
        raise UsageError(
            f'{at}: token must be "sha256:" and 64 hexadecimal digits, as `framebatch access add` writes it; '
            "the token itself does not belong into the file"
        )
    if not token and not certificate:
        raise UsageError(f"{at} has neither a token nor a certificate; `framebatch access add` makes one")
    return Entry(name=name, role=role, cameras=_cameras(found, name, role, at), token=token, certificate=certificate)


def _role(value: object, at: str) -> Role:
    for role in Role:
        if value == role.value:
            return role
    shown = f" is {value!r}; it" if isinstance(value, str) and len(value) <= _LONGEST_SHOWN else ""
    raise UsageError(f"{at}: role{shown} must be {_ROLES}")


def _text(found: Mapping[str, Any], key: str, at: str) -> str:
    value = found.get(key, "")
    if not isinstance(value, str) or (key in found and not value):
        raise UsageError(f"{at}: {key} must be text that is not empty")
    return value


def _cameras(found: Mapping[str, Any], name: str, role: Role, at: str) -> tuple[str, ...]:
    if "cameras" not in found:
        return (name,) if role is Role.CAMERA else ()
    if role is not Role.CAMERA:
        raise UsageError(f'{at}: cameras is for role = "camera"; an admin may send as any camera, an operator as none')
    value = found["cameras"]
    if not isinstance(value, list) or not value or not all(isinstance(each, str) and each for each in value):
        raise UsageError(f'{at}: cameras must be a list of names or patterns, e.g. ["press-3", "belt-*"]')
    return tuple(value)


def _tell_apart(named: Iterable[tuple[str, str]], key: str, where: str) -> None:
    """Raise when two names would be one caller."""
    seen: dict[str, str] = {}
    for name, value in named:
        if value in seen:
            raise UsageError(
                f"access file {where}: [{seen[value]}] and [{name}] have the same {key}; give each its own"
            )
        seen[value] = name
