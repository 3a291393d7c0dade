"""How to guess ahead and still be exact: couplings of drafted tokens and the emitted one.

========  ===============================================  =======================  ===================
method    rule                                             acceptance               module
========  ===============================================  =======================  ===================
single    maximal coupling of one draft                    sum min(p, q)            single_draft
naive     draw from the target, see whether it is drafted  sum p (1 - (1 - q)^k)    naive
kseq      k-sequential selection (SpecTr)                  sum min(rho* q, p)       k_sequential
rrs       recursive rejection sampling                     1 - prod sum (r_i-q)_+   recursive_rejection
optimal   optimal transport, by linear program             1 + min p(H) - q(H)^k    transport
========  ===============================================  =======================  ===================

Here p is the target, q the draft law, k the number of i.i.d. drafts. Each method emits a token of law p.
``verification`` calls them by name, ``batched`` holds their forms for many positions at once, ``decoding``
has the loops that emit text. Importing this needs NumPy alone; SciPy, cvxpy and torch come where used.
"""

from samplebook.drafts.decoding import (
    Decoding,
    decode_autoregressively,
    speculative_decode,
)
from samplebook.drafts.k_sequential import division_factor, k_sequential_output_law
from samplebook.drafts.transport import TransportPlan, transport_program
from samplebook.drafts.verification import (
    METHODS,
    acceptance_rate,
    estimate_acceptance_rate,
    optimal_acceptance,
    residual_law,
    select_token,
)

__all__ = [
    "METHODS",
    "Decoding",
    "TransportPlan",
    "acceptance_rate",
    "decode_autoregressively",
    "division_factor",
    "estimate_acceptance_rate",
    "k_sequential_output_law",
    "optimal_acceptance",
    "residual_law",
    "select_token",
    "speculative_decode",
    "transport_program",
]
