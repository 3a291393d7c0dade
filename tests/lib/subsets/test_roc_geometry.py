"""The hull in ROC space: by hand, and against linear programs of costs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samplebook.subsets.roc_geometry import hull_area, roc_hull

FAST = settings(derandomize=True, deadline=None, max_examples=100, database=None)
PLACES = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=12
)


def test_by_hand():
    hull = roc_hull([0.2, 0.5, 0.1, 0.3], [0.6, 0.9, 0.1, 0.6])
    np.testing.assert_array_equal(hull, [[0, 0], [0.2, 0.6], [0.5, 0.9], [1, 1]])
    assert hull_area([0.2, 0.5], [0.6, 0.9]) == pytest.approx(
        0.2 * 0.3 + 0.3 * 0.75 + 0.5 * 0.95
    )
    assert hull_area([0.5], [0.1]) == 0.5
    assert hull_area([0], [1]) == 1
    np.testing.assert_array_equal(roc_hull([0], [0.4]), [[0, 0], [0, 0.4], [1, 1]])


@FAST
@given(PLACES)
def test_it_is_concave_and_above_all_classifiers(places):
    x, y = np.array(places).T / 8
    hull = roc_hull(x, y)
    assert hull[0].tolist() == [0, 0] and hull[-1].tolist() == [1, 1]
    steps = np.diff(hull, axis=0)
    assert (steps >= 0).all() and steps.any(axis=1).all()
    slopes = steps[:, 1] / np.maximum(steps[:, 0], 1e-9)
    assert (np.diff(slopes) < 0).all()
    rising = hull[np.append(True, steps[:, 0] > 0)] if steps[0, 0] else hull[1:]
    assert (np.interp(x, *rising.T) >= y - 1e-12).all()
    corners = {(0, 0), (1, 1), *zip(x.tolist(), y.tolist(), strict=True)}
    assert {*map(tuple, hull.tolist())} <= corners


@FAST
@given(PLACES, st.floats(0, 1))
def test_the_best_classifier_at_any_cost_is_on_it(places, cost):
    """The loss is linear in (false alarms, recall), so its minimum is at a vertex."""
    x, y = np.array(places).T / 8
    candidates = np.vstack([np.column_stack([x, y]), [[0, 0], [1, 1]]])
    direction = np.array([cost, cost - 1])
    best = (candidates @ direction).min()
    assert (roc_hull(x, y) @ direction).min() == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([0.1], [0.1, 0.2], "recalls: must be a vector like"),
        ([[0.1]], [[0.1]], "recalls: must be a vector like"),
        ([1.5], [0.1], "false_alarms: has 1.5"),
        ([0.5], [-0.1], "recalls: has -0.1"),
    ],
)
def test_bad_input(x, y, message):
    with pytest.raises(ValueError, match=message):
        roc_hull(x, y)
