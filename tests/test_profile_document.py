"""framebatch.profile.document and its parts: what must hold within a profile, and its published schema."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from profiles import make_bucket, make_fingerprint, make_profile
from pydantic import ValidationError

from framebatch.profile import LatencyTable, Profile
from framebatch.profile.document import schema

if TYPE_CHECKING:
    from pathlib import Path


def changed(path: str, value: Any) -> dict[str, Any]:
    """The document of a good profile with one field replaced."""
    document: dict[str, Any] = json.loads(make_profile().model_dump_json())
    *way, last = path.split(".")
    place: Any = document
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    place[last] = value
    return document


def test_a_profile_survives_its_file_format() -> None:
    """What is read is what was written."""
    profile = make_profile()
    assert Profile.model_validate_json(profile.model_dump_json()) == profile


def test_scheduling_gets_the_buckets_up_to_the_chosen_maximum() -> None:
    """Or up to another size that is asked for."""
    profile = make_profile(alpha_ms=6, beta_ms=3, sizes=(1, 2, 4, 8), max_batch=4)
    assert profile.table() == LatencyTable((1, 2, 4), (9_000_000, 12_000_000, 18_000_000))
    assert profile.table(8).buckets == (1, 2, 4, 8)
    assert profile.table(3).buckets == (1, 2)


def test_a_bucket_is_found_by_its_size() -> None:
    """Exactly that size."""
    profile = make_profile(sizes=(1, 2, 4))
    assert profile.bucket(4) is profile.buckets[2]
    with pytest.raises(KeyError):
        profile.bucket(3)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("model", "", "at least 1 character"),
        ("schema_version", 2, "Input should be 1"),
        ("fingerprint.model_sha256", "5e5b", "should match pattern"),
        ("fingerprint.colour", "red", "Extra inputs are not permitted"),
        (
            "run.created",
            "2026-11-20T14:03:07",
            r"created is '2026-11-20T14:03:07', and must be like .*, with its offset",
        ),
        ("run.created", "yesterday", "created is 'yesterday', and must be like"),
        ("buckets", [], "at least 1 item"),
        ("buckets.0.batch", 0, "greater than or equal to 1"),
        ("buckets.1.batch", 3, r"buckets are \(1, 3, 3"),
        ("buckets.2.low_ns", 15_000_001, "low_ns is 15000001, more than service_ns, which is 15000000; it must not be"),
        ("buckets.0.measured.n", 0, "greater than or equal to 1"),
        ("buckets.0.measured.median_low_ns", 9_000_001, "median_low_ns is 9000001, more than median_ns"),
        ("buckets.0.measured.median_high_ns", 8_999_999, "median_ns is 9000000, more than median_high_ns"),
        ("buckets.0.measured.p10_ns", 9_000_001, "p10_ns is 9000001, more than median_ns"),
        ("buckets.0.measured.max_ns", 9_000_001, "p99_ns is .*, more than max_ns, which is 9000001"),
        ("buckets.0.throughput_fps", float("nan"), "finite"),
        ("memory.fraction", 1.5, "less than or equal to 1"),
        ("choice.max_batch", 5, r"choice.max_batch is 5, which is none of the buckets \(1, 2, 3"),
        ("ceiling.largest_ran", 12, "choice.max_batch is 16, and the largest batch that ran .* is 12"),
        ("choice.bound_by", "mood", "Input should be 'memory', 'deadline', 'throughput'"),
    ],
)
def test_what_cannot_be_is_refused(path: str, value: Any, message: str) -> None:
    """With the value and the rule, wherever it stands."""
    with pytest.raises(ValidationError, match=message):
        Profile.model_validate(changed(path, value))


def test_times_that_fall_are_refused() -> None:
    """Scheduling relies on it."""
    buckets = (make_bucket(1), make_bucket(2, beta_ms=0.5))
    with pytest.raises(ValidationError, match="times must be positive and never fall"):
        make_profile(sizes=(1, 2), buckets=buckets)


def test_fields_of_a_later_version_are_passed_over() -> None:
    """All but those of the fingerprint, any of which may be the one that differs."""
    document = changed("buckets.0.weather", "fine") | {"mood": "good"}
    assert Profile.model_validate(document) == make_profile()


def test_the_published_schema_is_that_of_the_model(root: Path) -> None:
    """Made anew with `framebatch profile schema > docs/profile.schema.json`."""
    assert json.loads((root / "docs" / "profile.schema.json").read_text(encoding="utf-8")) == schema()


def test_every_field_of_the_schema_says_what_it_is() -> None:
    """The docstrings of the fields are its descriptions, or that of the part which the field is."""
    whole = schema()
    described = {f"#/$defs/{part}" for part, body in whole["$defs"].items() if body.get("description")}
    parts = {"Profile": whole, **whole["$defs"]}
    fields = {f"{part}.{name}": field for part, body in parts.items() for name, field in body["properties"].items()}
    silent = [
        name for name, field in fields.items() if not field.get("description") and field.get("$ref") not in described
    ]
    assert silent == []


def test_every_field_of_a_fingerprint_is_asked_for() -> None:
    """None has a default that could hide a difference."""
    assert sorted(schema()["$defs"]["Fingerprint"]["required"]) == sorted(type(make_fingerprint()).model_fields)
