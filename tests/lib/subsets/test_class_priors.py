"""Under-sampling's arithmetic, and Bayes' rule for a share that changed.

Seeds are fixed. A right program would fail the random test with probability 1e-6 over seeds.
"""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samplebook.core.statistics import goodness_of_fit
from samplebook.subsets.class_priors import (
    correct_prior,
    majority_size,
    sample_majority,
)

FAST = settings(derandomize=True, deadline=None, max_examples=100, database=None)
SHARES = st.floats(0.01, 0.99)


def test_sizes_by_hand():
    assert majority_size(50, 200) == 25
    assert majority_size(50, 100) == 50
    assert majority_size(50, 50) == 100
    assert majority_size(10, 300) == 3
    with pytest.raises(ValueError, match="level: 900 percent leaves none beside 3"):
        majority_size(3, 900)
    for level in (0, -1, np.nan, np.inf):
        with pytest.raises(ValueError, match="level: must be finite and > 0"):
            majority_size(50, level)


def test_every_subset_is_equally_likely():
    subsets = list(itertools.combinations(range(5), 3))
    rng, seen = np.random.default_rng(0), [0] * 10
    for _ in range(4_000):
        seen[subsets.index(tuple(sample_majority(5, 3, rng=rng).tolist()))] += 1
    assert goodness_of_fit(seen, np.full(10, 0.1)) > 1e-6


def test_bad_sizes():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="size: 6 is more than the 5"):
        sample_majority(5, 6, rng=rng)
    with pytest.raises(ValueError, match="size: must be at least 1"):
        sample_majority(5, 0, rng=rng)
    with pytest.raises(ValueError, match="rng: must be"):
        sample_majority(5, 2, rng=None)


@FAST
@given(SHARES, SHARES, st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_bayes_rule_at_both_shares(trained, true, in_minority, in_majority):
    """A place of density a in the minority and b in the majority."""

    def posterior(share):
        minority = share * in_minority
        return minority / (minority + (1 - share) * in_majority)

    corrected = correct_prior(posterior(trained), trained=trained, true=true)
    assert corrected == pytest.approx(posterior(true), rel=1e-12)


def test_the_order_and_the_ends_stay():
    p = np.linspace(0, 1, 11)
    q = correct_prior(p, trained=0.5, true=0.02)
    assert q[0] == 0 and q[-1] == 1
    assert (np.diff(q) > 0).all()
    assert q[5] == pytest.approx(0.02, rel=1e-12)
    np.testing.assert_allclose(correct_prior(p, trained=0.3, true=0.3), p, atol=1e-15)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.2], 0.5, 0.1), "probabilities: has 1.2"),
        (([0.5], 0, 0.1), "trained: must be"),
        (([0.5], 0.5, 1), "true: must be"),
        (([np.nan], 0.5, 0.1), "probabilities: has nan"),
    ],
)
def test_bad_shares(arguments, message):
    probabilities, trained, true = arguments
    with pytest.raises(ValueError, match=message):
        correct_prior(probabilities, trained=trained, true=true)
