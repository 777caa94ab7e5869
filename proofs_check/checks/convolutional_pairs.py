"""Pairs of positions: the covariance kernel, and nets that are fully connected ones in disguise."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import Any

from flint import acb, arb, ctx, fmpq

from proofs_check import convolutional_oracle
from proofs_check.checks.convolutional import LAWS, enumerated, unscaled
from proofs_check.checks.paired import paired
from proofs_check.checks.polynomials import value_at
from proofs_check.claim import Claim
from proofs_check.kernel.polynomial import Polynomial
from proofs_check.verdict import Evidence
from theory.activations import Activation, as_activation
from theory.convolutional import Convolutional
from theory.convolutional_lengths import convolutional_moments
from theory.convolutional_twin import fully_connected_twin
from theory.patches import conditional_second_moment, skewness
from theory.power_sums import length_moments
from theory.values import Enclosed, Exact

__all__ = ["conditional_second_moments", "convolution_twin", "kernel_integral", "twin_growth"]

_BITS = 128
_RHOS = tuple(fmpq(k, 10) for k in (-10, -9, -5, -1, 0, 2, 5, 8, 10))
_ACTIVATIONS = ("relu", "leaky_relu:1/3", "abs", "slopes:1/2:-3")
_TWINS: tuple[dict[str, Any], ...] = (
    {"channels": [1, 2], "kernel": 2, "positions": 2},
    {"channels": [1, 2, 1], "kernel": 2, "positions": 3},
    {"channels": [1, 1, 1], "kernel": 3, "positions": 3},
    {"channels": [2, 1], "kernel": [1, 2], "positions": [2, 2], "input": [1, 1, 1, 1, 2, 2, 2, 2]},
)


def kernel_integral(claim: Claim) -> list[Evidence]:
    """The judged K against rigorous quadrature over the angle, for several slopes and correlations."""
    text = claim.judgements[-1]["kernel"]
    broken = text.replace(claim.mutant.replace or "", claim.mutant.by or "")
    phis = [as_activation(name) for name in _ACTIVATIONS]
    with ctx.workprec(_BITS):
        integrals = {(phi, rho): _integrated(phi, rho) for phi in phis for rho in _RHOS}
        good = all(_kernel(text, *case).overlaps(value) for case, value in integrals.items())
        noticed = not all(_kernel(broken, *case).overlaps(value) for case, value in integrals.items())
        width = max(float(value.rad()) for value in integrals.values())
    detail = f"{len(integrals)} integrals, enclosed to {width:.1g}"
    planted = f"{claim.mutant.replace} changed to {claim.mutant.by}"
    return paired("integral", good, detail, noticed, planted, {"radius": width})


def conditional_second_moments(claim: Claim) -> list[Evidence]:
    """W/c of the judged sum: `theory` for normal weights; counted where phi is even and kurtosis 3."""
    counted = unscaled({"channels": [1, 2], "kernel": 2, "positions": 3, "activation": "abs"}, 3)
    normal = Convolutional([2, 4], kernel=2, positions=3, groups=2)
    inputs = [1, 2, 0], [1, 2, 0, 3, -1, 1]
    text = claim.judgements[-1]["kernel"]
    with ctx.workprec(_BITS):
        law = convolutional_oracle.conditional_lengths(counted.layers[0], list(map(fmpq, inputs[0])))
        second = arb(sum((p * m * m for m, p in law.items()), fmpq(0)))
        printed = _ball(conditional_second_moment(normal.layers[0], inputs[1]))
        values = [_second_moment(text, counted, inputs[0], 1), _second_moment(text, normal, inputs[1], 1)]
        broken = [_second_moment(text, counted, inputs[0], 2), _second_moment(text, normal, inputs[1], 2)]
    holds = [v.overlaps(w) for v, w in zip(values, (second, printed), strict=True)]
    noticed = not any(v.overlaps(w) for v, w in zip(broken, (second, printed), strict=True))
    planted = "the spread divided by twice the channels"
    detail = "abs, weights of kurtosis 3, three positions: E[M_1^2 | a_0] counted"
    return [
        *paired("enumeration", holds[0], detail, noticed, planted),
        *paired("closed form", holds[1], "ReLU, two groups: as printed", noticed, planted),
    ]


def convolution_twin(claim: Claim) -> list[Evidence]:
    """E M_d, E M_d^2 and E M_d^3 counted, and by power sums of the twin; its kurtosis is the judged one."""
    (judgement,) = claim.judgements
    old, new = claim.mutant.replace or "", claim.mutant.by or ""
    networks = [unscaled(shape, kurtosis) for shape in _TWINS for kurtosis in LAWS]
    agree = all(_moments(net) == _of_twin(net) for net in networks)
    noticed = any(_moments(net) != _of_twin(net.replaced(positions=3, kernel=1)) for net in networks[:4])
    judged = all(_has_kurtosis(net, judgement["kurtosis"]) for net in networks)
    other = all(_has_kurtosis(net, judgement["kurtosis"].replace(old, new)) for net in networks)
    detail = f"E M_d^k, k = 1, 2, 3, of {len(networks)} nets by power sums of the twin"
    return [
        *paired("enumeration", agree, detail, noticed, "weights not summed"),
        *paired("judged kurtosis", judged, f"{len(networks)} twins", not other, f"{old} changed to {new}"),
    ]


def twin_growth(claim: Claim) -> list[Evidence]:
    """prod factor(1/c_j): printed for normal weights at many P and q, and counted at kurtosis 3."""
    (judgement,) = claim.judgements
    old, new = claim.mutant.replace or "", claim.mutant.by or ""
    text, broken = judgement["factor"], judgement["factor"].replace(old, new)
    normal = [
        Convolutional([2, 3, 5, 4], kernel=q, positions=positions)
        for q, positions in ((1, 1), (1, 9), (2, 2), (3, 8), (5, 1000))
    ]
    counted = [unscaled(shape, 3) for shape in _TWINS[:3]]
    evidence = []
    for kind, networks, second in (("recursion", normal, _printed), ("enumeration", counted, _ratio)):
        good = all(second(net) == _growth(text, net) for net in networks)
        noticed = not all(second(net) == _growth(broken, net) for net in networks)
        detail = f"E M_d^2/(E M_d)^2 of {len(networks)} nets"
        evidence += paired(kind, good, detail, noticed, f"{old} changed to {new}")
    return evidence


def _kernel(text: str, phi: Activation, rho: fmpq) -> arb:
    """The judged K at a rational correlation."""
    return _at_angle(text, phi, arb(rho), arb(1 - rho**2).sqrt())


def _at_angle(text: str, phi: Activation, r: arb, s: arb) -> arb:
    """The judged K at r = sin, s = cos of one angle."""
    at = {"r": r, "s": s, "a": arb.atan2(r, s), "b": arb(skewness(phi)), "i": 1 / arb.pi()}
    total = arb(0)
    for monomial, coefficient in Polynomial.of(text).terms.items():
        ball = arb(fmpq(coefficient.numerator, coefficient.denominator))
        total += ball * prod((at[name] ** power for name, power in monomial), start=arb(1))
    return total


def _integrated(phi: Activation, rho: fmpq) -> arb:
    """K from E phi(z)^2 phi(z')^2 in polar coordinates, z = r cos t, z' = r cos(t - angle)."""
    angle, quarter = arb(rho).acos(), arb.pi() / 2
    ends = [-quarter, angle - quarter, quarter, angle + quarter, 3 * quarter]
    total = arb(0)
    for a, b in pairwise(ends):
        middle = (a + b) / 2
        slopes = [_slope(phi, (middle - shift).cos()) for shift in (arb(0), angle)]
        total += _piece(a, b, angle) * arb(slopes[0] * slopes[1])
    joint = 4 / arb.pi() * total
    first = arb(phi.even_moment_factor(1)) ** 2
    return (joint - first) / first


def _piece(a: arb, b: arb, angle: arb) -> arb:
    def integrand(t: acb, analytic: bool) -> acb:
        return t.cos() ** 2 * (t - angle).cos() ** 2

    return acb.integral(integrand, a, b).real


def _slope(phi: Activation, cosine: arb) -> fmpq:
    plus, minus = phi.slopes
    return plus**2 if float(cosine) > 0 else minus**2


def _second_moment(text: str, network: Convolutional, values: list[int], share: int) -> arb:
    """alpha^2 (m^2 + sum of m_p m_p' K/(c G P^2)) on a line, patch by patch; c times `share`."""
    (layer,) = network.layers
    (size,), own = layer.positions, layer.in_channels // layer.groups
    total, mean = arb(0), fmpq(0)
    for group in range(layer.groups):
        patches = [
            [values[i * size + (p + o) % size] for i in range(group * own, (group + 1) * own) for o in (0, 1)]
            for p in range(size)
        ]
        lengths = [sum(x * x for x in patch) for patch in patches]
        mean += fmpq(sum(lengths), layer.fan_in)
        for x, m in zip(patches, lengths, strict=True):
            for y, n in zip(patches, lengths, strict=True):
                if m * n > 0:
                    inner = sum(e * f for e, f in zip(x, y, strict=True))
                    r, s = arb(inner) / arb(m * n).sqrt(), arb(fmpq(m * n - inner**2, m * n)).sqrt()
                    total += _at_angle(text, layer.activation, r, s) * m * n / layer.fan_in**2
    spread = total / (layer.groups * size**2 * layer.channels * share)
    return arb(layer.mean_factor) ** 2 * (arb(mean / (layer.groups * size)) ** 2 + spread)


def _ball(value: Exact | Enclosed) -> arb:
    return value.ball if isinstance(value, Enclosed) else arb(value.number)


def _moments(network: Convolutional) -> list[fmpq]:
    law = convolutional_oracle.path_law(network).items()
    return [sum((p * path[-1] ** k for path, p in law), fmpq(0)) for k in (1, 2, 3)]


def _of_twin(network: Convolutional) -> list[Any]:
    twin = fully_connected_twin(network)
    assert twin is not None
    return list(list(length_moments(twin, 3))[-1])


def _has_kurtosis(network: Convolutional, text: str) -> bool:
    twin = fully_connected_twin(network)
    assert twin is not None
    given = {"y": fmpq(1, prod(network.kernel)), "m4": network.weights[0].kurtosis}
    return bool(value_at(text, given) == twin.weights[0].kurtosis)


def _printed(network: Convolutional) -> Any:
    moments = convolutional_moments(network)
    assert moments.second is not None
    assert moments.second[-1].is_known
    return moments.second[-1].lower / moments.means[-1] ** 2


def _ratio(network: Convolutional) -> Any:
    mean, second = enumerated(network)
    return second / mean**2


def _growth(text: str, network: Convolutional) -> Any:
    factors = (value_at(text, {"u": fmpq(1, c)}) for c in network.channels[1:])
    return prod(factors, start=fmpq(1))
