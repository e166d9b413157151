"""framebatch.app.profiles and framebatch.app.calibrating: how a model that is loaded comes to its profile."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lying_models
import pytest
import tiny_models
from profiles import make_profile

from framebatch.app.calibrating import calibrate_command, logged
from framebatch.app.opening import engine_options, open_detector
from framebatch.app.profiles import Profiles
from framebatch.calibration.identity import fingerprint_of
from framebatch.calibration.sweep import Progress, Wanted, calibrate
from framebatch.config import Config
from framebatch.device.devices import parse_device
from framebatch.errors import DeviceError, UsageError
from framebatch.profile import Ceiling, Fingerprint, Profile, ProfileStore, write_profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from framebatch.app.basis import Basis

SIZES = (1, 2, 3, 4, 6)


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Answer the user's folder for data, which is empty at first."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Answer a model of a few nodes."""
    return tiny_models.colours(tmp_path / "colours.onnx")


def settings(model: Path, **changes: Any) -> Config:
    """Answer the settings of a server of that model."""
    return Config(**{"model": str(model), "device": "cpu", "threads": 1, **changes})


def fingerprint(config: Config, model: Path) -> Fingerprint:
    """Answer the model's own on this machine."""
    detector = open_detector(model, "colours", config)
    detector.close()
    return fingerprint_of(detector, parse_device(config.device), engine_options(config))


def profile_of(config: Config, model: Path, **changes: Any) -> Profile:
    """Answer a made-up profile that holds for this model here."""
    return make_profile(**{"sizes": SIZES, "max_batch": 4, "fingerprint": fingerprint(config, model), **changes})


def refusing(wanted: Wanted, on_progress: object) -> Profile:
    """Whoever calibrates without need fails the test."""
    raise AssertionError(f"{wanted.model} is calibrated, and {on_progress} told")


def opened(
    config: Config,
    model: Path,
    calibrate: Callable[[Wanted, Callable[[Progress], None]], Profile] = refusing,
    *,
    may_calibrate: bool = True,
) -> tuple[tuple[int, ...], Basis]:
    """Load as a server does; answer the batch sizes that are run, and what scheduling starts from."""
    detector, basis = Profiles(config, calibrate=calibrate).open(model, "colours", may_calibrate=may_calibrate)
    detector.close()
    return detector.buckets, basis


# A given profile -------------------------------------------------------------------------------------------------


def test_a_given_profile_is_served_by(model: Path, tmp_path: Path) -> None:
    """Its largest batch, its times, its spread."""
    path = tmp_path / "profile.json"
    profile = profile_of(settings(model), model)
    write_profile(profile, path)
    buckets, basis = opened(settings(model, profile=str(path)), model)
    assert buckets == (1, 2, 3, 4)
    assert basis.table == profile.table()
    assert (basis.source, basis.profile) == ("profile", profile)
    assert basis.command == f"framebatch calibrate --model {model} --device cpu --threads 1"


def test_its_threads_are_used_where_nobody_set_them(model: Path, tmp_path: Path) -> None:
    """They belong to what was measured."""
    path = tmp_path / "profile.json"
    write_profile(profile_of(settings(model), model), path)
    _, basis = opened(settings(model, threads=None, profile=str(path)), model)
    assert basis.source == "profile"


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("device", "Another Processor, 64 cores", r"device is '.*' here and 'Another Processor, 64 cores' in the"),
        ("model_sha256", "0" * 64, r"model_sha256 is '.*' here and '000000000000"),
        ("options", {"threads": "7"}, r"options\.threads is '1' here and '7' in the profile"),
        ("input_width", 640, r"input_width is '64' here and '640' in the profile"),
    ],
)
def test_a_profile_of_something_else_is_refused(
    model: Path, tmp_path: Path, field: str, value: object, told: str
) -> None:
    """With the field, both values, and what makes one that fits."""
    path = tmp_path / "profile.json"
    own = profile_of(settings(model), model)
    write_profile(own.model_copy(update={"fingerprint": own.fingerprint.model_copy(update={field: value})}), path)
    with pytest.raises(UsageError, match=told) as caught:
        opened(settings(model, profile=str(path)), model)
    assert f"framebatch calibrate --model {model} --device cpu --threads 1 --out {path}" in str(caught.value)
    assert "--profile auto" in str(caught.value)


