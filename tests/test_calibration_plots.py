"""framebatch.calibration.report.plots: what is on the axes is what the profile says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from matplotlib.figure import Figure
from profiles import make_profile

from framebatch.calibration.report.plots import draw_energy, draw_latency, draw_memory, draw_throughput
from framebatch.calibration.variants import Trial
from framebatch.profile import Allowed, KeptOut, MemoryLine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from framebatch.profile import Profile

MIB = 1 << 20


def drawn(draw: Callable[[Axes, Sequence[Trial]], None], *profiles: Profile) -> Axes:
    """Axes with these profiles, labelled a, b, ..."""
    axes: Axes = Figure().add_subplot()
    draw(axes, [Trial(label="abc"[number], profile=profile) for number, profile in enumerate(profiles)])
    return axes


def data_of(line: Line2D) -> list[tuple[float, float]]:
    """The points of a line."""
    xs, ys = (np.asarray(values, np.float64).tolist() for values in line.get_data())
    return list(zip(xs, ys, strict=True))


def points(axes: Axes, label: str) -> list[tuple[float, float]]:
    """What was drawn under a label."""
    (line,) = (line for line in axes.lines if line.get_label() == label)
    return data_of(line)


def rings(axes: Axes) -> list[tuple[float, float]]:
    """Where the chosen sizes are marked."""
    return [data_of(line)[0] for line in axes.lines if line.get_markersize() == 13]


def test_latency_shows_the_fit_its_quantiles_and_the_choice() -> None:
    """In milliseconds, with the 99th percentile where it was measured, and a ring at the chosen maximum."""
    axes = drawn(draw_latency, make_profile(spread=0.1))
    assert points(axes, "median, fitted")[0] == (1, 9.0)
    assert points(axes, "median, fitted")[-1] == (24, 78.0)
    assert points(axes, "99th percentile")[0] == pytest.approx((1, 11.25))
    assert rings(axes) == [(16, 54.0)]
    assert [text.get_text() for text in axes.texts] == ["16 chosen"]
    (band,) = (part for part in axes.collections if part.get_label() == "10th to 90th percentile")
    assert band.get_paths()[0].get_extents().ymax == pytest.approx(78.0 * 1.1)


def test_latency_is_drawn_where_it_matters() -> None:
    """Up to four times the chosen maximum, and eight frames at least; what is left out is named."""
    sizes = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
    axes = drawn(draw_latency, make_profile(sizes=sizes, max_batch=4))
    assert points(axes, "median, fitted")[-1] == (16, 54.0)
    assert axes.get_xlabel() == "frames in a batch (the table goes up to 64)"
    assert points(drawn(draw_latency, make_profile(sizes=sizes, max_batch=1)), "median, fitted")[-1] == (8, 30.0)
    two = drawn(draw_latency, make_profile(sizes=sizes, max_batch=1), make_profile(sizes=sizes, max_batch=8))
    assert points(two, "a")[-1] == (32, 102.0)
    assert drawn(draw_latency, make_profile(sizes=(24,), max_batch=24)).get_xlabel() == "frames in a batch"


def test_half_the_deadline_is_drawn_when_it_is_in_sight() -> None:
    """And left to the words where it would press the curve flat."""
    profile = make_profile()
    near = profile.model_copy(update={"choice": profile.choice.model_copy(update={"deadline_ns": 200_000_000})})
    axes = drawn(draw_latency, near)
    assert "half the deadline" in [text.get_text() for text in axes.texts]
    assert axes.get_ylim()[1] > 100
    assert drawn(draw_latency, profile).get_ylim()[1] < 100


def test_throughput_shows_the_knee_where_there_is_one() -> None:
    """At the size that the rule names, and not where nothing larger was tried."""
    profile = make_profile()
    assert "at" not in " ".join(str(line.get_label()) for line in drawn(draw_throughput, profile).lines)
    knee = Allowed(max_batch=12, why="Doubling 12 brings 2 %.")
    choice = profile.choice.model_copy(update={"throughput": knee})
    axes = drawn(draw_throughput, profile.model_copy(update={"choice": choice}))
    assert {x for x, _ in points(axes, "knee: beyond, doubling brings little")} == {12}
    assert points(axes, "fitted")[-1] == pytest.approx((24, 24 / 0.078))
    assert rings(axes) == [pytest.approx((16, 16 / 0.054))]


def test_memory_shows_line_limit_and_what_failed() -> None:
    """Sizes that the line was not shown are apart; the limit is what may be used less what others take."""
    line = MemoryLine(
        base_bytes=600 * MIB,
        bytes_per_frame=40 * MIB,
        kept_out=(KeptOut(batch=12, predicted=1080 * MIB, measured=1080 * MIB, error=0.0),),
    )
    profile = make_profile()
    assert profile.memory is not None
    axes = drawn(draw_memory, profile.model_copy(update={"memory": profile.memory.model_copy(update={"line": line})}))
    assert points(axes, "line") == [(0, 600), (24, 1560)]
    assert points(axes, "measured, kept out of the line") == [(12, 1080)]
    assert 12 not in {x for x, _ in points(axes, "measured")}
    assert {text.get_text() for text in axes.texts} == {"limit", "32 failed", "16 chosen"}
    assert any({y for _, y in data_of(line)} == {0.8 * 2048 - 256} for line in axes.lines)


def test_several_have_a_line_each_and_a_ring_on_each() -> None:
    """Under their labels, in colours and markers of their own."""
    axes = drawn(draw_throughput, make_profile(), make_profile(beta_ms=1.0, max_batch=24))
    assert points(axes, "a")[0] == pytest.approx((1, 1 / 0.009))
    assert points(axes, "b")[-1] == pytest.approx((24, 24 / 0.030))
    assert [x for x, _ in rings(axes)] == [16, 24]
    lines = [line for line in axes.lines if line.get_label() in {"a", "b"}]
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == 2


def test_energy_is_drawn_where_it_is_known() -> None:
    """Sizes without it are left out."""
    profile = make_profile()
    buckets = []
    for bucket in profile.buckets:
        assert bucket.measured is not None
        joules = None if bucket.batch == 3 else 1.0 / bucket.batch
        measured = bucket.measured.model_copy(update={"energy_joules_per_frame": joules})
        buckets.append(bucket.model_copy(update={"measured": measured}))
    axes = drawn(draw_energy, profile.model_copy(update={"buckets": tuple(buckets)}))
    assert points(axes, "measured")[:3] == [(1, 1.0), (2, 0.5), (4, 0.25)]
    assert rings(axes) == [(16, 1 / 16)]
