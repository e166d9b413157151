"""Cameras that do all that cameras do: most are answered, one asks for the impossible, one is replaced by itself, one sends rubbish.

Every answer is counted here as well, so that a server's counters can be held against it.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from framebatch_client import AsyncClient

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CAMERAS", "Camera", "Fleet"]

RUBBISH: Final = b"\xff\xd8\xff\xe0 this is no picture"
STOP_SECONDS: Final = 30.0


@dataclass(frozen=True, kw_only=True)
class Camera:
    """How one of them sends."""

    name: str
    fps: float = 10.0
    deadline_ms: float = 150.0
    mode: Literal["inspect", "live"] = "inspect"
    priority: Literal["critical", "normal", "best-effort"] = "normal"
    rubbish_every: int = 0


CAMERAS: Final = (
    *(Camera(name=f"press-{number}") for number in (1, 2, 3)),
    Camera(name="boss-1", priority="critical"),
    Camera(name="spare-1", priority="best-effort"),
    Camera(name="hasty-1", fps=20, deadline_ms=5),
    Camera(name="live-1", fps=60, mode="live"),
    Camera(name="broken-1", rubbish_every=10),
)
"""`hasty-1` is refused by any device that takes 6 ms and more for a run."""


class Fleet:
    """The cameras in a thread of their own, from `with` on until `stop`.

    Invariant, once stopped: `sent` is the sum of `answered` and `lost`.
    """

    def __init__(self, address: str, pictures: list[bytes], cameras: tuple[Camera, ...] = CAMERAS) -> None:
        """Start nothing yet."""
        self._address = address
        self._pictures = pictures
        self._cameras = cameras
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="cameras")
        self.answered: Counter[tuple[str, str]] = Counter()
        self.sent = 0
        self.lost = 0

    def __repr__(self) -> str:
        return f"Fleet(cameras={len(self._cameras)}, answered={self.answered.total()})"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(STOP_SECONDS)

    def stop(self) -> None:
        """Send no more, and return when every answer is there.

        Raises:
            RuntimeError: the cameras broke down, or do not end.
        """
        self._stop.set()
        self._thread.join(STOP_SECONDS)
        if self._failure is not None or self._thread.is_alive():
            raise RuntimeError(f"{self!r} did not end well") from self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._play())
        except BaseException as error:  # noqa: BLE001 - told by stop
            self._failure = error

    async def _play(self) -> None:
        async with AsyncClient(self._address) as client:
            await asyncio.gather(*(self._play_one(client, camera) for camera in self._cameras))

    async def _play_one(self, client: AsyncClient, camera: Camera) -> None:
        stream = client.stream(
            camera=camera.name,
            fps=camera.fps,
            deadline_ms=camera.deadline_ms,
            mode=camera.mode,
            priority=camera.priority,
        )
        async with stream:
            stats = await stream.run(self._shots(camera), on_answer=self._count)
        self.sent += stats.sent
        self.lost += stats.lost

    def _shots(self, camera: Camera) -> Iterator[bytes]:
        number = 0
        while not self._stop.is_set():
            number += 1
            rubbish = camera.rubbish_every and number % camera.rubbish_every == 0
            yield RUBBISH if rubbish else self._pictures[number % len(self._pictures)]

    def _count(self, answer: Any) -> None:
        self.answered[answer.camera, answer.outcome.value] += 1
