"""framebatch.planning.recorded: what a recording tells of frames, device and host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from played import DEVICE, MS, TABLE, dice, frame, play, recording_of

from framebatch.errors import UsageError
from framebatch.frame import Outcome
from framebatch.planning.durations import Fixed, Lognormal, SeenAt
from framebatch.planning.host import ANSWERING, FILLING, Host
from framebatch.planning.recorded import choose
from framebatch.planning.service import DeviceModel
from framebatch.profile import LatencyTable

if TYPE_CHECKING:
    from framebatch.recording import Recording

PLAIN = Host(before=Fixed(MS), after=Fixed(2 * MS), margin_ns=0, slack_ns=0)


def recording(*, device: DeviceModel = DEVICE, host: Host = PLAIN, number: int = 400, model: str = "m") -> Recording:
    """Answer a recording of frames of five cameras, 4 ms apart."""
    frames = [frame(1000 + 4 * at, 60, str(at % 5)) for at in range(number)]
    return recording_of(play(frames, device=device, host=host), model=model)


def test_what_the_host_took_is_found_out() -> None:
    """Before the device and after it, for each batch at its time; the margin is what the server was told."""
    host = choose(recording()).host()
    assert isinstance(host.before, SeenAt)
    assert set(host.before.values_ns) == {MS}
    assert isinstance(host.after, SeenAt)
    assert set(host.after.values_ns) == {2 * MS}
    assert (host.decoders, host.margin_ns) == (2, 0)


def test_where_nothing_ran_the_host_is_as_usual() -> None:
    """Nothing is known of filling and answering."""
    host = choose(recording(number=1)._replace(batches=())).host()
    assert host.before == FILLING
    none = recording(number=1)
    refused = none.frames[0]._replace(outcome=Outcome.REJECTED)
    assert choose(none._replace(frames=(refused,))).host().after == ANSWERING


def test_the_device_has_the_medians_of_its_batches() -> None:
    """By size where there are enough of a size; where there are not, the table moves with the others."""
    slower = LatencyTable(TABLE.buckets, tuple(round(1.2 * each) for each in TABLE.service_ns))
    found = choose(recording(device=DeviceModel(name="slower", table=slower, told=TABLE))).device()
    assert found.told == TABLE
    assert found.table == slower
    assert found.sigma == pytest.approx(0, abs=1e-6)


def test_the_device_has_the_noise_of_its_batches() -> None:
    """The spread of the logarithm."""
    found = choose(recording(device=DeviceModel(name="noisy", table=TABLE, sigma=0.1), number=3000)).device()
    assert found.sigma == pytest.approx(0.1, rel=0.2)
    assert found.table.by_size_ns[1] == pytest.approx(TABLE.by_size_ns[1], rel=0.03)


def test_without_batches_the_table_is_believed() -> None:
    """There is nothing to correct it."""
    found = choose(recording(number=1)._replace(batches=())).device()
    assert (found.table, found.sigma) == (TABLE, 0.0)


def test_frames_are_played_with_what_decoding_took() -> None:
    """Where pixels never came, what it took for the next frame."""
    written = recording(number=3)
    first, second, third = sorted(written.frames, key=lambda each: each.arrival_ns)
    first = first._replace(ready_ns=0, outcome=Outcome.REJECTED)
    second = second._replace(ready_ns=second.arrival_ns + 7 * MS)
    third = third._replace(ready_ns=0, outcome=Outcome.SUPERSEDED)
    frames = choose(written._replace(frames=(third, second, first))).frames_to_play()
    assert [each.arrival_ns for each in frames] == [first.arrival_ns, second.arrival_ns, third.arrival_ns]
    assert [each.decoding_ns for each in frames] == [7 * MS] * 3
    assert [each.outcome for each in frames] == [None] * 3


def test_the_model_with_most_frames_is_chosen() -> None:
    """Unless another is named; who else had the device is told."""
    many, few = recording(number=9, model="many"), recording(number=3, model="few")
    both = many._replace(
        models=few.models + many.models, frames=few.frames + many.frames, batches=few.batches + many.batches
    )
    assert (choose(both).model.name, choose(both).others) == ("many", ("few",))
    assert (choose(both, "few").model.name, len(choose(both, "few").frames)) == ("few", 3)
    with pytest.raises(UsageError, match="--model other: the recording has few, many; name one of these"):
        choose(both, "other")


def test_of_several_versions_the_last_one_counts() -> None:
    """A model may be exchanged while it is recorded."""
    written = recording(number=2)
    newer = written.models[0]._replace(version="2")
    chosen = choose(written._replace(models=(*written.models, newer)))
    assert (chosen.model.version, chosen.versions) == ("2", 2)


def test_frames_with_invalid_pictures_are_left_out() -> None:
    """No simulation knows which pictures are broken."""
    written = recording(number=3)
    broken = written.frames[0]._replace(outcome=Outcome.INVALID)
    chosen = choose(written._replace(frames=(broken, *written.frames[1:])))
    assert (len(chosen.frames), chosen.invalid) == (2, 1)


@pytest.mark.parametrize("models", [(), None])
def test_a_recording_without_frames_cannot_be_played(models: tuple[()] | None) -> None:
    """It is said what to do."""
    empty = recording(number=1)._replace(frames=())
    empty = empty if models is None else empty._replace(models=models)
    with pytest.raises(UsageError, match="no frame that could be played; record a server while cameras send"):
        choose(empty)


def test_what_was_seen_is_drawn_near_its_time() -> None:
    """A slow stretch of the host stays where it was."""
    written = recording(host=Host(before=Lognormal(MS, 1), after=Fixed(0), margin_ns=0, slack_ns=0))
    host = choose(written).host()
    some = written.batches[len(written.batches) // 2]
    assert host.before.draw(dice(), some.dispatched_ns) == some.submitted_ns - some.dispatched_ns
