"""What the sweep asks of a measuring process, and what that answers: values, and their form as lines of JSON.

Both sides import this and little else, because a measuring process has to start quickly.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from framebatch.calibration.effort import Effort
from framebatch.device.devices import Device, parse_device
from framebatch.device.options import EngineOptions

__all__ = ["MODEL_FILE", "PICTURES_FILE", "IdleTask", "LoadTask", "RunTask", "Task", "pack_task", "unpack_task"]

MODEL_FILE: Final = "model.pickle"
PICTURES_FILE: Final = "pictures.npy"


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadTask:
    """Recognise, build and prove a model, and leave it in a folder with pictures for it.

    Answers one `loaded`.
    """

    folder: Path
    model: Path
    name: str | None
    device: Device
    options: EngineOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class RunTask:
    """Open the model that lies in a folder for one batch size, and time that.

    Answers one `memory`, one `began`, any number of `samples`, and one `reading`.
    """

    folder: Path
    batch: int
    seed: int
    effort: Effort


@dataclass(frozen=True, kw_only=True, slots=True)
class IdleTask:
    """Time the smallest batch after pauses, and without them.

    Answers a `rested` for each pause, and `samples` of the batches that followed another at once.
    """

    folder: Path
    batch: int
    seed: int
    pauses: tuple[tuple[int, int], ...]


Task = LoadTask | RunTask | IdleTask

_KINDS: Final[dict[str, type[Task]]] = {"load": LoadTask, "run": RunTask, "idle": IdleTask}


def pack_task(task: Task) -> str:
    """Put a task into one line."""
    kind = next(name for name, each in _KINDS.items() if isinstance(task, each))
    facts = dataclasses.asdict(task)
    if isinstance(task, LoadTask):
        facts["device"] = str(task.device)
    return json.dumps({"task": kind, **facts}, default=str)


def unpack_task(line: str) -> Task:
    """Read what `pack_task` wrote."""
    facts: dict[str, Any] = json.loads(line)
    kind = facts.pop("task")
    facts["folder"] = Path(facts["folder"])
    if kind == "run":
        return RunTask(**{**facts, "effort": Effort(**facts["effort"])})
    if kind == "idle":
        return IdleTask(**{**facts, "pauses": tuple((pause, count) for pause, count in facts["pauses"])})
    options = facts["options"]
    cache_dir = options["cache_dir"]
    options = EngineOptions(**{**options, "cache_dir": None if cache_dir is None else Path(cache_dir)})
    return LoadTask(
        **{**facts, "model": Path(facts["model"]), "device": parse_device(facts["device"]), "options": options}
    )
