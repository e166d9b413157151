"""Whether onnxruntime really computes where it lists a provider: a session of one addition, opened as a server opens its own.

Each trial is a process of its own: a library that does not fit may end the process that loads it, and why a provider
did not load is only told on stderr.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, NamedTuple

__all__ = ["Runtime", "try_runtime"]

_TIMEOUT_SECONDS: Final = 120.0
_CPU: Final = "CPUExecutionProvider"
_TRIED: Final = {
    _CPU: ("cpu", "auto"),
    "CUDAExecutionProvider": ("cuda", "cuda"),
    "TensorrtExecutionProvider": ("cuda", "tensorrt"),
}
"""What a server uses: device and choice of provider."""
_LONGEST: Final = 200


class Runtime(NamedTuple):
    """What is installed of onnxruntime, and what of it works here."""

    version: str = ""
    """Empty: it cannot be imported."""
    cuda: str = ""
    """The CUDA that it was built for, e.g. `13.0`; empty: it was built for none."""
    failures: tuple[tuple[str, str], ...] = ()
    """Of each provider that it lists and a server could use, by onnxruntime's name: why it does not compute, or ``."""
    error: str = ""
    """Why it cannot be imported."""

    def failure(self, provider: str) -> str | None:
        """Why a provider does not compute; empty: it does; None: it is not listed."""
        return dict(self.failures).get(provider)


def try_runtime(*, timeout_seconds: float = _TIMEOUT_SECONDS, program: tuple[str, ...] = ()) -> Runtime:
    """Try each provider that is listed; blocks for a second or two on a processor, longer with a GPU.

    Args:
        timeout_seconds: for each.
        program: what to start, in place of our own; it is given the provider's name.
    """
    command = program or (sys.executable, "-m", "framebatch.device.trial")
    first, error = _ask(command, _CPU, timeout_seconds)
    if first is None:
        return Runtime(error=error)
    failures = {_CPU: first["failure"]}
    for provider in _TRIED:
        if provider in first["listed"] and provider not in failures:
            answer, error = _ask(command, provider, timeout_seconds)
            failures[provider] = error if answer is None else _reason(answer["failure"], error)
    return Runtime(first["version"], first["cuda"], tuple(failures.items()))


def _ask(command: tuple[str, ...], provider: str, timeout_seconds: float) -> tuple[dict[str, Any] | None, str]:
    """The answer of one process and what it wrote on stderr; None where it gave none, and why."""
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            [*command, provider], capture_output=True, text=True, errors="replace", check=False, timeout=timeout_seconds
        )
    except subprocess.TimeoutExpired:
        return None, f"its trial did not end within {timeout_seconds:g} s"
    with contextlib.suppress(ValueError, IndexError):
        return json.loads(done.stdout.splitlines()[-1]), done.stderr
    last = [line for line in done.stderr.splitlines() if line.strip()][-1:] or [""]
    return None, f"its trial ended with {done.returncode}: {last[0][:_LONGEST]}".rstrip(": ")


def _reason(failure: str, stderr: str) -> str:
    """Why, in the words of the loader where it has some."""
    told = re.findall(r"with error: (.+)", stderr)
    return told[-1].strip()[:_LONGEST] if failure and told else failure


def _trial(provider: str) -> str:
    """Open a session and run it; answers why that failed, or nothing."""
    import numpy as np  # noqa: PLC0415 - in the trial's process only, where loading may fail
    from onnx import TensorProto, helper  # noqa: PLC0415 - as above

    from framebatch.device.devices import Device  # noqa: PLC0415 - as above
    from framebatch.device.graph import InputFormat  # noqa: PLC0415 - as above
    from framebatch.device.options import EngineOptions  # noqa: PLC0415 - as above
    from framebatch.device.program import Program  # noqa: PLC0415 - as above
    from framebatch.device.providers import open_session  # noqa: PLC0415 - as above
    from framebatch.errors import FramebatchError  # noqa: PLC0415 - as above

    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "trial", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    form = InputFormat(name="x", width=1, height=1, batch_size=1, scale=1.0, mean=(0.0,) * 3, std=(1.0,) * 3)
    content = model.SerializeToString()
    program = Program(content=content, folder=Path(), form=form, pictures_in=False, fused=False, batch_size=1)
    kind, choice = _TRIED[provider]
    try:
        opened = open_session(program, Device(kind=kind), EngineOptions(provider=choice, threads=1), max_batch=1)
    except FramebatchError as error:
        return str(error)
    found = opened.session.run(None, {"x": np.ones(1, np.float32)})[0]
    return "" if found.tolist() == [2.0] else f"1 + 1 is {found.tolist()[0]} there"


def _main(provider: str) -> None:
    """Print what is known, and how the trial of a provider went, as one line of JSON."""
    with contextlib.redirect_stdout(sys.stderr):
        import onnxruntime  # noqa: PLC0415 - where it is broken, only this process ends

        try:
            failure = _trial(provider)
        except Exception as error:  # noqa: BLE001 - whatever a broken installation raises is the answer
            failure = f"{type(error).__name__}: {error}"
    answer = {
        "version": onnxruntime.__version__,
        "cuda": getattr(onnxruntime, "cuda_version", "") or "",
        "listed": onnxruntime.get_available_providers(),
        "failure": failure[:_LONGEST],
    }
    print(json.dumps(answer))  # noqa: T201 - the answer to who started this process


if __name__ == "__main__":
    _main(sys.argv[1])
