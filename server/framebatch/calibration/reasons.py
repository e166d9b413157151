"""The reason of a choice in plain words. Nothing is decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from framebatch.calibration.wording import inside, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framebatch.profile import Allowed

__all__ = ["Rule", "explain", "failure"]

Rule = Literal["memory", "deadline", "throughput", "limit", "failure"]

NAMES: Final[Mapping[Rule, str]] = {
    "memory": "memory",
    "deadline": "the deadline",
    "throughput": "throughput",
    "limit": "the limit",
    "failure": "a failure",
}


def explain(chosen: int, bound_by: Rule, rules: Mapping[Rule, Allowed], *, only: bool) -> str:
    """What to use, which rule says so with its figures, and what the others would have allowed.

    Args:
        chosen: the largest batch to use.
        bound_by: the rule that allowed least; `limit` where none did.
        rules: what each would allow.
        only: whether there was no other size to choose.
    """
    use = f"Use batches of {chosen}, the only size that ran." if only else f"Use batches of up to {chosen}."
    if not only and chosen == 1:
        use = "Use batches of 1."
    if bound_by == "limit":
        return f"{use} No rule binds: nothing larger was tried. {' '.join(rule.why for rule in rules.values())}"
    binding = rules[bound_by]
    no_good = "" if binding.max_batch else f", and even {chosen} is more than it allows"
    why = f"{_capital(NAMES[bound_by])} binds{no_good}: {inside(binding.why)}"
    failed = rules["failure"].why if "failure" in rules and bound_by != "failure" else ""
    return " ".join(part for part in (use, why, _others(binding.max_batch, bound_by, rules), failed) if part)


def failure(batch: int, why: str) -> str:
    """That a size failed, and how, as far as it is known."""
    return f"A batch of {batch} failed{': ' if why else ''}{why.rstrip('.')}."


def _others(least: int, bound_by: Rule, rules: Mapping[Rule, Allowed]) -> str:
    """What the other rules would allow: `Throughput would allow 24, memory at least 64.` and the like."""
    others = {name: rule for name, rule in rules.items() if name not in {bound_by, "failure"}}
    none_more = [NAMES[name] for name, rule in others.items() if rule.max_batch == least and not rule.at_least]
    more = [
        f"{NAMES[name]}{'' if number else ' would allow'}{' at least' if rule.at_least else ''} {rule.max_batch}"
        for number, (name, rule) in enumerate(
            (name, rule) for name, rule in others.items() if NAMES[name] not in none_more
        )
    ]
    sentences = []
    if none_more:
        sentences.append(f"{_capital(listed(none_more))} would allow no more.")
    if more:
        sentences.append(f"{_capital(', '.join(more))}.")
    return " ".join(sentences)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
