"""The rhythm of one camera: how far apart its frames are, and how its rows of frames go on. Pure.

Machine-vision cameras are not random. They run free at a fixed rate, or a trigger makes them send a few frames in a row.
Both are chains here: frames a regular gap apart, endless for a free-running camera, short for a triggered one.
A sender that knows when its next frame comes may say so.
"""

from __future__ import annotations

from typing import Final

__all__ = ["Chances", "Rhythm"]

LONGEST: Final = 8
"""Positions in a chain that are told apart; from here on a chain is as likely to go on as it was here."""
TOLERANCE: Final = 0.25
"""Of the gap: a frame further from its time than this is no part of the chain."""
CLOCK_GAIN: Final = 0.1
GAP_GAIN: Final = 0.005
JITTER_GAIN: Final = 0.2
FIRST_JITTER: Final = 0.01
"""Of the gap, before it is known."""
HINT_SLACK: Final = 0.02
"""Of the gap: so far off a hint may be, even where the clock is better."""


class Chances:
    """How often chains went on, and ended, by position. For one camera, or for all together."""

    __slots__ = ("ended", "went_on")

    def __init__(self) -> None:
        self.went_on = [0] * (LONGEST + 1)
        self.ended = [0] * (LONGEST + 1)

    def __repr__(self) -> str:
        return f"Chances(went_on={self.went_on}, ended={self.ended})"

    def count(self, position: int, *, went_on: bool) -> None:
        """Whether there was another frame after the one at this position."""
        (self.went_on if went_on else self.ended)[min(position, LONGEST)] += 1

    def goes_on(self, position: int, prior: float, weight: float) -> float:
        """The probability of another frame: the share so far, and `prior` as if seen `weight` times."""
        at = min(position, LONGEST)
        went_on = self.went_on[at]
        return (went_on + prior * weight) / (went_on + self.ended[at] + weight)


