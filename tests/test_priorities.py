"""framebatch.edge.priorities: which class a frame is of."""

from __future__ import annotations

import pytest

from framebatch.edge.priorities import MOST_CAMERAS, Priorities
from framebatch.frame import Priority

TABLE = {"press-1": "best-effort", "press-*": "critical", "*": "normal"}


@pytest.mark.parametrize(
    ("camera", "expected"),
    [
        ("press-1", Priority.BEST_EFFORT),
        ("press-12", Priority.CRITICAL),
        ("Press-12", Priority.NORMAL),
        ("", Priority.NORMAL),
    ],
)
@pytest.mark.parametrize("said", list(Priority))
def test_the_first_pattern_that_matches_decides(camera: str, expected: Priority, said: Priority) -> None:
    """Whatever the frame says, and again when it is asked again."""
    priorities = Priorities(TABLE)
    assert [priorities.of(camera, said) for _ in range(2)] == [expected] * 2


@pytest.mark.parametrize("said", list(Priority))
@pytest.mark.parametrize("table", [{}, {"press-?": "critical"}])
def test_where_none_matches_the_frame_decides(table: dict[str, str], said: Priority) -> None:
    """Also after the table was asked before."""
    priorities = Priorities(table)
    assert [priorities.of("belt", said) for _ in range(2)] == [said] * 2


def test_no_number_of_names_fills_the_memory() -> None:
    """What the table says of a name is looked up again when it was forgotten."""
    priorities = Priorities(TABLE)
    for number in range(MOST_CAMERAS + 2):
        priorities.of(f"press-{number}", Priority.NORMAL)
    assert len(priorities._known) == MOST_CAMERAS
    assert priorities.of("press-1", Priority.NORMAL) is Priority.BEST_EFFORT


def test_it_shows_its_state() -> None:
    """The repr is the table."""
    assert repr(Priorities(TABLE)) == "Priorities(press-1=best-effort, press-*=critical, *=normal)"
