"""framebatch.app.router: who gets which frame."""

from __future__ import annotations

import asyncio

import pytest

from framebatch.app.router import Router
from framebatch.errors import InvalidFrame
from framebatch.frame import Model, Outcome
from framebatch.testing import Replies


class Taker:
    """Notes what it is asked to do."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def submit(self, frame: object) -> None:
        """Note."""
        self.calls.append(f"submit {frame}")

    def refuse(self, frame: object, outcome: Outcome, reason: str) -> None:
        """Note."""
        self.calls.append(f"refuse {frame} {outcome} {reason}")

    def withdraw(self, frame: object, reason: str) -> None:
        """Note."""
        self.calls.append(f"withdraw {frame} {reason}")


async def test_a_frame_stays_with_the_version_that_was_found_for_it() -> None:
    """Whatever takes over meanwhile, until that version has no more frames."""
    router, replies = Router(asyncio.get_running_loop(), default="bolts"), Replies()
    old, new = (Model("bolts", version, ()) for version in ("1", "2"))
    takers = {old: Taker(), new: Taker()}
    router.put(old, takers[old])
    first = replies.frame(1)
    first.model = router.find("")
    router.submit(first)
    router.put(new, takers[new])
    second = replies.frame(2)
    second.model = router.find("bolts")
    router.submit(second)
    router.withdraw(first, "gone")
    assert takers[old].calls == [f"submit {first}", f"withdraw {first} gone"]
    assert takers[new].calls == [f"submit {second}"]
    assert repr(router) == "Router(bolts 2)"


async def test_a_frame_of_no_model_is_refused_with_what_there_is() -> None:
    """It has its one answer like any other."""
    router, replies = Router(asyncio.get_running_loop(), default="bolts"), Replies()
    with pytest.raises(InvalidFrame, match="model 'nuts' is not served here; this server has: none"):
        router.find("nuts")
    with pytest.raises(InvalidFrame, match=r"model 'n{128}' is not served here"):
        router.find("n" * 1_000_000)
    router.put(Model("screws", "1", ()), Taker())
    with pytest.raises(InvalidFrame, match=r"no model, and the default, 'bolts', is not served here; .*: screws"):
        router.find("")
    frame = replies.frame()
    router.refuse(frame, Outcome.INVALID, "unknown")
    assert (frame.outcome, frame.reason, replies.frames) == (Outcome.INVALID, "unknown", [frame])
