"""Which family a model is: the manifest's word, else what the exporter states, else the one family that nothing speaks against.

Guessing ends where two families would both fit: a detector that is read wrongly answers nonsense without an error. So an
ambiguous model is refused, with the manifest key that settles it and with what was seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from framebatch.detection.recognition.refusals import why_not_served
from framebatch.detection.recognition.rules import RULES
from framebatch.errors import ModelError

if TYPE_CHECKING:
    from framebatch.detection.recognition.evidence import Evidence
    from framebatch.detection.recognition.metadata import Exporter

__all__ = ["Finding", "decide"]


class Finding(NamedTuple):
    """What was found out."""

    family: str
    """A key of `rules.RULES`."""
    classes: int
    """How many classes the outputs have; 0: they do not tell."""
    why: str
    """What was seen, as a sentence for people."""


def decide(where: str, evidence: Evidence, exporter: Exporter, *, manifest: str, named: str | None) -> Finding:
    """Find the family of a model.

    Args:
        where: The model, as messages name it.
        evidence: Shapes, names and values.
        exporter: What the metadata say.
        manifest: File name of the manifest, for the remedy.
        named: The family that the manifest names, if any.

    Raises:
        ModelError: no family fits, or more than one; or the outputs cannot be those of the family that is named.

    """
    if named is not None:
        return _as_stated(where, evidence, named, "the manifest names it")
    if exporter.family is not None and _classes(evidence, exporter.family) is not None:
        return _as_stated(where, evidence, exporter.family, exporter.reason)
    seen = _by_shape(evidence, exporter)
    certain = len(seen) == 1 and bool(exporter.names)  # exporters who name classes also give the family its usual form
    doubts = {} if certain else {family: reason for family in seen if (reason := RULES[family].against(evidence))}
    left = [family for family in seen if family not in doubts]
    if len(left) != 1:
        raise ModelError(f"{where}: {_refusal(evidence, seen, doubts, manifest)}")
    family = left[0]
    excluded = "".join(f"; not {other}: {reason}" for other, reason in doubts.items())
    return Finding(family, RULES[family].classes(evidence) or 0, f"{seen[family]}{excluded}")


def _as_stated(where: str, evidence: Evidence, family: str, reason: str) -> Finding:
    classes = RULES[family].classes(evidence)
    if classes is None:
        raise ModelError(
            f"{where}: read as {family} ({reason}), but its outputs ({_outputs(evidence)}) cannot be that family's; "
            "correct the manifest key family"
        )
    if classes and evidence.names not in {None, classes}:
        raise ModelError(
            f"{where}: read as {family} ({reason}), its outputs ({_outputs(evidence)}) have {classes} classes, but "
            f"{evidence.names} names are given; correct the manifest key labels or family"
        )
    return Finding(family, classes, reason)


def _classes(evidence: Evidence, family: str) -> int | None:
    """How many classes the outputs have, read as `family` (0: they do not tell); None where that cannot be."""
    classes = RULES[family].classes(evidence)
    return None if classes and evidence.names not in {None, classes} else classes


def _by_shape(evidence: Evidence, exporter: Exporter) -> dict[str, str]:
    """The families that names and shapes allow, each with what speaks for it."""
    seen = {}
    for family, rule in RULES.items():
        if _classes(evidence, family) is None or (family == "end_to_end" and exporter.raw):
            continue
        signs = rule.signs(evidence)
        if signs:
            seen[family] = signs
    return seen


def _refusal(evidence: Evidence, seen: dict[str, str], doubts: dict[str, str], manifest: str) -> str:
    remedy = f"name it in {manifest} beside it with the key family ({', '.join(RULES)})"
    left = [family for family in seen if family not in doubts]
    if left:
        fits = ", or ".join(f"{family} ({seen[family]})" for family in left)
        return f"more than one family fits: {fits}; {remedy}"
    known = None if seen else why_not_served(evidence)
    if known:
        return known
    names = f" and its {evidence.names} class names" if evidence.names is not None else ""
    tried = "".join(f"; not {family}: {reason}" for family, reason in doubts.items())
    correct = "; or correct its labels" if names else ""
    return f"no family of detectors is certain from its outputs ({_outputs(evidence)}){names}{tried}; {remedy}{correct}"


def _outputs(evidence: Evidence) -> str:
    return "; ".join(map(str, evidence.tensors))
