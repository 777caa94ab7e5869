"""E[M_j^2 | a_{j-1}] of a convolutional layer, exactly (THEORY.md section 6).

Let x_p be the patch that position p sees, |x|^2 its squared length, m_p = |x_p|^2/fan_in. Given the
layer before, channels are independent, those of one group are alike, and for normal weights two
positions of one channel are jointly normal with the correlation rho = <x_p, x_p'>/(|x_p| |x_p'|):
    Cov(a_p^2, a_p'^2) = alpha^2 m_p m_p' K(rho),
    K(rho) = 2 rho^2 + (2 beta/pi) (3 rho sqrt(1 - rho^2) + (1 + 2 rho^2) asin rho),
with beta = ((s_+^2 - s_-^2)/(s_+^2 + s_-^2))^2; for ReLU beta = 1, K = 4 F - 1 and K(1) = 5.
Where beta = 0 (abs, linear) any symmetric law will do: the kurtosis adds
(kappa - 3) sum_e x_{p,e}^2 x_{p',e}^2 / (|x_p|^2 |x_p'|^2) to K. Then
    E[M_j^2 | a_{j-1}] = alpha^2 (m^2 + (1/(c_j G P^2)) sum over groups, p, p' of m_p m_p' K),
m the mean of m_p over groups and positions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import gcd, lcm, prod
from typing import Any

import numpy as np
from flint import arb, fmpq, fmpz, fmpz_mat

from theory.activations import Activation
from theory.convolutional import ConvolutionalLayer
from theory.convolutional_means import Objects
from theory.errors import SpecError
from theory.laws import Normal
from theory.rationals import RationalLike, rational
from theory.reals import Number
from theory.values import Enclosed, Exact, as_value

__all__ = ["PatchSums", "conditional_second_moment", "patch_sums", "skewness"]


@dataclass(frozen=True)
class PatchSums:
    """What a layer's moments need of its patches x_p, one set per group.

    `lengths` is the sum of |x_p|^2, `squares` sums the square of that sum over the groups, and
    `spread` is the sum of |x_p|^2 |x_p'|^2 K over groups and pairs of positions.
    """

    lengths: fmpz
    squares: fmpz
    spread: Number


def skewness(activation: Activation) -> fmpq:
    """beta, from 0 where phi(t)^2 = phi(-t)^2 to 1 for ReLU.

    >>> from theory.activations import as_activation
    >>> skewness(as_activation("relu")), skewness(as_activation("leaky_relu:1/2"))
    (1, 9/25)
    """
    return activation.even_moment_factor(2) / activation.even_moment_factor(1) ** 2 - 1


def conditional_second_moment(
    layer: ConvolutionalLayer, activations: Sequence[RationalLike] | np.ndarray[Any, Any]
) -> Exact | Enclosed:
    """E[M_j^2 | a_{j-1}] for the given activations: a ball, or exact where no angle enters.

    `activations` holds in_channels * positions numbers, channel by channel, each row by row, in
    any shape; floats stand for the rationals that they are. Raises `SpecError` for another number
    of them, and for laws other than the normal one unless the activation is even or odd.

    >>> from theory.convolutional import Convolutional
    >>> (layer,) = Convolutional([1, 4], kernel=2, positions=3).layers
    >>> conditional_second_moment(layer, [1, 1, 1])            # all patches alike: 1 + 5/4
    Exact(number=9/4)
    >>> conditional_second_moment(layer, [1, 2, 0]).ball.str(10, radius=False)
    '4.965640301'
    """
    flat = [rational(x, "an activation") for x in np.asarray(activations, dtype=object).flat]
    shape = (layer.in_channels, *layer.positions)
    if len(flat) != prod(shape):
        raise SpecError(
            f"layer {layer.index} sees {layer.in_channels} channels at {prod(layer.positions)} positions; "
            f"give {prod(shape)} activations, not {len(flat)}"
        )
    denominator = lcm(*(int(x.q) for x in flat))
    numerators = np.array([int((x * denominator).p) for x in flat], dtype=object).reshape(shape)
    sums = patch_sums(layer, numerators)
    if sums is None:
        raise SpecError(
            f"{layer.weights.name} weights with {layer.activation.name}: the correlation of two positions "
            "is known for normal weights only; take these, or the activation abs or linear"
        )
    scale = layer.groups * prod(layer.positions) * layer.fan_in * fmpz(denominator) ** 2
    mean = fmpq(sums.lengths, scale)
    spread = sums.spread * fmpq(layer.groups, scale**2) / layer.channels
    return as_value(layer.mean_factor**2 * (mean**2 + spread))


def patch_sums(
    layer: ConvolutionalLayer, numerators: Objects, most_pairs: int | None = None
) -> PatchSums | None:
    """The sums over an integer array of shape (in_channels, *positions).

    None where no formula for K is known, or more than `most_pairs` pairs of patches differ.
    """
    beta, normal = skewness(layer.activation), isinstance(layer.weights, Normal)
    if not normal and beta != 0:
        return None
    groups = [_directions(layer, part) for part in np.split(numerators, layer.groups)]
    if most_pairs is not None and sum(len(d) * (len(d) + 1) // 2 for d in groups) > most_pairs:
        return None
    lengths, squares, spread = fmpz(0), fmpz(0), arb(0)
    total: Number = fmpq(0)
    for directions in groups:
        rows, weights = fmpz_mat([list(row) for row in directions]), list(directions.values())
        gram = (rows * rows.transpose()).tolist() if directions else []
        length = sum((w * gram[i][i] for i, w in enumerate(weights)), fmpz(0))
        lengths, squares = lengths + length, squares + length**2
        plain, angles = _pairs(gram, weights, with_angles=beta != 0)
        total, spread = total + 2 * plain[0] + 3 * beta * plain[1], spread + angles
        if not normal:
            total += (layer.weights.kurtosis - 3) * _fourth_powers(rows, weights)
    if not spread.is_zero():
        total = total + spread * 2 * beta / arb.pi()
    return PatchSums(lengths, squares, total)


def _directions(layer: ConvolutionalLayer, part: Objects) -> dict[tuple[int, ...], int]:
    """Patches up to a positive factor, each with the sum of its squared factors; zero ones left out."""
    shifted = [_shifted(part, offset, layer.padding) for offset in product(*layer.offsets)]
    patches = np.concatenate([s.reshape(len(part), prod(layer.positions)) for s in shifted]).T
    found: dict[tuple[int, ...], int] = {}
    for patch in patches.tolist():
        factor = gcd(*patch)
        if factor:
            direction = tuple(x // factor for x in patch)
            found[direction] = found.get(direction, 0) + factor**2
    return found


def _shifted(part: Objects, offset: tuple[int, ...], padding: str) -> Objects:
    """The entry at p is that of p + offset; beyond a border of zeros it is 0."""
    axes = tuple(range(1, part.ndim))
    moved = np.roll(part, [-o for o in offset], axes)
    if padding == "zero":
        for axis, o in zip(axes, offset, strict=True):
            beyond = slice(part.shape[axis] - o, None) if o > 0 else slice(0, -o)
            moved[(slice(None),) * axis + (beyond,)] = 0
    return moved


def _pairs(gram: list[list[fmpz]], weights: list[int], *, with_angles: bool) -> tuple[tuple[fmpz, fmpz], arb]:
    """Sums over pairs of w w' times <x,x'>^2; of +-|x|^2 |x'|^2 where rho is +-1; and, else, of
    3 <x,x'> sqrt(|x|^2 |x'|^2 - <x,x'>^2) + (|x|^2 |x'|^2 + 2 <x,x'>^2) asin rho."""
    squares, aligned, angles = fmpz(0), fmpz(0), arb(0)
    for weight, inner, both in _unordered(gram, weights):
        squared = inner * inner
        squares += weight * squared
        if not with_angles:
            continue
        if squared == both:
            aligned += weight * inner * abs(inner)
            continue
        root, leg = arb(both - squared).sqrt(), arb(inner)
        angles += weight * (3 * leg * root + arb(both + 2 * squared) * arb.atan2(leg, root))
    return (squares, aligned), angles


def _unordered(gram: list[list[fmpz]], weights: list[int]) -> Iterator[tuple[fmpz, fmpz, fmpz]]:
    """(w w', twice off the diagonal; <x,x'>; |x|^2 |x'|^2), orthogonal pairs left out."""
    for i, (row, w) in enumerate(zip(gram, weights, strict=True)):
        for k in range(i):
            if row[k] != 0:
                yield fmpz(2 * w * weights[k]), row[k], row[i] * gram[k][k]
        yield fmpz(w * w), row[i], row[i] * row[i]


def _fourth_powers(rows: fmpz_mat, weights: list[int]) -> fmpz:
    """Sum over pairs of w w' sum_e x_e^2 x'_e^2, as a sum of squares over e."""
    table = rows.tolist()
    columns = (
        sum((w * row[e] ** 2 for w, row in zip(weights, table, strict=True)), fmpz(0))
        for e in range(rows.ncols())
    )
    return sum((column**2 for column in columns), fmpz(0))
