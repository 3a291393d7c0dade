"""Which few rows, points or examples stand for all: sensitivity sampling, determinantal point processes.

Points of a function space: ``spaces`` says what a space is, ``polynomial_spaces`` has polynomials on an
interval, the line and their products. ``projection_dpp`` draws determinantal point processes by the chain
rule, ``polynomial_ensembles`` the same in one dimension as eigenvalues. ``point_sampling`` has the strategies
and what improves a sample, ``least_squares`` the fit and its stability. Importing this needs NumPy alone.
"""

from samplebook.subsets.distortion import (
    DistortionMeter,
    distortion_lower_bound,
    embedding_distortion,
)
from samplebook.subsets.least_squares import (
    gram_deviation,
    gram_matrix,
    stability_constant,
    weighted_least_squares,
)
from samplebook.subsets.leverage import (
    leverage_scores,
    orthonormal_basis,
    sketched_leverage_scores,
)
from samplebook.subsets.lewis import lewis_weights
from samplebook.subsets.point_sampling import (
    STRATEGIES,
    condition_on_stability,
    keep_most_stable,
    remove_greedily,
    sample_christoffel,
    sample_points,
    sample_repeated_dpp,
    sample_volume,
    sampling_weights,
)
from samplebook.subsets.polynomial_ensembles import (
    sample_orthogonal_polynomial_ensemble,
)
from samplebook.subsets.polynomial_spaces import (
    HermiteSpace,
    LegendreSpace,
    TensorSpace,
    total_degree_indices,
)
from samplebook.subsets.projection_dpp import sample_dpp, sample_projection_dpp
from samplebook.subsets.regression import least_absolute_deviations, regression_cost
from samplebook.subsets.row_sampling import (
    SCHEMES,
    keep_probabilities,
    row_scores,
    sample_rows,
    sensitivity_probabilities,
)
from samplebook.subsets.sensitivities import (
    lp_sensitivities,
    sensitivity_bounds,
    total_sensitivity,
)
from samplebook.subsets.spaces import FiniteSpace

__all__ = [
    "SCHEMES",
    "STRATEGIES",
    "DistortionMeter",
    "FiniteSpace",
    "HermiteSpace",
    "LegendreSpace",
    "TensorSpace",
    "condition_on_stability",
    "distortion_lower_bound",
    "embedding_distortion",
    "gram_deviation",
    "gram_matrix",
    "keep_most_stable",
    "keep_probabilities",
    "least_absolute_deviations",
    "leverage_scores",
    "lewis_weights",
    "lp_sensitivities",
    "orthonormal_basis",
    "regression_cost",
    "remove_greedily",
    "row_scores",
    "sample_christoffel",
    "sample_dpp",
    "sample_orthogonal_polynomial_ensemble",
    "sample_points",
    "sample_projection_dpp",
    "sample_repeated_dpp",
    "sample_rows",
    "sample_volume",
    "sampling_weights",
    "sensitivity_bounds",
    "sensitivity_probabilities",
    "sketched_leverage_scores",
    "stability_constant",
    "total_degree_indices",
    "total_sensitivity",
    "weighted_least_squares",
]
