"""What is remembered of a book is what it would answer again, whichever bars were asked for before."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from feeds.remembered import KEPT, Remembered

BARS = st.lists(st.integers(0, 40), min_size=1, unique=True).map(lambda found: np.array(sorted(found)))


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), BARS), min_size=1, max_size=8))
def test_answer_is_that_of_the_bars_however_asked_before(asked: list[tuple[str, np.ndarray]]) -> None:
    held = Remembered()
    computed: list[tuple[str, int]] = []
    for question, bars in asked:

        def answer(some: np.ndarray, question: str = question) -> tuple[np.ndarray, np.ndarray]:
            computed.extend((question, bar) for bar in some.tolist())
            return some * 1.5 + (question == "b"), np.stack([some, -some], axis=1)

        one, two = held(question, bars, answer)
        assert np.array_equal(one, bars * 1.5 + (question == "b"))
        assert np.array_equal(two, np.stack([bars, -bars], axis=1))
    assert len(computed) == len(set(computed))


def test_oldest_question_is_forgotten_first() -> None:
    held = Remembered()
    computed: list[int] = []

    def ask(question: int) -> None:
        def answer(some: np.ndarray) -> tuple[np.ndarray, ...]:
            computed.append(question)
            return (some,)

        held(question, np.array([1]), answer)

    for number in [*range(KEPT), 0, KEPT, 0, 1]:
        ask(number)
    assert computed == [*range(KEPT), KEPT, 1]
