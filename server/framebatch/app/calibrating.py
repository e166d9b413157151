"""The first start of a model on a device: a quick calibration before anybody is served, kept for the later starts.

How calibrating is done is `framebatch.calibration`'s business; whether it is to be done, that of `profiles`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
from typing import TYPE_CHECKING, Final, TypeAlias

from framebatch.app.opening import engine_options
from framebatch.calibration.sweep import Wanted, calibrate
from framebatch.clock import ms_to_ns
from framebatch.device.devices import parse_device
from framebatch.errors import FramebatchError, ModelError, UsageError
from framebatch.logs import event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from framebatch.calibration.sweep import Progress
    from framebatch.config import Config
    from framebatch.profile import Profile, ProfileStore

__all__ = ["Calibrate", "Shown", "calibrate_command", "logged", "quick_profile"]

log = logging.getLogger(__name__)

Calibrate: TypeAlias = "Callable[[Wanted, Callable[[Progress], None]], Profile]"
"""As `calibration.sweep.calibrate`."""
Shown: TypeAlias = "Callable[[str], AbstractContextManager[Callable[[Progress], None]]]"
"""Is given a model's name, and shows how far its calibration is for as long as it is entered."""
LINES: Final = 5
"""How many the log has of one calibration."""


def quick_profile(
    path: Path,
    name: str,
    config: Config,
    *,
    store: ProfileStore,
    shown: Shown,
    command: str,
    calibrate: Calibrate = calibrate,
) -> Profile | None:
    """Measure for up to 20 s, and keep what was found; None where that is not possible, which the log then says.

    Args:
        path: of the ONNX file; not loaded in this process, so that its memory is free.
        name: what to call it.
        config: settings of the server. The largest batch is not among what is measured by: the profile is for any later
            start, too.
        store: where to keep it. Nothing is measured when that is not possible: the next start would have to again.
        shown: shows how far it is.
        command: what calibrates the model fully, for people.
        calibrate: who measures.
    """
    wanted = Wanted(
        model=path,
        name=name,
        device=parse_device(config.device),
        options=engine_options(config),
        deadline_ns=ms_to_ns(config.deadline_ms),
        quick=True,
        command="framebatch serve",
    )
    try:
        _be_able_to_keep(store.folder)
        log.info(
            "%s: no profile of it on this device, so it is measured once, for up to 20 s. To measure fully: %s; to start "
            "without: --profile off",
            name,
            command,
            extra=event("calibration.began", model=name, command=command),
        )
        with shown(name) as on_progress:
            profile = calibrate(wanted, on_progress)
        store.add(profile)
    except ModelError as error:
        log.info(  # loading it raises the same, and is heard
            "%s: not calibrated: %s", name, error, extra=event("calibration.refused", model=name, reason=error)
        )
        return None
    except (FramebatchError, OSError) as error:
        log.warning(
            "%s: not calibrated, but measured briefly: %s. To find out more: %s",
            name,
            error,
            command,
            extra=event("calibration.failed", model=name, reason=error, command=command),
        )
        return None
    return profile


def calibrate_command(config: Config, path: Path) -> str:
    """What calibrates a model fully for a server of these settings, to be typed.

    Args:
        config: settings of the server.
        path: of the ONNX file, where the settings name no model.
    """
    words = ["framebatch", "calibrate", "--model", config.model or str(path)]
    if config.device != "auto":
        words += ["--device", config.device]
    if config.threads:
        words += ["--threads", str(config.threads)]
    if config.provider != "auto":
        words += ["--providers", config.provider]
    words += [f"--{name.replace('_', '-')}" for name in ("tf32", "fp16", "cuda_graph") if getattr(config, name)]
    return shlex.join(words)


@contextlib.contextmanager
def logged(name: str) -> Iterator[Callable[[Progress], None]]:
    """Say in the log how far the calibration of a model is, a few times."""
    said = 0

    def say(progress: Progress) -> None:
        nonlocal said
        if int(progress.share * LINES) > said:
            said = int(progress.share * LINES)
            share = 100 * progress.share
            log.info(
                "%s: %.0f %% measured, %.0f s to go: %s",
                name,
                share,
                progress.left_seconds,
                progress.stage,
                extra=event(
                    "calibration.progress",
                    model=name,
                    share=progress.share,
                    left_seconds=progress.left_seconds,
                    stage=progress.stage,
                ),
            )

    yield say


def _be_able_to_keep(folder: Path) -> None:
    """Raise UsageError or OSError unless files can be put into a folder, which need not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"a profile could not be kept, as {folder} cannot be written to; set XDG_DATA_HOME")
