"""How large the experiment on row scores and determinantal points is."""

from dataclasses import dataclass

EXPONENTS = (1.0, 1.5, 4.0)
"""The p of the regressions."""


@dataclass(frozen=True)
class SpaceSize:
    """A space of polynomials of total degree at most ``degree`` in ``num_variables`` variables."""

    num_variables: int
    degree: int


@dataclass(frozen=True)
class Scale:
    """How large a run is.

    Attributes
    ----------
    num_rows, num_columns : int
        n and d of the tall matrix.
    num_rare, rare_stride : int
        k columns that are not 0 in every ``rare_stride``-th row alone.
    block : int
        Rows that are held in float64 at a time.
    distortion, failure : float
        eps and delta of the sketch.
    projections : int
        Gaussian projections that replace the d entries of a whitened row.
    sampled_rows : int
        Rows whose l_4 sensitivities are computed in the whole matrix.
    regression_rows : int
        Rows, the first ones, of the regressions.
    budgets : tuple of int
        Expected numbers of kept rows.
    regression_repetitions : int
        Samples for each scheme, p and budget.
    spaces : tuple of SpaceSize
        The more important ones first.
    copies : tuple of int
        Numbers of points, in units of the space's dimension m.
    dpp_repetitions, dpp_batch : int
        Repetitions, and chains that run side by side.
    """

    num_rows: int
    num_columns: int
    num_rare: int
    rare_stride: int
    block: int
    distortion: float
    failure: float
    projections: int
    sampled_rows: int
    regression_rows: int
    budgets: tuple[int, ...]
    regression_repetitions: int
    spaces: tuple[SpaceSize, ...]
    copies: tuple[int, ...]
    dpp_repetitions: int
    dpp_batch: int


SCALES = {
    "full": Scale(
        num_rows=10_000_000,
        num_columns=50,
        num_rare=4,
        rare_stride=1000,
        block=1 << 18,
        distortion=0.5,
        failure=0.01,
        projections=24,
        sampled_rows=100_000,
        regression_rows=1_000_000,
        budgets=(500, 1000, 2000, 5000, 10_000),
        regression_repetitions=200,
        spaces=(SpaceSize(1, 10), SpaceSize(4, 6), SpaceSize(2, 13)),
        copies=(1, 2, 4),
        dpp_repetitions=10_000,
        dpp_batch=2500,
    ),
    "tiny": Scale(
        num_rows=3000,
        num_columns=5,
        num_rare=2,
        rare_stride=50,
        block=700,
        distortion=0.5,
        failure=0.1,
        projections=8,
        sampled_rows=30,
        regression_rows=1500,
        budgets=(100, 300),
        regression_repetitions=20,
        spaces=(SpaceSize(1, 3), SpaceSize(2, 2)),
        copies=(1, 2),
        dpp_repetitions=40,
        dpp_batch=25,
    ),
}
