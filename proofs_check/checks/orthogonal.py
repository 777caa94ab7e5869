"""Orthogonal weights: the judged factors against counting, Beta variables, recursion and simulation.

counting     the 24-cell's 1,152 matrices in place of all (proofs_check/orthogonal_oracle.py), order 2.
Beta         M_1/M_0 of a ReLU layer: the squares of b of N coordinates of a point of the sphere sum to a
             Beta(b/2, (N - b)/2) variable, b ~ Binomial(n, 1/2), all orders.
"""

from __future__ import annotations

from itertools import pairwise, product
from math import comb, prod
from typing import Any

from flint import fmpq

from proofs_check import orthogonal_oracle as oracle
from proofs_check.checks.paired import paired
from proofs_check.checks.polynomials import value_at
from proofs_check.checks.witness import pinned
from proofs_check.claim import Claim
from proofs_check.kernel.judgement import Judgement
from proofs_check.statistics import conditional_ratio
from proofs_check.verdict import Evidence, Outcome
from theory.activations import as_activation
from theory.gaussian import factor_moment
from theory.network import FullyConnected
from theory.readings.exact import length_moments

__all__ = [
    "orthogonal_counted",
    "orthogonal_fm2",
    "orthogonal_growth",
    "orthogonal_ratio",
    "orthogonal_simulated",
    "orthogonal_smaller",
]

_SHAPES = ((1, 1), (1, 4), (4, 1), (3, 3), (2, 5), (6, 4), (10, 10))
_COUNTED: tuple[tuple[list[int], dict[str, Any]], ...] = (
    ([4, 4], {}),
    ([4, 4, 4], {}),
    ([4, 2, 4], {"input": [1, 2, 0, -3]}),
    ([3, 4, 1], {"activation": "leaky_relu:1/2"}),
    ([4, 4], {"activation": "slopes:1/2:-3", "variance_gain": "1/2", "mode": "fan_out"}),
)
_WIDTHS = ((1, 1), (3, 2), (2, 3, 1), (5, 1, 4, 4), (6, 6, 6), (2, 9, 3, 8))
_SAMPLES = 4_000
_SEED = 20180307


def orthogonal_ratio(claim: Claim) -> list[Evidence]:
    """E M_1^k for normal weights over the judged factor is the mixture of Beta variables."""
    old, new = claim.mutant.replace or "", claim.mutant.by or ""
    broken = [{**j, "factor": j["factor"].replace(old, new)} for j in claim.judgements]
    orders = max(j["order"] for j in claim.judgements)
    good = all(_by_beta(j, *shape) for j in claim.judgements for shape in _SHAPES)
    noticed = not all(_by_beta(j, *shape) for j in broken for shape in _SHAPES)
    detail = f"ReLU layers of {len(_SHAPES)} shapes, orders up to {orders}, by Beta variables"
    return paired("closed form", good, detail, noticed, f"{old} changed to {new}")


def orthogonal_counted(claim: Claim) -> list[Evidence]:
    """E M_d and E M_d^2 of whole nets, over the 24-cell's matrices; E M_d^3 is beyond their degree."""
    networks = [_orthogonal(widths, **options) for widths, options in _COUNTED]
    pairs = [(oracle.length_moments(net, 3), length_moments(net, 3)[-1]) for net in networks]
    good = all(counted[:2] == list(known[:2]) for counted, known in pairs)
    noticed = any(counted[2] != known[2] for counted, known in pairs)
    normal = any(oracle.length_moments(n, 2) != _moments(n.replaced(weights="normal"), 2) for n in networks)
    detail = f"orders 1 and 2 of {len(networks)} nets over 1,152 matrices"
    planted = "order 3, where these matrices do not suffice; normal weights"
    return paired("enumeration", good, detail, noticed and normal, planted)


def orthogonal_smaller(claim: Claim) -> list[Evidence]:
    """E M_d^k below that of normal weights, k = 2..4, biases and slopes among the nets; equal at k = 1."""
    settings = product(_WIDTHS, ("relu", "leaky_relu:1/3", "abs"), (0, "1/2"))
    networks = [_orthogonal(w, activation=phi, bias_variance=bias) for w, phi, bias in settings]
    pairs = [(_moments(net, 4), _moments(net.replaced(weights="normal"), 4)) for net in networks]
    good = all(a < b for ours, normal in pairs for a, b in zip(ours[1:], normal[1:], strict=True))
    equal = all(ours[0] == normal[0] for ours, normal in pairs)
    detail = f"E M_d^k, k = 2, 3, 4, of {len(networks)} nets, half of them with biases"
    noticed = not all(ours[0] < normal[0] for ours, normal in pairs)
    return paired("recursion", good and equal, detail, noticed, "the mean, claimed to be smaller too")


