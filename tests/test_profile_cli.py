"""`framebatch profile`, run as people and scripts run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from profiles import make_bucket, make_fingerprint, make_profile

from framebatch.profile import Conditions, Profile, ProfileStore, write_profile
from framebatch.profile.document import schema


def profile(*arguments: str | Path, data: Path | None = None, columns: int = 80) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own; `data` is the user's folder for data."""
    here = Path(__file__).parent
    environment = {
        "COLUMNS": str(columns),
        "NO_COLOR": "1",
        "TERM": "dumb",
        "XDG_DATA_HOME": str(data or here / "none"),
    }
    return subprocess.run(
        [sys.executable, "-m", "framebatch.cli", "profile", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | environment,
    )


def kept_in(data: Path) -> ProfileStore:
    """The store that the command uses."""
    return ProfileStore(data / "framebatch" / "profiles")


def made_at(created: str, **changes: Any) -> Profile:
    """A profile that was made at some time."""
    return make_profile(run=make_profile().run.model_copy(update={"created": created}), **changes)


def rich_profile() -> Profile:
    """One with all that can be shown: energy, a size that was not run, doubts, many sizes."""
    sizes = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
    buckets = [make_bucket(size) for size in sizes]
    for place, bucket in enumerate(buckets):
        assert bucket.measured is not None
        update = {"energy_joules_per_frame": 0.2 + 0.3 / bucket.batch, "power_watts": 212.4, "clock_hz": 1_980_000_000}
        measured = bucket.measured.model_copy(update=update)
        buckets[place] = bucket.model_copy(update={"measured": None if bucket.batch == 6 else measured})
    doubts = Conditions(noisy=True, disagreement=0.12, text=("Two passes disagree by up to 12 %: the host is noisy.",))
    return make_profile(sizes=sizes, max_batch=64, buckets=tuple(buckets), conditions=doubts)


@pytest.mark.parametrize("columns", [80, 120])
def test_a_profile_is_shown_with_its_reasons(tmp_path: Path, columns: int) -> None:
    """Curve, choice, rules, evidence, doubts and fingerprint, within the terminal; exit code 0."""
    path = tmp_path / "profile.json"
    write_profile(rich_profile(), path)
    done = profile("show", path, columns=columns)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "yolov8n on Imagined Processor 9000, 2 cores"
    assert next(line.split() for line in lines if line.lstrip().startswith("▸"))[:7] == (
        ["▸", "64", "198.0", "±0.2%", "203.5", "207.9", "400"]
    )
    assert next(line.split()[:4] for line in lines if line.split()[:1] == ["6"]) == ["6", "24.0", "fitted", "250.0"]
    text = " ".join(done.stdout.split())
    for part in (
        "memory J/frame",
        "The largest batch is 64: memory allows no more.",
        "64 (binds): 64 frames take 1.5 of the 1.6 GiB that may be used",
        "128 or more: two batches of each size fit into 1000 ms",
        "batches up to 128; 136 did not: a batch of 136 ran out of memory",
        "60 batches of 64",
        "600 MiB and 40 MiB a frame",
        "2.00 GiB on the host, 256 MiB of it taken by others; 80% may be used",
        "0.300 ms more after 0.1 s",
        "stages fill 12.80 ms, parse 6.400 ms",
        "212 W, 1980 MHz",
        "! Two passes disagree by up to 12 %: the host is noisy.",
        "CPUExecutionProvider",
        "threads = 2",
    ):
        assert part in text
    assert max(len(line) for line in lines if str(tmp_path) not in line) <= columns


def test_the_document_is_printed_as_json(tmp_path: Path) -> None:
    """One as it is, several as a list."""
    path = tmp_path / "profile.json"
    write_profile(make_profile(), path)
    one = profile("show", path, "--json")
    assert (one.returncode, one.stderr) == (0, "")
    assert Profile.model_validate_json(one.stdout) == make_profile()
    assert json.loads(profile("show", "--json", path, path).stdout) == [json.loads(one.stdout)] * 2


def test_without_a_file_the_newest_of_the_user_is_shown(tmp_path: Path) -> None:
    """Any model, any device; a file that cannot be used is told of on stderr, and no more."""
    store = kept_in(tmp_path)
    newest = made_at("2026-11-22T00:00:00+00:00", model="newest")
    folder = store.add(newest).parent
    store.add(make_profile())
    (folder / "20990101T000000Z-damaged.json").write_text("{")
    done = profile("show", "--json", data=tmp_path)
    assert done.returncode == 0
    assert Profile.model_validate_json(done.stdout) == newest
    assert done.stderr.startswith("warning: 20990101T000000Z-damaged.json is passed over: profile ")
    assert len(done.stderr.splitlines()) == 1


def test_profiles_are_listed_by_model_and_device(tmp_path: Path) -> None:
    """Those of one model and device together, newest first, each with its id, by which it can be named."""
    store = kept_in(tmp_path)
    older = store.add(make_profile())
    other = store.add(made_at("2026-11-21T00:00:00+00:00", fingerprint=make_fingerprint(device="sim:6,3")))
    newest = store.add(made_at("2026-11-22T10:20:30+00:00", max_batch=8))
    ids = [path.stem.rpartition("-")[2] for path in (newest, older, other)]
    lines = profile("list", data=tmp_path).stdout.splitlines()
    assert [line.split()[0] for line in lines if "2026-11-2" in line] == ids
    assert next(line.split() for line in lines if ids[0] in line)[:5] == [ids[0], "2026-11-22", "10:20", "full", "8"]
    assert "yolov8n on sim:6,3" in lines
    listed = json.loads(profile("list", "--json", data=tmp_path).stdout)
    assert [each["path"] for each in listed] == [str(newest), str(other), str(older)]
    assert Profile.model_validate_json(profile("show", "--json", ids[1][:6], data=tmp_path).stdout) == make_profile()


def test_what_became_slower_is_said(tmp_path: Path) -> None:
    """A row for each size, and the verdict; every other file is compared with the first."""
    paths = [tmp_path / name for name in ("old.json", "same.json", "slow.json")]
    for path, beta_ms in zip(paths, (3.0, 3.0, 3.3), strict=True):
        write_profile(make_profile(beta_ms=beta_ms), path)
    done = profile("compare", *paths)
    assert (done.returncode, done.stderr) == (0, "")
    text = " ".join(done.stdout.split())
    assert "No batch size changed beyond noise; the largest difference is 0.0%." in text
    assert "Of 9 batch sizes 9 became slower, by 3.3% at 1 to 9.2% at 24." in text
    assert "24 78.00 85.20 +9.2% +8.8% .. +9.6% slower +9.2% +0.0%" in text
    assert max(len(line) for line in done.stdout.splitlines() if str(tmp_path) not in line) <= 80
    document = json.loads(profile("compare", "--json", *paths).stdout)
    assert document["reference"] == str(paths[0])
    same, slower = document["comparisons"]
    assert {bucket["verdict"] for bucket in same["buckets"]} == {"noise"}
    assert slower["buckets"][-1] | {"p": 0, "low": 0, "high": 0} == {
        "batch": 24,
        "old_ns": 78_000_000,
        "new_ns": 85_200_000,
        "ratio": pytest.approx(85.2 / 78),
        "low": 0,
        "high": 0,
        "p": 0,
        "verdict": "slower",
    }


def test_other_fingerprints_are_compared_and_said(tmp_path: Path) -> None:
    """The fields that differ are named; it is no fault."""
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path, threads in zip(paths, "24", strict=True):
        write_profile(make_profile(fingerprint=make_fingerprint(options={"threads": threads})), path)
    done = profile("compare", *paths)
    assert done.returncode == 0
    assert "not measured of the same thing: options.threads: '2' vs '4'." in " ".join(done.stdout.split())
    difference = {"field": "options.threads", "expected": "2", "found": "4"}
    assert json.loads(profile("compare", "--json", *paths).stdout)["comparisons"][0]["differences"] == [difference]


def test_the_schema_is_printed_as_it_is_published(root: Path) -> None:
    """To the letter: the published file is what the command wrote."""
    done = profile("schema")
    assert json.loads(done.stdout) == schema()
    assert done.stdout == (root / "docs" / "profile.schema.json").read_text(encoding="utf-8")


def test_a_file_that_is_no_profile_is_refused_in_one_line(tmp_path: Path) -> None:
    """Exit code 2, nothing on stdout."""
    path = tmp_path / "profile.json"
    path.write_text('{"schema_version": 1, "model": "m"}')
    done = profile("show", path)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert done.stderr.startswith(f"error: profile {path} has no field 'fingerprint'; ")


def test_what_is_not_there_is_told_of(tmp_path: Path) -> None:
    """No profiles yet, or none of that name; exit code 2."""
    store = kept_in(tmp_path)
    for arguments in (["show"], ["list"]):
        done = profile(*arguments, data=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            f"error: there are no profiles in {store.folder}; make one with `framebatch calibrate`\n"
        )
    store.add(make_profile())
    assert profile("show", "nothing", data=tmp_path).stderr == (
        f"error: nothing is no file, and no profile in {store.folder} has that id; `framebatch profile list` names them\n"
    )


def test_the_beginning_of_several_ids_is_not_enough(tmp_path: Path) -> None:
    """Their ids are named."""
    store = kept_in(tmp_path)
    ids = sorted(store.add(make_profile(alpha_ms=alpha)).stem.rpartition("-")[2] for alpha in range(1, 18))
    first = next(one[0] for one, other in pairwise(ids) if one[0] == other[0])
    done = profile("show", first, data=tmp_path)
    assert done.returncode == 2
    assert f"{first} is the beginning of " in done.stderr
    assert "; give more of it" in done.stderr


def test_a_terminal_that_knows_no_blocks_gets_question_marks(tmp_path: Path) -> None:
    """And no traceback."""
    path = tmp_path / "profile.json"
    write_profile(make_profile(), path)
    done = subprocess.run(
        [sys.executable, "-m", "framebatch.cli", "profile", "show", path],
        capture_output=True,
        check=False,
        timeout=60,
        env=os.environ | {"PYTHONIOENCODING": "ascii", "COLUMNS": "80"},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"The largest batch is 16" in done.stdout
