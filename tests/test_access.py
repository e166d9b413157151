"""framebatch_client.access: options and variables of commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from certificates import Authority

from framebatch.settings.environment import read_environment
from framebatch_client import Access, InvalidRequest, Tls, read_access

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "fb_press-3.0123456789abcdef"


def read(environ: dict[str, str] | None = None, **options: Any) -> Access:
    """Read with nothing else given."""
    nothing: dict[str, Any] = dict.fromkeys(("ca", "certificate", "key", "server_name", "token_file"))
    return read_access(**{"tls": False, **nothing, **options}, environ=environ or {})


def test_without_options_it_is_plain_text_without_a_token() -> None:
    """As ever."""
    assert read() == Access(None, None)


def test_any_option_of_tls_means_tls(tmp_path: Path) -> None:
    """An authority, a certificate with its key, a name."""
    authority = Authority(tmp_path)
    pair = authority.issue("camera")
    assert read(ca=authority.path).tls == Tls(ca=authority.path)
    both: dict[str, Any] = {
        "ca": authority.path,
        "certificate": pair.certificate,
        "key": pair.key,
        "server_name": "edge-1",
    }
    assert read(**both).tls == Tls(**both)


def test_the_token_is_in_a_file_or_a_variable(tmp_path: Path) -> None:
    """The file wins, and may end as editors end files; neither is shown."""
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    assert read({"FRAMEBATCH_TOKEN": "other"}, token_file=path).token == TOKEN
    assert read({"FRAMEBATCH_TOKEN": TOKEN}).token == TOKEN
    assert read({"FRAMEBATCH_TOKEN": ""}).token is None
    assert TOKEN not in repr(read({"FRAMEBATCH_TOKEN": TOKEN}))


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    """With its place, and without a token."""
    empty, nowhere = tmp_path / "empty", tmp_path / "nowhere"
    empty.touch()
    with pytest.raises(InvalidRequest, match=f"the token file {nowhere} cannot be read"):
        read(token_file=nowhere)
    with pytest.raises(InvalidRequest, match=f"{empty}: the token must be"):
        read(token_file=empty)
    with pytest.raises(InvalidRequest, match="FRAMEBATCH_TOKEN: the token must be"):
        read({"FRAMEBATCH_TOKEN": "two words"})
    with pytest.raises(InvalidRequest, match=f"the ca {nowhere} cannot be read"):
        read(ca=nowhere)
    with pytest.raises(InvalidRequest, match=f"the key {nowhere} is given without its certificate"):
        read(key=nowhere)


def test_a_server_passes_over_the_variables_of_clients() -> None:
    """They may be set for a whole machine."""
    names = ("CA", "CERTIFICATE", "KEY", "SERVER_NAME", "TLS", "TOKEN", "TOKEN_FILE")
    assert read_environment({f"FRAMEBATCH_{name}": "x" for name in names}) == {}