def orthogonal_growth(claim: Claim) -> list[Evidence]:
    """The judged lower bound on E M_d^2, met where no layer narrows."""
    (judgement,) = (j for j in claim.judgements if j["judgement"] == "orthogonal_grows")
    old, new = claim.mutant.replace or "", claim.mutant.by or ""
    broken = {**judgement, "excess": judgement["excess"].replace(old, new)}
    detail = f"{len(_WIDTHS)} architectures; equality where none narrows"
    good = all(_grows(judgement, widths) for widths in _WIDTHS)
    noticed = not all(_grows(broken, widths) for widths in _WIDTHS)
    return paired("recursion", good, detail, noticed, f"{old} changed to {new}")


def orthogonal_fm2(claim: Claim) -> list[Evidence]:
    """E M_d^2 of a square net exceeds M_0^2, exactly, and by counting."""
    network = _orthogonal([4, 4, 4])
    mean, second = _moments(network, 2)
    detail = f"widths 4,4,4, orthogonal, ReLU: E M_2^2 = {second}, not 1"
    outcome = pinned(claim, detail) if second > 1 and mean == 1 else Outcome.FAILED
    straight = _orthogonal([4, 4, 4], activation="linear")
    kept = _moments(straight, 2) == [1, 1]
    counted, linear = oracle.length_moments(network, 2), oracle.length_moments(straight, 2)
    return [
        *_rejected(Evidence("witness", outcome, detail), kept, "linear square layers keep every length"),
        *paired("replay", counted == [mean, second], "1,152 matrices, counted", linear == [1, 1], "linear"),
    ]


def orthogonal_simulated(claim: Claim) -> list[Evidence]:
    """E[M_j^2 | a_{j-1}] on explicit random matrices, wide, square and tall."""
    network = _orthogonal([5, 6, 6, 3], bias_variance="1/2", input=[1, -2, "1/2", 0, 3])
    result = conditional_ratio(network, 2, _SAMPLES, _SEED)
    factor = 1 + 1.5 * result.detectable_effect
    planted = conditional_ratio(network, 2, _SAMPLES, _SEED, believed_factor=factor)
    effect = 100 * result.detectable_effect
    detail = (
        f"p = {result.p_value:.3g} over {result.terms} layers; would detect {effect:.1f} % with power 0.9"
    )
    figures = {"order": 2, **result.to_dict()}
    changed = f"expectation multiplied by {factor:.3f}"
    return paired("simulation", result.agrees, detail, not planted.agrees, changed, figures)


def _rejected(found: Evidence, noticed: bool, planted: str) -> list[Evidence]:
    mutant = Outcome.REJECTED if noticed else Outcome.ACCEPTED
    return [found, Evidence(found.kind, mutant, planted, {}, is_mutant=True)]


def _orthogonal(widths: Any, **options: Any) -> FullyConnected:
    return FullyConnected(widths, weights="orthogonal", **options)


def _moments(network: FullyConnected, order: int) -> list[Any]:
    return list(length_moments(network, order)[-1])


def _by_beta(judgement: Judgement, fan_in: int, width: int) -> bool:
    order, side = judgement["order"], max(fan_in, width)
    normal = 2**order * factor_moment(order, width, as_activation("relu"))
    return bool(normal / value_at(judgement["factor"], {"w": fmpq(1, side)}) == _beta(order, side, width))


def _beta(order: int, side: int, width: int) -> fmpq:
    """E (2 (N/n) Beta(B/2, (N - B)/2))^k, B ~ Binomial(n, 1/2)."""
    total = fmpq(0)
    for b in range(1, width + 1):
        moment = prod((fmpq(b + 2 * i, side + 2 * i) for i in range(order)), start=fmpq(1))
        total += fmpq(comb(width, b), 2**width) * moment
    return total * fmpq(2 * side, width) ** order


def _grows(judgement: Judgement, widths: tuple[int, ...]) -> bool:
    least: Any = fmpq(1)
    for n in widths[1:]:
        at = {"u": fmpq(1, n), "w": fmpq(1, n)}
        least *= 1 + value_at(judgement["excess"], at) / value_at(judgement["divisor"], at)
    second = _moments(_orthogonal(widths), 2)[1]
    widens = all(m <= n for m, n in pairwise(widths))
    return bool(second == least if widens else second > least)
