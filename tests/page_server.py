"""A server of the status page whose state is played: for states that a real server comes into seldom."""

from __future__ import annotations

import asyncio
import json
import math
import threading
import time
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import cv2
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

import framebatch.edge
from framebatch.edge.http import bind
from framebatch_models.conveyor import Conveyor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

STATIC: Final = Path(framebatch.edge.__file__).parent / "page" / "static"
TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
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
    """The page's routes on a free port, from `with` to its end; what they tell can be exchanged at any time.

    Attributes:
        state: the document that is sent; None: nothing comes any more, the connection stays.
        asked: the cameras whose pictures were asked for.
        fresh: whether every request finds a new picture.
    """

    def __init__(self, begin: dict[str, Any]) -> None:
        self.state: dict[str, Any] | None = begin
        self.asked: list[str] = []
        self.fresh = True
        self._number = 1
        self._shots: dict[int, dict[str, Any]] = {}
        self._listener = bind("127.0.0.1", 0)
        routes = [
            Route("/", self._static),
            Route("/page/events", self._events),
            Route("/page/cameras/{id:path}/shot", self._shot),
            Route("/page/{name}", self._static),
        ]
        config = uvicorn.Config(Starlette(routes=routes), lifespan="off", timeout_graceful_shutdown=1, log_level="critical")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True)

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
        self._server.force_exit = True
        self._thread.join(10)

    async def _static(self, request: Request) -> Response:
        path = STATIC / request.path_params.get("name", "index.html")
        if not path.is_file():
            return Response(status_code=404)
        return Response(path.read_bytes(), media_type=TYPES[path.suffix], headers={"Content-Security-Policy": POLICY})

    async def _events(self, _: Request) -> Response:
        async def stream() -> AsyncIterator[str]:
            yield "retry: 2000\n\n"
            while not self._server.should_exit:
                if self.state is not None:
                    self._number += 1 if self.fresh else 0
                    yield f"event: state\ndata: {json.dumps(self._now(self.state))}\n\n"
                await asyncio.sleep(0.25)

        return StreamingResponse(stream(), media_type="text/event-stream")

    def _now(self, played: dict[str, Any]) -> dict[str, Any]:
        cameras = [each if each["shot"] is None else each | {"shot": self._number} for each in played["cameras"]]
        return played | {"cameras": cameras, "time_unix_seconds": time.time()}

    async def _shot(self, request: Request) -> Response:
        name = request.path_params["id"]
        self.asked.append(name)
        if self.state is None or not self.state["pictures"]:
            return JSONResponse({"reason": "pictures are switched off"}, status_code=404)
        seed = sum(name.encode()) % 6
        if seed not in self._shots:
            self._shots[seed] = _picture(seed)
        found = next((each for each in self.state["cameras"] if each["id"] == name), None)
        told = {} if found is None else {"outcome": found["last_outcome"], "reason": found["last_reason"]}
        shot = self._shots[seed] | {"camera": name, "number": self._number} | told
        return JSONResponse(shot if shot["outcome"] == "OK" else shot | {"detections": []})


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
