"""How to guess ahead and still be exact: couplings of drafted tokens and the emitted one.

========  ===============================================  =======================  ===================
method    rule                                             acceptance               module
========  ===============================================  =======================  ===================
single    maximal coupling of one draft                    sum min(p, q)            single_draft
naive     draw from the target, see whether it is drafted  sum p (1 - (1 - q)^k)    naive
kseq      k-sequential selection (SpecTr)                  sum min(rho* q, p)       k_sequential
rrs       recursive rejection sampling                     1 - prod sum (r_i-q)_+   recursive_rejection
greedy    k - 1 most probable drafts and one drawn         p(S) + sum min(p, q')    greedy
optimal   optimal transport, by linear program             1 + min p(H) - q(H)^k    transport
========  ===============================================  =======================  ===================

Here p is the target, q the draft law, k the number of drafts, drawn in one of the ways of ``drafting``. Each
method emits a token of law p. Without replacement the optimum's value comes from ``exponential_race``.
``verification`` calls the methods by name, ``batched`` holds their forms for many positions at once,
``processing`` applies temperature, top-k and top-p, ``decoding`` has the loops that emit text. Importing this
needs NumPy alone; SciPy, cvxpy and torch come where used.
"""

from samplebook.drafts.decoding import (
    Decoding,
    decode_autoregressively,
    speculative_decode,
)
from samplebook.drafts.k_sequential import division_factor, k_sequential_output_law
from samplebook.drafts.processing import process_laws
from samplebook.drafts.transport import TransportPlan, transport_program
from samplebook.drafts.verification import (
    METHODS,
    METHODS_WITHOUT_REPLACEMENT,
    acceptance_rate,
    draw_drafts,
    estimate_acceptance_rate,
    optimal_acceptance,
    optimal_acceptance_curve,
    residual_law,
    select_token,
)

__all__ = [
    "METHODS",
    "METHODS_WITHOUT_REPLACEMENT",
    "Decoding",
    "TransportPlan",
    "acceptance_rate",
    "decode_autoregressively",
    "division_factor",
    "draw_drafts",
    "estimate_acceptance_rate",
    "k_sequential_output_law",
    "optimal_acceptance",
    "optimal_acceptance_curve",
    "process_laws",
    "residual_law",
    "select_token",
    "speculative_decode",
    "transport_program",
]
