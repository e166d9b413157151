"""framebatch.edge.security.tokens: how tokens are made, kept and read."""

from __future__ import annotations

import re

import pytest

from framebatch.edge.security.tokens import bearer, digest, is_digest, new_token


def test_tokens_have_a_prefix_and_256_random_bits() -> None:
    """No two are alike."""
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(re.fullmatch(r"fb_[A-Za-z0-9_-]{43}", token) for token in tokens)


def test_a_token_is_kept_as_its_sha256() -> None:
    """As any other tool computes it."""
    assert digest("abc") == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert is_digest(digest("abc"))


@pytest.mark.parametrize("text", ["", "abc", "sha256:", "sha256:" + "A" * 64, "md5:" + "0" * 64, "sha256:" + "0" * 65])
def test_only_that_form_is_a_hash(text: str) -> None:
    """So that a token in its place is noticed."""
    assert not is_digest(text)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer fb_x", "fb_x"),
        ("bearer  fb_x ", "fb_x"),
        ("Basic fb_x", ""),
        ("Bearer", ""),
        ("Bearer ", ""),
        ("Bearer a b", ""),
        ("fb_x", ""),
        ("", ""),
        (None, ""),
        ("Bearer " + "x" * 300, ""),
    ],
)
def test_a_header_holds_a_token_or_none(header: str | None, token: str) -> None:
    """One that is far too long is not looked at."""
    assert bearer(header) == token
