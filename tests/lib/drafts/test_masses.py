"""The parts that methods are written in, each by its formula: in batches, in both libraries and dtypes."""

import numpy as np
import pytest
import torch
from problems import WAYS, drafts_taken

from samplebook.drafts import (
    acceptance_rate,
    exponential_race,
    k_sequential,
    recursive_rejection,
    residual_law,
    transport,
)
from samplebook.drafts.masses import at_least_once, normalised_excess, without_tokens

BATCH = (2, 3)
DTYPES = {
    "numpy float32": lambda law: law.astype(np.float32),
    "numpy float64": lambda law: law,
    "torch float32": lambda law: torch.tensor(law).float(),
    "torch float64": torch.tensor,
}


def laws(vocabulary, number=2):
    """Laws (2, 3, V) that are no two alike."""
    size = (number, *BATCH)
    return np.random.default_rng(0).dirichlet(np.ones(vocabulary), size=size)


def check(found, expected, like):
    """Equal up to the rounding of ``like``'s dtype, which the result keeps."""
    assert type(found) is type(like)
    assert found.dtype == like.dtype
    rounding = 1e-6 if "float32" in str(like.dtype) else 1e-14
    np.testing.assert_allclose(np.asarray(found), expected, rtol=0, atol=rounding)


@pytest.fixture
def no_floating_point_errors():
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        yield


@pytest.fixture
def tensors_stay_tensors(monkeypatch):
    """NumPy's functions take tensors in main memory too, but no others."""

    def refused(tensor, *arguments, **keywords):
        raise AssertionError("a tensor was made an array")

    monkeypatch.setattr(torch.Tensor, "__array__", refused)


@pytest.mark.usefixtures("no_floating_point_errors")
@pytest.mark.parametrize("dtype", DTYPES)
def test_normalised_excess(dtype):
    target, covered = laws(5)
    covered[0, 0] = target[0, 0]  # nothing exceeds it
    excess = np.clip(target - covered, 0, None)
    excess[0, 0] = target[0, 0]
    expected = excess / excess.sum(axis=-1, keepdims=True)
    target, covered = map(DTYPES[dtype], (target, covered))
    check(normalised_excess(target, covered), expected, like=target)


@pytest.mark.usefixtures("no_floating_point_errors")
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_law_without_some_tokens(dtype):
    (law,) = laws(5, number=1)
    law[1, 2] = [0.25, 0.0, 0.75, 0.0, 0.0]  # nothing is left of it
    tokens = np.array([[[1, 3], [0, 4], [4, 4]], [[2, 3], [0, 1], [2, 0]]])
    expected = law.copy()
    np.put_along_axis(expected, tokens, 0.0, axis=-1)
    mass = expected.sum(axis=-1, keepdims=True)
    expected /= np.where(mass > 0, mass, 1.0)
    assert not expected[1, 2].any()
    law = DTYPES[dtype](law)
    rest = without_tokens(law, DTYPES[dtype.split()[0] + " float64"](tokens))
    check(rest, expected, like=law)


