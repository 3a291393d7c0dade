"""Prompt look-up against examples worked by hand, and by a search written as a plain loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samplebook.drafts.prompt_lookup import prompt_lookup_laws


def law_by_search(text, vocabulary, longest):
    for length in range(min(longest, len(text) - 1), -1, -1):
        ending = text[len(text) - length :]
        found = [
            text[i + length]
            for i in range(len(text) - length)
            if text[i : i + length] == ending
        ]
        if found:
            return np.bincount(found, minlength=vocabulary) / len(found)
    raise AssertionError("the empty ending always occurs")


def test_the_longest_ending_decides():
    text = [[0, 1, 2, 0, 1, 3, 2, 1, 2, 0, 1]]
    # "2 0 1" occurred once before, followed by 3; "0 1" alone would say 2 or 3
    np.testing.assert_array_equal(
        prompt_lookup_laws(4, 3)(np.array(text), 1)[0, 0, 3], 1
    )
    np.testing.assert_allclose(
        prompt_lookup_laws(4, 2)(np.array(text), 1)[0, 0], [0, 0, 0.5, 0.5]
    )


def test_a_new_token_falls_back_on_all_tokens():
    law = prompt_lookup_laws(4)(np.array([[0, 0, 1, 3]]), 1)[0, 0]
    np.testing.assert_allclose(law, [0.5, 0.25, 0, 0.25])


@given(
    text=st.lists(st.integers(0, 2), min_size=1, max_size=20),
    longest=st.integers(1, 4),
)
def test_agrees_with_a_plain_search_at_every_position(text, longest):
    laws = prompt_lookup_laws(3, longest)(np.array([text]), len(text))[0]
    expected = [law_by_search(text[: end + 1], 3, longest) for end in range(len(text))]
    np.testing.assert_allclose(laws, expected, atol=1e-15)


def test_rows_can_differ_in_length():
    laws, rows = prompt_lookup_laws(4), [[0, 0, 1, 3], [2, 1, 2]]
    of_each = [laws(np.array([row]), 2)[0] for row in rows]
    np.testing.assert_array_equal(laws(list(map(np.array, rows)), 2), of_each)


@pytest.mark.parametrize(
    ("tokens", "last", "name"),
    [([[0, 3]], 1, "tokens"), ([0, 1], 1, "tokens"), ([[0, 1]], 3, "last")],
)
def test_wrong_texts_are_named(tokens, last, name):
    with pytest.raises(ValueError, match=name):
        prompt_lookup_laws(3)(np.array(tokens), last)


@pytest.mark.parametrize("name", ["vocabulary", "longest"])
def test_wrong_numbers_are_named(name):
    with pytest.raises(ValueError, match=name):
        prompt_lookup_laws(**{"vocabulary": 3, "longest": 2, name: 0})
