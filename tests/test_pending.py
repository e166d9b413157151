"""framebatch.scheduling.pending: the frames that wait, in the order of their deadlines."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, consumes, invariant, multiple, rule

from framebatch.scheduling import Pending


@dataclass(eq=False)
class Item:
    """The least that the scheduler asks of a frame."""

    deadline_ns: int
    camera: str = "a"
    live: bool = False
    rows: int = 1


def ready(*items: Item) -> Pending[Item]:
    """Answer a queue in which these wait, ready."""
    pending: Pending[Item] = Pending()
    for item in items:
        pending.accept(item)
        assert pending.make_ready(item)
    return pending


def test_ready_frames_come_by_deadline() -> None:
    """The earliest deadline first; equal ones in the order in which they became ready."""
    late, early, same = Item(30), Item(10), Item(10)
    pending = ready(late, early, same)
    assert list(pending) == [early, same, late]
    assert list(pending.deadlines) == [10, 10, 30]


def test_taken_frames_have_left() -> None:
    """They come from the head, and cannot be removed again."""
    first, second, third = Item(1), Item(2), Item(3)
    pending = ready(third, second, first)
    assert pending.take(2) == [first, second]
    assert (list(pending), pending.remove(first), pending.waiting) == ([third], False, 1)


def test_a_frame_of_several_rows_is_counted_so_often() -> None:
    """While it is prepared and when it is ready; its rows are neighbours, are taken one by one, and leave together."""
    wide, narrow = Item(5, rows=3), Item(5)
    pending: Pending[Item] = Pending()
    pending.accept(wide)
    pending.accept(narrow)
    assert (pending.preparing, pending.waiting) == (4, 4)
    pending.make_ready(wide)
    pending.make_ready(narrow)
    assert list(pending) == [wide, wide, wide, narrow]
    assert pending.take(1) == [wide]
    assert pending.put_back(wide) is None
    assert list(pending) == [wide, wide, narrow, wide]
    assert (pending.remove(wide), list(pending), pending.remove(wide)) == (True, [narrow], False)


def test_what_is_put_back_is_ready_again() -> None:
    """By its deadline, behind those with the same one."""
    first, second, third = Item(1), Item(1), Item(9)
    pending = ready(first, second, third)
    pending.take(1)
    assert pending.put_back(first) is None
    assert list(pending) == [second, first, third]


def test_what_is_put_back_gives_way_to_a_newer_live_frame() -> None:
    """All of it leaves; without a newer one it takes its camera's place again."""
    old, new = Item(5, live=True, rows=2), Item(9, live=True)
    pending = ready(old)
    pending.take(1)
    pending.accept(new)
    assert pending.put_back(old) is new
    assert (list(pending), pending.waiting) == ([], 1)
    pending.remove(new)
    assert pending.put_back(old) is None
    assert pending.accept(new) is old


def test_a_frame_waits_before_it_is_ready() -> None:
    """Accepted frames count as waiting, and as ready only when their pixels are there."""
    pending: Pending[Item] = Pending()
    item = Item(5)
    pending.accept(item)
    assert (pending.waiting, pending.preparing, len(pending)) == (1, 1, 0)
    assert pending.make_ready(item)
    assert (pending.waiting, pending.preparing, len(pending)) == (1, 0, 1)


def test_a_frame_that_left_does_not_become_ready() -> None:
    """Its pixels come too late."""
    pending: Pending[Item] = Pending()
    item = Item(5)
    pending.accept(item)
    assert pending.remove(item)
    assert (pending.make_ready(item), pending.waiting) == (False, 0)


def test_a_newer_live_frame_takes_the_place_of_one_being_prepared() -> None:
    """The older one has left."""
    pending: Pending[Item] = Pending()
    old, new = Item(5, live=True), Item(9, live=True)
    assert pending.accept(old) is None
    assert pending.accept(new) is old
    assert (pending.make_ready(old), pending.make_ready(new), list(pending)) == (False, True, [new])


def test_a_newer_live_frame_takes_the_place_of_a_ready_one() -> None:
    """The same, however far the older one has come."""
    old, new = Item(5, live=True), Item(9, live=True)
    pending = ready(old)
    assert pending.accept(new) is old
    assert (len(pending), pending.preparing) == (0, 1)


def test_frames_to_be_judged_are_never_superseded() -> None:
    """Neither by each other nor by a live frame of their camera; other cameras do not matter."""
    part, other, live = Item(1), Item(2, camera="b", live=True), Item(3, live=True)
    pending = ready(part, other)
    assert pending.accept(live) is None
    assert pending.accept(Item(4)) is None
    assert pending.waiting == 4


