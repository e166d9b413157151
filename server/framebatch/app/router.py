"""Which batcher a frame belongs to: by the name that it gives when it arrives, by its version from then on. Decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from framebatch.batching.answers import Answers
from framebatch.batching.observers import joined, without
from framebatch.errors import InvalidFrame

if TYPE_CHECKING:
    import asyncio

    from framebatch.batching.interfaces import Observer
    from framebatch.frame import Frame, Model, Outcome

__all__ = ["Router", "Taker"]

LONGEST_SHOWN: Final = 128
"""Characters of a name that is not served: a message may bring millions, and they would go into answers, pages and logs."""


class Taker(Protocol):
    """Who answers the frames of one version."""

    def submit(self, frame: Frame) -> None:
        """Owns the frame from now on."""

    def refuse(self, frame: Frame, outcome: Outcome, reason: str) -> None:
        """Answers the frame at once."""

    def withdraw(self, frame: Frame, reason: str) -> None:
        """Nobody waits for the answer any more."""


class Router:
    """Between the edge and the batchers. Lives on the event loop; O(1) for each frame.

    `put` is the moment at which another version takes over: frames found before belong to the old one for good, frames
    found afterwards to the new one. Invariant: a version is known here as long as a frame of it is unanswered.

    Attributes:
        default: the model of frames that name none.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, default: str) -> None:
        self.default = default
        self._serving: dict[str, Model] = {}
        self._takers: dict[Model, Taker] = {}
        self._homeless = Answers(loop, on_expired=lambda _: None)

    def __repr__(self) -> str:
        return f"Router({', '.join(f'{model.name} {model.version}' for model in self._serving.values())})"

    @property
    def names(self) -> list[str]:
        """The models that are served, sorted."""
        return sorted(self._serving)

    def observe(self, observer: Observer) -> None:
        """Tell it too of the frames that are refused here, because nobody serves what they name."""
        self._homeless.observer = joined(self._homeless.observer, observer)

    def unobserve(self, observer: Observer) -> None:
        """Tell it nothing any more."""
        self._homeless.observer = without(self._homeless.observer, observer)

    def put(self, model: Model, taker: Taker) -> None:
        """From now on frames that name the model go there."""
        self._takers[model] = taker
        self._serving[model.name] = model

    def remove(self, name: str) -> None:
        """From now on frames that name the model are refused; those it has are still its own."""
        del self._serving[name]

    def forget(self, model: Model) -> None:
        """No frame of this version is unanswered any more."""
        del self._takers[model]

    def find(self, name: str) -> Model:
        """The version that answers a frame arriving now.

        Raises:
            InvalidFrame: none; names those that are served.
        """
        model = self._serving.get(name or self.default)
        if model is None:
            what = (
                f"model {name[:LONGEST_SHOWN]!r}"
                if name
                else f"the frame names no model, and the default, {self.default!r},"
            )
            raise InvalidFrame(f"{what} is not served here; this server has: {', '.join(self.names) or 'none'}")
        return model

    def submit(self, frame: Frame) -> None:
        """Hand over to the version that was found for it."""
        self._takers[frame.model].submit(frame)

    def refuse(self, frame: Frame, outcome: Outcome, reason: str) -> None:
        """Let its version refuse it; a frame without one is refused here."""
        taker = self._takers.get(frame.model)
        if taker is not None:
            taker.refuse(frame, outcome, reason)
            return
        self._homeless.owe(frame)
        self._homeless.give(frame, outcome, reason)

    def withdraw(self, frame: Frame, reason: str) -> None:
        """Nobody waits for the answer of an unanswered frame any more."""
        self._takers[frame.model].withdraw(frame, reason)
