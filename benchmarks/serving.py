"""A server under test: started as a process, found by its ready line, its CPU time read from the kernel."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final, Self

__all__ = ["Server", "cpu_seconds"]

TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has used so far (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


class Server:
    """`framebatch serve` with the given options on free ports."""

    def __init__(self, *options: str) -> None:
        self._command = (sys.executable, "-m", "framebatch.cli", "serve", "--port", "0", "--http-port", "0", *options)
        self._process: subprocess.Popen[str] | None = None
        self.facts: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Server({' '.join(self._command[3:])})"

    @property
    def process(self) -> subprocess.Popen[str]:
        """The running process."""
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process

    @property
    def address(self) -> tuple[str, int]:
        """Of the gRPC port."""
        host, _, port = self.facts["grpc"].rpartition(":")
        return host, int(port)

    def decoders(self) -> list[int]:
        """Process ids of its decoders."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text(encoding="ascii").split()]

    def cpu(self) -> tuple[float, float]:
        """CPU seconds used so far: by the server itself, and by its decoders."""
        return cpu_seconds(self.process.pid), sum(map(cpu_seconds, self.decoders()))

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1
        )
        output = self._process.stdout
        line = output.readline() if output is not None else ""
        if not line.startswith("ready "):
            raise RuntimeError(f"the server did not start: {' '.join(self._command)}")
        head, _, device = line.strip().removeprefix("ready ").partition(" device=")
        self.facts = dict(item.split("=", 1) for item in head.split(" ")) | {"device": device}
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
