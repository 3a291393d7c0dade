"""Growth of the costs of choosing few: determinantal points, sensitivities, Lewis weights."""

from functools import partial

import numpy as np

from harness.cases import Algorithm, Cost, doubled
from harness.timing import Call
from samplebook.subsets import (
    LegendreSpace,
    lewis_weights,
    lp_sensitivities,
    sample_projection_dpp,
    sample_repeated_dpp,
    sample_volume,
)


def gaussian(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((rows, columns))


def draw_of_rows(N: int, r: int) -> Call:
    Q = np.linalg.qr(gaussian(N, r))[0]
    rng = np.random.default_rng(1)
    return lambda: sample_projection_dpp(Q, rng=rng)


def scores(n: int, d: int, *, p: float, k: int | None = None) -> Call:
    """Sensitivities of the first k rows, or of all."""
    A = gaussian(n, d)
    rows = None if k is None else np.arange(k)
    return lambda: lp_sensitivities(A, p, rows=rows)


def weights(n: int, d: int) -> Call:
    A = gaussian(n, d)
    return lambda: lewis_weights(A, 4)


def volume(n: int, m: int) -> Call:
    space, rng = LegendreSpace(m), np.random.default_rng(1)
    return lambda: sample_volume(space, n, rng=rng)


def repeated(r: int, m: int) -> Call:
    space, rng = LegendreSpace(m), np.random.default_rng(1)
    return lambda: sample_repeated_dpp(space, r, rng=rng)


ALGORITHMS = [
    Algorithm(
        slug="projection-dpp",
        part="subsets",
        function="samplebook.subsets.sample_projection_dpp",
        work="{r} of {N} rows",
        prepare=draw_of_rows,
        time=Cost("N r^2 + r^3", lambda N, r: N * r**2 + r**3),
        memory=Cost("N + r^2", lambda N, r: N + r**2),
        at={"r": 48},
        grows={"N": doubled(2**16)},
        tiny={"N": 100},
    ),
    Algorithm(
        slug="projection-dpp-square",
        part="subsets",
        function="samplebook.subsets.sample_projection_dpp",
        work="{r} of $N = 2 r$ rows",
        prepare=lambda r: draw_of_rows(2 * r, r),
        time=Cost("N r^2 + r^3", lambda r: r**3),
        memory=Cost("N + r^2", lambda r: r**2),
        grows={"r": [800, 1_080, 1_460, 1_970, 2_660]},
    ),
    Algorithm(
        slug="lp-sensitivities-all-rows",
        part="subsets",
        function="samplebook.subsets.lp_sensitivities",
        work="$p = 4$, all of {n} rows, {d} columns",
        prepare=partial(scores, p=4),
        time=Cost("n^2 d^2 + n d^3", lambda n, d: n**2 * d**2 + n * d**3),
        memory=None,
        at={"d": 5},
        grows={"n": doubled(160)},
    ),
    Algorithm(
        slug="lp-sensitivities",
        part="subsets",
        function="samplebook.subsets.lp_sensitivities",
        work="$p = 4$, {k} of {n} rows, {d} columns",
        prepare=partial(scores, p=4),
        time=Cost("k (n d^2 + d^3)", lambda n, d, k: k * (n * d**2 + d**3)),
        memory=Cost("n d^2 + k n", lambda n, d, k: n * d**2 + k * n),
        at={"n": 1_000, "d": 8, "k": 4},
        grows={
            "n": doubled(2**13),
            "d": [40, 60, 90, 133, 200],
        },
        tiny={"n": 64, "d": 3},
    ),
    Algorithm(
        slug="lp-sensitivities-linear-programs",
        part="subsets",
        function="samplebook.subsets.lp_sensitivities",
        work="$p = 1$, all of {n} rows, {d} columns: $n$ linear programs",
        prepare=partial(scores, p=1),
        time=Cost("", None),
        memory=None,
        at={"d": 4},
        grows={"n": [100, 180, 320, 560, 1_000]},
    ),
    Algorithm(
        slug="lewis-weights",
        part="subsets",
        function="samplebook.subsets.lewis_weights",
        work="$p = 4$, {n} rows, {d} columns",
        prepare=weights,
        time=Cost("n d^2", lambda n, d: n * d**2),
        memory=Cost("n d", lambda n, d: n * d),
        at={"n": 8_192, "d": 10},
        grows={
            "n": doubled(2**13),
            "d": [32, 46, 64, 91, 128],
        },
        tiny={"n": 64, "d": 3},
    ),
    Algorithm(
        slug="volume-sampling",
        part="subsets",
        function="samplebook.subsets.sample_volume",
        work="{n} points, polynomials of dimension {m}",
        prepare=volume,
        time=Cost("m^3 + n m", lambda n, m: n * m),
        memory=Cost("n + m^2", lambda n, m: n),
        at={"m": 20},
        grows={"n": doubled(2**14)},
        tiny={"n": 40},
    ),
    Algorithm(
        slug="repeated-dpp",
        part="subsets",
        function="samplebook.subsets.sample_repeated_dpp",
        work="{r} processes, polynomials of dimension {m}",
        prepare=repeated,
        time=Cost("r m^3", lambda r, m: r * m**3),
        memory=None,
        at={"m": 32},
        grows={"r": doubled(4)},
        tiny={"r": 2},
    ),
]
