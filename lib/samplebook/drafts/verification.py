"""The public face of verification: every method by name, arguments checked once.

A method couples drafts X_1..X_k, drawn from the draft law q, with an emitted token Y whose law is exactly the
target p. "Accepted" means that Y is one of the drafts. How the drafts are drawn belongs to the method:
independently, without replacement (``replacement=False``), or greedily (method ``"greedy"``, which draws its
drafts in one way only); see :mod:`samplebook.drafts.drafting`. Drafts without replacement and greedy ones are
distinct; where q knows fewer than k tokens, they are all of its tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from samplebook.core.arrays import Array, as_result, namespace, to_numpy
from samplebook.core.checks import (
    as_array,
    as_count,
    as_flag,
    as_probabilities,
    as_probability_pair,
    as_tokens,
    check_distinct,
    check_drafted,
    check_most_probable,
)
from samplebook.core.drawing import (
    Uniforms,
    as_uniforms,
    check_generator,
    is_torch_generator,
)
from samplebook.drafts import (
    batched,
    exponential_race,
    greedy,
    k_sequential,
    naive,
    recursive_rejection,
    single_draft,
    transport,
)
from samplebook.drafts.drafting import (
    GREEDY,
    INDEPENDENT,
    WITHOUT_REPLACEMENT,
    Drafting,
    distinct_tokens,
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
    estimate : laws (B, V), k and a generator to unbiased samples of the acceptance of 1..k drafts, (B, k), or
        None: then selections are counted
    most_drafts : the largest k, or None
    drafting : how its drafts are drawn
    """

    acceptance: Callable[[Array, Array, int], Array]
    select: Callable[[Array, Array, Array, Uniforms], int]
    select_batch: Callable[[Array, Array, Array, Any], Array] | None = None
    residual: Callable[[Array, Array, int], Array] | None = None
    estimate: Callable[[Array, Array, int, Any], Array] | None = None
    most_drafts: int | None = None
    drafting: Drafting = INDEPENDENT

    @property
    def draw(self) -> Callable[[Array, int, Uniforms], Array]:
        """A law (V,), k and a source of uniform numbers to at most k drafts, as ``drafting`` draws them."""
        return self.drafting.draw


SINGLE = Method(
    single_draft.acceptance,
    single_draft.select,
    batched.select_single,
    single_draft.residual,
    most_drafts=1,
)
GREEDY_DRAFTS = Method(
    greedy.acceptance, greedy.select, batched.select_greedy, drafting=GREEDY
)
METHODS = {
    "single": SINGLE,
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
    "greedy": GREEDY_DRAFTS,
    "optimal": Method(transport.acceptance, transport.select),
}
"""The methods by name, for independent drafts; ``"greedy"`` draws its own."""
METHODS_WITHOUT_REPLACEMENT = {
    "single": SINGLE,
    "rrs": Method(
        recursive_rejection.acceptance_without_replacement,
        recursive_rejection.select_without_replacement,
        batched.select_recursive_rejection_without_replacement,
        estimate=recursive_rejection.acceptance_along_paths,
        drafting=WITHOUT_REPLACEMENT,
    ),
    "greedy": GREEDY_DRAFTS,
    "optimal": Method(
        exponential_race.acceptance,
        transport.select_without_replacement,
        most_drafts=exponential_race.MOST_DRAFTS,
        drafting=WITHOUT_REPLACEMENT,
    ),
}
"""The methods by name, for drafts without replacement; ``"greedy"`` draws its own."""


def method_named(method: str, num_drafts: int, replacement: bool = True) -> Method:
    """The method of this name, if it takes ``num_drafts`` drafts drawn in this way.

    Raises
    ------
    ValueError
        If there is no such method, if it takes fewer drafts, or needs independent ones.
    """
    methods = (
        METHODS if as_flag(replacement, "replacement") else METHODS_WITHOUT_REPLACEMENT
    )
    if not isinstance(method, str) or method not in METHODS:
        raise ValueError(
            f"method: must be one of {', '.join(map(repr, METHODS))}, got {method!r}"
        )
    if method not in methods:
        raise ValueError(
            f"replacement: method {method!r} needs independent drafts; without replacement there are "
            f"{', '.join(map(repr, methods))}"
        )
    most = methods[method].most_drafts
    if most is not None and num_drafts > most:
        raise ValueError(
            f"num_drafts: method {method!r} takes at most {most}, got {num_drafts}"
        )
    return methods[method]


