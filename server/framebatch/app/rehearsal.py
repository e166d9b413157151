"""A model is loaded and proven in a process of its own first: one that crashes there does not take a server with it.

What was built and proven is kept in the user's folder for caches, so the server itself then only opens it: parsing and
editing graphs holds the interpreter lock, which frames would have to wait for. `main` is what that process runs.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from framebatch.app.opening import open_detector
from framebatch.config import Config
from framebatch.errors import DeviceError, DeviceMemoryError, FramebatchError, ModelError, UsageError
from framebatch.logs import ChildOutput, event

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main", "rehearse"]

log = logging.getLogger(__name__)

LONGEST_SECONDS: Final = 1800.0
NICENESS: Final = 10
COMMAND: Final = (sys.executable, "-c", "from framebatch.app.rehearsal import main; main()")
_ERRORS: Final = {error.__name__: error for error in (DeviceError, DeviceMemoryError, ModelError, UsageError)}


def rehearse(path: Path, name: str, config: Config, *, command: Sequence[str] = COMMAND) -> None:
    """Load the model elsewhere, at a low priority; blocks until that has succeeded.

    Args:
        path: of the ONNX file.
        name: what to call it.
        config: settings of the server.
        command: what to start.

    Raises:
        FramebatchError: it cannot be loaded, or whoever tried has crashed.
    """
    wanted = {"path": str(path), "name": name, "config": config.model_dump(mode="json")}
    with (
        contextlib.closing(ChildOutput(f"the process that tries {name}")) as errors,
        subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors.descriptor, text=True
        ) as process,
    ):
        patience = threading.Timer(LONGEST_SECONDS, process.kill)
        patience.start()
        try:
            if process.stdin is None or process.stdout is None:
                raise RuntimeError("pipes were asked for")
            try:
                process.stdin.write(json.dumps(wanted) + "\n")
                process.stdin.flush()
            except BrokenPipeError:
                log.warning(
                    "a process that should try %s ended at once",
                    path,
                    extra=event("rehearsal.ended", model=name, path=path),
                )
            said = process.stdout.read()
        finally:
            patience.cancel()
    if process.returncode < 0:
        name = signal.Signals(-process.returncode).name
        raise ModelError(f"model {path} crashed the process that tried to load it, with {name}; export it again")
    if process.returncode:
        raise ModelError(f"model {path} cannot be loaded: the process that tried ended with {process.returncode}")
    answer = json.loads(said.splitlines()[-1])
    error = _ERRORS.get(answer["error"], FramebatchError) if answer["error"] else None
    if error is DeviceMemoryError:
        log.warning(
            "%s: too little memory to try it beside what runs; it is loaded all the same: %s",
            name,
            said,
            extra=event("rehearsal.skipped", model=name, reason=answer["message"]),
        )
    elif error is not None:
        raise error(answer["message"])


def main() -> None:
    """Try what the first line on stdin says, and tell the outcome on stdout; end when stdin does."""
    os.nice(NICENESS)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    wanted = json.loads(sys.stdin.readline())
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    answer = {"error": "", "message": ""}
    try:
        open_detector(Path(wanted["path"]), wanted["name"], Config(**wanted["config"])).close()
    except FramebatchError as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    os._exit(0)  # the thread at stdin would be waited for


def _leave_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)
