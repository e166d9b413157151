"""framebatch.edge.security.exposure: what must be said before other machines reach a server."""

from __future__ import annotations

import pytest

from framebatch.edge.security.exposure import check_exposure, is_loopback
from framebatch.errors import UsageError


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.7", False),
        ("edge.example", False),
        ("", False),
    ],
)
def test_only_this_machines_own_addresses_are_its_own(host: str, *, expected: bool) -> None:
    """A name could mean any address."""
    assert is_loopback(host) is expected


def test_an_open_address_wants_tokens_or_a_word() -> None:
    """The refusal says both."""
    with pytest.raises(UsageError, match=r"'host' is '0\.0\.0\.0'.* --access; or allow everybody with --anonymous"):
        check_exposure("0.0.0.0", access=False, anonymous=False, encrypted=True)


@pytest.mark.parametrize(
    ("host", "access", "anonymous", "encrypted", "said"),
    [
        ("127.0.0.1", False, False, False, ""),
        ("127.0.0.1", True, False, False, ""),
        ("0.0.0.0", True, False, True, ""),
        ("0.0.0.0", True, False, False, "tokens travel in clear text: "),
        ("0.0.0.0", False, True, False, "setting 'anonymous' is true: whoever reaches 0.0.0.0 may send frames"),
        ("0.0.0.0", False, True, True, "setting 'anonymous' is true"),
    ],
)
def test_what_is_allowed_may_still_be_worth_a_warning(
    host: str, *, access: bool, anonymous: bool, encrypted: bool, said: str
) -> None:
    """On this machine's own address nothing is."""
    found = check_exposure(host, access=access, anonymous=anonymous, encrypted=encrypted)
    assert found.startswith(said)
    assert bool(found) == bool(said)
