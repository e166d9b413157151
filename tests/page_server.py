"""A server of the status page whose state is played: for states that a real server comes into seldom."""

from __future__ import annotations

import asyncio
import json
import math
import threading
import time
from base64 import b64encode
from typing import Any, Final, Self

import cv2
import uvicorn
from starlette.applications import Starlette

from framebatch.edge.http import bind
from framebatch.edge.page import page_routes
from framebatch_models.conveyor import Conveyor

EVERY_SECONDS: Final = 0.25
ANSWER_SECONDS: Final = 0.02
PICTURES: Final = 6
CURVE: Final = [(1, 3.1), (2, 3.6), (4, 4.6), (6, 5.9), (8, 7.0), (12, 9.4), (16, 11.8)]


def outcomes(ok: int, **others: int) -> dict[str, int]:
    """Answer how many frames of a window had which outcome."""
    return {"OK": ok, "EXPIRED": 0, "SUPERSEDED": 0, "REJECTED": 0, "INVALID": 0, "FAILED": 0, **others}


def camera(name: str, **changes: Any) -> dict[str, Any]:
    """Answer a camera that gets every frame in time."""
    turn = sum(name.encode()) % 17
    return {
        "id": name,
        "model": "conveyor",
        "priority": "normal",
        "live": False,
        "frames_per_second": 10.0,
        "outcomes": outcomes(100),
        "last_outcome": "OK",
        "last_reason": "",
        "last_age_seconds": 0.06,
        "latency_ms": 15.0 + turn,
        "p95_ms": 24.0 + turn,
        "deadline_ms": 100.0,
        "detections": 4,
        "shot": 1,
    } | changes