def acceptance_rate(
    target: Array,
    draft: Array,
    num_drafts: int,
    *,
    method: str,
    replacement: bool = True,
) -> Array:
    """Exact probability that the emitted token is one of the drafts.

    Parameters
    ----------
    target, draft : array-like or tensor of shape (V,) or (..., V)
        The laws p and q. Sums are accumulated in float64.
    num_drafts : int
        k >= 1 (1 for ``"single"``; at most 14 for ``"optimal"`` without replacement).
    method : str
        ``"single"``, ``"naive"``, ``"kseq"``, ``"rrs"``, ``"greedy"`` or ``"optimal"``.
    replacement : bool
        Whether the drafts are i.i.d., or drawn without replacement; ``"naive"`` and ``"kseq"`` need
        the former. ``"rrs"`` without replacement enumerates, for V**k <= 2,000,000.

    Returns
    -------
    float, or float64 array or tensor of shape (...,)
        In [0, 1].

    Raises
    ------
    ValueError
        If a law has a negative or non-finite entry or does not sum to 1, if the shapes differ, if
        ``num_drafts`` is not an integer in the method's range, or if the method is unknown or does not fit
        ``replacement``.
    """
    num_drafts = as_count(num_drafts, "num_drafts")
    chosen = method_named(method, num_drafts, replacement)
    target, draft = as_probability_pair(target, draft)
    rate = chosen.acceptance(target, draft, num_drafts)
    return as_result(namespace(rate).clip(rate, 0.0, 1.0))


def optimal_acceptance(
    target: Array, draft: Array, num_drafts: int, *, replacement: bool = True
) -> Array:
    """The largest acceptance probability of any lossless method, for drafts with or without replacement.

    Parameters, results and errors are those of :func:`acceptance_rate`.

    Notes
    -----
    With replacement: one sort, two running sums, and a k-th power by repeated squaring. Time O(V log V + V
    log k), memory O(V). Without replacement: at each of O(log V) nodes of an integral k running sums over the
    vocabulary. Time O(k V log V), memory O(k V).
    """
    return acceptance_rate(
        target, draft, num_drafts, method="optimal", replacement=replacement
    )


def optimal_acceptance_curve(
    target: Array, draft: Array, most_drafts: int, *, replacement: bool = True
) -> Array:
    """The optima for 1, 2, .., ``most_drafts`` drafts, in one pass without replacement.

    Returns
    -------
    float64 array or tensor of shape (..., most_drafts)
        Parameters and errors are those of :func:`acceptance_rate`.
    """
    most_drafts = as_count(most_drafts, "most_drafts")
    method_named("optimal", most_drafts, replacement)
    target, draft = as_probability_pair(target, draft)
    if replacement:
        counts = range(1, most_drafts + 1)
        curve = [transport.acceptance(target, draft, count) for count in counts]
    else:
        curve = list(exponential_race.acceptances(target, draft, most_drafts))
    return namespace(target).stack(curve, axis=-1)


def residual_law(target: Array, draft: Array, num_drafts: int, *, method: str) -> Array:
    """Law (..., V) of the emitted token given that all drafts were rejected.

    Where all drafts are never rejected it is the target. Parameters and errors are those of
    :func:`acceptance_rate`, with i.i.d. drafts. ``"naive"``, ``"greedy"`` and ``"optimal"`` do not reject
    their drafts in turn, and raise ``ValueError``.
    """
    num_drafts = as_count(num_drafts, "num_drafts")
    chosen = method_named(method, num_drafts)
    if chosen.residual is None:
        raise ValueError(
            f"method: {method!r} does not test drafts in turn, so it has no residual law"
        )
    return chosen.residual(*as_probability_pair(target, draft), num_drafts)


def draw_drafts(
    draft: Array, num_drafts: int, *, method: str, replacement: bool = True, rng: Any
) -> Array:
    """The drafts of one position, drawn as a method wants them.

    Parameters
    ----------
    draft : array-like or tensor of shape (V,), or (B, V) for a batch
        The law q.
    num_drafts : int
        k >= 1.
    method, replacement
        As for :func:`select_token`.
    rng : numpy.random.Generator or torch.Generator
        As for :func:`select_token`.

    Returns
    -------
    int64 array (k,), or int64 array or tensor (B, k)
        In the order in which the method tests them. A single law gives fewer drafts without replacement, or
        greedy ones, if it knows fewer tokens.

    Raises
    ------
    ValueError
        If ``draft`` is not a law or a batch of laws, if the method is unknown or does not fit, if
        ``rng`` does not fit, or if a row of a batch knows too few tokens.
    """
    num_drafts = as_count(num_drafts, "num_drafts")
    drafting = method_named(method, num_drafts, replacement).drafting
    draft = as_probabilities(draft, "draft", keep_float32=True)
    if draft.ndim == 1:
        return drafting.draw(to_numpy(draft), num_drafts, as_uniforms(rng))
    if draft.ndim != 2:
        raise ValueError(
            f"draft: must have shape (V,) or (B, V), got {tuple(draft.shape)}"
        )
    check_generator(rng, draft)
    known = int((draft > 0).sum(axis=-1).min())
    if drafting is not INDEPENDENT and known < num_drafts:
        raise ValueError(
            f"num_drafts: a row of draft knows {known} tokens, too few for {num_drafts} distinct drafts"
        )
    return drafting.draw_batch(draft, num_drafts, rng)


