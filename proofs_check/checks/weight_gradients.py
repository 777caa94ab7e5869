"""|dF/dW_j|^2: judged moments against exhaustive backpropagation, and against what `theory` prints.

Counting takes finite laws on nets in which no z of a living layer is 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from flint import fmpq

from proofs_check import gradient_oracle as oracle
from proofs_check.checks.paired import paired
from proofs_check.checks.polynomials import value_at
from proofs_check.claim import Claim
from proofs_check.kernel.judgement import Judgement
from proofs_check.verdict import Evidence
from theory.gradient_law import weight_gradient_law
from theory.gradients import gradient_moments
from theory.laws import LawLike
from theory.network import FullyConnected
from theory.readings.exact import length_moments
from theory.reals import Number
from theory.values import Exact

__all__ = ["weight_gradient_means", "weight_gradient_spread"]

_Vector: TypeAlias = tuple[int, ...]

# Kurtosis 3, as normal weights have, but without 0: {value: how often of 60}.
_LIKE_NORMAL = {sign * v: c for v, c in ((1, 24), (2, 5), (4, 1)) for sign in (-1, 1)}
_ANOTHER = {sign * v: c for v, c in ((1, 2), (3, 1)) for sign in (-1, 1)}
_UNTIED = (((1, 2), (1,)), ((2, 1, 1), (1, 10)), ((1, 1, 2), (3,)), ((1, 1, 1, 1), (2,)))
_WIDTHS = ((3, 5), (4, 1, 2), (7, 3, 5, 2, 9))


def weight_gradient_means(claim: Claim) -> list[Evidence]:
    """E |dF/dW_j|^2 as judged, by counting and for the laws of the family; times Var W_j it is E |a_d|^2."""
    (judged,) = (j for j in claim.judgements if j["judgement"] == "weight_product")
    old, new = claim.mutant.replace or "", claim.mutant.by or ""
    broken = {**judged, "factor": judged["factor"].replace(old, new)}
    nets = [_counting(w, x, _ANOTHER) for w, x in _UNTIED]
    counted = all(net.agrees(judged) for net in nets)
    noticed = not all(net.agrees(broken) for net in nets)
    laws = claim.family.representatives()
    networks = [_network(widths, law) for widths in _WIDTHS for law in laws]
    found = all(_printed(net, judged) and _balanced(net) for net in networks)
    differs = not all(_printed(net, broken) for net in networks)
    planted = f"{old} changed to {new}"
    detail = f"explicit gradients of {len(nets)} nets, all weights and read-outs"
    names = ", ".join(law.name for law in laws)
    return [
        *paired("enumeration", counted, detail, noticed, planted),
        *paired("recursion", found, f"printed means of {len(networks)} nets, {names}", differs, planted),
    ]


def weight_gradient_spread(claim: Claim) -> list[Evidence]:
    """E Y^2 as judged and E Y^2/(E Y)^2, by counting at kurtosis 3 and by chi-squares for normal weights."""
    judged, spread = claim.judgements
    old, new = claim.mutant.replace or "", claim.mutant.by or ""
    broken = {**spread, "factor": spread["factor"].replace(old, new)}
    nets = [_counting(w, x, _LIKE_NORMAL) for w, x in _UNTIED]
    counted = all(net.agrees(judged) and net.spreads(spread) for net in nets)
    noticed = not all(net.spreads(broken) for net in nets)
    networks = [_network(widths, "normal") for widths in _WIDTHS]
    found = all(_printed(net, judged) and _chi_square(net, spread) for net in networks)
    differs = not all(_chi_square(net, broken) for net in networks)
    planted = f"{old} changed to {new}"
    detail = f"explicit gradients of {len(nets)} nets, a finite law of kurtosis 3"
    return [
        *paired("enumeration", counted, detail, noticed, planted),
        *paired("closed form", found, f"chi-squares in {len(networks)} nets", differs, planted),
    ]


@dataclass(frozen=True)
class _Counted:
    """Moments of |dF/dW_j|^2, counted in a net whose weights have variance `variance`, the read-out 1."""

    widths: _Vector
    x: _Vector
    variance: fmpq
    moments: tuple[tuple[fmpq, fmpq], ...]

    def agrees(self, judged: Judgement) -> bool:
        """Whether E |dF/dW_j|^{2k} is what the judgement says, in every layer."""
        gains = [n * self.variance for n in self.widths[:-1]]
        start = fmpq(oracle.squared(self.x), self.widths[0])
        k = judged["order"]
        rows = list(_judged(judged, self.widths, gains, start))
        return rows == [moments[k - 1] for moments in self.moments]

    def spreads(self, judged: Judgement) -> bool:
        """Whether E Y^2/(E Y)^2 is the same product in every layer."""
        expected = _over_layers(judged, self.widths)
        return all(square == expected * mean**2 for mean, square in self.moments)


def _counting(widths: _Vector, x: _Vector, choices: oracle.Choices) -> _Counted:
    """All weights and read-outs of this law; the read-out's variance is divided out."""
    depth = len(widths) - 1
    sums = [[0, 0] for _ in range(depth)]
    total = 0
    for count, (*drawn, readout) in oracle.draws(
        [*oracle.alike(widths, choices), oracle.column(choices, widths[-1])]
    ):
        passed = oracle.forward(drawn, x)
        assert not passed.tied
        total += count
        for j, delta in enumerate(oracle.backward(drawn, passed, tuple(v for (v,) in readout))):
            square = oracle.squared(delta) * oracle.squared(passed.activations[j])
            sums[j][0] += count * square
            sums[j][1] += count * square**2
    variance = fmpq(sum(c * v * v for v, c in choices.items()), sum(choices.values()))
    moments = tuple((fmpq(s, total) / variance, fmpq(q, total) / variance**2) for s, q in sums)
    return _Counted(widths, x, variance, moments)


