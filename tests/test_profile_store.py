"""framebatch.profile.store: the profiles of one user."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from profiles import make_fingerprint, make_profile

from framebatch.errors import UsageError
from framebatch.profile import Profile, ProfileStore
from framebatch.profile.store import default_folder


def made_at(created: str, *, complete: bool = True, **changes: Any) -> Profile:
    """A profile that was made at some time."""
    run = make_profile().run.model_copy(update={"created": created, "complete": complete})
    return make_profile(run=run, **changes)


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    """An empty store."""
    return ProfileStore(tmp_path / "profiles")


def test_an_empty_store_has_nothing(store: ProfileStore) -> None:
    """Its folder need not exist, and asking does not make it."""
    assert store.find(make_fingerprint()) is None
    assert store.history() == []
    assert not store.folder.exists()


def test_the_newest_that_holds_is_found(store: ProfileStore) -> None:
    """By the time it was made, wherever the clock stood, and not by the order of adding."""
    newest, older = made_at("2026-11-20T23:30:00-02:00"), made_at("2026-11-21T01:00:00+00:00")
    other = made_at("2026-12-01T00:00:00+00:00", fingerprint=make_fingerprint(driver="575.2"))
    for profile in (newest, older, other):
        store.add(profile)
    assert store.find(make_fingerprint()) == newest
    assert [kept.profile for kept in store.history()] == [other, newest, older]
    assert [kept.profile for kept in store.history(make_fingerprint())] == [newest, older]


def test_every_field_of_the_fingerprint_counts(store: ProfileStore) -> None:
    """One that differs anywhere does not hold."""
    store.add(make_profile())
    for changes in (
        {"options": {"threads": "4"}},
        {"input_width": 320},
        {"device": "other"},
        {"model_sha256": "a" * 64},
    ):
        assert store.find(make_fingerprint(**changes)) is None


def test_a_run_that_was_stopped_is_kept_but_not_found(store: ProfileStore) -> None:
    """An older complete one is."""
    complete, stopped = made_at("2026-11-20T10:00:00+00:00"), made_at("2026-11-20T11:00:00+00:00", complete=False)
    store.add(complete)
    store.add(stopped)
    assert store.find(make_fingerprint()) == complete
    assert store.history()[0].profile == stopped


def test_files_are_named_for_people(store: ProfileStore) -> None:
    """Model, device and time can be read off; whatever the names contain."""
    path = store.add(
        made_at("2026-11-20T15:03:07+01:00", model="../My Model (v2)", fingerprint=make_fingerprint(device="/"))
    )
    model, device, name = path.relative_to(store.folder).parts
    assert model == "my-model-v2-5e5b05aa"
    assert device.startswith("unnamed-")
    assert name.startswith("20261120T140307Z-")
    assert path.suffix == ".json"


def test_a_renamed_model_is_the_same_model(store: ProfileStore) -> None:
    """Its hash counts; the name is for people."""
    profile = make_profile(model="renamed")
    store.add(profile)
    assert store.find(make_fingerprint()) == profile


def test_adding_the_same_again_changes_nothing(store: ProfileStore) -> None:
    """Another one of the same second lies beside it."""
    assert store.add(make_profile()) == store.add(make_profile())
    store.add(make_profile(beta_ms=4))
    assert len(store.history()) == 2


def test_the_oldest_go(tmp_path: Path) -> None:
    """Those of other fingerprints stay, and so does what was just added, even with a clock that went back."""
    store = ProfileStore(tmp_path, keep=2)
    other = make_profile(fingerprint=make_fingerprint(driver="1"))
    store.add(other)
    profiles = [made_at(f"2026-11-2{day}T00:00:00+00:00") for day in range(4)]
    for profile in profiles:
        store.add(profile)
    assert [kept.profile for kept in store.history(make_fingerprint())] == profiles[:1:-1]
    old = made_at("2020-01-01T00:00:00+00:00")
    assert store.add(old).exists()
    assert [kept.profile for kept in store.history(make_fingerprint())] == [profiles[3], profiles[2], old]
    assert store.find(other.fingerprint) == other


def test_a_file_that_cannot_be_used_is_skipped_and_told_of(tmp_path: Path) -> None:
    """A damaged one and one of a newer version; both stay where they are."""
    skipped: list[tuple[Path, str]] = []
    store = ProfileStore(tmp_path, on_skip=lambda path, why: skipped.append((path, why)))
    good = make_profile()
    folder = store.add(good).parent
    (folder / "20990101T000000Z-damaged.json").write_text("{")
    (folder / "20990102T000000Z-newer.json").write_text('{"schema_version": 99}')
    (folder / "notes.txt").write_text("mine")
    assert store.find(good.fingerprint) == good
    assert [path.name[17:] for path, _ in skipped] == ["newer.json", "damaged.json"]
    assert "schema_version 99" in skipped[0][1]
    assert len(list(folder.iterdir())) == 4


def test_a_folder_that_cannot_be_made_is_told_of(tmp_path: Path) -> None:
    """With the setting that names another."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="Not a directory; set XDG_DATA_HOME to a folder that can be written to"):
        ProfileStore(tmp_path / "file").add(make_profile())


def test_many_may_write_and_read_at_once(tmp_path: Path) -> None:
    """Whoever reads meanwhile sees whole profiles only, and at the end the newest are left."""
    skipped: list[str] = []
    profiles = [made_at(f"2026-11-20T10:00:{second:02}+00:00") for second in range(24)]
    writer = ProfileStore(tmp_path, keep=5)
    reader = ProfileStore(tmp_path, on_skip=lambda _, why: skipped.append(why))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda profile: (writer.add(profile), reader.history()), profiles))
    assert skipped == []
    assert [kept.profile for kept in reader.history()[:5]] == profiles[:-6:-1]
    writer.add(profiles[-1])
    assert [kept.profile for kept in reader.history()] == profiles[:-6:-1]


def test_the_users_folder_is_where_xdg_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """`$XDG_DATA_HOME` where it is an absolute path, else `~/.local/share`."""
    monkeypatch.setenv("HOME", "/home/worker")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_folder() == Path("/data/framebatch/profiles")
    for unusable in ("", "relative"):
        monkeypatch.setenv("XDG_DATA_HOME", unusable)
        assert ProfileStore().folder == Path("/home/worker/.local/share/framebatch/profiles")


@pytest.mark.parametrize("keep", [0, -1])
def test_a_store_that_keeps_nothing_is_refused(keep: int) -> None:
    """The message shows the value."""
    with pytest.raises(ValueError, match=f"keep is {keep}; it must be at least 1"):
        ProfileStore(keep=keep)


def test_a_store_shows_its_folder() -> None:
    """The repr is for logs."""
    assert repr(ProfileStore(Path("/data"))) == "<ProfileStore /data>"


def test_the_name_of_a_folder_is_the_same_in_every_process(tmp_path: Path) -> None:
    """Nothing in it depends on the process, such as the order of a hash."""
    store = ProfileStore(tmp_path)
    store.add(make_profile(fingerprint=make_fingerprint(options={"b": "1", "a": "2"})))
    code = (
        "from pathlib import Path; from profiles import make_fingerprint; from framebatch.profile import ProfileStore;"
        f"print(ProfileStore(Path({str(tmp_path)!r})).find(make_fingerprint(options={{'a': '2', 'b': '1'}})).model)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=Path(__file__).parent, timeout=60
    )
    assert done.stdout.strip() == "yolov8n", done.stderr
