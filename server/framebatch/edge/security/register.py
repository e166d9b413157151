"""Finds the caller to a token or a certificate. Pure; told anew when the access file has changed."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from framebatch.edge.security.caller import Caller, Ended
from framebatch.edge.security.tokens import LONGEST, digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from framebatch.edge.security.entries import Entry

__all__ = ["Register"]

_INDEX_CHARACTERS: Final = 15
"""`sha256:` and eight digits: what may be told by how long a look-up takes."""


class Register:
    """Callers by their credentials. Invariant: a caller in it is not ended, one that left it is."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._callers: dict[str, Caller] = {}
        self._by_token: dict[str, list[Caller]] = {}
        self._by_certificate: dict[str, Caller] = {}
        self.adopt(entries)

    def __repr__(self) -> str:
        return f"Register({', '.join(self._callers) or 'nobody'})"

    def adopt(self, entries: Iterable[Entry]) -> list[Caller]:
        """Have these entries from now on; answer the callers that ended by it. An unchanged entry keeps its caller."""
        before, self._callers = self._callers, {}
        self._by_token, self._by_certificate = {}, {}
        for entry in entries:
            known = before.get(entry.name)
            caller = known if known is not None and known.entry == entry else Caller(entry)
            self._callers[entry.name] = caller
            if entry.token:
                self._by_token.setdefault(entry.token[:_INDEX_CHARACTERS], []).append(caller)
            else:
                self._by_certificate[entry.certificate] = caller
        ended = [caller for name, caller in before.items() if self._callers.get(name) is not caller]
        for caller in ended:
            caller.ended = Ended.CHANGED if self._still_has(caller) else Ended.REMOVED
        return ended

    def find(self, token: str, certificate_names: Sequence[str] = ()) -> Caller | None:
        """Answer who shows these credentials; None: nobody that is known.

        The first digits of the token's hash find the entry, and the whole hash is compared in constant time. A token
        that is shown must be right, whatever the certificate says.

        Args:
            token: as it came; empty: none was shown.
            certificate_names: of the client's certificate, which somebody else has verified.
        """
        if not token:
            named = (self._by_certificate.get(name) for name in certificate_names)
            return next((caller for caller in named if caller is not None), None)
        if len(token) > LONGEST:
            return None
        shown = digest(token)
        for caller in self._by_token.get(shown[:_INDEX_CHARACTERS], ()):
            entry = caller.entry
            if entry is not None and hmac.compare_digest(entry.token, shown):
                return caller if not entry.certificate or entry.certificate in certificate_names else None
        return None

    def _still_has(self, caller: Caller) -> bool:
        """Whether the credentials of an entry that is gone are those of another one now."""
        gone = caller.entry
        present = (each.entry for each in self._callers.values())
        return gone is not None and any(
            entry is not None and (entry.token, entry.certificate) == (gone.token, gone.certificate)
            for entry in present
        )