def select_token(
    target: Array,
    draft: Array,
    drafts: Array,
    *,
    method: str,
    replacement: bool = True,
    rng: Any,
    validate: bool = True,
) -> tuple[Any, Any]:
    """Emit one token, of law exactly ``target``, given drafts drawn from ``draft``.

    Parameters
    ----------
    target, draft : array-like or tensor of shape (V,), or (B, V) for a batch
        The laws p and q. A batch of float32 tensors stays in float32: blocks of 256 entries are summed in
        it, and the blocks in float64.
    drafts : integers of shape (k,), or (B, k) for a batch
        The drafted tokens in the order in which they are tested, as :func:`draw_drafts` gives them.
    method : str
        ``"single"`` (k = 1), ``"naive"``, ``"kseq"``, ``"rrs"``, ``"greedy"``, or ``"optimal"`` (not
        in a batch; V**k <= 30,000).
    replacement : bool
        Whether the drafts are i.i.d. from ``draft``, or drawn from it without replacement (``"single"``,
        ``"rrs"`` and ``"optimal"``).
    rng : numpy.random.Generator or torch.Generator
        For one position anything with a method ``random()`` will do, and only ``random()`` is called.
        A batch takes the generator of its own library, on its own device.
    validate : bool
        False skips all checks and the renormalisation, in a loop that has checked its laws before: then laws
        are arrays or tensors of float32 or float64, and drafts int64 of the same library and device.
        ``torch.compile(select_token)`` gives the same tokens and goes over the laws fewer times.

    Returns
    -------
    token : int, or int64 array or tensor of shape (B,)
    accepted : bool, or bool array or tensor of shape (B,)
        Whether the token is one of the drafts.

    Raises
    ------
    ValueError
        If a law has a negative or non-finite entry or does not sum to 1, if shapes or devices differ,
        if a drafted token is not an integer in 0..V-1 or has draft probability 0, if drafts without
        replacement repeat a token, if greedy drafts but the last are not the most probable tokens, if
        ``rng`` does not fit, if the method is unknown or does not fit k, ``replacement`` or the
        batch.

    Notes
    -----
    For B rows, ``"rrs"`` goes over the laws once for each draft: time O(k B V). ``"kseq"`` finds its factor
    by some forty halvings whatever k is, and the others take one pass: time O(B V). Memory O(B V).
    """
    shape = tuple(as_array(target, "target").shape)
    if len(shape) not in (1, 2):
        raise ValueError(f"target: must have shape (V,) or (B, V), got {shape}")
    if len(shape) == 2:
        return select_in_batch(
            target, draft, drafts, method=method, replacement=replacement, rng=rng, validate=validate
        )  # fmt: skip
    if validate:
        target, draft = as_probability_pair(target, draft)
        drafts = as_drafts(drafts, draft, method, replacement)
    target, draft, drafts = to_numpy(target), to_numpy(draft), to_numpy(drafts)
    chosen = method_named(method, len(drafts), replacement)
    token = chosen.select(target, draft, drafts, as_uniforms(rng))
    return token, token in drafts.tolist()


def select_in_batch(
    target: Array,
    draft: Array,
    drafts: Array,
    *,
    method: str,
    replacement: bool,
    rng: Any,
    validate: bool,
) -> tuple[Array, Array]:
    """:func:`select_token` for laws (B, V) and drafts (B, k)."""
    if validate:
        target, draft = as_probability_pair(target, draft, keep_float32=True)
        drafts = as_drafts(drafts, draft, method, replacement)
        check_generator(rng, target)
    select_batch = method_named(method, drafts.shape[1], replacement).select_batch
    if select_batch is None:
        raise ValueError(
            f"method: {method!r} solves a program for each position, so it takes no batch"
        )
    tokens = select_batch(target, draft, drafts, rng)
    return tokens, (drafts == tokens[:, None]).any(axis=1)


