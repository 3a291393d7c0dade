"""What many samples buy, and who checks them: coverage, votes, verifiers.

Repeated sampling (Brown et al., "Large Language Monkeys", 2024): ``coverage`` has pass@k, exact and
estimated, ``power_law`` the exponentiated power law with its intervals, ``beta_law`` the law of pass rates
that explains it, ``majority_vote`` what selection without a verifier reaches, ``generation_cost`` what
samples cost.

Imperfect verifiers (Stroebl, Kapoor and Narayanan, "Inference Scaling fLaws", 2024): ``imperfect_verifier``
has the exact value of resampling, beliefs, ceilings and the best budget, ``resampled_flags`` scores recorded
samples.

Importing this needs NumPy alone; SciPy comes where used.
"""

from samplebook.repeats.beta_law import BetaLaw, fit_beta_law
from samplebook.repeats.coverage import (
    coverage_shift,
    estimate_pass_at_k,
    log_spaced_budgets,
    pass_at_k,
    plug_in_pass_at_k,
    samples_to_reach,
)
from samplebook.repeats.generation_cost import generation_flops
from samplebook.repeats.imperfect_verifier import (
    TaskTypes,
    beliefs,
    best_attempts,
    ceiling,
    endings,
    expected_attempts,
    marginal_value,
)
from samplebook.repeats.majority_vote import (
    dirichlet_answers,
    simulate_vote_accuracy,
    vote_accuracy,
    vote_limit,
)
from samplebook.repeats.power_law import PowerLaw, bootstrap_power_laws, fit_power_law
from samplebook.repeats.resampled_flags import resampling_score

__all__ = [
    "BetaLaw",
    "PowerLaw",
    "TaskTypes",
    "beliefs",
    "best_attempts",
    "bootstrap_power_laws",
    "ceiling",
    "coverage_shift",
    "dirichlet_answers",
    "endings",
    "estimate_pass_at_k",
    "expected_attempts",
    "fit_beta_law",
    "fit_power_law",
    "generation_flops",
    "log_spaced_budgets",
    "marginal_value",
    "pass_at_k",
    "plug_in_pass_at_k",
    "resampling_score",
    "samples_to_reach",
    "simulate_vote_accuracy",
    "vote_accuracy",
    "vote_limit",
]
