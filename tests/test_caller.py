"""framebatch.edge.security.caller: whoever makes a call."""

from __future__ import annotations

import pytest

from framebatch.edge.security.caller import ANYBODY, CALLER, MOST_NAMES, Caller, Ended
from framebatch.edge.security.entries import Entry
from framebatch.edge.security.roles import Action, Role


def camera(*cameras: str, name: str = "line-2") -> Caller:
    """Answer a camera's caller."""
    return Caller(Entry(name=name, role=Role.CAMERA, cameras=cameras, token="sha256:hash"))


@pytest.mark.parametrize(
    ("cameras", "own"),
    [
        (("press-3",), "press-3"),
        (("press-*",), "line-2"),
        (("press-3", "press-4"), "line-2"),
        (("press-[34]",), "line-2"),
    ],
)
def test_a_frame_without_a_name_has_the_one_that_there_is(cameras: tuple[str, ...], own: str) -> None:
    """Where there are several, that of the entry, under which it may send, too."""
    caller = camera(*cameras)
    assert (caller.own, caller.named(own)) == (own, (own, ""))


def test_patterns_say_as_what_it_may_send() -> None:
    """Upper and lower case differ, as in [priorities]."""
    caller = camera("press-*", "belt")
    assert [caller.named(name) for name in ("press-3", "belt")] == [("press-3", ""), ("belt", "")]
    assert caller.named("Belt")[0] == caller.named("scale")[0] == "line-2"


def test_a_refusal_says_as_what_it_may_send() -> None:
    """The frame is taken under the caller's own name."""
    expected = "camera is 'belt'; with these credentials frames may be sent as 'press-*', 'scale'"
    assert camera("press-*", "scale").named("belt") == ("line-2", expected)


def test_names_are_remembered_up_to_a_bound() -> None:
    """Whoever sends ever new names cannot fill the memory."""
    caller = camera("press-*")
    for number in range(MOST_NAMES + 10):
        caller.named(f"press-{number}")
    assert len(caller._known) == MOST_NAMES


def test_an_admin_sends_under_any_name() -> None:
    """Under its own where a frame has none."""
    caller = Caller(Entry(name="ada", role=Role.ADMIN))
    assert (caller.own, caller.named("press-3")) == ("ada", ("press-3", ""))


def test_anybody_may_do_everything() -> None:
    """Where there is no access file, which is what a task without a call sees, too."""
    assert CALLER.get() is ANYBODY
    assert all(ANYBODY.may(action) for action in Action)
    assert (ANYBODY.own, ANYBODY.named("press-3"), repr(ANYBODY)) == ("", ("press-3", ""), "Caller('', anybody)")


def test_it_shows_its_role_and_its_end() -> None:
    """And not its hash."""
    caller = camera("press-3")
    assert repr(caller) == "Caller('line-2', camera)"
    caller.ended = Ended.REMOVED
    assert repr(caller) == "Caller('line-2', camera, REMOVED)"
