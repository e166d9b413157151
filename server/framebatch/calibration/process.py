"""The parent's side of one measuring process: start it, listen, end it in time, and say what became of it.

Whatever happens, the process and all that it started are gone when a call returns or raises. What is measured, and
when, is decided elsewhere.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Literal, NamedTuple

from framebatch.calibration.messages import pack_task
from framebatch.calibration.points import Failure, Point, StageSamples
from framebatch.clock import now_ns, ns_to_seconds
from framebatch.device.meter import MemoryTotal, Reading
from framebatch.logs import event

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from framebatch.calibration.messages import Task

__all__ = ["PROGRAM", "Answered", "Ended", "measure_point", "run_task"]

log = logging.getLogger(__name__)

PROGRAM: Final = (sys.executable, "-m", "framebatch.calibration.point")
CHUNK: Final = 1 << 16
TICK_SECONDS: Final = 0.2
REASON_LENGTH: Final = 300
LONGEST_DEATH_SECONDS: Final = 10


class Ended(NamedTuple):
    """How a measuring process ended."""

    failure: Failure | Literal["model"]
    """Empty: it did what it was asked. `model`: the model or an option is at fault."""
    why: str
    """For people; empty where nothing failed."""


def run_task(
    task: Task,
    *,
    limit_ns: int,
    on_answer: Callable[[dict[str, Any]], None],
    on_tick: Callable[[], None] | None = None,
    program: Sequence[str] = PROGRAM,
) -> Ended:
    """Have a process do one task; blocks until it has ended.

    Args:
        task: What to do.
        limit_ns: After this time it is killed.
        on_answer: Given each of its answers at once, but for those that only say how it ended.
        on_tick: Called several times a second.
        program: What to start, in place of our own.

    """
    kills = _memory_kills()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603 - our own command
            program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, process_group=0
        )
        try:
            verdict = _listen(process, task, now_ns() + limit_ns, on_answer, on_tick)
            if verdict is None:
                code = process.wait(max(0.1, ns_to_seconds(limit_ns)))
                verdict = _verdict(code, _last_line(errors), by_kernel=_memory_kills() > kills)
        except subprocess.TimeoutExpired:
            verdict = _too_long(limit_ns)
        except _TooLongError:
            verdict = _too_long(limit_ns)
        except _GarbledError as error:
            verdict = Ended("crash", str(error))
        finally:
            _end(process)
    return verdict


class Answered:
    """What one process has answered so far of one batch size; a point can be made of it at any time.

    Attributes:
        memory: What there is for batches, as the process found it before it loaded anything; None: nobody can tell.
        startup_ns: From its start to the first timed batch; 0 before that.
    """

    def __init__(self, batch: int, number: int) -> None:
        self.batch = batch
        self.number = number
        self.memory: MemoryTotal | None = None
        self.startup_ns = 0
        self._began_ns = now_ns()
        self._rows: list[list[int | None]] = []
        self._reading = Reading()

    def __repr__(self) -> str:
        return f"<Answered batch {self.batch}, pass {self.number}, {len(self._rows)} samples>"

    @property
    def samples(self) -> int:
        """How many batches were timed so far."""
        return len(self._rows)

    def take(self, answer: dict[str, Any]) -> None:
        """Note one answer."""
        if answer.get("memory"):
            self.memory = MemoryTotal(**answer["memory"])
        if answer.get("began"):
            self.startup_ns = now_ns() - self._began_ns
        self._rows += answer.get("samples", ())
        if "reading" in answer:
            facts = answer["reading"]
            self._reading = Reading(**{**facts, "throttled": tuple(facts["throttled"])})

    def point(self, ended: Ended | None = None) -> Point:
        """Answer what this comes to; None for `ended`: it was stopped by us."""
        columns = [tuple(value for value in column if value is not None) for column in zip(*self._rows, strict=True)]
        services, fill, copy_in, compute, copy_out, parse = columns or [()] * 6
        failure = ended.failure if ended else ""
        return Point(
            batch=self.batch,
            number=self.number,
            samples_ns=services,
            stages=StageSamples(
                fill_ns=fill, copy_in_ns=copy_in, compute_ns=compute, copy_out_ns=copy_out, parse_ns=parse
            ),
            reading=self._reading,
            failure="device" if failure == "model" else failure,
            why=ended.why if ended else "",
        )


def measure_point(
    task: Task,
    answered: Answered,
    *,
    limit_ns: int,
    on_tick: Callable[[], None] | None = None,
    program: Sequence[str] = PROGRAM,
) -> Point:
    """Measure one batch size in a process of its own; whatever becomes of that, there is a point.

    Args:
        task: What to do.
        answered: Filled meanwhile, so that what was measured can be had when this is interrupted.
        limit_ns: As for `run_task`.
        on_tick: As there.
        program: As there.

    """
    ended = run_task(task, limit_ns=limit_ns, on_answer=answered.take, on_tick=on_tick, program=program)
    point = answered.point(ended)
    if not point.failure and not point.samples_ns:
        return answered.point(Ended("crash", "the measuring process ended without having measured anything"))
    return point


class _TooLongError(Exception):
    """The process did not end in time."""


class _GarbledError(Exception):
    """The process wrote something that is no answer."""


def _listen(
    process: subprocess.Popen[bytes],
    task: Task,
    until_ns: int,
    on_answer: Callable[[dict[str, Any]], None],
    on_tick: Callable[[], None] | None,
) -> Ended | None:
    """Pass on what it answers until it hangs up; answers what it said of its own end."""
    assert process.stdin is not None  # noqa: S101 - for the type checker: they are pipes
    assert process.stdout is not None  # noqa: S101 - as above
    with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
        stdin.write(pack_task(task).encode() + b"\n")
    verdict, rest = None, b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            left_seconds = ns_to_seconds(until_ns - now_ns())
            if left_seconds <= 0:
                raise _TooLongError
            ready = selector.select(min(left_seconds, TICK_SECONDS))
            if on_tick is not None:
                on_tick()
            if not ready:
                continue
            data = os.read(process.stdout.fileno(), CHUNK)
            if not data:
                return verdict
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                answer = _answer(line)
                if "failed" in answer:
                    verdict = Ended(answer["failed"], answer["why"])
                elif "done" in answer:
                    verdict = Ended("", "")
                else:
                    on_answer(answer)


def _answer(line: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(line)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise _GarbledError(f"the measuring process wrote {line[:80]!r}, which is no answer")
    return answer


def _verdict(code: int, said: str, *, by_kernel: bool) -> Ended:
    """What an end without a word means."""
    if code == -signal.SIGKILL and by_kernel:
        return Ended("memory", "the kernel killed the measuring process, because the host ran out of memory")
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return Ended("crash", _with("the measuring process was ended by " + name, said))
    return Ended("crash", _with(f"the measuring process ended with exit code {code}", said))


def _too_long(limit_ns: int) -> Ended:
    return Ended("timeout", f"it did not end within {ns_to_seconds(limit_ns):.3g} s")


def _with(what: str, said: str) -> str:
    return f"{what}: {said}" if said else what


def _last_line(errors: IO[bytes]) -> str:
    """The last thing that it said on standard error."""
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - CHUNK))
    lines = errors.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip()[:REASON_LENGTH] if lines else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of it, and wait for it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    try:
        process.wait(LONGEST_DEATH_SECONDS)
    except subprocess.TimeoutExpired:
        log.warning(
            "measuring process %d is stuck in the kernel, most likely in a driver",
            process.pid,
            extra=event("calibration.stuck", pid=process.pid),
        )
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def _memory_kills() -> int:
    """How many processes the kernel has killed for want of memory, as far as one may know."""
    for line in _lines(Path("/proc/vmstat")):
        name, _, count = line.partition(" ")
        if name == "oom_kill":
            return int(count)
    return 0


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except OSError:
        return []
