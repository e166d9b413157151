"""framebatch.faults: what pydantic finds wrong, in values to word one line from."""

from __future__ import annotations

from typing import Any, Self

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from framebatch.faults import Fault, first_fault


class Part(BaseModel):
    """Something with a rule of its own."""

    low: int = 0
    high: int = 1

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


class Whole(BaseModel):
    """Something that has parts."""

    model_config = ConfigDict(extra="forbid")

    name: str
    parts: list[Part] = []


def fault_of(**fields: Any) -> Fault:
    """What is found first."""
    with pytest.raises(ValidationError) as caught:
        Whole(**fields)
    return first_fault(caught.value)


def test_a_value_that_breaks_a_rule_is_found_where_it_stands() -> None:
    """Its place is a path of names and numbers."""
    fault = fault_of(name="a", parts=[{}, {"low": "x"}])
    assert (fault.field, fault.kind, fault.value) == ("parts.1.low", "int_parsing", "'x'")
    assert fault.rule == "Input should be a valid integer, unable to parse string as an integer"


def test_only_the_first_of_several_is_told() -> None:
    """One line is for one fault."""
    assert fault_of(name=3, parts=3).field == "name"


def test_missing_and_unknown_fields_are_told_by_their_kind() -> None:
    """So that the caller can word them."""
    assert fault_of()[:2] == ("name", "missing")
    assert fault_of(name="a", colour="red")[:3] == ("colour", "extra_forbidden", "'red'")


def test_a_rule_between_fields_is_told_in_its_own_words() -> None:
    """Without what pydantic puts before them."""
    fault = fault_of(name="a", parts=[{"low": 2}])
    assert (fault.field, fault.rule) == ("parts.0", "low is above high")


def test_long_values_are_cut() -> None:
    """A line stays a line."""
    assert fault_of(name=["x" * 100]).value == "['" + "x" * 58 + "..."
