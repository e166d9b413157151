"""How a model of the repository looks from outside. Describes; changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framebatch.edge.catalogue import ModelStatus, State, VersionStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framebatch.app.entry import Entry
    from framebatch.app.served import Served
    from framebatch.app.shelf import Candidate

__all__ = ["status_of"]


def status_of(
    name: str, entry: Entry, versions: Mapping[int, Candidate], *, default: bool, pinned: int | None
) -> ModelStatus:
    """Everything about one model.

    Args:
        name: its own.
        entry: what is known of it.
        versions: as they lie on the disk.
        default: whether it answers frames that name no model.
        pinned: the version that the file `pinned` names; 0 where that cannot be read.
    """
    found = {number: VersionStatus(version=number, state=State.AVAILABLE) for number in versions}
    for number, (candidate, reason) in entry.failed.items():
        if versions.get(number) == candidate:
            found[number] = VersionStatus(version=number, state=State.FAILED, reason=reason)
    if entry.loading is not None:
        number = entry.loading.version
        found[number] = VersionStatus(version=number, state=State.LOADING)
    if entry.leaving is not None:
        number = entry.leaving.candidate.version
        found[number] = _loaded(entry.leaving, State.UNLOADING, "")
    if entry.serving is not None:
        number = entry.serving.candidate.version
        found[number] = _loaded(entry.serving, State.READY, _doubt(entry, versions.get(number)))
    why = ""
    if entry.unloaded:
        why = "unloaded by a call, until it is loaded by one"
    elif entry.chosen:
        why = f"version {entry.chosen} was chosen by a call, until another is or the server restarts"
    elif pinned:
        why = f"version {pinned} is chosen by the file 'pinned'"
    elif pinned == 0:
        why = "the file 'pinned' names no version"
    return ModelStatus(
        name=name,
        default=default,
        versions=tuple(found[number] for number in sorted(found, reverse=True)),
        pinned=why,
    )


def _doubt(entry: Entry, there: Candidate | None) -> str:
    """What a person should know of the version that serves."""
    serving = entry.serving
    if serving is None or there == serving.candidate:
        return ""
    if there is None:
        return "its files are gone; it serves from memory"
    if entry.loading == there:
        return "its files changed and are being loaded"
    known = entry.failed.get(there.version)
    if known is not None and known[0] == there:
        return f"its files changed and cannot be served, so it serves as it was: {known[1]}"
    return "its files changed"


def _loaded(served: Served, state: State, reason: str) -> VersionStatus:
    detector, spec = served.detector, served.detector.spec
    return VersionStatus(
        version=served.candidate.version,
        state=state,
        reason=reason,
        label=served.model.version,
        family=spec.family,
        input_width=spec.input_width,
        input_height=spec.input_height,
        labels=tuple(spec.labels),
        batch_sizes=detector.buckets,
        device=detector.device,
        provider=detector.provider,
        sha256=spec.sha256,
        report=served.report,
    )