def test_a_profile_is_of_one_model(tmp_path: Path) -> None:
    """For a folder of models it is refused, with what to use instead."""
    with pytest.raises(UsageError, match=r"^--profile p\.json is of one model, and --models serves .* --profile auto"):
        Profiles(Config(models=tmp_path, profile="p.json"))


def test_a_given_profile_must_know_the_batch_that_is_asked_for(model: Path, tmp_path: Path) -> None:
    """Neither one that was never measured nor one that failed is run."""
    path = tmp_path / "profile.json"
    ceiling = Ceiling(largest_ran=6, smallest_failed=12, why="out of memory")
    write_profile(profile_of(settings(model), model, ceiling=ceiling), path)
    config = settings(model, profile=str(path))
    with pytest.raises(UsageError, match=r"--max-batch is 8, but batches were measured up to 6 only; framebatch cal"):
        opened(config.model_copy(update={"max_batch": 8}), model)
    with pytest.raises(UsageError, match=r"--max-batch is 16, but batches of 12 failed .* \(out of memory\)"):
        opened(config.model_copy(update={"max_batch": 16}), model)


def test_a_batch_above_the_choice_is_run_and_warned_of(
    model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, with the rule that it breaks."""
    path = tmp_path / "profile.json"
    write_profile(profile_of(settings(model), model), path)
    buckets, basis = opened(settings(model, profile=str(path), max_batch=5), model)
    assert (buckets, basis.table.by_size_ns[5]) == ((1, 2, 3, 4, 5), 21_000_000)
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert [text for text in warnings if "the profile chose 4, because of memory. " in text] == warnings


def test_a_detector_that_runs_fewer_batches_cuts_the_profile(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What was proven at load rules, and the log says so."""
    model, path = lying_models.detector(tmp_path / "liar.onnx", "fails at two"), tmp_path / "profile.json"
    write_profile(profile_of(settings(model), model), path)
    buckets, basis = opened(settings(model, profile=str(path)), model)
    assert (buckets, basis.table.buckets, basis.source) == ((1,), (1,), "profile")
    assert "batches of up to 1 are run and not 4, as found out at load" in caplog.text


# A stored profile ------------------------------------------------------------------------------------------------


def test_the_newest_stored_profile_is_found(model: Path) -> None:
    """Among those of other models, and without measuring anything."""
    config = settings(model)
    store = ProfileStore()
    own = profile_of(config, model)
    store.add(own)
    store.add(make_profile())
    newer = own.model_copy(update={"run": own.run.model_copy(update={"created": "2026-11-21T00:00:00+00:00"})})
    store.add(newer)
    buckets, basis = opened(config, model)
    assert (buckets, basis.profile) == ((1, 2, 3, 4), newer)


def test_one_that_was_stopped_before_its_end_is_passed_over(model: Path) -> None:
    """The complete one before it is taken."""
    config = settings(model)
    own = profile_of(config, model)
    stopped = own.run.model_copy(update={"created": "2026-11-21T00:00:00+00:00", "complete": False})
    store = ProfileStore()
    store.add(own)
    store.add(own.model_copy(update={"run": stopped}))
    assert opened(config, model)[1].profile == own


def test_a_batch_that_the_stored_profile_does_not_reach_is_measured_briefly(
    model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody named that profile, so it forbids nothing; but what is lost is said."""
    config = settings(model, max_batch=8)
    own = profile_of(config, model)
    ProfileStore().add(own.model_copy(update={"ceiling": Ceiling(largest_ran=6)}))
    buckets, basis = opened(config, model)
    assert (buckets[-1], basis.source) == (8, "brief")
    assert "but batches were measured up to 6 only" in caplog.text


def test_a_stored_file_that_cannot_be_read_is_said_once(
    model: Path, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And disturbs nothing."""
    config = settings(model)
    own = profile_of(config, model)
    ProfileStore().add(own).with_name("20990101T000000Z-00000000.json").write_text("{}")
    assert opened(config, model)[1].profile == own
    assert caplog.text.count(f"profile {data}/framebatch/profiles") == caplog.text.count("; it is passed over") == 1


# No profile ------------------------------------------------------------------------------------------------------


def test_without_one_the_device_is_calibrated_quickly_and_that_is_kept(
    model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Really, if in less time than usual: on the first start, and on no later one."""
    caplog.set_level(logging.INFO)
    seen: list[Progress] = []

    def measure(wanted: Wanted, on_progress: Callable[[Progress], None]) -> Profile:
        assert (wanted.quick, wanted.limit) == (True, None)
        on_progress(Progress(stage="measuring", share=0.5))
        return calibrate(dataclasses.replace(wanted, budget_seconds=4.0, limit=4), seen.append)

    config = settings(model)
    buckets, basis = opened(config, model, measure)
    assert basis.source == "quick"
    assert basis.profile is not None
    assert buckets[-1] == basis.profile.choice.max_batch == basis.table.max_batch
    assert seen
    assert "colours: no profile of it on this device, so it is measured once, for up to 20 s" in caplog.text
    assert opened(config, model) == (buckets, basis)


def test_a_batch_that_fails_in_that_calibration_is_not_even_loaded(model: Path) -> None:
    """What was found out a moment ago holds."""
    config = settings(model, max_batch=16)
    ceiling = Ceiling(largest_ran=6, smallest_failed=12, why="out of memory")
    made = profile_of(config.model_copy(update={"max_batch": 1}), model, ceiling=ceiling)
    with pytest.raises(UsageError, match="--max-batch is 16, but batches of 12 failed"):
        opened(config, model, lambda *_: made)


def test_where_calibrating_fails_serving_goes_on(model: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Measured briefly, with one warning."""

    def fail(wanted: Wanted, on_progress: object) -> Profile:
        raise DeviceError(f"no process can be started for {wanted.name}, {on_progress is None}")

    _, basis = opened(settings(model, max_batch=2), model, fail)
    assert (basis.source, basis.table.buckets) == ("brief", (1, 2))
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert [text.partition(": no process")[0] for text in warnings] == ["colours: not calibrated, but measured briefly"]


def test_nothing_is_calibrated_that_could_not_be_kept(
    model: Path, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Or each start would take 20 s longer."""
    data.write_text("a file where the folder should be")
    assert opened(settings(model, max_batch=1), model)[1].source == "brief"
    assert "colours: not calibrated, but measured briefly: [Errno 20] Not a directory" in caplog.text


def test_while_others_are_served_nothing_is_calibrated(model: Path, caplog: pytest.LogCaptureFixture) -> None:
    """They need the device; how to calibrate is said."""
    _, basis = opened(settings(model, max_batch=1), model, may_calibrate=False)
    assert basis.source == "brief"
    assert (
        f"measured briefly. To calibrate: framebatch calibrate --model {model} --device cpu --threads 1" in caplog.text
    )


def test_off_looks_for_nothing(model: Path) -> None:
    """Each start measures a few runs of each size, whatever is stored."""
    config = settings(model, profile="off", max_batch=2)
    ProfileStore().add(profile_of(config, model))
    assert opened(config, model)[1].source == "brief"


def test_the_times_of_a_simulated_device_are_known(model: Path) -> None:
    """They are not measured; a given profile goes before them."""
    config = settings(model, device="sim:6,3", max_batch=2)
    buckets, basis = opened(config, model)
    assert (buckets, basis.source, basis.table.service_ns) == ((1, 2), "simulated", (9_000_000, 12_000_000))


# Showing ---------------------------------------------------------------------------------------------------------


def test_the_log_says_a_few_times_how_far_a_calibration_is(caplog: pytest.LogCaptureFixture) -> None:
    """Not several times a second."""
    caplog.set_level(logging.INFO)
    with logged("belt") as say:
        for percent in range(101):
            say(Progress(stage="pass 1", share=percent / 100, left_seconds=20 - percent / 5))
    assert [record.message for record in caplog.records] == [
        f"belt: {percent} % measured, {20 - percent / 5:.0f} s to go: pass 1" for percent in (20, 40, 60, 80, 100)
    ]


def test_the_command_that_is_named_measures_what_the_server_runs() -> None:
    """With those of its settings on which times depend, ready to be typed."""
    path = Path("/srv/models/my belt.onnx")
    assert calibrate_command(Config(models=Path("/srv")), path) == (
        "framebatch calibrate --model '/srv/models/my belt.onnx'"
    )
    config = Config(model="belt", device="cuda:1", provider="tensorrt", tf32=True, fp16=True)
    assert calibrate_command(config, path) == (
        "framebatch calibrate --model belt --device cuda:1 --providers tensorrt --tf32 --fp16"
    )


def test_it_shows_its_state(tmp_path: Path) -> None:
    """Which kind of profile, and where they are kept."""
    assert repr(Profiles(Config(model="a"))) == f"Profiles(auto, <ProfileStore {tmp_path}/data/framebatch/profiles>)"
    assert repr(Profiles(Config(model="a", profile="off"))) == "Profiles(off, None)"
