"""Losslessness, exactly: every branch of the shipped ``select_token``, over every tuple of drafts."""

from functools import cache
from itertools import product

import numpy as np
import pytest
from branch_walker import exact_law
from problems import PROBLEMS, WAYS, drafts_taken, random_problem

from samplebook.drafts import (
    acceptance_rate,
    draw_drafts,
    k_sequential,
    k_sequential_output_law,
    select_token,
)

ROUNDING = 1e-12
WALKED = {
    name: PROBLEMS[name] for name in PROBLEMS if name != "both zero somewhere"
} | {
    f"random {seed}": random_problem(
        np.random.default_rng(seed), 3 + seed % 2, [0.3, 1.0, 3.0][seed]
    )
    for seed in range(3)
}


def output_law(target, draft, num_drafts, way):
    """Law (V,) of the emitted token and probability that it is accepted, by walking draws and selections."""
    law, accepted_mass = np.zeros(len(target)), 0.0
    drawn = exact_law(
        lambda rng: tuple(draw_drafts(draft, num_drafts, **way, rng=rng).tolist()),
        probes=3,
    )
    assert sum(drawn.values()) == pytest.approx(1, abs=ROUNDING)
    for drafts, mass in drawn.items():
        outcomes = exact_law(
            lambda rng, x=drafts: select_token(target, draft, x, **way, rng=rng)
        )
        for (token, accepted), probability in outcomes.items():
            assert accepted == (token in drafts)
            law[token] += mass * probability
            accepted_mass += mass * probability * accepted
    return law, accepted_mass


@pytest.fixture
def factor_searched_once(monkeypatch):
    """Walk faster: remember the division factor of each pair of laws."""
    search = k_sequential.smallest_valid_factor

    @cache
    def remembered(target, draft, num_drafts):
        return search(np.frombuffer(target), np.frombuffer(draft), num_drafts)

    def of_bytes(target, draft, num_drafts):
        return remembered(target.tobytes(), draft.tobytes(), num_drafts)

    monkeypatch.setattr(k_sequential, "smallest_valid_factor", of_bytes)


@pytest.mark.usefixtures("factor_searched_once")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", WALKED)
def test_the_emitted_token_has_the_target_law(name, way):
    target, draft = WALKED[name]
    way = WAYS[way]
    counts = [1, 2, 3] if len(target) < 4 else [2]
    for num_drafts in sorted({drafts_taken(way, count) for count in counts}):
        law, accepted = output_law(target, draft, num_drafts, way)
        np.testing.assert_allclose(law, target, rtol=0, atol=ROUNDING)
        rate = acceptance_rate(target, draft, num_drafts, **way)
        assert accepted == pytest.approx(
            rate, abs=1e-9 if way["method"] == "optimal" else 10 * ROUNDING
        )


def test_the_walk_finds_a_division_factor_that_is_too_small(monkeypatch):
    """With rho = 1 for k = 3 the residual has negative entries, and clipping them is not lossless."""
    target, draft = random_problem(np.random.default_rng(0), 3, 1.0)
    monkeypatch.setattr(
        k_sequential,
        "smallest_valid_factor",
        lambda target, draft, num_drafts: np.float64(1.0),
    )
    law, _ = output_law(target, draft, 3, WAYS["kseq"])
    np.testing.assert_allclose(
        law, k_sequential_output_law(target, draft, 3, 1.0), rtol=0, atol=ROUNDING
    )
    assert abs(law - target).sum() / 2 > 0.01


def test_the_walk_finds_a_rule_that_skips_repeated_drafts():
    """The law of recursive rejection that ignores a token already rejected; a published program did that."""
    target, draft = [0.1, 0.5, 0.4], [0.6, 0.3, 0.1]
    law = np.zeros(3)
    for drafts in product(range(3), repeat=2):
        distinct = list(dict.fromkeys(drafts))
        outcomes = exact_law(
            lambda rng, x=distinct: select_token(
                target, draft, x, method="rrs", rng=rng
            )
        )
        for (token, _), probability in outcomes.items():
            law[token] += np.prod(np.asarray(draft)[list(drafts)]) * probability
    np.testing.assert_allclose(law, [0.10, 0.57, 0.33], atol=1e-12)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_unchecked_laws_of_either_dtype_are_kept(way, dtype):
    target, draft = (
        law.astype(dtype) for law in random_problem(np.random.default_rng(3), 3, 1.0)
    )
    way = WAYS[way]
    num_drafts = drafts_taken(way, 2)
    law = np.zeros(3)
    drawn = exact_law(
        lambda rng: tuple(draw_drafts(draft, num_drafts, **way, rng=rng)), probes=3
    )
    for drafts, mass in zip(map(np.array, drawn), drawn.values(), strict=True):
        outcomes = exact_law(
            lambda rng, x=drafts: select_token(
                target, draft, x, **way, rng=rng, validate=False
            )
        )
        for (token, _), probability in outcomes.items():
            law[token] += mass * probability
    tolerance = 1e-6 if dtype == np.float32 else ROUNDING
    np.testing.assert_allclose(law, target, rtol=0, atol=tolerance)
