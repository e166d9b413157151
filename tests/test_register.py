"""framebatch.edge.security.register: callers by what they show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from framebatch.edge.security.caller import Ended
from framebatch.edge.security.entries import Entry
from framebatch.edge.security.register import Register
from framebatch.edge.security.roles import Role
from framebatch.edge.security.tokens import digest

PRESS = Entry(name="press", role=Role.CAMERA, cameras=("press",), token=digest("fb_press"))
BELT = Entry(name="belt", role=Role.CAMERA, cameras=("belt",), certificate="belt.example")
ADA = Entry(name="ada", role=Role.ADMIN, token=digest("fb_ada"), certificate="ada.example")


def found(register: Register, token: str = "", *names: str) -> str:
    """Answer the name of the caller; empty: nobody."""
    caller = register.find(token, names)
    return "" if caller is None else caller.name


@pytest.mark.parametrize(
    ("token", "names", "expected"),
    [
        ("fb_press", (), "press"),
        ("fb_press", ("somebody.example",), "press"),
        ("fb_pres", (), ""),
        ("", (), ""),
        (digest("fb_press"), (), ""),
        ("fb_" + "x" * 300, (), ""),
        ("fb_\udcff", (), ""),
        ("", ("other.example", "belt.example"), "belt"),
        ("", ("ada.example",), ""),
        ("fb_ada", (), ""),
        ("fb_ada", ("ada.example",), "ada"),
        ("fb_wrong", ("belt.example",), ""),
    ],
)
def test_callers_are_known_by_all_that_their_entry_asks_for(token: str, names: tuple[str, ...], expected: str) -> None:
    """A token, a certificate, or both; a wrong token is not made good by a certificate."""
    assert found(Register([PRESS, BELT, ADA]), token, *names) == expected


def test_hashes_that_begin_alike_are_told_apart() -> None:
    """The index knows their first digits only."""
    twin = replace(BELT, token=digest("fb_press")[:-1] + "?", certificate="")
    register = Register([twin, PRESS])
    assert found(register, "fb_press") == "press"


def test_an_unchanged_entry_keeps_its_caller() -> None:
    """Its streams go on."""
    register = Register([PRESS, BELT])
    before = register.find("fb_press")
    assert register.adopt([ADA, PRESS, BELT]) == []
    assert register.find("fb_press") is before
    assert before is not None
    assert before.ended is None


def test_a_removed_entry_ends_its_caller() -> None:
    """And is not found any more."""
    register = Register([PRESS, BELT])
    press = register.find("fb_press")
    assert register.adopt([BELT]) == [press]
    assert (press and press.ended, found(register, "fb_press")) == (Ended.REMOVED, "")


def test_a_changed_entry_ends_its_caller_and_its_credentials_still_hold() -> None:
    """Whoever connects again is known, with what the entry says now; another token is a removed one."""
    register = Register([PRESS, ADA])
    press, ada = register.find("fb_press"), register.find("fb_ada", ["ada.example"])
    register.adopt([replace(PRESS, cameras=("press", "belt")), replace(ADA, token=digest("fb_new"))])
    assert press is not None
    assert ada is not None
    assert (press.ended, ada.ended) == (Ended.CHANGED, Ended.REMOVED)
    assert found(register, "fb_press") == "press"


def test_it_shows_names() -> None:
    """Nothing else."""
    assert (repr(Register([PRESS, BELT])), repr(Register([]))) == ("Register(press, belt)", "Register(nobody)")
