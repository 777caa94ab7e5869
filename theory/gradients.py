"""gradient_moments(network): exact moments of the gradients of a random net (docs/theory.md, "Gradients").

F = v . a_d with a linear read-out v of independent symmetric entries of variance 1; delta_j is the gradient
of F at the pre-activation z_j, and dF/dW_j = delta_j a_{j-1}^T. Given a_{j-1} != 0 the two factors are
independent; delta_j then has the law of a reversed net (theory/reversal.py), and both die together:

    E |delta_j|^{2k}    = P(a_{j-1} != 0) E[|delta_j|^{2k} | a_{j-1} != 0],
    E |dF/dW_j|_F^{2k}  = E |a_{j-1}|^{2k} E[|delta_j|^{2k} | a_{j-1} != 0].

Where the slopes differ the activation's derivative at 0 is taken as 0; it matters for dead nets alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flint import fmpq

from theory.errors import SpecError
from theory.failure_modes import FailureMode, FailureModes, Thresholds, failure_modes
from theory.laws import Law, LawLike, as_law
from theory.network import FullyConnected
from theory.precision import LONGEST_BITS, at_precision
from theory.readings.exact import check_order, length_moments
from theory.reals import Number
from theory.reversal import alive_probabilities, backward_moments, check_hypotheses
from theory.values import EXACT_DIGITS, Enclosed, Exact, as_value, shortened

__all__ = ["GradientMoments", "LayerGradient", "gradient_moments"]


@dataclass(frozen=True)
class LayerGradient:
    """Squared norms of one layer's gradients: X = |delta_j|^2 and Y = |dF/dW_j|_F^2.

    alive            P(a_{j-1} != 0): else delta_j = 0
    delta_moments    E X^k, k = 1, ..., order; divided by `alive`, those given a_{j-1} != 0
    weight_moments   E Y^k
    *_variance       Var X, Var Y, and
    *_spread         E X^2/(E X)^2, E Y^2/(E Y)^2; all four None where the kurtosis is infinite
    """

    index: int
    fan_in: int
    width: int
    alive: Exact | Enclosed
    delta_moments: tuple[Exact | Enclosed, ...]
    weight_moments: tuple[Exact | Enclosed, ...]
    delta_variance: Exact | Enclosed | None
    weight_variance: Exact | Enclosed | None
    delta_spread: Exact | Enclosed | None
    weight_spread: Exact | Enclosed | None

    def to_dict(self, *, exact_digits: int | None) -> dict[str, Any]:
        """JSON form."""

        def plain(value: Exact | Enclosed | None) -> dict[str, Any] | None:
            return None if value is None else value.to_dict(exact_digits=exact_digits)

        return {
            "index": self.index,
            "fan_in": self.fan_in,
            "width": self.width,
            "alive": plain(self.alive),
            "delta_moments": {str(k): plain(m) for k, m in enumerate(self.delta_moments, start=1)},
            "weight_moments": {str(k): plain(m) for k, m in enumerate(self.weight_moments, start=1)},
            "delta_variance": plain(self.delta_variance),
            "weight_variance": plain(self.weight_variance),
            "delta_spread": plain(self.delta_spread),
            "weight_spread": plain(self.weight_spread),
        }


@dataclass(frozen=True)
class GradientMoments:
    """What theory says about the gradients of one network; every number exact or enclosed.

    first_to_last   E |dF/dW_1|^2 / E |dF/dW_d|^2, which is Var W_d / Var W_1 (entries) for every law
    failure_modes   FM1 of E[|delta_j|^2 | alive] against layer d, factors from layer d to 1: does the
                    signal vanish or explode on its way back; FM2 of |dF/dW_j|^2, layer by layer
    """

    network: FullyConnected
    order: int
    readout: Law
    layers: tuple[LayerGradient, ...]
    first_to_last: Exact | Enclosed
    failure_modes: FailureModes

    def to_dict(self, *, exact_digits: int | None = EXACT_DIGITS) -> dict[str, Any]:
        """JSON form; exact_digits=None keeps all digits."""
        return {
            "network": self.network.to_dict(),
            "readout": self.readout.name,
            "layers": [layer.to_dict(exact_digits=exact_digits) for layer in self.layers],
            "first_to_last": self.first_to_last.to_dict(exact_digits=exact_digits),
            "failure_modes": self.failure_modes.to_dict(exact_digits=exact_digits),
        }


def gradient_moments(
    network: FullyConnected,
    order: int = 2,
    readout: LawLike = "normal",
    *,
    exact: bool = False,
    digits: int = 30,
    thresholds: Thresholds | None = None,
) -> GradientMoments:
    """E |delta_j|^{2k} and E |dF/dW_j|_F^{2k}, k = 1, ..., order, for every layer.

    Parameters
    ----------
    network
        Without biases, piecewise linear activations, weights of laws without atoms, input not 0.
    readout
        Law of the read-out's entries, any symmetric one of variance 1.
    exact, digits, thresholds
        As in `predict`.

    Raises
    ------
    SpecError
        One line naming the hypothesis that fails, the infinite moment, or the precision limit.

    Examples
    --------
    >>> found = gradient_moments(FullyConnected([8, 1, 4]))
    >>> [layer.alive.fraction for layer in found.layers]
    [Fraction(1, 1), Fraction(1, 2)]
    >>> [int(layer.weight_moments[0].fraction) for layer in found.layers], found.first_to_last.fraction
    ([16, 2], Fraction(8, 1))
    """
    check_hypotheses(network)
    check_order(network, order)
    law, limits = as_law(readout), Thresholds() if thresholds is None else thresholds
    _check_readout(law, order)
    if not isinstance(limits, Thresholds):
        raise SpecError(f"thresholds must be a Thresholds record, not {type(limits).__name__}")
    longest = None if exact else LONGEST_BITS
    return at_precision(lambda: _assembled(network, order, law, longest, limits), _numbers, digits)


@dataclass(frozen=True)
class _Layer:
    """The numbers of one layer before they are named: moments of order 1, ..., K."""

    alive: Number
    forward: Sequence[Number]
    backward: Sequence[Number]
    always: bool

    @property
    def deltas(self) -> list[Number]:
        return [m if self.always else self.alive * m for m in self.backward]

    @property
    def weights(self) -> list[Number]:
        return [a * b for a, b in zip(self.forward, self.backward, strict=True)]


def _assembled(
    network: FullyConnected, order: int, readout: Law, longest: int | None, limits: Thresholds
) -> GradientMoments:
    reachable = network.has_finite_moments(2) and readout.has_moment(2)
    highest = max(order, 2) if reachable else order
    forward = length_moments(network, highest, longest_bits=longest)
    layers = list(_layers(network, readout, forward, highest, longest))
    return GradientMoments(
        network=network,
        order=order,
        readout=readout,
        layers=tuple(_named(network, j, layer, order) for j, layer in enumerate(layers, start=1)),
        first_to_last=as_value(network.layers[-1].entry_variance / network.layers[0].entry_variance),
        failure_modes=_failures(layers, reachable, limits),
    )


def _check_readout(readout: Law, order: int) -> None:
    if not readout.has_moment(order):
        raise SpecError(
            f"order {order} needs the moment of order {2 * order} of the read-out law {readout.name}, which "
            f"is infinite; the largest order that works is {readout.finite_half_order}, or take a normal one"
        )


def _layers(
    network: FullyConnected,
    readout: Law,
    lengths: Sequence[Sequence[Number]],
    order: int,
    longest: int | None,
) -> Iterator[_Layer]:
    backward = backward_moments(network, readout, order, longest_bits=longest)
    alive = alive_probabilities(network, longest_bits=longest)
    for layer, chance, before, back in zip(network.layers, alive, lengths[:-1], backward, strict=True):
        squared = [fmpq(layer.fan_in) ** k * m for k, m in enumerate(before, start=1)]
        plus, minus = layer.activation.slopes
        yield _Layer(chance, squared, [shortened(m, longest) for m in back], plus == minus)


def _named(network: FullyConnected, index: int, layer: _Layer, order: int) -> LayerGradient:
    spec = network.layers[index - 1]
    return LayerGradient(
        index=index,
        fan_in=spec.fan_in,
        width=spec.width,
        alive=as_value(layer.alive),
        delta_moments=tuple(map(as_value, layer.deltas[:order])),
        weight_moments=tuple(map(as_value, layer.weights[:order])),
        delta_variance=_variance(layer.deltas),
        weight_variance=_variance(layer.weights),
        delta_spread=_spread(layer.deltas),
        weight_spread=_spread(layer.weights),
    )


def _variance(moments: Sequence[Number]) -> Exact | Enclosed | None:
    return as_value(moments[1] - moments[0] ** 2) if len(moments) > 1 else None


def _spread(moments: Sequence[Number]) -> Exact | Enclosed | None:
    return as_value(moments[1] / moments[0] ** 2) if len(moments) > 1 else None


def _failures(layers: Sequence[_Layer], reachable: bool, limits: Thresholds) -> FailureModes:
    # Each list begins with what its ratios are taken against: layer d for FM1, nothing for FM2.
    signal = [layer.backward[0] for layer in reversed(layers)]
    fm1 = FailureMode(False, None, None, None, ())
    if len(signal) > 1:
        fm1 = _from_the_top(failure_modes(signal, None, limits).fm1, len(layers))
    means = [fmpq(1), *(layer.weights[0] for layer in layers)]
    squares = [fmpq(1), *(layer.weights[1] for layer in layers)] if reachable else None
    return FailureModes(fm1, failure_modes(means, squares, limits).fm2, limits)


def _from_the_top(mode: FailureMode, depth: int) -> FailureMode:
    """Steps back from layer d as the numbers of the layers."""
    first, worst = (None if i is None else depth - i for i in (mode.first_layer, mode.worst_layer))
    return replace(mode, first_layer=first, worst_layer=worst)


def _numbers(found: GradientMoments) -> Iterator[Exact | Enclosed | None]:
    yield found.first_to_last
    for layer in found.layers:
        yield from (layer.alive, *layer.delta_moments, *layer.weight_moments)
        yield from (layer.delta_variance, layer.weight_variance, layer.delta_spread, layer.weight_spread)