@pytest.mark.usefixtures("no_floating_point_errors")
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_at_least_one_success(library):
    """Exact where 1 - (1 - x)^n is rounded away, and at 1 and just above it, where a logarithm is not."""
    probabilities = np.array([0.0, 1e-20, 0.5, 1.0, 1 + 2.0**-52])
    found = at_least_once(DTYPES[f"{library} float64"](probabilities), 3)
    assert np.asarray(found) == pytest.approx([0, 3e-20, 0.875, 1, 1], rel=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_k_sequential_tests_accept(dtype):
    target, draft = laws(5)
    target[0, 0], draft[0, 0] = [0.5, 0.5, 0, 0, 0], [0, 0, 0, 0.5, 0.5]
    factors = np.linspace(1, 3, 6).reshape(BATCH)
    once = np.minimum(draft, target / factors[..., None])
    beta = once.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        thrice = np.where(beta > 0, once * (1 - (1 - beta) ** 3) / beta, 0)
    target, draft = map(DTYPES[dtype], (target, draft))
    factors = DTYPES[dtype.split()[0] + " float64"](factors)
    accepted = k_sequential.accepted_in_one_test(target, draft, factors)
    check(accepted, once, like=target)
    check(k_sequential.accepted_mass(target, draft, 3, factors), thrice, like=target)


@pytest.mark.parametrize("exponent", range(1, 18))
def test_powers_by_repeated_squaring(exponent):
    base = np.array([0.0, 0.3, 0.9, 1.0])
    out = np.empty(4)
    result = transport.power(base, exponent, out)
    assert result is out
    np.testing.assert_allclose(result, base**exponent, rtol=1e-14)
    np.testing.assert_array_equal(base, [0.0, 0.3, 0.9, 1.0])


@pytest.mark.parametrize("replacement", [True, False])
def test_no_optimum_exceeds_one_by_rounding(replacement):
    """Equal laws whose running sums may end above 1, with as many drafts as let that be seen."""
    equal = np.random.default_rng(0).dirichlet(np.full(300, 0.1), size=20)
    assert (np.cumsum(equal, axis=-1)[:, -1] > 1).any()
    if replacement:
        optima = [transport.acceptance(equal, equal, k) for k in (1, 3, 10**9)]
    else:
        optima = exponential_race.acceptances(equal, equal, 3)
    for optimum in optima:
        assert (optimum <= 1).all()
        np.testing.assert_allclose(optimum, 1, rtol=0, atol=1e-11)


@pytest.mark.parametrize("name", WAYS)
def test_rates_stay_within_zero_and_one(name):
    """Equal laws, and disjoint ones, whose sums are off by their rounding."""
    rng, way = np.random.default_rng(1), WAYS[name]
    sides = np.zeros((2, 60, 20))
    sides[0, :, :9], sides[1, :, 9:] = (
        rng.dirichlet(np.ones(9), size=60), rng.dirichlet(np.ones(11), size=60)
    )  # fmt: skip
    k = drafts_taken(way, 2)
    for target, draft in ((sides[0], sides[1]), (sides[0], sides[0])):
        rates = acceptance_rate(target, draft, k, **way)
        assert (rates >= 0).all()
        assert (rates <= 1).all()


@pytest.mark.parametrize("name", WAYS)
def test_a_rate_needs_a_draft(name):
    with pytest.raises(ValueError, match="^num_drafts: must be at least 1, got 0"):
        acceptance_rate([1.0], [1.0], 0, **WAYS[name])


@pytest.mark.usefixtures("no_floating_point_errors")
@pytest.mark.parametrize("replacement", [True, False])
def test_ratios_of_zeros_and_of_tiny_numbers_raise_no_alarm(replacement):
    way = {"method": "optimal", "replacement": replacement}
    for target, draft, optimum in (
        ([0.5, 0.5, 0.0], [0.0, 0.5, 0.5], 0.5),
        ([1.0, 0.0, 0.0], [0.5, 0.5, 0.0], 0.75 if replacement else 1.0),
        ([1.0, 0.0, 0.0], [1e-310, 0.5, 0.5], 0.0),
    ):
        rate = acceptance_rate(target, draft, 2, **way)
        assert rate == pytest.approx(optimum, abs=1e-12)


@pytest.mark.usefixtures("tensors_stay_tensors")
@pytest.mark.parametrize("name", WAYS)
def test_tensors_are_not_made_arrays(name):
    way = WAYS[name]
    k = drafts_taken(way, 2)
    target, draft = laws(4)
    rates = acceptance_rate(torch.tensor(target), torch.tensor(draft), k, **way)
    expected = acceptance_rate(target, draft, k, **way)
    np.testing.assert_allclose(rates.tolist(), expected, rtol=0, atol=1e-12)
    if way["method"] in ("kseq", "rrs") and way["replacement"]:
        given = torch.tensor(target), torch.tensor(draft)
        found = residual_law(*given, k, method=way["method"])
        expected = residual_law(target, draft, k, method=way["method"])
        np.testing.assert_allclose(found.tolist(), expected, rtol=0, atol=1e-9)


class Always:
    """One uniform number, at every draw."""

    def __init__(self, number):
        self.number = number

    def random(self):
        return self.number


@pytest.mark.parametrize(
    "select",
    [
        k_sequential.select,
        recursive_rejection.select,
        recursive_rejection.select_without_replacement,
    ],
)
def test_a_token_outside_the_target_is_never_accepted(select):
    """Even where the uniform number is 0: the test is u q < p, not u q <= p."""
    target, draft = np.array([0.0, 0.25, 0.75]), np.array([0.5, 0.25, 0.25])
    assert select(target, draft, np.array([0]), Always(0.0)) == 2
    assert select(target, draft, np.array([1]), Always(0.0)) == 1


@pytest.mark.parametrize(("number", "token"), [(0.1, 0), (0.39, 1), (0.41, 2)])
def test_drafts_without_replacement_by_hand(number, token):
    """Token 0 is accepted for u 0.6 < 0.1, then token 1 for u 0.5 < 0.2, then token 2 for u < 1."""
    target, draft = np.array([0.1, 0.3, 0.6]), np.array([0.6, 0.2, 0.2])
    select = recursive_rejection.select_without_replacement
    assert select(target, draft, np.array([0, 1, 2]), Always(number)) == token
