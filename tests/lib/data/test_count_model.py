"""The count model against the formula written out with dictionaries."""

from collections import Counter

import numpy as np
import pytest

from samplebook.data.count_model import CountModel


def slow_probability(text, history, token, order, vocabulary, pseudo_count):
    probability = 1 / vocabulary
    for length in range(order + 1):
        context = tuple(history[len(history) - length :])
        followed = Counter(
            tuple(text[i : i + length + 1]) for i in range(len(text) - length)
        )
        seen = sum(count for key, count in followed.items() if key[:-1] == context)
        count = followed[(*context, token)]
        probability = (count + pseudo_count * probability) / (seen + pseudo_count)
    return probability


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_equals_the_formula(order):
    rng = np.random.default_rng(order)
    text, other = rng.integers(4, size=200), rng.integers(4, size=30)
    model = CountModel(text, order, 4, pseudo_count=2.0)
    ours = model.probabilities(other)
    expected = [
        slow_probability(list(text), list(other[:i]), other[i], order, 4, 2.0)
        for i in range(order, len(other))
    ]
    np.testing.assert_allclose(ours, expected, rtol=1e-12)


def test_law_agrees_with_probabilities_and_sums_to_one():
    rng = np.random.default_rng(0)
    text, other = rng.integers(5, size=500), rng.integers(5, size=20)
    model = CountModel(text, 3, 5)
    law = model.law(other[:-1])
    assert abs(law.sum() - 1) < 1e-12
    assert law[other[-1]] == pytest.approx(model.probabilities(other)[-1], abs=1e-15)
    assert abs(model.law(other[:1]).sum() - 1) < 1e-12


def test_a_shorter_order_is_the_model_counted_anew():
    rng = np.random.default_rng(0)
    text, other = rng.integers(5, size=500), rng.integers(5, size=20)
    shorter, anew = CountModel(text, 3, 5).of_order(1), CountModel(text, 1, 5)
    np.testing.assert_array_equal(
        shorter.probabilities(other), anew.probabilities(other)
    )
    with pytest.raises(ValueError, match="order"):
        anew.of_order(2)


def test_laws_are_the_law_after_each_position():
    rng = np.random.default_rng(0)
    text, rows = rng.integers(5, size=500), rng.integers(5, size=(3, 10))
    model = CountModel(text, 2, 5)
    laws = model.laws(rows, 4)
    assert laws.shape == (3, 4, 5)
    np.testing.assert_array_equal(laws[1, 0], model.law(rows[1, :7]))
    np.testing.assert_array_equal(laws[2, -1], model.law(rows[2]))
    uneven = model.laws([rows[1, :7], rows[2]], 1)[:, 0]
    np.testing.assert_array_equal(uneven, [laws[1, 0], laws[2, -1]])


def test_wrong_histories_are_refused():
    model = CountModel(np.tile([0, 1, 2], 10), 1, 3)
    with pytest.raises(ValueError, match="history"):
        model.law(np.array([0, 6]))
    with pytest.raises(ValueError, match="tokens"):
        model.laws(np.array([[0, 3]]), 1)
    with pytest.raises(ValueError, match="last"):
        model.laws(np.array([[0, 1]]), 3)


def test_a_repeated_text_costs_almost_nothing():
    text = np.tile([0, 1, 2], 2000)
    assert CountModel(text, 2, 3).bits_per_token(text) < 0.01


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"order": -1}, "order"),
        ({"pseudo_count": 0.0}, "pseudo_count"),
        ({"order": 40}, "vocabulary"),
        ({"tokens": np.array([9, 9, 9, 9])}, "tokens"),
        ({"tokens": np.array([1])}, "tokens"),
    ],
)
def test_bad_input_is_named(arguments, name):
    good = {
        "tokens": np.array([0, 1, 2, 3] * 5),
        "order": 2,
        "vocabulary": 4,
        "pseudo_count": 5.0,
    }
    with pytest.raises(ValueError, match=name):
        CountModel(**{**good, **arguments})
