"""The public face of verification: every method by name, arguments checked once.

A method couples drafts X_1..X_k (i.i.d. from the draft law q) with an emitted token Y whose law is exactly
the target p. "Accepted" means that Y is one of the drafts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from samplebook.core.arrays import Array, as_result, namespace, to_numpy
from samplebook.core.checks import (
    as_array,
    as_count,
    as_probability_pair,
    as_tokens,
    check_drafted,
)
from samplebook.core.drawing import (
    Uniforms,
    as_uniforms,
    check_generator,
    inverse_cdf,
    is_torch_generator,
    uniforms,
)
from samplebook.drafts import (
    batched,
    k_sequential,
    naive,
    recursive_rejection,
    single_draft,
    transport,
)

ESTIMATE_CHUNK = 2**21
"""Largest number of entries (samples times V) that an estimate holds at once."""


@dataclass(frozen=True)
class Method:
    """What the library knows of a verification method; all functions take checked arguments.

    Attributes
    ----------
    acceptance : laws (..., V) and k to the exact acceptance probability (...,)
    select : laws (V,), drafts (k,) and a source of uniform numbers to the emitted token
    select_batch : the same for laws (B, V) and drafts (B, k), or None
    residual : laws (..., V) and k to the law of the token once all drafts are rejected, or None
    most_drafts : the largest k, or None
    """

    acceptance: Callable[[Array, Array, int], Array]
    select: Callable[[Array, Array, Array, Uniforms], int]
    select_batch: Callable[[Array, Array, Array, Any], Array] | None = None
    residual: Callable[[Array, Array, int], Array] | None = None
    most_drafts: int | None = None


METHODS = {
    "single": Method(
        single_draft.acceptance,
        single_draft.select,
        batched.select_single,
        single_draft.residual,
        most_drafts=1,
    ),
    "naive": Method(naive.acceptance, naive.select, batched.select_naive),
    "kseq": Method(
        k_sequential.acceptance,
        k_sequential.select,
        batched.select_k_sequential,
        k_sequential.residual,
    ),
    "rrs": Method(
        recursive_rejection.acceptance,
        recursive_rejection.select,
        batched.select_recursive_rejection,
        recursive_rejection.residual,
    ),
    "optimal": Method(transport.acceptance, transport.select),
}


def method_named(method: str, num_drafts: int) -> Method:
    """The method of this name, if it takes ``num_drafts`` drafts.

    Raises
    ------
    ValueError
        If there is no such method, or it takes fewer drafts.
    """
    if not isinstance(method, str) or method not in METHODS:
        raise ValueError(
            f"method: must be one of {', '.join(map(repr, METHODS))}, got {method!r}"
        )
    most = METHODS[method].most_drafts
    if most is not None and num_drafts > most:
        raise ValueError(
            f"num_drafts: method {method!r} takes {most} draft, got {num_drafts}"
        )
    return METHODS[method]


def acceptance_rate(
    target: Array, draft: Array, num_drafts: int, *, method: str
) -> Array:
    """Exact probability that the emitted token is one of the drafts.

    Parameters
    ----------
    target, draft : array-like or tensor of shape (V,) or (..., V)
        The laws p and q. Sums are accumulated in float64.
    num_drafts : int
        k >= 1 (1 for ``"single"``).
    method : str
        ``"single"``, ``"naive"``, ``"kseq"``, ``"rrs"`` or ``"optimal"``.

    Returns
    -------
    float, or float64 array or tensor of shape (...,)
        In [0, 1].

    Raises
    ------
    ValueError
        If a law has a negative or non-finite entry or does not sum to 1, if the shapes differ, if
        ``num_drafts`` is not an integer in the method's range, or if the method is unknown.
    """
    num_drafts = as_count(num_drafts, "num_drafts")
    chosen = method_named(method, num_drafts)
    target, draft = as_probability_pair(target, draft)
    rate = chosen.acceptance(target, draft, num_drafts)
    return as_result(namespace(rate).clip(rate, 0.0, 1.0))


def optimal_acceptance(target: Array, draft: Array, num_drafts: int) -> Array:
    """The largest acceptance probability of any lossless method, for k i.i.d. drafts, in closed form.

    Costs one sort of the vocabulary. Parameters, results and errors are those of :func:`acceptance_rate`.
    """
    return acceptance_rate(target, draft, num_drafts, method="optimal")


def residual_law(target: Array, draft: Array, num_drafts: int, *, method: str) -> Array:
    """Law (..., V) of the emitted token given that all drafts were rejected.

    Where all drafts are never rejected it is the target. Parameters and errors are those of
    :func:`acceptance_rate`; ``"naive"`` and ``"optimal"`` reject no draft in turn, and raise ``ValueError``.
    """
    num_drafts = as_count(num_drafts, "num_drafts")
    chosen = method_named(method, num_drafts)
    if chosen.residual is None:
        raise ValueError(
            f"method: {method!r} does not test drafts in turn, so it has no residual law"
        )
    return chosen.residual(*as_probability_pair(target, draft), num_drafts)


def select_token(
    target: Array,
    draft: Array,
    drafts: Array,
    *,
    method: str,
    rng: Any,
    validate: bool = True,
) -> tuple[Any, Any]:
    """Emit one token, of law exactly ``target``, given drafts drawn from ``draft``.

    Parameters
    ----------
    target, draft : array-like or tensor of shape (V,), or (B, V) for a batch
        The laws p and q. A batch of float32 tensors stays in float32; sums are accumulated in float64.
    drafts : integers of shape (k,), or (B, k) for a batch
        The drafted tokens in the order in which they are tested, i.i.d. from ``draft``.
    method : str
        ``"single"`` (k = 1), ``"naive"``, ``"kseq"``, ``"rrs"``, or ``"optimal"`` (not in a batch; V**k <=
        30,000).
    rng : numpy.random.Generator or torch.Generator
        For one position anything with a method ``random()`` will do, and only ``random()`` is called.
        A batch takes the generator of its own library, on its own device.
    validate : bool
        False skips all checks and the renormalisation, in a loop that has checked its laws before: then laws
        are arrays or tensors of float32 or float64, and drafts int64 of the same library and device.

    Returns
    -------
    token : int, or int64 array or tensor of shape (B,)
    accepted : bool, or bool array or tensor of shape (B,)
        Whether the token is one of the drafts.

    Raises
    ------
    ValueError
        If a law has a negative or non-finite entry or does not sum to 1, if shapes or devices differ, if a
        drafted token is not an integer in 0..V-1 or has draft probability 0, if ``rng`` does not fit, if the
        method is unknown or does not fit k or the batch.
    """
    shape = tuple(as_array(target, "target").shape)
    if len(shape) not in (1, 2):
        raise ValueError(f"target: must have shape (V,) or (B, V), got {shape}")
    if len(shape) == 2:
        return select_in_batch(
            target, draft, drafts, method=method, rng=rng, validate=validate
        )
    if validate:
        target, draft = as_probability_pair(target, draft)
        drafts = as_drafts(drafts, draft)
    target, draft, drafts = to_numpy(target), to_numpy(draft), to_numpy(drafts)
    token = method_named(method, len(drafts)).select(
        target, draft, drafts, as_uniforms(rng)
    )
    return token, token in drafts.tolist()


def select_in_batch(
    target: Array, draft: Array, drafts: Array, *, method: str, rng: Any, validate: bool
) -> tuple[Array, Array]:
    """:func:`select_token` for laws (B, V) and drafts (B, k)."""
    if validate:
        target, draft = as_probability_pair(target, draft, keep_float32=True)
        drafts = as_drafts(drafts, draft)
        check_generator(rng, target)
    select_batch = method_named(method, drafts.shape[1]).select_batch
    if select_batch is None:
        raise ValueError(
            f"method: {method!r} solves a program for each position, so it takes no batch"
        )
    tokens = select_batch(target, draft, drafts, rng)
    return tokens, (drafts == tokens[:, None]).any(axis=1)


def as_drafts(drafts: Array, draft: Array) -> Array:
    """Drafts (..., k) as int64 beside the laws (..., V) that drew them, or ``ValueError``."""
    drafts = as_tokens(drafts, "drafts", vocabulary=draft.shape[-1], like=draft)
    if drafts.ndim != draft.ndim or drafts.shape[:-1] != draft.shape[:-1]:
        expected = "(k,)" if draft.ndim == 1 else f"({draft.shape[0]}, k)"
        raise ValueError(
            f"drafts: must have shape {expected}, got {tuple(drafts.shape)}"
        )
    check_drafted(drafts, draft)
    return drafts


def estimate_acceptance_rate(
    target: Array,
    draft: Array,
    num_drafts: int,
    *,
    method: str,
    num_samples: int,
    rng: Any,
) -> tuple[float, float]:
    """Acceptance probability by simulation: draw drafts, select a token, count.

    Parameters
    ----------
    target, draft : array-like or tensor of shape (V,)
        The laws p and q.
    num_drafts, method
        As for :func:`acceptance_rate`; ``"optimal"`` needs V**k <= 30,000.
    num_samples : int
        Number of independent selections, >= 1.
    rng : numpy.random.Generator or torch.Generator
        A torch generator keeps the work in torch, on the device of the laws, which must be tensors then;
        otherwise it is done in NumPy.

    Returns
    -------
    value : float
    standard_error : float
        sqrt(value (1 - value) / num_samples), which is 0 at the values 0 and 1.

    Raises
    ------
    ValueError
        As :func:`acceptance_rate` and :func:`select_token`, or if ``num_samples`` is not an integer >= 1.
    """
    num_drafts, num_samples = (
        as_count(num_drafts, "num_drafts"),
        as_count(num_samples, "num_samples"),
    )
    chosen = method_named(method, num_drafts)
    target, draft = as_probability_pair(target, draft)
    if not is_torch_generator(rng):
        target, draft = to_numpy(target), to_numpy(draft)
    if target.ndim != 1:
        raise ValueError(f"target: must have shape (V,), got {tuple(target.shape)}")
    check_generator(rng, target)
    count = count_accepted if chosen.select_batch is None else count_accepted_in_batch
    chunk = max(1, ESTIMATE_CHUNK // target.shape[0])
    sizes = [min(chunk, num_samples - start) for start in range(0, num_samples, chunk)]
    value = (
        sum(count(chosen, target, draft, (size, num_drafts), rng) for size in sizes)
        / num_samples
    )
    return value, (value * (1 - value) / num_samples) ** 0.5


def count_accepted(
    method: Method, target: Array, draft: Array, shape: tuple[int, int], rng: Any
) -> int:
    """How many of ``shape[0]`` selections from ``shape[1]`` drafts are accepted, one selection at a time."""
    drafts = to_numpy(inverse_cdf(draft, uniforms(shape, rng, draft)))
    target, draft, source = to_numpy(target), to_numpy(draft), as_uniforms(rng)
    return sum(method.select(target, draft, row, source) in row for row in drafts)


def count_accepted_in_batch(
    method: Method, target: Array, draft: Array, shape: tuple[int, int], rng: Any
) -> int:
    """How many of ``shape[0]`` selections from ``shape[1]`` drafts are accepted, all at once."""
    xp = namespace(target)
    drafts = inverse_cdf(draft, uniforms(shape, rng, draft))
    rows = (shape[0], target.shape[0])
    assert method.select_batch is not None
    tokens = method.select_batch(
        xp.broadcast_to(target, rows), xp.broadcast_to(draft, rows), drafts, rng
    )
    return int((drafts == tokens[:, None]).any(axis=1).sum())
