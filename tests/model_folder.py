"""Folders of models, laid out for tests. Only files are made here."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from framebatch_models import find

if TYPE_CHECKING:
    from pathlib import Path


def put(folder: Path, name: str, version: int | None = None, *, broken: bool = False) -> Path:
    """Lay a model, or one version of it, into the folder as deployments should: whole, or not at all.

    Its labels begin with the number of the version, so that an answer shows whose they are. Answer its ONNX file.
    """
    path = folder / f"{name}.onnx" if version is None else folder / name / str(version) / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    manifest = find("conveyor").with_suffix(".toml").read_text(encoding="utf-8")
    if version is not None:
        manifest = manifest.replace('labels = ["', f'labels = ["{version}-').replace(', "', f', "{version}-')
    path.with_suffix(".toml").write_text(manifest, encoding="utf-8")
    whole = path.with_name(".new")
    if broken:
        whole.write_bytes(b"not a model")
    else:
        shutil.copyfile(find("conveyor"), whole)
    whole.replace(path)
    return path


def touch(path: Path) -> None:
    """Let a file look changed."""
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
