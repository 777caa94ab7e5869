"""Numbers beside the convergence theorems (THEORY.md section 3): eq. 4 "if", and the dichotomy.

summable_means   E M_d stays below M_0 + (1/2) sum nu_2, by recursion; given each enumerated past,
                 E M_j = M_{j-1} + nu_2/2, by counting.
root_shrinks     E sqrt M_d <= sqrt M_0 prod (1 - 1/(8 n_j)), by counting, with enclosed roots.
square_settles   E (M_d - M_i)^2 = E M_d^2 - E M_i^2, by counting, small once sum 1/n_j is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TypeAlias

from flint import arb, ctx, fmpq

from proofs_check import oracle
from proofs_check.checks.paired import paired
from proofs_check.claim import Claim
from proofs_check.members import enumerable_members
from proofs_check.moment_sources import PowerSumMoments, RecursionMoments
from proofs_check.verdict import Evidence
from theory.laws import Law
from theory.network import FullyConnected
from theory.readings.exact import length_moments

__all__ = ["root_shrinks", "square_settles", "summable_means"]

_Paths: TypeAlias = dict[tuple[fmpq, ...], fmpq]

_MAX_STATES = 500
_DEPTH = 40
_BITS = 128


def summable_means(claim: Claim) -> list[Evidence]:
    """eq. 4, "if": the hypotheses of Doob's theorem in numbers."""
    nets = [_summable(law, bias) for law in claim.family.representatives() for bias in ("normal", "laplace")]
    holds = all(_means_below(net, fmpq(1, 2)) for net in nets)
    noticed = not all(_means_below(net, fmpq(1, 3)) for net in nets)
    detail = f"E M_j <= M_0 + half the sum of 3/2^j for j up to {_DEPTH} in {len(nets)} nets"
    evidence = paired("recursion", holds, detail, noticed, "a third of the sum in place of half")
    members = list(_enumerated(claim))
    grows = all(_steps_given_past(net, law, fmpq(1, 2)) for net, law in members)
    differs = not all(_steps_given_past(net, law, fmpq(1, 3)) for net, law in members)
    detail = f"E[M_j | M_0..M_(j-1)] = M_(j-1) + nu_2/2 on every path of {len(members)} networks"
    return [*evidence, *paired("enumeration", grows, detail, differs, "a third of nu_2 in place of half")]


def root_shrinks(claim: Claim) -> list[Evidence]:
    """The lemma behind M_d -> 0: the mean root falls by 1 - 1/(8 n_j) in every layer at least."""
    members = [net for net, _ in _enumerated(claim)]
    members += [FullyConnected([1, n], weights="rademacher") for n in (20, 60)]
    with ctx.workprec(_BITS):
        holds = all(_root_below(net, 8) for net in members)
        noticed = not all(_root_below(net, 7) for net in members)
    detail = f"E sqrt M_d <= sqrt M_0 prod (1 - 1/(8 n_j)) on {len(members)} enumerated networks"
    return paired("enumeration", holds, detail, noticed, "1 - 1/(7 n_j) in place of 1 - 1/(8 n_j)")


def square_settles(claim: Claim) -> list[Evidence]:
    """Widths 2^j: E (M_d - M_i)^2 = q_d - q_i is below q_i (prod (1 + C/n_l) - 1), Theorem 5's C."""
    laws = claim.family.representatives()
    holds = all(_settles(_widening(law)) for law in laws)
    noticed = not all(_settles(FullyConnected([2] * 31, weights=law)) for law in laws)
    detail = f"widths 2, 4, ..., 2^30, {len(laws)} laws: E (M_30 - M_20)^2 < E M_20^2 / 10^5"
    evidence = paired("recursion", holds, detail, noticed, "all widths 2 in place of 2^j")
    members = [law for net, law in _enumerated(claim) if net.depth > 1]
    orthogonal = all(_increment(law, sign=1) for law in members)
    differs = not all(_increment(law, sign=-1) for law in members)
    detail = f"E (M_d - M_1)^2 = q_d - q_1 and E M_d = M_0 by counting on {len(members)} networks"
    return [*evidence, *paired("enumeration", orthogonal, detail, differs, "q_d + q_1 in place of q_d - q_1")]


def _summable(law: Law, bias: str) -> FullyConnected:
    widths = [3, *(1 + j % 4 for j in range(_DEPTH))]
    variances = [fmpq(3, 2**j) for j in range(1, _DEPTH + 1)]
    return FullyConnected(widths, weights=law, bias_weights=bias, bias_variance=variances)


def _means_below(network: FullyConnected, share: fmpq) -> bool:
    """sum 3/2^j = 3."""
    means = [row[0] for row in length_moments(network, 1)]
    return all(mean <= means[0] + share * 3 for mean in means)


def _enumerated(claim: Claim) -> Iterator[tuple[FullyConnected, _Paths]]:
    """Small members with the law of their paths (M_0, ..., M_d)."""
    for network in enumerable_members(claim.fully_connected_family, 2):
        try:
            yield network, oracle.path_law(network, max_states=_MAX_STATES)
        except oracle.OracleLimitError:
            continue


def _steps_given_past(network: FullyConnected, law: _Paths, share: fmpq) -> bool:
    for layer in network.layers:
        chance: defaultdict[tuple[fmpq, ...], fmpq] = defaultdict(fmpq)
        length: defaultdict[tuple[fmpq, ...], fmpq] = defaultdict(fmpq)
        for path, probability in law.items():
            past = path[: layer.index]
            chance[past] += probability
            length[past] += probability * path[layer.index]
        shift = share * layer.bias_variance
        if any(length[past] != p * (past[-1] + shift) for past, p in chance.items()):
            return False
    return True


def _root_below(network: FullyConnected, constant: int) -> bool:
    laws = oracle.length_law(network, max_states=_MAX_STATES)
    (start,) = laws[0]
    bound = arb(start).sqrt()
    for law, layer in zip(laws[1:], network.layers, strict=True):
        mean = sum((arb(m).sqrt() * p for m, p in law.items()), arb(0))
        bound *= 1 - arb(1) / (constant * layer.width)
        if not mean < bound:
            return False
    return True


def _widening(law: Law) -> FullyConnected:
    return FullyConnected([2**j for j in range(31)], weights=law)


def _settles(network: FullyConnected) -> bool:
    rows, again = RecursionMoments(network), PowerSumMoments(network)
    early, late = rows.moment(20, 2), rows.moment(30, 2)
    kappa = network.weights[0].kurtosis
    assert isinstance(kappa, fmpq)
    growth = fmpq(1)
    for layer in network.layers[20:]:
        growth *= 1 + max(fmpq(5), 2 * kappa - 1) / layer.width
    same = early == again.moment(20, 2) and late == again.moment(30, 2)
    return bool(same and late - early <= early * (growth - 1) and late - early < fmpq(1, 10**5) * early)


def _increment(law: _Paths, sign: int) -> bool:
    increment = sum((p * (path[-1] - path[1]) ** 2 for path, p in law.items()), fmpq(0))
    late = sum((p * path[-1] ** 2 for path, p in law.items()), fmpq(0))
    early = sum((p * path[1] ** 2 for path, p in law.items()), fmpq(0))
    mean = sum((p * path[-1] for path, p in law.items()), fmpq(0))
    return bool(increment == late - sign * early and all(mean == path[0] for path in law))
