"""How to guess ahead and still be exact: couplings of drafted tokens and the emitted one.

========  =================================================  ==================================  =======
method    rule                                               acceptance                          module
========  =================================================  ==================================  =======
single    maximal coupling of one draft                      sum min(p, q)                       single_draft
naive     draw from the target, see whether it was drafted   sum p (1 - (1 - q)^k)               naive
kseq      k-sequential selection (SpecTr)                    sum min(rho* q, p)                  k_sequential
rrs       recursive rejection sampling                       1 - prod_i sum (r_i - q)_+          recursive_rejection
optimal   optimal transport, by linear program               1 + min_H [p(H) - q(H)^k]           transport
========  =================================================  ==================================  =======

Here p is the target, q the draft law, and k the number of i.i.d. drafts. Every method emits a token of law p.
``verification`` calls them by name, ``batched`` holds their forms for many positions at once, and ``decoding``
the loops that emit text. Importing this needs NumPy alone; SciPy, cvxpy and torch are imported where used.
"""

from samplebook.drafts.decoding import Decoding, decode_autoregressively, speculative_decode
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
