"""The corners of a family of fully connected networks, ordered so that few of them go far.

A statement that is subtly false fails somewhere special: all widths least or greatest, the last layer
unlike the others, one wide layer among narrow ones, a one-hot input, biases in one layer only, very
deep or very wide nets. A round visits every shape once, each with another choice of law, biases and
input; later rounds shift the choices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle, product

from flint import fmpq

from proofs_check.fully_connected_family import FullyConnectedFamily
from theory.laws import Law, as_law
from theory.network import FullyConnected

__all__ = ["DEEPEST", "corner_rounds"]

# A member is evaluated in milliseconds up to here.
DEEPEST = 1_000
_WIDTHS = (2, 3, 4, 5, 7, 10, 20, 50, 100, 300, 1_000)
_DEPTHS = (4, 5, 8, 12, 30, 100)
_LONGEST_INPUT = 1_000
# Kurtosis 1,000,000 for biases and 1,000 for weights: far beyond the laws that have names.
_ANY_BIAS = (
    "rademacher",
    "normal",
    "finite:-1:1/8,0:3/4,1:1/8",
    f"finite:-1:1/{2 * 10**6},0:{10**6 - 1}/{10**6},1:1/{2 * 10**6}",
)
_HEAVY = "finite:-1:1/2000,0:999/1000,1:1/2000"
_ZERO, _ONE = fmpq(0), fmpq(1)
# The variance of layer j of d.
_VARIANCES: tuple[Callable[[int, int], fmpq], ...] = (
    lambda j, d: fmpq(2),
    lambda j, d: _ONE if j == d else _ZERO,
    lambda j, d: _ONE if j == 1 else _ZERO,
    lambda j, d: fmpq(j, 2),
    lambda j, d: fmpq(10**6),
    lambda j, d: fmpq(1, 10**6),
    lambda j, d: fmpq(j % 2, 3),
)
_Bias = tuple[Law, Callable[[int, int], fmpq]]


def corner_rounds(family: FullyConnectedFamily, deepest: int = DEEPEST) -> Iterator[FullyConnected]:
    """Members at the corners; all of them, unless the caller stops before.

    >>> from proofs_check.fully_connected_family import fully_connected_family
    >>> next(corner_rounds(fully_connected_family({"widths": "2..9", "depth": "3..4"}))).widths
    (2, 2, 2, 2)
    """
    shapes, choices = _shapes(family, deepest), list(_choices(family))
    for start in range(len(choices)):
        for number, widths in enumerate(shapes):
            law, bias, values = choices[(start + number) % len(choices)]
            yield from _member(family, widths, law, bias, values)
    for widths, (law, bias, values) in product(_long(family, deepest), choices):
        yield from _member(family, widths, law, bias, values)


def _shapes(family: FullyConnectedFamily, deepest: int) -> list[tuple[int, ...]]:
    """Widths n_0, ..., n_d, shallow nets first; the longest of them once."""
    low, high = family.widths
    shallow, deep = family.depth[0], min(family.depth[1], max(deepest, family.depth[0]))
    levels = _within(family.widths, (low, low + 1, high))
    found: list[tuple[int, ...]] = []
    for depth in _within((shallow, deep), (shallow, shallow + 1, shallow + 2, 1, 2, 3, *_DEPTHS)):
        if depth <= 3:
            chosen = levels if depth <= 2 else _within(family.widths, (low, high))
            found += product(chosen, repeat=depth + 1)
        found += _patterns(depth, low, high)
        found += _patterns(depth, *_within(family.widths, (low + 1, 100))[:2]) if high > low + 1 else []
        found += [(width,) * (depth + 1) for width in _within(family.widths, _WIDTHS)]
    return [*dict.fromkeys(found), *_long(family, deepest)[:1]]


def _patterns(depth: int, low: int, high: int | None = None) -> Iterator[tuple[int, ...]]:
    """Nets of two widths: one layer unlike the others, alternating, growing, shrinking."""
    other = low if high is None else high
    for a, b in ((low, other), (other, low)):
        yield (a,) * (depth + 1)
        yield (a,) + (b,) * depth
        yield (a,) * depth + (b,)
        yield (a, b) + (a,) * (depth - 1)
        yield tuple(w for w, _ in zip(cycle((a, b)), range(depth + 1), strict=False))
        yield tuple(a + (b - a) * j // depth for j in range(depth + 1))


def _long(family: FullyConnectedFamily, deepest: int) -> list[tuple[int, ...]]:
    """Very deep nets of one width."""
    depth = min(family.depth[1], deepest)
    if depth <= _DEPTHS[-1] or depth < family.depth[0]:
        return []
    low, high = family.widths
    return [(width,) * (depth + 1) for width in _within(family.widths, (low, 10, high))]


def _choices(family: FullyConnectedFamily) -> Iterator[tuple[Law, _Bias | None, str]]:
    """Law, biases and kind of input; biases vary fastest, so that neighbours differ in all."""
    inputs = ("ones", "one_hot", "3", "ramp", "1/3") if family.any_input else ("ones",)
    for values in inputs:
        for bias in _biases(family):
            for law in _laws(family):
                yield law, bias, values


def _laws(family: FullyConnectedFamily) -> list[Law]:
    heavy = [as_law(_HEAVY)] if family.weights is None else []
    return [*family.representatives(), *heavy]


def _biases(family: FullyConnectedFamily) -> list[_Bias | None]:
    if not family.has_bias:
        return [None]
    laws = [family.bias] if family.bias is not None else [as_law(name) for name in _ANY_BIAS]
    # Seven patterns and four laws: every pattern meets another law than its neighbour.
    pairs: list[_Bias | None] = [
        (laws[(shift + i) % len(laws)], v) for shift in range(len(laws)) for i, v in enumerate(_VARIANCES)
    ]
    return [None, *pairs]


def _member(
    family: FullyConnectedFamily, widths: tuple[int, ...], law: Law, bias: _Bias | None, values: str
) -> Iterator[FullyConnected]:
    """The network, or none where this input is not for this width."""
    given = _input(values, widths[0])
    if values != "ones" and given is None:
        return
    depth = len(widths) - 1
    bias_law, variance = bias or (as_law("normal"), lambda j, d: _ZERO)
    yield FullyConnected(
        widths,
        weights=law,
        variance_gain=family.variance_gain,
        bias_weights=bias_law,
        bias_variance=[variance(j, depth) for j in range(1, depth + 1)],
        activation=family.activation,
        input=given,
    )


def _input(kind: str, n: int) -> list[fmpq] | None:
    """None for ones, and where there is none of this kind in so many dimensions."""
    if kind == "ones" or n > _LONGEST_INPUT or (n == 1 and kind == "one_hot"):
        return None
    if kind == "one_hot":
        return [_ONE] + [_ZERO] * (n - 1)
    if kind == "ramp":
        return [fmpq((-1) ** (i + 1) * (i + 1), 2) for i in range(n)]
    return [fmpq(3) if kind == "3" else fmpq(1, 3)] * n


def _within(bounds: tuple[int, int], values: tuple[int, ...]) -> list[int]:
    low, high = bounds
    return list(dict.fromkeys(v for v in values if low <= v <= high))
