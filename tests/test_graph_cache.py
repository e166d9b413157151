"""framebatch.device.graph_cache: what is kept comes back whole or not at all, and never stands in the way."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import pytest

from framebatch.device.graph_cache import GraphCache, Kept, cache_key

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = bytes(range(256)) * 40 + b"\n{}\n"


def test_what_was_put_comes_back(tmp_path: Path) -> None:
    """Content and facts; other keys have nothing."""
    cache = GraphCache(tmp_path / "new" / "folder")
    assert cache.get("k") is None
    cache.put("k", CONTENT, {"a": [1, 2], "b": None})
    assert cache.get("k") == Kept(CONTENT, {"a": [1, 2], "b": None})
    assert cache.get("other") is None
    assert repr(cache) == f"<GraphCache {tmp_path / 'new' / 'folder'}>"


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"no json\nrest", b"[]\n", b"\xff\xfe"])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: bytes) -> None:
    """Whatever is in it, with a line in the log."""
    cache = GraphCache(tmp_path)
    cache.put("k", CONTENT, {})
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage)
    assert cache.get("k") is None
    assert "a kept program is not used, but built anew" in caplog.text


@pytest.mark.parametrize("place", [-1, 200])
def test_content_that_changed_or_ends_early_is_not_used(tmp_path: Path, place: int) -> None:
    """Length and hash are checked on every reading."""
    cache = GraphCache(tmp_path)
    cache.put("k", CONTENT, {})
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    assert cache.get("k") is None
    changed = bytearray(whole)
    changed[place] ^= 1
    file.write_bytes(changed)
    assert cache.get("k") is None


def test_a_folder_that_cannot_be_used_is_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is kept, and nothing fails."""
    caplog.set_level(logging.INFO)
    (tmp_path / "file").write_text("in the way")
    cache = GraphCache(tmp_path / "file" / "folder")
    cache.put("k", CONTENT, {})
    assert "the program is not kept for the next start" in caplog.text
    assert cache.get("k") is None


def test_the_oldest_go_when_all_are_too_large(tmp_path: Path) -> None:
    """Used last counts, not made last; the newest stays, however large it is."""
    cache = GraphCache(tmp_path, limit_bytes=3 * len(CONTENT))
    for age, key in ((30, "a"), (20, "b")):
        cache.put(key, CONTENT, {})
        os.utime(tmp_path / f"{key}.graph", ns=(0, 10**18 - age))
    assert cache.get("a") is not None
    cache.put("c", CONTENT, {})
    assert [cache.get(key) is not None for key in "abc"] == [True, False, True]
    GraphCache(tmp_path, limit_bytes=1).put("d", CONTENT, {})
    assert [path.name for path in tmp_path.iterdir()] == ["d.graph"]


def test_a_key_says_everything_and_nothing_else(tmp_path: Path) -> None:
    """The order of the facts does not count, their values do."""
    assert cache_key({"a": 1, "b": tmp_path}) == cache_key({"b": tmp_path, "a": 1})
    assert cache_key({"a": 1}) != cache_key({"a": 2})
