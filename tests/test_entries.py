"""framebatch.edge.security.entries: what an access file says."""

from __future__ import annotations

import pytest

from framebatch.edge.security.entries import Entry, check_name, read_entries
from framebatch.edge.security.roles import Role
from framebatch.edge.security.tokens import digest
from framebatch.errors import UsageError

HASH = digest("fb_one")
GOOD = f"""
# the presses
[press-3]
role = "camera"
token = "{HASH}"

["hall 2/belt.1"]
role = "camera"
cameras = ["belt-*", "scale"]
certificate = "belt.example"

[ada]
role = "operator"
token = "{digest("fb_two")}"
certificate = "ada.example"
"""


def test_a_file_has_one_entry_for_each_name() -> None:
    """A camera may send as its own name where nothing else is said."""
    assert read_entries(GOOD, "access.toml") == (
        Entry(name="press-3", role=Role.CAMERA, cameras=("press-3",), token=HASH),
        Entry(name="hall 2/belt.1", role=Role.CAMERA, cameras=("belt-*", "scale"), certificate="belt.example"),
        Entry(name="ada", role=Role.OPERATOR, token=digest("fb_two"), certificate="ada.example"),
    )
    assert read_entries("", "access.toml") == ()


def test_an_entry_does_not_show_its_hash() -> None:
    """Wherever it is printed."""
    assert HASH.removeprefix("sha256:") not in repr(read_entries(GOOD, "access.toml"))


TOKEN = f'token = "{HASH}"'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a", "is not TOML"),
        ("a = " + "[" * 100_000, "has tables or lists inside each other without end"),
        ("a = 1", r"\[a\] must be a table"),
        (f'["a*"]\nrole = "camera"\n{TOKEN}', r"\[a\*\]: a name has 1 to 128 printable characters, and none of"),
        (f"[a]\n{TOKEN}", r'\[a\]: role must be "camera" or "operator" or "admin"'),
        (f'[a]\nrole = "boss"\n{TOKEN}', r"\[a\]: role is 'boss'; it must be"),
        ('[a]\nrole = "camera"', r"\[a\] has neither a token nor a certificate"),
        ('[a]\nrole = "camera"\ntoken = ""', r"\[a\]: token must be text that is not empty"),
        ('[a]\nrole = "camera"\ntoken = 7', r"\[a\]: token must be text that is not empty"),
        (f'[a]\nrole = "camera"\n{TOKEN}\ncolor = 1', r"\[a\]: key 'color' is not known; there are: role, cameras"),
        (f'[a.b]\nrole = "camera"\n{TOKEN}', r'a name with a dot is quoted: \["a\.b"\]'),
        (f'[a]\nrole = "admin"\ncameras = ["b"]\n{TOKEN}', r'\[a\]: cameras is for role = "camera"'),
        (f'[a]\nrole = "camera"\ncameras = []\n{TOKEN}', r"\[a\]: cameras must be a list of names or patterns"),
        (f'[a]\nrole = "camera"\ncameras = "b"\n{TOKEN}', r"\[a\]: cameras must be a list"),
        (f'[a]\nrole = "camera"\n{TOKEN}\n[b]\nrole = "admin"\n{TOKEN}', r"\[a\] and \[b\] have the same token"),
        (
            '[a]\nrole = "camera"\ncertificate = "c"\n[b]\nrole = "camera"\ncertificate = "c"',
            r"\[a\] and \[b\] have the same certificate",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_entry(text: str, message: str) -> None:
    """And with the file."""
    with pytest.raises(UsageError, match=message) as caught:
        read_entries(text, "access.toml")
    assert str(caught.value).startswith("access file access.toml: ")
    assert HASH.removeprefix("sha256:") not in str(caught.value)


def test_a_token_in_the_place_of_its_hash_is_not_repeated() -> None:
    """The message would go to a log."""
    with pytest.raises(UsageError, match=r"the token itself does not belong into the file") as caught:
        read_entries('[a]\nrole = "camera"\ntoken = "fb_secret"', "access.toml")
    assert "fb_secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a" * 129, "a\nb", "a\x7f", "press-?", "[a"])
def test_odd_names_are_refused(name: str) -> None:
    """A name is a camera's, too, and never a pattern."""
    assert check_name(name)
    assert not check_name("hall 2/press-3")
