"""Estimates in records: what they cover, and what JSON can hold."""

import numpy as np
import pytest
from scipy.stats import binom, ttest_1samp

from samplebook.experiments.intervals import (
    quantile_with_interval,
    share_with_interval,
    significant,
    with_interval,
    with_student_interval,
)


def test_a_quantile_lies_between_two_of_the_values():
    values = np.random.default_rng(0).permutation(1000).astype(float)
    found = quantile_with_interval(values, 0.9)
    assert found["value"] == pytest.approx(899.1)
    low, high = (int(end) for end in found["interval"])
    assert low < 899 < high
    # the interval covers if from low + 1 to high of the values lie below the quantile
    covered = binom(1000, 0.9).cdf(high) - binom(1000, 0.9).cdf(low)
    assert 0.95 <= covered < 0.97


def test_an_end_without_values_beyond_it_is_null():
    assert quantile_with_interval(np.arange(20.0), 0.99)["interval"][1] is None


def test_numbers_that_json_lacks_are_null():
    assert significant(float("nan")) is None
    assert significant(float("inf")) is None
    assert significant(123456.7, 3) == 123000.0


def test_a_share_has_its_interval():
    found = share_with_interval(np.array([True] * 5 + [False] * 15))
    assert found["value"] == 0.25
    low, high = found["interval"]
    assert 0 < low < 0.25 < high < 1


def test_one_value_has_no_interval():
    assert with_interval([2.0]) == {"mean": 2.0, "interval": None}
    low, high = with_interval([1.0, 2.0, 3.0])["interval"]
    assert low < 2 < high


def test_an_interval_of_few_values_is_scipys():
    values = np.random.default_rng(1).normal(3.0, 2.0, size=5)
    found = with_student_interval(values, 8)
    expected = ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert found["mean"] == pytest.approx(values.mean(), abs=1e-8)
    assert found["interval"] == pytest.approx(list(expected), abs=1e-8)
    assert with_student_interval([1.0]) == {"mean": 1.0, "interval": None}
