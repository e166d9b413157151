"""framebatch.calibration.variants: which variants there are, and which is recommended."""

from __future__ import annotations

import pytest
from profiles import make_profile

from framebatch.calibration.variants import Drift, Trial, Variant, advise, applied, variants_of
from framebatch.device.devices import Device
from framebatch.device.options import EngineOptions
from framebatch.errors import UsageError
from framebatch.profile import Allowed, Conditions, Profile

SMALL = Drift(pictures=24, matched=199, lost=1, gained=0, box_px_max=0.4, score_max=0.003)
LARGE = Drift(pictures=24, matched=180, lost=12, gained=8, box_px_max=9.0, score_max=0.3)
EMPTY = Drift(pictures=24, matched=0, lost=0, gained=0)


def trial(label: str, beta_ms: float = 3.0, drift: Drift | None = None, profile: Profile | None = None) -> Trial:
    """A trial of a device on which a frame adds `beta_ms`."""
    return Trial(label=label, profile=profile or make_profile(beta_ms=beta_ms), drift=drift)


def test_variants_are_all_combinations_in_the_order_given() -> None:
    """Providers outermost; only what was chosen is named."""
    found = variants_of(kind="auto", precisions=("fp32", "fp16"), providers=("cuda", "tensorrt"))
    assert [variant.label for variant in found] == ["cuda fp32", "cuda fp16", "tensorrt fp32", "tensorrt fp16"]
    assert [variant.label for variant in variants_of(kind="cpu", threads=("1", "2"))] == ["1 thread", "2 threads"]
    assert variants_of(kind="sim") == (Variant(),)
    assert Variant().label == "as set"


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("auto", {"precisions": ("fp32", "fp8")}, "--compare names 'fp8'; it takes fp32, tf32, fp16"),
        ("auto", {"precisions": ("fp32", "fp32")}, "--compare is fp32,fp32; give each once"),
        ("auto", {"precisions": ("fp16", "fp32")}, "begin with what the others are held against: fp32,fp16"),
        ("auto", {"providers": ("rocm",)}, "--providers names 'rocm'; it takes cpu, cuda, tensorrt"),
        ("cpu", {"providers": ("cpu", "cuda")}, "--providers is cpu,cuda with --device cpu"),
        ("cpu", {"precisions": ("fp32", "tf32")}, "--compare names tf32, which only GPUs have"),
        ("cuda", {"threads": ("1", "2")}, "--threads is 1,2, which a GPU does not look at"),
        ("auto", {"threads": ("1",), "providers": ("cuda",)}, "--threads is 1, which a GPU does not look at"),
        ("cpu", {"threads": ("1", "x")}, "--threads is '1,x'; it takes numbers from 1 to 1024"),
        ("cpu", {"threads": ("0",)}, "--threads is '0'; it takes numbers from 1 to 1024"),
        ("cpu", {"threads": ("2", "02")}, "--threads is 2,02; give each once"),
        ("sim", {"precisions": ("fp32", "fp16")}, "--compare is fp32,fp16, but a simulated device takes the same time"),
        ("sim", {"threads": ("2",)}, "--threads is 2, but a simulated device takes the same time"),
        ("cpu", {"threads": tuple("1234567")}, "7 variants are asked for; at most 6"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(kind: str, given: dict[str, tuple[str, ...]], message: str) -> None:
    """With the option and its value, and what to do instead."""
    with pytest.raises(UsageError) as caught:
        variants_of(kind=kind, **given)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_variant_changes_what_it_names_and_nothing_else() -> None:
    """Where the model runs, and how; the other settings stay."""
    options = EngineOptions(tf32=True, cuda_graph=True, threads=3)
    second = Device(kind="cuda", index=1)
    assert applied(Variant(), second, options) == (second, options)
    device, changed = applied(Variant(provider="tensorrt", precision="fp32"), second, options)
    assert (device, changed.provider, changed.tf32, changed.cuda_graph) == (second, "tensorrt", False, True)
    device, changed = applied(Variant(provider="cpu", threads=2), Device(), options)
    assert (device, changed.threads, changed.tf32) == (Device(kind="cpu"), 2, True)
    assert applied(Variant(provider="cuda"), Device(), options)[0] == Device(kind="cuda")
    assert applied(Variant(precision="tf32"), second, EngineOptions())[1].tf32


def test_the_fastest_that_keeps_its_detections_is_recommended() -> None:
    """Fastest at its own largest batch; who drifted further than allowed is left out, with the reason."""
    trials = [trial("fp32"), trial("fp16", 1.5, SMALL), trial("tensorrt", 1.0, LARGE)]
    advice = advise(trials, tolerance=0.02)
    assert advice.label == "fp16"
    assert advice.text == (
        "Use fp16: 533.3 frames/s in batches of 16, 1.80 times fp32 (296.3). tensorrt is left out: 10.0 % of the boxes "
        "differ (12 of 192 boxes lost, 8 gained; boxes moved by up to 9 px, scores by up to 0.3), more than 2.0 %."
    )
    assert advise(trials, tolerance=0.2).label == "tensorrt"


def test_of_several_alike_the_first_is_recommended() -> None:
    """A difference below 3 % is no reason to change anything."""
    advice = advise([trial("fp32", 3.0), trial("fp16", 2.95, SMALL)], tolerance=0.02)
    assert (advice.label, "within 3 % of fp16" in advice.text) == ("fp32", True)


def test_unknown_drift_is_no_small_drift() -> None:
    """Where nothing was detected, the faster one is not recommended, and pictures are asked for."""
    advice = advise([trial("fp32"), trial("fp16", 1.0, EMPTY)], tolerance=0.02)
    assert advice.label == "fp32"
    assert "nothing was detected in 24 pictures" in advice.text
    assert "give pictures of your own with --pictures" in advice.text


def test_nothing_that_failed_or_is_too_slow_is_recommended() -> None:
    """Not measured, stopped, or too slow for the deadline; with all of them out, none is."""
    plain = make_profile()
    slow = Allowed(max_batch=0, why="Two batches of 1 take 2 s.")
    late = plain.model_copy(update={"choice": plain.choice.model_copy(update={"deadline": slow})})
    stopped = plain.model_copy(update={"run": plain.run.model_copy(update={"complete": False})})
    trials = [
        trial("a", profile=late),
        trial("b", profile=stopped),
        Trial(label="c", profile=None, why="TensorRT did not load"),
    ]
    advice = advise(trials, tolerance=0.02)
    assert advice.label == ""
    assert advice.text == (
        "None of them can be recommended. a is left out: two batches of even one frame do not fit into the deadline. "
        "b is left out: its run was stopped. c is left out: TensorRT did not load."
    )


def test_a_noisy_host_is_told_of() -> None:
    """Figures of the recommended one may be of the host's other work."""
    noisy = make_profile(conditions=Conditions(noisy=True))
    advice = advise([trial("1 thread", profile=noisy), trial("2 threads", 1.5)], tolerance=0.02)
    assert advice.text.endswith(
        "The host was busy or noisy (1 thread): repeat this on a quiet one before you rely on it."
    )


def test_drift_is_the_share_of_boxes_that_only_one_found() -> None:
    """Of all boxes that either found; none at all is no share, but is told."""
    assert SMALL.share == 1 / 200
    assert LARGE.share == 20 / 200
    assert (EMPTY.share, EMPTY.empty) == (0.0, True)
    assert Drift(pictures=1, matched=0, lost=2, gained=0).text == "2 of 2 boxes lost, 0 gained"
