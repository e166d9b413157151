"""framebatch.edge.security.exposure: what must be said before other machines reach a server."""

from __future__ import annotations

import pytest

from framebatch.edge.security.exposure import check_exposure
from framebatch.errors import UsageError


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
