"""Which frames will come, and when: learned for each camera from when they came. Pure; knows nothing of batches.

Expected are the rest of the chains that run (`rhythm`), and the companions of a camera that has just begun a chain:
several cameras around one part are triggered together.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Final, NamedTuple

from framebatch.scheduling.rhythm import Chances, Rhythm

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Arrivals", "Expected"]

LIKELY: Final = 0.5
"""What is less probable is not expected."""
PRIOR: Final = 2 / 3
"""The probability that a chain goes on, before anything is known."""
PRIOR_WEIGHT: Final = 3.0
LATEST: Final = 3.0
"""Mean jitters after which a frame that has not come is given up."""
TOGETHER_GRAINS: Final = 16
"""Chains that begin within so many grains began together."""
SPREADS: Final = 2.0
GAIN: Final = 0.2
BUDGET_FADES: Final = 0.95
"""With each frame that has a shorter one."""
FORESEEN_GAIN: Final = 1 / 16
MOST_CAMERAS: Final = 4096
"""More are not remembered, however many names are sent."""


class Expected(NamedTuple):
    """A frame, or one of several rows of a frame, that is expected."""

    time_ns: int
    """When it will be ready, roughly."""
    budget_ns: int
    """From then to its deadline."""
    camera: str


class Arrivals:
    """The rhythms of all cameras, and what they let one expect.

    Attributes:
        budget_ns: the longest of late.
        foreseen: share of the last frames that were expected, as part of a chain or as a companion's.

    `heard` takes O(log n) comparisons and one list insertion for n cameras; `expected` O(k log k) for k frames.
    """

    def __init__(self, grain_ns: int) -> None:
        """Know nothing yet.

        Args:
            grain_ns: what is too short to matter, a fraction of the shortest batch; nothing is expected sooner.
        """
        self.budget_ns = 0
        self.foreseen = 0.0
        self._grain_ns = max(1, grain_ns)
        self._rhythms: dict[str, Rhythm] = {}
        self._chances = Chances()
        self._due: list[tuple[int, str]] = []
        self._begun: list[Rhythm] = []
        self._begun_ns = 0
        self._together = 1.0
        self._spread_ns = 0.0

    def __repr__(self) -> str:
        return f"Arrivals({len(self._rhythms)} cameras, {len(self._due)} expected)"

    def heard(self, camera: str, now_ns: int, budget_ns: int, rows: int = 1, next_ns: int = 0) -> None:
        """A frame of so many rows became ready, with so long until its deadline. `now_ns` never falls.

        `next_ns`: when the camera's next one will be ready, by the sender's hint; 0: not told.
        """
        self._give_up_late(now_ns)
        rhythm = self._rhythm(camera)
        expected = self._forget(rhythm)
        announced = rhythm.as_hinted(now_ns)
        foreseen = announced and not rhythm.astray
        rhythm.judge(now_ns)
        if rhythm.on_time(now_ns):
            foreseen = foreseen or self._goes_on(rhythm, rhythm.position) >= LIKELY
            self._count(rhythm, went_on=True)
            rhythm.go_on(now_ns)
        else:
            if expected and not announced:
                self._count(rhythm, went_on=False)
            rhythm.begin(now_ns)
            if rhythm.position == 0:
                foreseen = self._began(rhythm, now_ns) or foreseen
        if rhythm.hint(max(next_ns, now_ns + self._grain_ns) if next_ns else 0):
            self._count(rhythm, went_on=False)
        self.foreseen += FORESEEN_GAIN * (foreseen - self.foreseen)
        rhythm.budget_ns = budget_ns
        self.budget_ns = max(budget_ns, round(BUDGET_FADES * self.budget_ns))
        rhythm.rows = rows
        if rhythm.due_ns:
            insort(self._due, (rhythm.due_ns, camera))

    def _rhythm(self, camera: str) -> Rhythm:
        """The camera's, which moves behind all others; the first of too many is forgotten."""
        rhythm = self._rhythms.pop(camera, None)
        if rhythm is None:
            rhythm = Rhythm(camera)
            if len(self._rhythms) >= MOST_CAMERAS:
                self._forget(self._rhythms.pop(next(iter(self._rhythms))))
        self._rhythms[camera] = rhythm
        return rhythm

    def expected(self, now_ns: int, until_ns: int, limit: int) -> list[Expected]:
        """What is likely to become ready after `now_ns` and up to `until_ns`, in order; at most `limit` rows."""
        found: list[Expected] = []
        for companion, begins_ns in self._companions(now_ns):
            found.extend(self._chain(companion, -1, begins_ns, until_ns, limit))
        for due_ns, camera in self._due:
            if due_ns > until_ns or len(found) >= 2 * limit:
                break
            rhythm = self._rhythms[camera]
            time_ns: float = due_ns
            if time_ns <= now_ns + self._grain_ns:
                latest_ns = due_ns + LATEST * rhythm.jitter_ns + self._grain_ns
                if now_ns > latest_ns:
                    continue
                time_ns = now_ns + max(self._grain_ns, (latest_ns - now_ns) / 2)
            found.extend(self._chain(rhythm, rhythm.position, time_ns, until_ns, limit))
        found.sort()
        return found[:limit]

    def _give_up_late(self, now_ns: int) -> None:
        """Forget frames that were expected and did not come: their chains have ended. O(1) amortised."""
        while self._due:
            due_ns, camera = self._due[0]
            rhythm = self._rhythms[camera]
            if due_ns + LATEST * rhythm.jitter_ns + self._grain_ns >= now_ns:
                return
            del self._due[0]
            self._count(rhythm, went_on=False)

    def _chain(self, rhythm: Rhythm, position: int, time_ns: float, until_ns: int, limit: int) -> list[Expected]:
        """The frames of a chain after `position`, as far as they are likely; the first of them comes at `time_ns`."""
        found: list[Expected] = []
        chance = 1.0
        while time_ns <= until_ns and len(found) < limit:
            chance *= self._goes_on(rhythm, position) if position >= 0 else self._together
            if chance < LIKELY:
                break
            found.extend([Expected(round(time_ns), rhythm.budget_ns, rhythm.camera)] * rhythm.rows)
            if not rhythm.gap_ns or (rhythm.astray and position == rhythm.position):
                break
            time_ns += rhythm.gap_ns
            position += 1
        return found

    def _goes_on(self, rhythm: Rhythm, position: int) -> float:
        """Surely, where the sender said so; else as its own chains did, and while there were few of them as those of all."""
        if rhythm.hinted and position == rhythm.position:
            return 1.0
        prior = self._chances.goes_on(position, PRIOR, PRIOR_WEIGHT)
        return rhythm.chances.goes_on(position, prior, PRIOR_WEIGHT)

    def _count(self, rhythm: Rhythm, *, went_on: bool) -> None:
        self._chances.count(rhythm.position, went_on=went_on)
        rhythm.chances.count(rhythm.position, went_on=went_on)

    def _forget(self, rhythm: Rhythm) -> bool:
        """Its next frame is no longer expected; whether it was."""
        entry = (rhythm.due_ns, rhythm.camera)
        at = bisect_left(self._due, entry)
        if at == len(self._due) or self._due[at] != entry:
            return False
        del self._due[at]
        return True

    # Cameras that are triggered together ---------------------------------------------------------------------------

    def _began(self, rhythm: Rhythm, now_ns: int) -> bool:
        """A chain has begun, alone or shortly after others; whether that was expected."""
        together = True
        if now_ns - self._begun_ns > TOGETHER_GRAINS * self._grain_ns or rhythm in self._begun:
            self._close()
            self._begun_ns = now_ns
            together = False
        else:
            self._spread_ns += GAIN * (now_ns - self._begun_ns - self._spread_ns)
        self._begun.append(rhythm)
        return together and self._together >= LIKELY and rhythm in self._begun[0].companions

    def _close(self) -> None:
        """Remember who was together, and whether those came that were expected to."""
        members = tuple(self._begun)
        if members and members[0].companions:
            known = members[0].companions
            self._together += GAIN * (sum(each in members for each in known) / len(known) - self._together)
        for each in members:
            each.companions = members
        self._begun.clear()

    def _companions(self, now_ns: int) -> Iterator[tuple[Rhythm, int]]:
        """Who is likely to begin a chain, since a companion just did, and when."""
        if not self._begun or now_ns - self._begun_ns > TOGETHER_GRAINS * self._grain_ns:
            return
        time_ns = max(round(self._begun_ns + SPREADS * self._spread_ns), now_ns + self._grain_ns)
        for each in self._begun[0].companions:
            if each not in self._begun:
                yield each, time_ns
