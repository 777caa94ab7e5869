"""E M_j, E M_j^2 and E EmpVar of convolutional nets, put together (THEORY.md section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from flint import fmpq

from theory.between import Between
from theory.carried_lengths import Carried, Squares, carried_lengths
from theory.convolutional import Convolutional
from theory.convolutional_bounds import (
    Form,
    LayerGrowth,
    averages_dominate,
    input_levels,
    layer_growth,
    square_forms,
    total,
)
from theory.convolutional_means import input_array, loses_mass
from theory.convolutional_twin import distinct_positions
from theory.patches import patch_sums
from theory.reals import Number
from theory.values import larger, shortened

__all__ = ["ConvolutionalMoments", "convolutional_moments"]

_MOST_PAIRS = 600_000
_MOST_ENTRIES = 2_000_000
_ZERO = Between.known(fmpq(0))


@dataclass(frozen=True)
class ConvolutionalMoments:
    """E M_j and bounds on E M_j^2 for j = 0..d, and what else only finite kurtosis gives.

    `spreads` bounds W/(alpha^2 S_G) of layers 1..d (theory/convolutional_bounds.py). With zero
    padding `empirical_variance` is None: E M_i M_j is no multiple of E M_i^2 there.
    """

    means: tuple[Number, ...]
    second: tuple[Between, ...] | None
    spreads: tuple[Between, ...] | None
    empirical_variance: Between | None


def convolutional_moments(network: Convolutional, *, longest_bits: int | None = None) -> ConvolutionalMoments:
    """Exact means, and bounds on second moments that meet at depth 1 and wherever all positions
    are alike (normal weights).

    Fractions of more than `longest_bits` bits become balls at the current precision.

    >>> net = Convolutional([2, 4, 4], kernel=2, positions=3, groups=2)     # ones: all positions alike
    >>> [q.lower for q in convolutional_moments(net).second if q.is_known]
    [1, 9/4, 53/8]
    >>> net = Convolutional([1, 4, 4], kernel=3, positions=5, padding="zero")
    >>> convolutional_moments(net).means
    (1, 13/15, 7/9)
    """
    if not network.has_finite_moments(2):
        carried = carried_lengths(network, longest_bits=longest_bits)
        return ConvolutionalMoments(tuple(layer.mean for layer in carried), None, None, None)
    return _with_bounds(network, longest_bits)


def _with_bounds(network: Convolutional, longest_bits: int | None) -> ConvolutionalMoments:
    growth = _growth(network)
    first = replace(growth[0], spread=_first_spread(network, growth[0].spread))
    sharp = [first, *growth[1:]]
    if not loses_mass(network):
        growth = sharp
    carried = list(carried_lengths(network, input_levels(network), longest_bits=longest_bits))
    forms = list(square_forms(network, [g.spread for g in growth], longest_bits=longest_bits))
    by_averages = _forms_of_averages(network, growth, longest_bits)
    second, added = _bounded(growth, carried, forms, by_averages, longest_bits)
    if loses_mass(network):
        # Exact for the uniform weights over positions that layer 1 itself has, not for later layers'.
        form, _ = next(square_forms(network, [g.spread for g in sharp], longest_bits=longest_bits))
        second[1] = _at(form, carried[1].squares)
    return ConvolutionalMoments(
        means=tuple(layer.mean for layer in carried),
        second=tuple(second),
        spreads=tuple(g.spread for g in sharp),
        empirical_variance=None if loses_mass(network) else _empirical_variance(network, added, longest_bits),
    )


def _growth(network: Convolutional) -> list[LayerGrowth]:
    plus, minus = network.activation.slopes
    positions = distinct_positions(network)
    known: dict[object, LayerGrowth] = {}
    found = []
    for layer in network.layers:
        one_sign = plus * minus <= 0 if layer.index > 1 else _input_keeps_sign(network)
        key = one_sign, id(layer.weights)
        if key not in known:
            known[key] = layer_growth(layer, one_sign=one_sign, positions=positions)
        found.append(known[key])
    return found


def _input_keeps_sign(network: Convolutional) -> bool:
    """Whether no channel has entries of both signs."""
    if network.input is None:
        return True
    size = prod(network.positions)
    channels = (network.input[k : k + size] for k in range(0, len(network.input), size))
    return all(min(channel) >= 0 or max(channel) <= 0 for channel in channels)


def _first_spread(network: Convolutional, fallback: Between) -> Between:
    """W/(alpha^2 S_G) of layer 1, exactly unless the law forbids it or the patches are too many."""
    layer = network.layers[0]
    if fallback.is_known or network.widths[0] * prod(network.kernel) > _MOST_ENTRIES:
        return fallback
    sums = patch_sums(layer, input_array(network)[0], _MOST_PAIRS)
    if sums is None:
        return fallback
    return Between.known(sums.spread / sums.squares if sums.squares else fmpq(0))


def _forms_of_averages(
    network: Convolutional, growth: Sequence[LayerGrowth], longest_bits: int | None
) -> list[tuple[Form, Form]]:
    """Lower bounds as forms in the A_g of the input; nothing where the averages do not dominate."""
    if not averages_dominate(network.activation):
        return [({}, {})] * network.depth
    constants = [Between.known(g.constant) for g in growth]
    return list(square_forms(network, constants, longest_bits=longest_bits))


def _bounded(
    growth: Sequence[LayerGrowth],
    carried: Sequence[Carried],
    forms: Sequence[tuple[Form, Form]],
    by_averages: Sequence[tuple[Form, Form]],
    longest_bits: int | None,
) -> tuple[list[Between], list[Between]]:
    """q_j, and what layer j adds to it, for j = 0, ..., d.

    The best of three lower bounds: by S_g, by A_g, and layer by layer with what each adds at least
    by A_g if that is known, by S_g if not.
    """
    start = Between.known(carried[0].squares[1])
    second, steps = [start], [start]
    by_squares: Form = {}
    by_both: Form = {}
    rows = zip(growth, carried[1:], forms, by_averages, strict=True)
    for layer, at, (form, added), (lower_form, lower_added) in rows:
        step, lowest = _at(added, at.squares), _ZERO.lower
        if layer.by_averages and not layer.spread.is_known:
            by_both = total(by_both, lower_added, longest_bits)
            lowest = _at(lower_added, at.averages).lower
        else:
            by_squares = total(by_squares, added, longest_bits)
        mixed = at.mean**2 + _at(by_squares, at.squares).lower + _at(by_both, at.averages).lower
        second.append(_raised(_at(form, at.squares), mixed, _at(lower_form, at.averages).lower))
        steps.append(_raised(step, lowest))
    return second, steps


def _raised(bounds: Between, *lower: Number) -> Between:
    """With a better lower bound, if it is one."""
    if bounds.is_known:
        return bounds
    best = bounds.lower
    for number in lower:
        best = larger(best, number)
    return Between.of(best, bounds.upper)


def _at(form: Form, squares: Squares) -> Between:
    terms = sum((coefficient.times(squares[g]) for g, coefficient in form.items()), _ZERO)
    return Between.of(terms.lower, terms.upper)


def _empirical_variance(
    network: Convolutional, steps: Sequence[Between], longest_bits: int | None
) -> Between:
    """E EmpVar from what every layer adds to E M_j^2, the input first.

    With x_j the factor of the mean from layer k to layer j, what layer k adds is multiplied by x_j^2
    in E M_j^2 and by x_i x_j in E M_i M_j. So it enters d^2 E EmpVar with the factor
    d sum x_j^2 - (sum x_j)^2 >= 0, sums over j >= max(k, 1), here found from the last layer on.
    """
    d = network.depth
    weight: Number = fmpq(d - 1)
    lengths: Number = fmpq(1)
    found = steps[d].times(weight) if d > 1 else _ZERO
    for layer, step in zip(reversed(network.layers), reversed(steps[:-1]), strict=True):
        alpha = layer.mean_factor
        weight = alpha**2 * weight + (0 if layer.index == 1 else d - 1 - 2 * alpha * lengths)
        weight = shortened(weight, longest_bits)
        lengths = shortened(1 + alpha * lengths, longest_bits)
        found = (found + step.times(weight)).shortened(longest_bits)
    return found.times(fmpq(1, d**2))
