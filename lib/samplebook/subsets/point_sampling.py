"""Strategies that choose the points of a weighted least-squares fit, and ways to improve a chosen sample.

A sampling measure nu has density 1/w with respect to mu. Here 1/w(x) = (1 - s) + s k(x) / m, for a share s of
the Christoffel law: s = 1 is optimal sampling, s = 0 is mu itself, s = 1/2 keeps w <= 2. Strategies:

- independent points of nu;
- volume sampling: density det G times a constant with respect to nu^n. It is a projection DPP's m points
  and n - m independent ones of nu, in random order (Derezinski, Warmuth and Hsu 2019);
- several independent projection DPPs.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import as_choice, as_count, as_generator, as_number
from samplebook.subsets.least_squares import gram_deviation, gram_matrix
from samplebook.subsets.projection_dpp import sample_dpp
from samplebook.subsets.spaces import Points, Space, squared_norms

Numbers = NDArray[np.float64]
Draw = Callable[[], Points]
"""Draws one sample (n, ...)."""


def as_share(value: Any, name: str) -> float:
    """``value`` as a float in [0, 1], or ``ValueError``."""
    share = as_number(value, name)
    if not 0 <= share <= 1:
        raise ValueError(f"{name}: must be from 0 to 1, got {share:g}")
    return share


def sampling_weights(
    space: Space, points: ArrayLike, *, christoffel_share: float = 1.0
) -> Numbers:
    """w(x) = 1 / ((1 - s) + s |phi(x)|^2 / m), shape (...,), at points x.

    Parameters
    ----------
    space : Space
    points : array-like
        Points of the space's domain, with any leading axes.
    christoffel_share : float
        s in [0, 1]: how much of nu is the Christoffel law; the rest is mu.

    Raises
    ------
    ValueError
        If ``christoffel_share`` is outside [0, 1], or a point outside the domain or of density 0.
    """
    share = as_share(christoffel_share, "christoffel_share")
    density = (1 - share) + share * squared_norms(space.basis(points)) / space.dimension
    if density.min() == 0:
        raise ValueError(
            "points: one has density 0, so it is never drawn and has no weight"
        )
    return 1 / density


def sample_christoffel(
    space: Space,
    size: int,
    *,
    rng: np.random.Generator,
    repetitions: int | None = None,
) -> Points:
    """Independent points of the Christoffel law, of density |phi|^2 / m with respect to mu.

    Parameters
    ----------
    space : Space
    size : int
        n >= 1.
    rng : numpy.random.Generator
    repetitions : int, optional
        R >= 1.

    Returns
    -------
    array of shape (n, ...), or (R, n, ...) if ``repetitions`` is given

    Raises
    ------
    ValueError
        If a count is not an integer >= 1, or ``rng`` is no NumPy generator.
    """
    as_generator(rng)
    size = as_count(size, "size")
    if repetitions is None:
        return space.draw_christoffel(size, rng)
    count = as_count(repetitions, "repetitions")
    points = space.draw_christoffel(count * size, rng)
    return points.reshape(count, size, *points.shape[1:])


def draw_mixture(
    space: Space, size: int, share: float, rng: np.random.Generator
) -> Points:
    """``size`` independent points, each of the Christoffel law with probability ``share``, else of mu."""
    if share == 1:
        return space.draw_christoffel(size, rng)
    points = space.draw_reference(size, rng)
    chosen = rng.random(size) < share
    points[chosen] = space.draw_christoffel(int(chosen.sum()), rng)
    return points


def sample_volume(
    space: Space,
    size: int,
    *,
    rng: np.random.Generator,
    christoffel_share: float = 1.0,
    repetitions: int | None = None,
) -> Points:
    """Points of volume-rescaled sampling: density (n - m)! n^m / n! det G with respect to nu^n.

    G has the weights w = 1 / (density of nu), see :func:`sampling_weights`. Then E[G^-1] = n / (n - m + 1) I
    and the weighted least-squares fit is unbiased.

    Parameters
    ----------
    space : Space
        Of dimension m.
    size : int
        n >= m.
    rng : numpy.random.Generator
    christoffel_share : float
        s in [0, 1]; below 1 this is the generalised form.
    repetitions : int, optional
        R >= 1.

    Returns
    -------
    array of shape (n, ...), or (R, n, ...) if ``repetitions`` is given
        In random order.

    Raises
    ------
    ValueError
        If ``size`` < m, a count is not an integer >= 1, or ``christoffel_share`` is outside [0, 1].

    Notes
    -----
    One determinantal process and n - m independent points, where a point takes O(m): time O(m^3 + n m),
    memory O(n + m^2).
    """
    as_generator(rng)
    size = as_count(size, "size", minimum=space.dimension)
    share = as_share(christoffel_share, "christoffel_share")
    count = 1 if repetitions is None else as_count(repetitions, "repetitions")
    determinantal = sample_dpp(space, rng=rng, repetitions=count)
    rest = draw_mixture(space, count * (size - space.dimension), share, rng)
    rest = rest.reshape(count, -1, *determinantal.shape[2:])
    points = shuffle(np.concatenate([determinantal, rest], axis=1), rng)
    return points[0] if repetitions is None else points


def shuffle(samples: Points, rng: np.random.Generator) -> Points:
    """The points (R, n, ...) of each sample in random order."""
    order = rng.random(samples.shape[:2]).argsort(axis=1)
    return samples[np.arange(len(samples))[:, None], order]


def sample_repeated_dpp(
    space: Space,
    num_dpps: int,
    *,
    rng: np.random.Generator,
    repetitions: int | None = None,
) -> Points:
    """The points of r = ``num_dpps`` independent projection DPPs, one after the other.

    Returns
    -------
    array of shape (r m, ...), or (R, r m, ...) if ``repetitions`` is given

    Raises
    ------
    ValueError
        If ``num_dpps`` or ``repetitions`` is not an integer >= 1.

    Notes
    -----
    Time O(r m^3); up to m = 16, where the draws advance in lockstep, each judges its m log m proposals in all
    m coordinates.
    """
    num_dpps = as_count(num_dpps, "num_dpps")
    count = 1 if repetitions is None else as_count(repetitions, "repetitions")
    draws = sample_dpp(space, rng=rng, repetitions=count * num_dpps)
    points = draws.reshape(count, num_dpps * space.dimension, *draws.shape[2:])
    return points[0] if repetitions is None else points


def sample_repeated_dpp_of_size(
    space: Space, size: int, *, rng: np.random.Generator, repetitions: int | None = None
) -> Points:
    """:func:`sample_repeated_dpp` by the number of points, a multiple of m."""
    size = as_count(size, "size", minimum=space.dimension)
    if size % space.dimension:
        raise ValueError(
            f"size: must be a multiple of the dimension {space.dimension}, got {size}"
        )
    return sample_repeated_dpp(
        space, size // space.dimension, rng=rng, repetitions=repetitions
    )


STRATEGIES: dict[str, Callable[..., Points]] = {
    "independent": sample_christoffel,
    "volume": sample_volume,
    "repeated DPP": sample_repeated_dpp_of_size,
}
"""Functions of (space, size, *, rng, repetitions=None), by name."""


def sample_points(
    space: Space,
    size: int,
    *,
    strategy: str,
    rng: np.random.Generator,
    repetitions: int | None = None,
) -> Points:
    """``size`` points by one of ``STRATEGIES``, for the Christoffel weights w = m / |phi|^2.

    Returns
    -------
    array of shape (n, ...), or (R, n, ...) if ``repetitions`` is given

    Raises
    ------
    ValueError
        If the strategy is unknown, or takes no such size: "volume" needs n >= m, "repeated DPP" a multiple.
    """
    sample = STRATEGIES[as_choice(strategy, "strategy", STRATEGIES)]
    return sample(space, size, rng=rng, repetitions=repetitions)


def gram_of(space: Space, points: ArrayLike, share: float = 1.0) -> Numbers:
    """G (..., m, m) of samples (..., n, ...), with their sampling weights."""
    weights = sampling_weights(space, points, christoffel_share=share)
    return gram_matrix(space.basis(points), weights)


def condition_on_stability(
    draw: Draw,
    space: Space,
    *,
    smallest_eigenvalue: float = 0.5,
    max_draws: int = 10_000,
    christoffel_share: float = 1.0,
) -> tuple[Points, int]:
    """Draw whole samples until lambda_min(G) >= ``smallest_eigenvalue``.

    Returns
    -------
    (points, num_draws)
        The first stable sample and the number of draws it took.

    Raises
    ------
    ValueError
        If ``smallest_eigenvalue`` is outside [0, 1] (with Christoffel weights the eigenvalues of G have mean
        1, so the smallest can't be larger), or ``max_draws`` < 1.
    RuntimeError
        If none of ``max_draws`` samples is stable.
    """
    floor = as_share(smallest_eigenvalue, "smallest_eigenvalue")
    for num_draws in range(1, as_count(max_draws, "max_draws") + 1):
        points = draw()
        if np.linalg.eigvalsh(gram_of(space, points, christoffel_share))[0] >= floor:
            return points, num_draws
    raise RuntimeError(
        f"none of {max_draws} samples has lambda_min(G) >= {floor:g}; draw more points, or allow more draws"
    )


def keep_most_stable(
    draw: Draw, space: Space, *, num_draws: int, christoffel_share: float = 1.0
) -> Points:
    """The one of ``num_draws`` samples whose |G - I| is smallest.

    Raises
    ------
    ValueError
        If ``num_draws`` is not an integer >= 1.
    """
    samples = [draw() for _ in range(as_count(num_draws, "num_draws"))]
    deviations = [
        gram_deviation(gram_of(space, points, christoffel_share)) for points in samples
    ]
    return samples[int(np.argmin(deviations))]


def remove_greedily(
    space: Space,
    points: ArrayLike,
    *,
    largest_deviation: float,
    christoffel_share: float = 1.0,
) -> Points:
    """Delete points one by one while |G - I| <= ``largest_deviation`` and more than m are left.

    Each step deletes the point whose removal leaves |G - I| smallest. The order of the rest is kept.

    Raises
    ------
    ValueError
        If there are fewer than m points, or ``largest_deviation`` is no positive number.
    """
    limit = as_number(largest_deviation, "largest_deviation")
    if not limit > 0:
        raise ValueError(f"largest_deviation: must be positive, got {limit:g}")
    kept = np.asarray(points)
    m = space.dimension
    if kept.ndim == 0 or len(kept) < m:
        raise ValueError(f"points: {kept.size} are fewer than the dimension {m}")
    weights = sampling_weights(space, kept, christoffel_share=christoffel_share)
    phi = np.sqrt(weights)[:, None] * space.basis(kept)
    while len(kept) > m:
        parts = phi[:, :, None] * phi[:, None, :]
        deviations = gram_deviation((phi.T @ phi - parts) / (len(kept) - 1))
        worst = int(np.argmin(deviations))
        if deviations[worst] > limit:
            break
        kept, phi = np.delete(kept, worst, axis=0), np.delete(phi, worst, axis=0)
    return kept
