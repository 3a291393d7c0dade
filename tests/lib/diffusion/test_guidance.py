"""Guidance and thresholds: identities, and what a threshold may never do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mixtures import THREE, starts

from samplebook.diffusion import (
    data_from_noise,
    dynamic_threshold,
    guided,
    noise_from_data,
    noise_scale,
    signal_scale,
    static_threshold,
    thresholded,
)

LAM = 0.3
CLASS = THREE.given([0])


def test_scales_zero_and_one_are_the_two_predictions():
    x = starts(10)
    for scale, expected in ((0, THREE), (1, CLASS)):
        found = guided(CLASS.predict_data, THREE.predict_data, scale)(x, LAM)
        np.testing.assert_array_equal(found, expected.predict_data(x, LAM))


@given(st.floats(0, 20), st.integers(0, 2**32 - 1))
def test_guiding_the_noise_is_guiding_the_data(scale, seed):
    x = starts(6, seed=seed)
    by_data = guided(CLASS.predict_data, THREE.predict_data, scale)(x, LAM)
    by_noise = data_from_noise(
        guided(
            noise_from_data(CLASS.predict_data),
            noise_from_data(THREE.predict_data),
            scale,
        )
    )(x, LAM)
    np.testing.assert_allclose(by_noise, by_data, atol=1e-12 * (1 + scale))


def test_guidance_is_a_classifiers_gradient():
    """The guided score is the unconditional one plus s times the gradient of log P(class | x)."""
    x, scale, step = starts(6), 3.0, 1e-5
    predicted = guided(CLASS.predict_data, THREE.predict_data, scale)(x, LAM)
    score = (signal_scale(LAM) * predicted - x) / noise_scale(LAM) ** 2
    for axis in range(2):
        shift = step * np.eye(2)[axis]
        ends = [
            np.log(THREE.responsibilities(points, LAM)[:, 0])
            for points in (x + shift, x - shift)
        ]
        slope = (ends[0] - ends[1]) / (2 * step)
        expected = THREE.score(x, LAM)[:, axis] + scale * slope
        np.testing.assert_allclose(score[:, axis], expected, atol=1e-6)


def test_noise_prediction_is_minus_sigma_times_the_score():
    x = starts(10)
    noise = noise_from_data(THREE.predict_data)(x, LAM)
    np.testing.assert_allclose(
        noise, -noise_scale(LAM) * THREE.score(x, LAM), atol=1e-12
    )


@given(
    st.lists(st.floats(-50, 50), min_size=1, max_size=30),
    st.floats(0.01, 1),
)
def test_dynamic_threshold(values, quantile):
    data = np.array([values])
    found = dynamic_threshold(data, quantile=quantile)
    limit = max(np.quantile(np.abs(values), quantile), 1)
    assert np.abs(found).max() <= 1
    inside = np.abs(data) <= limit
    np.testing.assert_allclose(
        found[inside] * limit, data[inside], rtol=1e-12, atol=1e-300
    )
    assert (found[~inside] == np.sign(data[~inside])).all()


def test_samples_are_thresholded_each_by_its_own():
    data = np.array([[0.5, -0.9, 0.1], [4.0, -2.0, 1.0]])
    found = dynamic_threshold(data, quantile=1.0)
    np.testing.assert_allclose(found, [data[0], data[1] / 4])
    np.testing.assert_array_equal(
        static_threshold(data), [[0.5, -0.9, 0.1], [1, -1, 1]]
    )


def test_thresholded_prediction():
    def double(x, lam):
        return 2 * x

    x = starts(5)
    np.testing.assert_array_equal(thresholded(double)(x, LAM), dynamic_threshold(2 * x))
    np.testing.assert_array_equal(
        thresholded(double, static_threshold)(x, LAM), np.clip(2 * x, -1, 1)
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: guided(CLASS.predict_data, THREE.predict_data, -1.0), "scale"),
        (lambda: dynamic_threshold(3.0), "data"),
        (lambda: dynamic_threshold([np.inf]), "data"),
        (lambda: dynamic_threshold([1.0], quantile=0.0), "quantile"),
        (lambda: dynamic_threshold([1.0], quantile=1.1), "quantile"),
        (lambda: static_threshold([np.nan]), "data"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
