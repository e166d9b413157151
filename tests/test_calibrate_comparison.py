"""framebatch.cli.calibrate.comparison: variants in turn, held against the first. Only the sweep itself is left out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import typer
from profiles import make_profile

import framebatch_models
from framebatch.calibration.sweep import Wanted
from framebatch.calibration.variants import Variant
from framebatch.cli.calibrate.comparison import Comparison, compare_variants
from framebatch.device.devices import Device
from framebatch.device.options import EngineOptions
from framebatch.errors import DeviceError

if TYPE_CHECKING:
    from pathlib import Path

    from framebatch.profile import Profile

BETAS_MS = {"fp32": 3.0, "fp16": 1.0}


class Measuring:
    """Answers profiles in place of a sweep, and notes what was asked for."""

    def __init__(self, *, fails_at: int | None = None, stops_at: int | None = None) -> None:
        """Fail, or be stopped, at the variant of this number."""
        self.asked: list[Wanted] = []
        self._fails_at, self._stops_at = fails_at, stops_at

    def __call__(self, wanted: Wanted, title: str) -> Profile:
        """Answer the profile of a variant."""
        number = len(self.asked)
        self.asked.append(wanted)
        if number == self._fails_at:
            raise DeviceError("it did not load")
        plain = make_profile(beta_ms=BETAS_MS.get(title.split(maxsplit=1)[0], 2.0))
        return plain.model_copy(
            update={"run": plain.run.model_copy(update={"complete": number != self._stops_at, "quick": wanted.quick})}
        )


def wanted(**changes: object) -> Wanted:
    """The bundled model on the processor."""
    given = {"model": framebatch_models.find("conveyor"), "device": Device(kind="cpu"), **changes}
    return Wanted(**given, options=EngineOptions(threads=1))  # type: ignore[arg-type]


def comparison(*variants: Variant, keep: Path | None = None) -> Comparison:
    """These, on made-up scenes."""
    return Comparison(variants=variants, pictures=(), tolerance=0.05, keep=keep)


PRECISIONS = (Variant(precision="fp32"), Variant(precision="fp16"))
THREADS = (Variant(threads=1), Variant(threads=2))


def test_half_precision_is_made_measured_and_held_against_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each quickly; the converted file stays where it was asked to; the drift is of real detections."""
    measuring = Measuring()
    report = tmp_path / "report.html"
    compare_variants(
        wanted(), comparison(*PRECISIONS, keep=tmp_path / "kept"), report=report, json=True, measure=measuring
    )
    first, second = json.loads(capsys.readouterr().out)["variants"]
    assert (first["label"], first["drift"]) == ("fp32", None)
    assert second["drift"]["matched"] > 100
    assert 0 <= second["drift"]["share"] < 0.05
    assert second["profile"]["run"]["quick"]
    assert [asked.model.name for asked in measuring.asked] == ["conveyor.onnx", "conveyor-fp16.onnx"]
    assert {asked.name for asked in measuring.asked} == {"conveyor"}
    assert (tmp_path / "kept" / "conveyor-fp16.onnx").is_file()
    assert "Use fp16: " in report.read_text()


def test_threads_are_compared_without_looking_at_pictures(capsys: pytest.CaptureFixture[str]) -> None:
    """The same arithmetic gives the same detections; a table is printed, with the advice."""
    measuring = Measuring()
    compare_variants(wanted(), comparison(*THREADS), report=None, json=False, measure=measuring)
    shown = capsys.readouterr().out
    assert [asked.options.threads for asked in measuring.asked] == [1, 2]
    assert "Use 1 thread: " in shown
    assert [line.split()[0] for line in shown.splitlines() if "421" in line and "Use" not in line] == ["▸", "2"]


def test_a_variant_that_fails_costs_only_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """It is told of; but without the first there is nothing to hold the others against."""
    compare_variants(wanted(), comparison(*THREADS), report=None, json=True, measure=Measuring(fails_at=1))
    document = json.loads(capsys.readouterr().out)
    assert [row["why"] for row in document["variants"]] == ["", "it did not load"]
    assert "2 threads is left out: it did not load." in document["advice"]["text"]
    with pytest.raises(DeviceError, match="it did not load"):
        compare_variants(wanted(), comparison(*THREADS), report=None, json=True, measure=Measuring(fails_at=0))


def test_a_comparison_that_is_stopped_shows_what_it_has(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing further is measured; exit code 1."""
    measuring = Measuring(stops_at=0)
    with pytest.raises(typer.Exit) as caught:
        compare_variants(wanted(), comparison(*THREADS), report=None, json=True, measure=measuring)
    assert caught.value.exit_code == 1
    assert len(measuring.asked) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["advice"]["label"] == ""
    assert "stopped before the end" in said.err
