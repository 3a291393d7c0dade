"""The convex hull of classifiers in ROC space: only those on it can be best for some cost of errors."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import as_unit_interval


def roc_hull(false_alarms: ArrayLike, recalls: ArrayLike) -> NDArray[np.float64]:
    """Vertices of the upper convex hull of classifiers, from (0, 0) to (1, 1).

    Parameters
    ----------
    false_alarms, recalls : array-like of float, shape (n,)
        The share of the majority and of the minority that each classifier calls minority, in [0, 1].

    Returns
    -------
    float64 array, shape (v, 2)
        Pairs (false alarms, recall), both rising, the slope falling; the two ends say "never" and "always".

    Raises
    ------
    ValueError
        If the two are no vectors of equal length in [0, 1].
    """
    x = as_unit_interval(false_alarms, "false_alarms")
    y = as_unit_interval(recalls, "recalls")
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(
            f"recalls: must be a vector like false_alarms {x.shape}, got {y.shape}"
        )
    corners = np.vstack([np.column_stack([x, y]), [[0.0, 0.0], [1.0, 1.0]]])
    hull: list[NDArray[np.float64]] = []
    for point in corners[np.lexsort((corners[:, 1], corners[:, 0]))]:
        while len(hull) > 1 and not turns_right(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    return np.array(hull)


def turns_right(
    first: NDArray[np.float64], second: NDArray[np.float64], third: NDArray[np.float64]
) -> bool:
    """Whether the way from the first point over the second to the third bends to the right."""
    (ax, ay), (bx, by) = second - first, third - second
    return bool(ax * by - ay * bx < 0)


def hull_area(false_alarms: ArrayLike, recalls: ArrayLike) -> float:
    """Area under the hull of :func:`roc_hull`, in [1/2, 1]; raises as it does."""
    hull = roc_hull(false_alarms, recalls)
    return float(np.trapezoid(hull[:, 1], hull[:, 0]))