def _judged(judged: Judgement, widths: _Vector, gains: Sequence[Number], start: Number) -> Iterator[Number]:
    """E |dF/dW_j|^{2k} for j = 1, ..., d, ReLU: the formula of `weight_product` with start = M_0."""
    k, depth = judged["order"], len(widths) - 1

    def factor(i: int, gain: Number) -> Number:
        return value_at(judged["factor"], {"u": fmpq(1, widths[i]), "g": gain, "c1": fmpq(1, 2)})

    for j in range(1, depth + 1):
        result = (start * widths[j - 1] * widths[depth]) ** k * factor(depth, fmpq(1))
        for i in range(1, j):
            result *= factor(i, gains[i - 1])
        for i in range(j, depth):
            result *= factor(i, gains[i])
        yield result


def _network(widths: _Vector, law: LawLike) -> FullyConnected:
    """A gain of its own in every layer."""
    gains = [fmpq(j + 2, 2) for j in range(1, len(widths))]
    return FullyConnected(widths, weights=law, variance_gain=gains)


def _printed(network: FullyConnected, judged: Judgement) -> bool:
    """Whether `gradient_moments` has the judged numbers."""
    k = judged["order"]
    found = [layer.weight_moments[k - 1] for layer in gradient_moments(network, k, exact=True).layers]
    gains = [layer.effective_gain for layer in network.layers]
    expected = list(_judged(judged, network.widths, gains, fmpq(1)))
    return expected == [m.number if isinstance(m, Exact) else None for m in found]


def _balanced(network: FullyConnected) -> bool:
    """E |dF/dW_j|^2 Var W_j = E |a_d|^2 in every layer, lengths by the forward recursion."""
    output = length_moments(network, 1)[-1][0] * network.widths[-1]
    layers = gradient_moments(network, 1, exact=True).layers
    means = [layer.weight_moments[0] for layer in layers]
    variances = [layer.entry_variance for layer in network.layers]
    pairs = zip(means, variances, strict=True)
    return all(isinstance(m, Exact) and m.number * variance == output for m, variance in pairs)


def _chi_square(network: FullyConnected, judged: Judgement) -> bool:
    """E Y^2 = (E Y)^2 times the judged product, Y a product of chi-squares, in every layer."""
    expected = _over_layers(judged, network.widths)
    laws = [weight_gradient_law(network, j) for j in range(1, network.depth + 1)]
    return all(law.moment(2) == expected * law.moment(1) ** 2 for law in laws)


def _over_layers(judged: Judgement, widths: Sequence[int]) -> Number:
    result: Number = fmpq(1)
    for n in widths[1:]:
        result *= value_at(judged["factor"], {"u": fmpq(1, n)})
    return result