def test_a_live_frame_on_its_way_to_the_device_is_not_superseded() -> None:
    """What was taken has left."""
    pending = ready(Item(5, live=True))
    pending.take(1)
    assert pending.accept(Item(9, live=True)) is None


def test_positions_are_found_by_time() -> None:
    """`ahead_of` counts deadlines that are not later, `before` those that are earlier."""
    pending = ready(Item(10), Item(20), Item(20), Item(30))
    assert [pending.ahead_of(time) for time in (9, 10, 20, 99)] == [0, 1, 3, 4]
    assert [pending.before(time) for time in (10, 11, 20, 99)] == [0, 1, 1, 4]


def test_it_shows_its_state() -> None:
    """The repr counts the stages."""
    pending = ready(Item(1), Item(2, live=True))
    pending.accept(Item(3))
    assert repr(pending) == "Pending(preparing=1, ready=2, live=1)"


@dataclass
class Model:
    """The same in the simplest way: lists, and sorting when asked."""

    preparing: list[Item] = field(default_factory=list)
    ready: list[Item] = field(default_factory=list)

    def newest_live(self, camera: str) -> Item | None:
        """Answer the waiting live frame of a camera."""
        found = [item for item in self.preparing + self.ready if item.live and item.camera == camera]
        assert len(found) <= 1
        return found[0] if found else None

    def drop(self, item: Item) -> bool:
        """Answer whether it waited."""
        waited = item in self.preparing + self.ready
        self.preparing = [other for other in self.preparing if other is not item]
        self.ready = [other for other in self.ready if other is not item]
        return waited

    def ordered(self) -> list[Item]:
        """Answer the ready ones by deadline."""
        return sorted(self.ready, key=lambda item: item.deadline_ns)


class PendingMachine(RuleBasedStateMachine):
    """Any sequence of operations gives what the simple model gives."""

    items = Bundle("items")
    taken = Bundle("taken")

    def __init__(self) -> None:
        super().__init__()
        self.pending: Pending[Item] = Pending()
        self.model = Model()

    @rule(target=items, deadline_ns=st.integers(0, 6), camera=st.sampled_from("abc"), rows=st.integers(0, 3))
    def accept(self, deadline_ns: int, camera: str, rows: int) -> Item:
        """A frame comes, and may supersede."""
        live = rows == 0
        item = Item(deadline_ns, camera, live, max(1, rows))
        superseded = self.model.newest_live(camera) if live else None
        if superseded is not None:
            self.model.drop(superseded)
        self.model.preparing.append(item)
        assert self.pending.accept(item) is superseded
        return item

    @rule(item=items)
    def make_ready(self, item: Item) -> None:
        """Its pixels come, perhaps too late."""
        waited = item in self.model.preparing
        if waited:
            self.model.preparing.remove(item)
            self.model.ready += [item] * item.rows
        assert self.pending.make_ready(item) == waited

    @rule(item=consumes(items))
    def remove(self, item: Item) -> None:
        """It goes, if it is still there."""
        assert self.pending.remove(item) == self.model.drop(item)

    @rule(target=taken, count=st.integers(0, 4))
    def take(self, count: int) -> MultipleResults[Item]:
        """The first ones leave together."""
        expected = self.model.ordered()[:count]
        for item in expected:
            self.model.ready.remove(item)
        assert self.pending.take(count) == expected
        return multiple(*expected)

    @rule(item=consumes(taken))
    def put_back(self, item: Item) -> None:
        """One that was taken is ready again, unless a newer one of its camera waits."""
        newer = self.model.newest_live(item.camera) if item.live else None
        if newer is None:
            self.model.ready.append(item)
        assert self.pending.put_back(item) is newer

    @invariant()
    def same_as_the_model(self) -> None:
        """Both hold the same frames in the same order."""
        ordered = self.model.ordered()
        preparing = sum(item.rows for item in self.model.preparing)
        assert list(self.pending) == ordered
        assert list(self.pending.deadlines) == [item.deadline_ns for item in ordered]
        assert (len(self.pending), self.pending.preparing) == (len(ordered), preparing)
        assert self.pending.waiting == len(ordered) + preparing
        for time in (0, 3, 7):
            assert self.pending.ahead_of(time) == sum(item.deadline_ns <= time for item in ordered)
            assert self.pending.before(time) == sum(item.deadline_ns < time for item in ordered)


TestAnySequence = PendingMachine.TestCase
