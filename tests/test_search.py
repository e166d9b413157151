"""framebatch.planning.search: the largest number that holds, with few questions."""

from __future__ import annotations

from math import log2

from hypothesis import given
from hypothesis import strategies as st

from framebatch.planning.search import largest

NUMBERS = st.integers(min_value=-5, max_value=2_000)


@given(answer=st.integers(min_value=0, max_value=1_200), guess=NUMBERS, limit=st.integers(min_value=0, max_value=1_000))
def test_it_finds_the_last_number_that_holds(answer: int, guess: int, limit: int) -> None:
    """Whatever the guess; never above the limit; 0 where nothing holds; nothing else is asked about, and nothing twice."""
    asked: list[int] = []

    def holds(number: int) -> bool:
        asked.append(number)
        return number <= answer

    assert largest(holds, guess=guess, limit=limit) == min(answer, limit)
    assert len(set(asked)) == len(asked)
    assert all(1 <= number <= limit for number in asked)


@given(answer=st.integers(min_value=1, max_value=900), wrong_by=st.integers(min_value=-800, max_value=800))
def test_a_good_guess_saves_questions(answer: int, wrong_by: int) -> None:
    """A few, growing with the logarithm of how far the guess is off."""
    asked: list[int] = []

    def holds(number: int) -> bool:
        asked.append(number)
        return number <= answer

    largest(holds, guess=answer + wrong_by, limit=1_000)
    assert len(asked) <= 2 + 2.5 * log2(2 + abs(wrong_by))


@given(st.lists(st.booleans(), min_size=1, max_size=60), NUMBERS)
def test_with_noise_the_answer_holds_and_the_next_does_not(truth: list[bool], guess: int) -> None:
    """Whatever the sides that numbers are on; 0 and what is beyond the limit are taken to be on theirs."""
    answer = largest(lambda number: truth[number - 1], guess=guess, limit=len(truth))
    assert answer == 0 or truth[answer - 1]
    assert answer == len(truth) or not truth[answer]
