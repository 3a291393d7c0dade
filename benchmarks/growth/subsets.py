"""Growth of the costs of choosing few: determinantal points, sensitivities, Lewis weights."""

import numpy as np

from harness.cases import Case, Cost
from harness.timing import Call
from samplebook.subsets import (
    LegendreSpace,
    lewis_weights,
    lp_sensitivities,
    sample_projection_dpp,
    sample_repeated_dpp,
    sample_volume,
)

DPP, SENSITIVITIES, LEWIS = (
    "samplebook.subsets.sample_projection_dpp",
    "samplebook.subsets.lp_sensitivities",
    "samplebook.subsets.lewis_weights",
)
RANK = 48
COLUMNS_ROWS = 1_000


def gaussian(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((rows, columns))


def draw_of_rows(rows: int, rank: int) -> Call:
    Q = np.linalg.qr(gaussian(rows, rank))[0]
    rng = np.random.default_rng(1)
    return lambda: sample_projection_dpp(Q, rng=rng)


def scores(rows: int, columns: int, p: float, computed: int | None = None) -> Call:
    A = gaussian(rows, columns)
    wanted = None if computed is None else np.arange(computed)
    return lambda: lp_sensitivities(A, p, rows=wanted)


def weights(rows: int, columns: int) -> Call:
    A = gaussian(rows, columns)
    return lambda: lewis_weights(A, 4)


def volume(size: int) -> Call:
    space, rng = LegendreSpace(20), np.random.default_rng(1)
    return lambda: sample_volume(space, size, rng=rng)


def repeated(size: int) -> Call:
    space, rng = LegendreSpace(32), np.random.default_rng(1)
    return lambda: sample_repeated_dpp(space, size, rng=rng)


CASES = [
    Case(
        slug="projection-dpp-rows",
        part="subsets",
        function=DPP,
        work=f"$r = {RANK}$ points",
        variable="N",
        meaning="rows of Q",
        sizes=[2**e for e in range(15, 20)],
        time=Cost("N r^2 + r^3", lambda size: size),
        memory=Cost("N + r^2", lambda size: size),
        prepare=lambda size: draw_of_rows(size, RANK),
        tiny=100,
    ),
    Case(
        slug="projection-dpp-points",
        part="subsets",
        function=DPP,
        work="of $N = 4 r$ rows",
        variable="r",
        meaning="points, the dimension",
        sizes=[256, 384, 576, 864, 1296],
        time=Cost("N r^2 + r^3", lambda size: size**3),
        memory=Cost("N + r^2", lambda size: size**2),
        prepare=lambda size: draw_of_rows(4 * size, size),
    ),
    Case(
        slug="lp-sensitivities-all-rows",
        part="subsets",
        function=SENSITIVITIES,
        work="$p = 4$, $d = 5$ columns, of all $n$ rows",
        variable="n",
        meaning="rows of A",
        sizes=[160, 320, 640, 1280, 2560],
        time=Cost("n^2 d^2 + n d^3", lambda size: size**2),
        memory=None,
        prepare=lambda size: scores(size, 5, 4),
    ),
    Case(
        slug="lp-sensitivities-rows",
        part="subsets",
        function=SENSITIVITIES,
        work="$p = 4$, $d = 8$ columns, of $k = 4$ rows",
        variable="n",
        meaning="rows of A",
        sizes=[2**e for e in range(13, 18)],
        time=Cost("k (n d^2 + d^3)", lambda size: size),
        memory=Cost("n d^2 + k n", lambda size: size),
        prepare=lambda size: scores(size, 8, 4, 4),
        tiny=64,
    ),
    Case(
        slug="lp-sensitivities-columns",
        part="subsets",
        function=SENSITIVITIES,
        work=r"$p = 4$, $n = 1{,}000$ rows, of $k = 20$ rows",
        variable="d",
        meaning="columns of A",
        sizes=[64, 80, 100, 125, 156],
        time=Cost("k (n d^2 + d^3)", lambda size: COLUMNS_ROWS * size**2 + size**3),
        memory=Cost("n d^2 + k n", lambda size: size**2),
        prepare=lambda size: scores(COLUMNS_ROWS, size, 4, 20),
        tiny=3,
    ),
    Case(
        slug="lp-sensitivities-linear-programs",
        part="subsets",
        function=SENSITIVITIES,
        work="$p = 1$, $d = 4$ columns, of all $n$ rows: $n$ linear programs",
        variable="n",
        meaning="rows of A",
        sizes=[100, 200, 400, 800, 1600],
        time=Cost("", None),
        memory=None,
        prepare=lambda size: scores(size, 4, 1),
    ),
    Case(
        slug="lewis-weights-rows",
        part="subsets",
        function=LEWIS,
        work="$p = 4$, $d = 10$ columns",
        variable="n",
        meaning="rows of A",
        sizes=[2**e for e in range(13, 18)],
        time=Cost("n d^2", lambda size: size),
        memory=Cost("n d", lambda size: size),
        prepare=lambda size: weights(size, 10),
        tiny=64,
    ),
    Case(
        slug="lewis-weights-columns",
        part="subsets",
        function=LEWIS,
        work=r"$p = 4$, $n = 8{,}192$ rows",
        variable="d",
        meaning="columns of A",
        sizes=[32, 46, 64, 91, 128],
        time=Cost("n d^2", lambda size: size**2),
        memory=Cost("n d", lambda size: size),
        prepare=lambda size: weights(8_192, size),
        tiny=3,
    ),
    Case(
        slug="volume-sampling-points",
        part="subsets",
        function="samplebook.subsets.sample_volume",
        work="polynomials of dimension $m = 20$",
        variable="n",
        meaning="points of the sample",
        sizes=[2**e for e in range(14, 19)],
        time=Cost("m^3 + n m", lambda size: size),
        memory=Cost("n + m^2", lambda size: size),
        prepare=volume,
        tiny=40,
    ),
    Case(
        slug="repeated-dpp-draws",
        part="subsets",
        function="samplebook.subsets.sample_repeated_dpp",
        work="polynomials of dimension $m = 32$",
        variable="r",
        meaning="determinantal processes",
        sizes=[4, 8, 16, 32, 64],
        time=Cost("r m^3", lambda size: size),
        memory=None,
        prepare=repeated,
        tiny=2,
    ),
]
