"""What was found out about a model at an earlier start, so that a restart neither builds nor proves it again.

Only remembering belongs here. It holds for the same file, weights and manifest, the same options, machine and libraries,
and the same version of framebatch; anything else is found out anew.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import framebatch
from framebatch.detection.report import LoadReport
from framebatch.device.engine import OnnxEngine
from framebatch.device.graph_cache import GraphCache, cache_key
from framebatch.device.program import Program
from framebatch.device.providers import CPU, machine_facts
from framebatch.errors import DeviceError, ModelError
from framebatch.logs import event

if TYPE_CHECKING:
    from framebatch.detection.spec import ModelSpec
    from framebatch.device.devices import Device
    from framebatch.device.graph import InputFormat
    from framebatch.device.model_file import ModelFile
    from framebatch.device.options import EngineOptions

__all__ = ["Loaded", "Memory", "Wanted"]

log = logging.getLogger(__name__)

_NOT_PROVEN: Final = frozenset({"confidence", "iou", "max_detections", "labels", "version", "description", "license"})
"""What is done with the answers, and plays no part in the proof."""


class Wanted(NamedTuple):
    """Where and how a model is to run."""

    device: Device
    options: EngineOptions
    max_batch: int | None
    """The largest batch; None: what suits the device."""


class Loaded(NamedTuple):
    """A model on its device."""

    program: Program
    engine: OnnxEngine
    max_batch: int
    """The largest batch that is to be run, where the program takes any."""
    report: LoadReport


class Memory:
    """What is remembered of one model, loaded in one way."""

    def __init__(self, model: ModelFile, spec: ModelSpec, form: InputFormat, wanted: Wanted) -> None:
        """Find out what everything depends on; nothing is read yet but the sizes and times of weights' files."""
        self._folder = model.path.parent
        self._form = form
        self._wanted = wanted
        self._cache = GraphCache()
        extras = {name: (str(value.dtype), value.tolist()) for name, value in form.extras.items()}
        fields = (field.name for field in dataclasses.fields(spec) if field.name not in {*_NOT_PROVEN, "extras"})
        self._key = cache_key(
            {
                "framebatch": [framebatch.__version__, _sources()],
                "model": [model.sha256, *(_stamp(self._folder / name) for name in model.weight_files)],
                "spec": {name: getattr(spec, name) for name in fields},
                "extras": extras,
                "device": str(wanted.device),
                "options": dataclasses.asdict(wanted.options),
                "max_batch": wanted.max_batch,
                "machine": machine_facts(),
            }
        )

    def recall(self) -> Loaded | None:
        """Open what was kept; None where nothing was, or where it does not open as it did."""
        kept = self._cache.get(self._key)
        if kept is None:
            return None
        facts = kept.facts
        report = dataclasses.replace(LoadReport.from_facts(facts["report"]), remembered=True)
        form = dataclasses.replace(self._form, batch_size=facts["batch_size"])
        program = Program(
            content=kept.content,
            folder=self._folder,
            form=form,
            pictures_in=report.pictures_in,
            fused=report.fused,
            batch_size=facts["batch_size"],
        )
        options = dataclasses.replace(self._wanted.options, threads=report.threads or self._wanted.options.threads)
        try:
            engine = OnnxEngine(program, self._wanted.device, options=options, max_batch=facts["max_batch"])
        except (DeviceError, ModelError) as error:
            log.warning(
                "a kept program is not used, but built anew: %s", error, extra=event("program.not_reused", reason=error)
            )
            return None
        if _where(engine) != facts["where"]:
            engine.close()
            return None
        return Loaded(program, engine, facts["max_batch"], report)

    def keep(self, loaded: Loaded) -> None:
        """Remember a model as it was loaded."""
        facts: dict[str, Any] = {
            "report": loaded.report.to_facts(),
            "batch_size": loaded.program.batch_size,
            "max_batch": loaded.max_batch,
            "where": _where(loaded.engine),
        }
        self._cache.put(self._key, loaded.program.content, facts)


def _where(engine: OnnxEngine) -> str:
    """Which kind of device it is; the processor's is among the machine's facts, and its name tells of threads too."""
    return engine.provider if engine.provider == CPU else engine.device


def _stamp(path: Path) -> list[Any]:
    """What changes when a file of weights does, without reading gigabytes."""
    facts = path.stat() if path.is_file() else None
    return [path.name, facts and facts.st_size, facts and facts.st_mtime_ns]


def _sources() -> str:
    """A hash of the code that builds and proves, because a version may be installed from a working copy that changes."""
    digest = hashlib.sha256()
    for room in ("device", "detection"):
        for path in sorted((Path(framebatch.__file__).parent / room).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