def model(name: str = "conveyor", *, cameras: int = 8, **changes: Any) -> dict[str, Any]:
    """Answer a model that does as its profile says, with a minute behind it."""
    batches = []
    for n in range(300):
        frames = 1 + (n * 7 + n // 5) % 8
        bucket = next(batch for batch, _ in CURVE if batch >= frames)
        took = dict(CURVE)[bucket] * (1.0 + 0.06 * math.sin(n * 1.7))
        batches.append([(299 - n) * 0.2, frames, bucket, took])
    return {
        "name": name,
        "version": "1",
        "family": "yolov8",
        "input": [320, 320],
        "up": True,
        "why_down": "",
        "frames_per_second": 10.0 * cameras,
        "outcomes": outcomes(100 * cameras),
        "totals": outcomes(81_200 * cameras, REJECTED=12),
        "latency_ms": {"p50": 18.4, "p95": 27.0, "p99": 33.2},
        "slack_ms": {"p1": 61.0, "p50": 80.1},
        "stages_ms": {"decode": 3.1, "queue": 6.2, "device": 7.4, "post": 1.1},
        "waiting": 2,
        "load": 0.41,
        "busy": 0.38,
        "drift": 1.01,
        "derate": 0.99,
        "batch_limit": 16,
        "recalibration_due": False,
        "one_by_one": False,
        "batches": batches,
        "throughput": [[59 - n, 10.0 * cameras + 3 * math.sin(n), 0.0] for n in range(60)],
        "profile": {
            "source": "stored",
            "created": "2026-11-20T08:00:00Z",
            "age_seconds": 90_000.0,
            "max_batch": 16,
            "bound_by": "throughput",
            "curve": [[batch, p50, p50 * 1.12, 1e3 * batch / p50] for batch, p50 in CURVE],
        },
    } | changes


def state(cameras: list[dict[str, Any]], models: list[dict[str, Any]] | None = None, **changes: Any) -> dict[str, Any]:
    """Answer a state document of a server that is ready."""
    server = {
        "version": "0.1.0",
        "device": "cuda:0 (NVIDIA H200)",
        "provider": "CUDAExecutionProvider",
        "simulated": False,
        "ready": True,
        "why_not_ready": "",
        "asks_who": False,
        "uptime_seconds": 81_200.0,
        "streams": len(cameras),
        "unanswered": 3,
        "loop_lag_ms": 0.4,
    }
    return {
        "time_unix_seconds": time.time(),
        "pictures": True,
        "server": server | changes.pop("server", {}),
        "models": [model(cameras=len(cameras))] if models is None else models,
        "cameras": sorted(cameras, key=lambda each: str(each["id"])),
        "cameras_left_out": 0,
        "alerts": [],
    } | changes


def alert(name: str, summary: str, severity: str = "warning", **changes: Any) -> dict[str, Any]:
    """Answer an alert that began two minutes ago."""
    return {
        "name": name,
        "severity": severity,
        "summary": summary,
        "since_unix_seconds": time.time() - 130,
        "runbook": "docs/runbooks/deadlines-missed.md",
        "model": "",
        "camera": "",
    } | changes


class PlayedPage:
    """The page's real routes on a free port, from `with` to its end; what they tell can be exchanged at any time.

    Attributes:
        state: the document that is sent; None: nothing comes any more, the connection stays.
        asked: the cameras whose pictures were asked for.
        full: whether nobody more may look.
        most_at_once: how many pictures were asked for before one of them was answered.
    """

    def __init__(self, begin: dict[str, Any]) -> None:
        self.state: dict[str, Any] | None = begin
        self._told = begin
        self.asked: list[str] = []
        self.full = False
        self.most_at_once = 0
        self._at_once = 0
        self._number = 1
        self._shots: dict[int, dict[str, Any]] = {}
        self._listener = bind("127.0.0.1", 0)
        config = uvicorn.Config(
            Starlette(routes=page_routes(self)), lifespan="off", log_level="critical", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True)

    def play(self, state: dict[str, Any]) -> None:
        """Begin anew."""
        self.state = self._told = state
        self.asked.clear()
        self.full, self.most_at_once = False, 0

    def __repr__(self) -> str:
        return f"PlayedPage({self.url}, {len(self.asked)} pictures asked for)"

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    def join(self) -> PlayedPage | None:
        """Let one look; see `framebatch.edge.page.interfaces.Figures`."""
        return None if self.full else self

    def leave(self) -> None:
        """Nothing is kept of who looks."""

    async def next(self) -> bytes | None:
        """Answer the state four times a second, so that nobody waits long; every one has new pictures."""
        while not self._server.should_exit:
            await asyncio.sleep(EVERY_SECONDS)
            if self.state is not None:
                self._number += 1
                self._told = self.state
                cameras = [
                    each if each["shot"] is None else each | {"shot": self._number} for each in self.state["cameras"]
                ]
                told = self.state | {"cameras": cameras, "time_unix_seconds": time.time()}
                return json.dumps(told).encode()
        return None

    async def shot(self, camera: str, *, large: bool) -> bytes:
        """Answer one of a few pictures."""
        del large
        self.asked.append(camera)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await asyncio.sleep(ANSWER_SECONDS)
        self._at_once -= 1
        state = self._told
        if not state["pictures"]:
            raise LookupError("pictures are switched off")
        seed = sum(camera.encode()) % PICTURES
        if seed not in self._shots:
            self._shots[seed] = _picture(seed)
        found = next((each for each in state["cameras"] if each["id"] == camera), None)
        told = {} if found is None else {"outcome": found["last_outcome"], "reason": found["last_reason"]}
        shot = self._shots[seed] | {"camera": camera, "number": self._number} | told
        return json.dumps(shot if shot["outcome"] == "OK" else shot | {"detections": []}).encode()


def _picture(seed: int) -> dict[str, Any]:
    scene = Conveyor(seed, width=640, height=480).frame(40 + seed)
    _, data = cv2.imencode(".jpg", scene.pixels)
    found = [
        {"box": [float(edge) for edge in part.box], "score": 0.93, "label": part.label, "class_id": part.class_id}
        for part in scene.truth
    ]
    return {
        "width": 640,
        "height": 480,
        "age_seconds": 0.2,
        "outcome": "OK",
        "reason": "",
        "picture": "data:image/jpeg;base64," + b64encode(data.tobytes()).decode(),
        "detections": found,
    }
