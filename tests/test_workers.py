"""framebatch.batching.workers: threads that hand their items back to the event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from framebatch.batching.workers import Workers

if TYPE_CHECKING:
    import pytest


@dataclass(eq=False)
class Item:
    """Something to work on, held until it may go on."""

    number: int
    go: threading.Event = field(default_factory=threading.Event)
    thread: str = ""
    fails: bool = False


class Bench:
    """Workers, and the lists that were delivered."""

    def __init__(self, count: int = 1) -> None:
        self.delivered: list[list[int]] = []
        self.begun: asyncio.Queue[int] = asyncio.Queue()
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.workers: Workers[Item] = Workers("bench", count, work=self._work, deliver=self._deliver, loop=self._loop)

    def put(self, *numbers: int, held: bool = False, fails: bool = False) -> list[Item]:
        """Queue items that go through at once, unless they are held."""
        items = [Item(number, fails=fails) for number in numbers]
        for item in items:
            if not held:
                item.go.set()
            self.workers.put(item)
        return items

    async def wait(self, count: int) -> list[int]:
        """Answer what was delivered once it is so much."""
        while len(numbers := [number for batch in self.delivered for number in batch]) < count:
            self._changed.clear()
            await self._changed.wait()
        return numbers

    def _work(self, item: Item) -> None:
        item.thread = threading.current_thread().name
        self._loop.call_soon_threadsafe(self.begun.put_nowait, item.number)
        item.go.wait()
        if item.fails:
            raise ZeroDivisionError("in the work")

    def _deliver(self, items: list[Item]) -> None:
        assert threading.current_thread() is threading.main_thread()
        self.delivered.append([item.number for item in items])
        self._changed.set()


async def test_items_come_back_on_the_loop() -> None:
    """Worked on by a named thread, delivered in order by the loop's own thread, each once."""
    bench = Bench()
    items = bench.put(*range(100))
    assert await bench.wait(100) == list(range(100))
    assert {item.thread for item in items} == {"bench-0"}
    bench.workers.close()


async def test_as_many_are_worked_on_as_there_are_threads() -> None:
    """Two at a time with two threads; a third one is queued."""
    bench = Bench(2)
    items = bench.put(0, 1, 2, held=True)
    assert {await bench.begun.get(), await bench.begun.get()} == {0, 1}
    assert (bench.workers.queued, bench.begun.empty()) == (1, True)
    items[0].go.set()
    assert await bench.begun.get() == 2
    for item in items:
        item.go.set()
    assert sorted(await bench.wait(3)) == [0, 1, 2]
    bench.workers.close()


async def test_items_that_finish_together_travel_together() -> None:
    """While the loop is busy everything that finishes waits for one hop."""
    bench = Bench()
    items = bench.put(*range(5))
    while bench.workers.queued or len(bench.workers._finished) < 5:  # the loop is not given a turn
        items[-1].go.wait()
    assert bench.delivered == []
    assert await bench.wait(5) == [0, 1, 2, 3, 4]
    assert bench.delivered == [[0, 1, 2, 3, 4]]
    bench.workers.close()


async def test_work_that_raises_ends_no_thread(caplog: pytest.LogCaptureFixture) -> None:
    """The item is delivered all the same, the log tells, and the next item is worked on."""
    caplog.set_level(logging.ERROR)
    bench = Bench()
    bench.put(1, fails=True)
    bench.put(2)
    assert await bench.wait(2) == [1, 2]
    assert "bench: work raised, which it must not" in caplog.text
    bench.workers.close()


async def test_closing_ends_the_threads() -> None:
    """After what was queued is done."""
    bench = Bench(3)
    bench.put(1, 2, 3, 4)
    bench.workers.close(timeout_seconds=30)
    assert not any(thread.is_alive() for thread in bench.workers._threads)
    assert sorted(await bench.wait(4)) == [1, 2, 3, 4]


async def test_it_shows_its_state() -> None:
    """The repr names the workers and counts threads and what is queued."""
    bench = Bench(2)
    assert repr(bench.workers) == "Workers(bench, 2 threads, 0 queued)"
    bench.workers.close()