class Rhythm:
    """What is known of one camera.

    Attributes:
        camera: its name.
        last_ns: its last frame; 0: there was none.
        due_ns: its next frame, if the chain goes on; 0: none is expected.
        gap_ns: between the frames of a chain; 0: not known.
        position: of the last frame in its chain, from 0.
        jitter_ns: mean distance of a frame from its time.
        budget_ns: of its last frame, from then to the deadline.
        rows: of its last frame.
        chances: of its chains.
        companions: cameras whose last chain began together with its own, itself included.
        hinted: whether the sender said, credibly, that there is a next frame.
        astray: whether it comes at another time than the clock says, so that what follows it is not known.
    """

    __slots__ = (
        "_before_ns",
        "_clock_error_ns",
        "_clock_ns",
        "_guessed",
        "_hint_error_ns",
        "_hint_ns",
        "_regular",
        "astray",
        "budget_ns",
        "camera",
        "chances",
        "companions",
        "due_ns",
        "gap_ns",
        "hinted",
        "jitter_ns",
        "last_ns",
        "position",
        "rows",
    )

    def __init__(self, camera: str) -> None:
        self.camera = camera
        self.last_ns = 0
        self.due_ns = 0
        self.gap_ns = 0.0
        self.position = 0
        self.jitter_ns = 0.0
        self.budget_ns = 0
        self.rows = 1
        self.chances = Chances()
        self.companions: tuple[Rhythm, ...] = ()
        self.hinted = False
        self.astray = False
        self._clock_ns = 0.0
        self._before_ns = 0
        self._regular = 0
        self._guessed = False
        self._hint_ns = 0
        self._hint_error_ns = 0.0
        self._clock_error_ns = 0.0

    def __repr__(self) -> str:
        return f"Rhythm({self.camera}, gap={self.gap_ns / 1e6:.1f} ms, position={self.position})"

    def on_time(self, now_ns: int) -> bool:
        """Whether a frame that comes now goes on with the chain."""
        return self.gap_ns > 0 and abs(now_ns - self._clock_ns - self.gap_ns) <= TOLERANCE * self.gap_ns

    def go_on(self, now_ns: int) -> None:
        """The chain has another frame: correct clock and gap by its distance from what was expected.

        An alpha-beta filter (Sklansky 1957) with the gains of a least-squares line through the frames so far, down to a
        floor: jitter does not add up, so it is averaged out, and slow drift is followed. O(1).
        """
        self.position += 1
        self._regular += 1
        self._guessed = False
        error = now_ns - self._clock_ns - self.gap_ns
        n, m = self.position, self._regular
        self._clock_ns += self.gap_ns + max(CLOCK_GAIN, 2 * (2 * n + 1) / ((n + 1) * (n + 2))) * error
        self.gap_ns += max(GAP_GAIN, 6 / ((m + 1) * (m + 2))) * error
        self.jitter_ns += max(JITTER_GAIN, 1 / m) * (abs(error) - self.jitter_ns)
        self._heard(now_ns)

    def begin(self, now_ns: int) -> None:
        """A frame that is no part of the chain begins another one; a gap seen twice in a row becomes the camera's. O(1)."""
        gap_ns = now_ns - self.last_ns if self.last_ns else 0
        seen_twice = self._before_ns > 0 and abs(gap_ns - self._before_ns) <= TOLERANCE * gap_ns
        self.position = 0
        if gap_ns and (seen_twice or self._guessed or not self.gap_ns):
            self._guessed = False
            self.gap_ns = float(gap_ns)
            self.jitter_ns = FIRST_JITTER * gap_ns
            self.position = self._regular = 1
        self._clock_ns = float(now_ns)
        self._heard(now_ns)

    def as_hinted(self, now_ns: int) -> bool:
        """Whether a frame that comes now was announced by the one before, and that was believed."""
        return self.hinted and abs(now_ns - self.due_ns) <= TOLERANCE * (self.due_ns - self.last_ns)

    def judge(self, now_ns: int) -> None:
        """Compare the hint of the frame before, if it had one, with the clock, now that a frame comes. O(1)."""
        if not self._hint_ns:
            return
        error_ns = abs(now_ns - self._hint_ns)
        if self._guessed or not self.gap_ns:
            self._hint_error_ns = error_ns
            return
        self._hint_error_ns += JITTER_GAIN * (error_ns - self._hint_error_ns)
        self._clock_error_ns += JITTER_GAIN * (abs(now_ns - self._clock_ns - self.gap_ns) - self._clock_error_ns)

    def hint(self, next_ns: int) -> bool:
        """The sender of the frame that was just heard says when the next one will be ready; 0: it does not say.

        One that agrees with the clock confirms it, and the clock is the better of the two, as jitter is averaged out in
        it. One that does not is believed unless hints were further off than the clock lately. A sender that gave a hint
        the last time, and none now, expects no frame soon. Answers whether the chain is known to end by that. O(1).
        """
        before, self._hint_ns = self._hint_ns, next_ns
        believed = self._hint_error_ns <= max(self._clock_error_ns, HINT_SLACK * self.gap_ns)
        self.hinted = believed and next_ns > 0
        self.astray = False
        if self.hinted:
            if not self.gap_ns:
                self._guessed = True
                self.gap_ns = float(next_ns - self.last_ns)
                self.jitter_ns = FIRST_JITTER * self.gap_ns
                self.due_ns = next_ns
            elif abs(next_ns - self.due_ns) > TOLERANCE * self.gap_ns:
                self.astray = True
                self.due_ns = next_ns
        elif believed and before:
            self.due_ns = 0
            return True
        return False

    def _heard(self, now_ns: int) -> None:
        self._before_ns = now_ns - self.last_ns if self.last_ns else 0
        self.last_ns = now_ns
        self.due_ns = round(self._clock_ns + self.gap_ns) if self.gap_ns else 0
