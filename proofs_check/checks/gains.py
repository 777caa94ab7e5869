"""Any gain and slopes: the judged factor of the mean length against recursion and counting."""

from __future__ import annotations

from itertools import product

from flint import fmpq

from proofs_check import oracle
from proofs_check.checks.polynomials import value_at
from proofs_check.claim import Claim
from proofs_check.stand_in import stand_in
from proofs_check.verdict import Evidence, Outcome
from theory.network import FullyConnected
from theory.readings import exact
from theory.reals import Number

__all__ = ["mean_by_gain"]

_GAINS = ("1/3", "1", "2", "3")
_ACTIVATIONS = ("relu", "leaky_relu:1/10", "abs", "linear")
_WIDTHS = ((1, 1, 1), (2, 3, 1), (3, 1, 2))


def mean_by_gain(claim: Claim) -> list[Evidence]:
    """E M_d = M_0 prod factor, by the recursion for the laws themselves, by counting for finite ones."""
    (judgement,) = claim.judgements
    factor = judgement["factor"]
    broken = factor.replace(claim.mutant.replace or "", claim.mutant.by or "")
    laws = claim.family.representatives()
    shapes = list(product(_WIDTHS, _GAINS, _ACTIVATIONS))
    exactly = [_net(*shape, law) for shape in shapes for law in laws]
    finite = [_net(*shape, stand_in(law, 1)) for shape in shapes[:: len(_ACTIVATIONS)] for law in laws]
    return [
        *_compared(
            "recursion", factor, broken, [(net, exact.length_moments(net, 1)[-1][0]) for net in exactly]
        ),
        *_compared("enumeration", factor, broken, [(n, oracle.length_moments(n, 1)[-1][0]) for n in finite]),
    ]


def _net(widths: tuple[int, ...], gain: str, activation: str, law: object) -> FullyConnected:
    return FullyConnected(widths, weights=law, variance_gain=gain, activation=activation)  # type: ignore[arg-type]


def _compared(
    kind: str, factor: str, broken: str, means: list[tuple[FullyConnected, Number]]
) -> list[Evidence]:
    good = all(mean == _judged(factor, net) for net, mean in means)
    noticed = any(mean != _judged(broken, net) for net, mean in means)
    return [
        Evidence(kind, Outcome.PASSED if good else Outcome.FAILED, f"E M_d on {len(means)} networks"),
        Evidence(
            kind, Outcome.REJECTED if noticed else Outcome.ACCEPTED, f"factor {broken}", {}, is_mutant=True
        ),
    ]


def _judged(factor: str, network: FullyConnected) -> Number:
    """The product of the judged factors; M_0 is 1."""
    result: Number = fmpq(1)
    for layer in network.layers:
        half = sum((slope**2 for slope in layer.activation.slopes), fmpq(0)) / 2
        gain = layer.variance_gain
        assert isinstance(gain, fmpq)
        result = result * value_at(factor, {"g": gain, "c1": half})
    return result