def as_drafts(drafts: Array, draft: Array, method: str, replacement: bool) -> Array:
    """Drafts (..., k) as int64, checked to be what the method draws from the laws (..., V)."""
    drafts = as_tokens(drafts, "drafts", vocabulary=draft.shape[-1], like=draft)
    if drafts.ndim != draft.ndim or drafts.shape[:-1] != draft.shape[:-1]:
        expected = "(k,)" if draft.ndim == 1 else f"({draft.shape[0]}, k)"
        raise ValueError(
            f"drafts: must have shape {expected}, got {tuple(drafts.shape)}"
        )
    check_drafted(drafts, draft)
    drafting = method_named(method, drafts.shape[-1], replacement).drafting
    if drafting is not INDEPENDENT:
        check_distinct(drafts)
    if drafting is GREEDY:
        check_most_probable(drafts[..., :-1], draft)
    return drafts


def estimate_acceptance_rate(
    target: Array,
    draft: Array,
    num_drafts: int,
    *,
    method: str,
    replacement: bool = True,
    num_samples: int,
    rng: Any,
) -> tuple[float, float]:
    """Acceptance probability by simulation: draw drafts, select a token, count.

    For ``"rrs"`` without replacement the rejected drafts alone are drawn, and the probabilities that the
    next one is accepted are added up: unbiased as well, and less noisy.

    Parameters
    ----------
    target, draft : array-like or tensor of shape (V,)
        The laws p and q.
    num_drafts, method, replacement
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
        Of ``value``, from the samples: sqrt(value (1 - value) / num_samples) where selections are counted,
        which is 0 at the values 0 and 1.

    Raises
    ------
    ValueError
        As :func:`acceptance_rate` and :func:`select_token`, or if ``num_samples`` is not an integer >= 1.
    """
    num_drafts, num_samples = (
        as_count(num_drafts, "num_drafts"),
        as_count(num_samples, "num_samples"),
    )
    chosen = method_named(method, num_drafts, replacement)
    target, draft = as_probability_pair(target, draft)
    if not is_torch_generator(rng):
        target, draft = to_numpy(target), to_numpy(draft)
    if target.ndim != 1:
        raise ValueError(f"target: must have shape (V,), got {tuple(target.shape)}")
    check_generator(rng, target)
    if chosen.drafting is not INDEPENDENT:
        num_drafts = distinct_tokens(draft, num_drafts)
    sample = (
        estimated
        if chosen.estimate
        else accepted_in_batch
        if chosen.select_batch
        else accepted_one_by_one
    )
    chunk = max(1, ESTIMATE_CHUNK // target.shape[0])
    sizes = [min(chunk, num_samples - start) for start in range(0, num_samples, chunk)]
    values = np.concatenate(
        [sample(chosen, target, draft, (size, num_drafts), rng) for size in sizes]
    )
    return float(values.mean()), float(values.std() / num_samples**0.5)


def in_rows(law: Array, count: int) -> Array:
    """A law (V,) as ``count`` equal rows (count, V), not copied."""
    return namespace(law).broadcast_to(law, (count, law.shape[0]))


def estimated(
    method: Method, target: Array, draft: Array, shape: tuple[int, int], rng: Any
) -> Any:
    """The method's own estimates of the acceptance of ``shape[1]`` drafts: float64 array (shape[0],)."""
    rows = in_rows(target, shape[0]), in_rows(draft, shape[0])
    assert method.estimate is not None
    return to_numpy(method.estimate(*rows, shape[1], rng))[:, -1]


def accepted_one_by_one(
    method: Method, target: Array, draft: Array, shape: tuple[int, int], rng: Any
) -> Any:
    """Which of ``shape[0]`` selections from ``shape[1]`` drafts are accepted, one selection at a time."""
    rows = in_rows(draft, shape[0])
    drafts = to_numpy(method.drafting.draw_batch(rows, shape[1], rng))
    target, draft, source = to_numpy(target), to_numpy(draft), as_uniforms(rng)
    return np.array(
        [method.select(target, draft, row, source) in row for row in drafts]
    )


def accepted_in_batch(
    method: Method, target: Array, draft: Array, shape: tuple[int, int], rng: Any
) -> Any:
    """Which of ``shape[0]`` selections from ``shape[1]`` drafts are accepted, all at once."""
    targets, laws = in_rows(target, shape[0]), in_rows(draft, shape[0])
    drafts = method.drafting.draw_batch(laws, shape[1], rng)
    assert method.select_batch is not None
    tokens = method.select_batch(targets, laws, drafts, rng)
    return to_numpy((drafts == tokens[:, None]).any(axis=1))
