"""A short cut in one dimension: projection DPPs of polynomial spaces as eigenvalues of random matrices.

The DPP of the first m orthogonal polynomials has density prod_{i<j} (x_i - x_j)^2 with respect to mu^m, an
orthogonal polynomial ensemble with beta = 2. For the normal law it is the Gaussian unitary ensemble, for the
uniform law on [-1, 1] a Jacobi ensemble. Both are the eigenvalues of a random symmetric tridiagonal matrix
with independent ingredients (Dumitriu and Edelman 2002; Killip and Nenciu 2004).
"""

import numpy as np
from numpy.typing import NDArray

from samplebook.core.checks import as_count, as_generator
from samplebook.subsets.polynomial_spaces import HermiteSpace, LegendreSpace

Numbers = NDArray[np.float64]
Tridiagonal = tuple[Numbers, Numbers]
"""Diagonals (R, m) and off-diagonals (R, m - 1)."""


def gaussian_tridiagonals(m: int, count: int, rng: np.random.Generator) -> Tridiagonal:
    """Normal diagonal; the k-th off-diagonal entry squared is Gamma(m - k), k = 1, .., m - 1."""
    shapes = np.arange(m - 1, 0, -1.0)
    squares = rng.standard_gamma(shapes, size=(count, m - 1))
    return rng.standard_normal((count, m)), np.sqrt(squares)


def jacobi_tridiagonals(m: int, count: int, rng: np.random.Generator) -> Tridiagonal:
    """Jacobi matrices on [-1, 1] from independent canonical moments p_1, .., p_{2m-1} on [0, 1].

    p_{2k-1} is Beta(m - k + 1, m - k + 1), p_{2k} is Beta(m - k, m - k + 1). With zeta_j = (1 - p_{j-1}) p_j
    (p_0 = 0) the diagonal is zeta_{2k-2} + zeta_{2k-1} (zeta_0 = 0), the off-diagonal squared
    zeta_{2k-1} zeta_{2k}; then x becomes 2x - 1.
    """
    rest = np.arange(m, 0, -1.0)
    moments = np.zeros((count, 2 * m))
    moments[:, 1::2] = rng.beta(rest, rest, size=(count, m))
    moments[:, 2::2] = rng.beta(rest[1:], rest[:-1], size=(count, m - 1))
    zeta = np.zeros_like(moments)
    zeta[:, 1:] = (1 - moments[:, :-1]) * moments[:, 1:]
    diagonal = zeta[:, 0::2] + zeta[:, 1::2]
    offdiagonal = np.sqrt(zeta[:, 1:-1:2] * zeta[:, 2::2])
    return 2 * diagonal - 1, 2 * offdiagonal


def tridiagonal_eigenvalues(diagonals: Numbers, offdiagonals: Numbers) -> Numbers:
    """Eigenvalues (R, m), rising, of symmetric tridiagonal matrices."""
    count, m = diagonals.shape
    matrices = np.zeros((count, m, m))
    steps = np.arange(m)
    matrices[:, steps, steps] = diagonals
    matrices[:, steps[1:], steps[:-1]] = offdiagonals  # eigvalsh reads the lower half
    return np.asarray(np.linalg.eigvalsh(matrices), dtype=np.float64)


def sample_orthogonal_polynomial_ensemble(
    space: LegendreSpace | HermiteSpace,
    *,
    rng: np.random.Generator,
    repetitions: int | None = None,
) -> Numbers:
    """The points of the projection DPP of a space of polynomials in one variable, as eigenvalues.

    As a set they have the law of :func:`sample_dpp`'s.

    Parameters
    ----------
    space : LegendreSpace or HermiteSpace
        Of dimension m.
    rng : numpy.random.Generator
    repetitions : int, optional
        R >= 1.

    Returns
    -------
    array of shape (m,), or (R, m) if ``repetitions`` is given
        Rising.

    Raises
    ------
    ValueError
        If the space is of another kind, or ``repetitions`` is not an integer >= 1.
    """
    as_generator(rng)
    count = 1 if repetitions is None else as_count(repetitions, "repetitions")
    if isinstance(space, HermiteSpace):
        matrices = gaussian_tridiagonals(space.dimension, count, rng)
    elif isinstance(space, LegendreSpace):
        matrices = jacobi_tridiagonals(space.dimension, count, rng)
    else:
        raise ValueError(
            f"space: must be a LegendreSpace or a HermiteSpace, got {space!r}"
        )
    eigenvalues = tridiagonal_eigenvalues(*matrices)
    return eigenvalues[0] if repetitions is None else eigenvalues
