"""Everything that a machine with a GPU can show about the device's side, in one run of a few minutes.

    gpu_check.py                                   cuda:0, the bundled model and what lies in the folder of test assets
    gpu_check.py --out results/NAME                also writes NAME.json and NAME.md
    gpu_check.py --device cpu --quick              the same sections, shortened, without a GPU: proves this script

Each section stands alone: one that fails is reported, and the next goes on. When --minutes are over, what is left is
reported as left out. Exit status 1 when a section failed or a goal was missed.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gpu_answers
import gpu_calibration
import gpu_memory
import gpu_speed
import onnxruntime

from framebatch.detection.imaging import use_one_thread_per_picture
from framebatch.device.devices import Device, parse_device
from framebatch.device.memory import device_memory
from framebatch_models import find

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).resolve().parent.parent
GOOD_ENOUGH: Final = ("ok", "not here")


@dataclass
class Run:
    """One run: what it works with, and what it has found so far.

    Attributes:
        device: To be checked.
        assets: Folder of test models and photos; None where there is none.
        quick: Whether each section does the least that still runs all of its code.
        stop_at: `time.monotonic()` after which nothing new begins.
        models: To measure speed with: the bundled one, and a larger one where there are assets.
        sections: What was found, by section.
        said: What was printed.
    """

    device: Device
    assets: Path | None
    quick: bool
    stop_at: float
    models: list[Path] = field(default_factory=list)
    sections: dict[str, dict[str, Any]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    @property
    def gpu(self) -> bool:
        """Whether the device is one."""
        return self.device.kind == "cuda"

    @property
    def left_seconds(self) -> float:
        """How much time there is."""
        return self.stop_at - time.monotonic()

    def say(self, text: str) -> None:
        """Print at once, and keep: what was found must survive a run that is cut short."""
        print(text, flush=True)
        self.said.append(text)


SECTIONS: Final[dict[str, Callable[[Run], dict[str, Any]]]] = {
    "provider": gpu_answers.provider,
    "right": gpu_answers.right,
    "fused against plain": gpu_answers.fused,
    "speed by bucket": gpu_speed.by_bucket,
    "served over raw": gpu_speed.served_over_raw,
    "lanes and pinning": gpu_speed.lanes,
    "changing batch sizes": gpu_speed.changing_sizes,
    "out of memory": gpu_memory.ladder,
    "memory flat": gpu_memory.flat,
    "calibration": gpu_calibration.calibration,
    "tensorrt": gpu_speed.tensorrt,
}


def take(run: Run, name: str) -> None:
    """Do one section, whatever happens in it."""
    run.say(f"\n## {name}\n")
    began = time.monotonic()
    if run.left_seconds <= 0:
        run.sections[name] = {"state": "left out", "why": "the time was over"}
        run.say("left out: the time was over")
        return
    try:
        found = SECTIONS[name](run)
        state = "missed" if found.get("missed") else "not here" if found.get("not_here") else "ok"
        run.sections[name] = {"state": state, **found}
    except Exception as error:  # noqa: BLE001 - what one section stumbles over must not hide the others
        run.sections[name] = {"state": "failed", "why": f"{type(error).__name__}: {error}"}
        traceback.print_exc()
    seconds = time.monotonic() - began
    run.sections[name]["seconds"] = round(seconds, 1)
    why = run.sections[name].get("why") or run.sections[name].get("missed") or run.sections[name].get("not_here") or ""
    run.say(f"\n{name}: {run.sections[name]['state']} in {seconds:.1f} s{f': {why}' if why else ''}")


def facts(device: Device) -> dict[str, Any]:
    """What the figures depend on."""
    memory = device_memory(device)
    return {
        "date": time.strftime("%Y-%m-%d %H:%M:%S %Z"),
        "python": platform.python_version(),
        "onnxruntime": onnxruntime.__version__,
        "providers": onnxruntime.get_available_providers(),
        "machine": platform.platform(),
        "device": str(device),
        "memory_bytes": memory._asdict() if memory else None,
    }


def assets_folder(named: Path | None) -> Path | None:
    """The folder of test assets, where there is one."""
    folder = named or ROOT.parent / "shared" / "assets"
    if not folder.is_dir():
        folder = ROOT / "shared" / "assets"
    return folder if folder.is_dir() else None


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--device", default="cuda:0", help="cuda:N or cpu (default: cuda:0)")
    options.add_argument("--assets", type=Path, help="folder of test models and photos (default: ../shared/assets)")
    options.add_argument("--model", type=Path, action="append", help="an ONNX file to measure speed with")
    options.add_argument("--out", type=Path, help="write OUT.json and OUT.md")
    options.add_argument("--minutes", type=float, default=7.5, help="begin nothing new after so long (default: 7.5)")
    options.add_argument("--quick", action="store_true", help="the least that runs all of the code")
    options.add_argument(
        "--only", action="append", choices=list(SECTIONS), help="a section to do; several may be given"
    )
    return options


def main() -> None:
    """Run it."""
    options = parser().parse_args()
    use_one_thread_per_picture()
    run = Run(
        device=parse_device(options.device),
        assets=assets_folder(options.assets),
        quick=options.quick,
        stop_at=time.monotonic() + options.minutes * 60,
    )
    larger = run.assets and run.assets / "models" / "yolov8n_dyn640.onnx"
    run.models = options.model or [find("conveyor"), *([larger] if larger and larger.is_file() else [])]
    document: dict[str, Any] = {"facts": facts(run.device), "sections": run.sections}
    for name, value in document["facts"].items():
        run.say(f"- {name}: {value}")
    for name in options.only or SECTIONS:
        take(run, name)
        if options.out is not None:  # after each section: a run that is cut short leaves what it found
            options.out.parent.mkdir(parents=True, exist_ok=True)
            options.out.with_suffix(".json").write_text(json.dumps(document, indent=1, default=str) + "\n")
            options.out.with_suffix(".md").write_text("\n".join([f"# {run.device}", "", *run.said]) + "\n")
    run.say("\n## in short\n")
    for name, found in run.sections.items():
        run.say(f"- {name}: {found['state']}")
    sys.exit(any(found["state"] not in GOOD_ENOUGH for found in run.sections.values()))


if __name__ == "__main__":
    main()
