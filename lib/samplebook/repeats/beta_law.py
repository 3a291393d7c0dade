"""Pass rates with a Beta law: coverage in closed form, its power-law tail, and the fit to counted passes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import as_count, as_generator, as_positive
from samplebook.repeats.coverage import as_counts, as_integers

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class BetaLaw:
    """Problems whose pass rates p are independent draws from Beta(alpha, beta).

    Near p = 0 the density is proportional to p^(alpha - 1): the smaller alpha, the more problems are nearly
    hopeless.

    Attributes
    ----------
    alpha, beta : float, > 0

    Raises
    ------
    ValueError
        If one is not finite and > 0.
    """

    alpha: float
    beta: float

    def __post_init__(self) -> None:
        as_positive(self.alpha, "alpha")
        as_positive(self.beta, "beta")

    @property
    def mean(self) -> float:
        """The mean pass rate, which is coverage at one sample."""
        return self.alpha / (self.alpha + self.beta)

    def pass_at_k(self, k: ArrayLike) -> FloatArray:
        """Coverage of a random problem, C(k) = 1 - B(alpha, beta + k) / B(alpha, beta), for integers k >= 1.

        The ratio of Beta functions is the product of (beta + j) / (alpha + beta + j) over j < k: the
        probability of k failures in a row in Pólya's urn. It costs as much as its largest k.
        """
        budgets = as_integers(k, "k", minimum=1)
        failed = np.arange(budgets.max())
        fails_again = (self.beta + failed) / (self.alpha + self.beta + failed)
        return np.asarray(1 - np.cumprod(fails_again)[budgets - 1])

    def tail_constant(self) -> float:
        """Gamma(alpha + beta) / Gamma(beta): for large k, -log C(k) is close to this times k^(-alpha)."""
        from scipy.special import gammaln

        return float(np.exp(gammaln(self.alpha + self.beta) - gammaln(self.beta)))

    def draw(self, size: int, *, rng: np.random.Generator) -> FloatArray:
        """Pass rates of ``size`` problems, (size,)."""
        draws = as_generator(rng).beta(self.alpha, self.beta, as_count(size, "size"))
        return np.asarray(draws)

    def log_likelihood(self, passed: ArrayLike, drawn: ArrayLike) -> float:
        """Log-probability of the counts, whose law is Beta-binomial."""
        passed, drawn = as_counts(passed, drawn)
        return float(count_log_likelihood(self.alpha, self.beta, passed, drawn).sum())


def count_log_likelihood(alpha: float, beta: float, passed: Any, drawn: Any) -> Any:
    """Beta-binomial log-probability of each checked count."""
    from scipy.special import betaln, gammaln

    failed = drawn - passed
    choices = gammaln(drawn + 1) - gammaln(passed + 1) - gammaln(failed + 1)
    laws = betaln(alpha + passed, beta + failed) - betaln(alpha, beta)
    return choices + laws


def fit_beta_law(passed: ArrayLike, drawn: ArrayLike) -> BetaLaw:
    """The Beta law under which the counts are most likely.

    Parameters
    ----------
    passed, drawn : array-like of int, shapes that broadcast to (M,)
        Passes and samples of each problem.

    Returns
    -------
    BetaLaw

    Raises
    ------
    ValueError
        If a number is no integer or outside its range; if nothing passed or everything did; if no problem
        has two samples, which leaves the shape of the law open.
    RuntimeError
        If the search finds no largest likelihood: the counts vary no more than those of equally hard
        problems would.
    """
    from scipy.optimize import minimize

    passed, drawn = as_counts(passed, drawn)
    if passed.sum() in (0, drawn.sum()):
        raise ValueError("passed: needs at least one pass and one failure")
    if drawn.max() < 2:
        raise ValueError("drawn: needs a problem with two samples or more")
    # Counts that agree are one term of the likelihood.
    pairs = np.stack([passed.ravel(), drawn.ravel()])
    (c, n), times = np.unique(pairs, axis=1, return_counts=True)

    def cost(logs: FloatArray) -> float:
        alpha, beta = np.exp(logs)
        return float(-(times @ count_log_likelihood(alpha, beta, c, n)) / times.sum())

    mean = passed.sum() / drawn.sum()
    found = minimize(
        cost,
        np.log([mean, 1 - mean]),
        method="Nelder-Mead",
        options={"xatol": 1e-8, "fatol": 1e-12, "maxiter": 4000},
    )
    if not found.success or abs(found.x).max() > np.log(1e6):
        raise RuntimeError(
            "no Beta law is most likely: the counts vary too little between problems"
        )
    alpha, beta = np.exp(found.x)
    return BetaLaw(float(alpha), float(beta))
