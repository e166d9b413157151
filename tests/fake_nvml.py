"""The module pynvml as far as framebatch asks it, without a GPU: answers are set, and whatever is not set is refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class NVMLError(Exception):
    """What pynvml raises, also where a GPU does not support a question."""


class FakeNvml:
    """Stands where the imported module would.

    Attributes:
        answers: What each function answers, by its name; a list is answered piece by piece, the last one for good.
        opened: How often it was initialised and not yet shut down.
        asked: Names of the functions that were called, with their arguments.
    """

    NVMLError = NVMLError

    def __init__(self, **answers: Any) -> None:
        self.answers: dict[str, Any] = {"nvmlDeviceGetHandleByUUID": "handle", **answers}
        self.opened = 0
        self.asked: list[tuple[Any, ...]] = []

    def nvmlInit(self) -> None:  # noqa: N802 - NVML's names
        """Count."""
        self.opened += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        """Count."""
        self.opened -= 1

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> Any:
            self.asked.append((name, *arguments))
            if name not in self.answers:
                raise NVMLError("Not Supported")
            answer = self.answers[name]
            if isinstance(answer, list) and name != "nvmlDeviceGetComputeRunningProcesses":
                return answer.pop(0) if len(answer) > 1 else answer[0]
            return answer

        return call


def memory(used: int, total: int = 10_000) -> SimpleNamespace:
    """What nvmlDeviceGetMemoryInfo answers."""
    return SimpleNamespace(used=used, total=total, free=total - used)


def process(pid: int, used: int | None) -> SimpleNamespace:
    """A process of nvmlDeviceGetComputeRunningProcesses."""
    return SimpleNamespace(pid=pid, usedGpuMemory=used)
