"""The recursion of residual nets read exactly: rationals, and balls where these grow too long.

Covered: every symmetric law and every hidden depth of the branch, as long as the branch's output is odd
in its last pre-activation, that is, linear (`moments_close`). Blocks alike share their map.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isqrt

from flint import fmpq

from theory.door import MAX_DEPTH
from theory.errors import SpecError
from theory.network import Layer
from theory.readings.exact import LayerMaps, law_numbers, shape_numbers, start_state
from theory.reals import ExactReal, Number
from theory.recursion import MomentRecursion, Rows, check_order_range, moment_recursion
from theory.residual import Residual
from theory.residual_recursion import TrunkNumbers, block_recursion, composed, per_neuron
from theory.values import shortened

__all__ = ["check_order", "length_moments", "moments_close", "output_map"]

_MOST_OPERATIONS = 5_000_000


def moments_close(network: Residual) -> bool:
    """Whether the branch's output is symmetric given x: linear, or bent by slopes that are equal.

    >>> moments_close(Residual(3, "1/2", [5], branch_output="linear")), moments_close(Residual(3, "1/2", [5]))
    (True, False)
    """
    plus, minus = network.blocks[0].layers[-1].activation.slopes
    return plus == minus


def check_order(network: Residual, order: int) -> None:
    """Refuse an order out of range, one whose moments are infinite, or one that would take too long."""
    check_order_range(order)
    for law in dict.fromkeys(network.weights):
        if not law.has_moment(order):
            raise SpecError(
                f"order {order} needs the moment of order {2 * order} of the weight law {law.name}, "
                f"which is infinite; the largest order that works is --order {law.finite_half_order}"
            )
    _check_effort(network, order)


def length_moments(network: Residual, order: int, *, longest_bits: int | None = None) -> list[list[Number]]:
    """E M_l^k for l = 0, ..., L (rows) and k = 1, ..., order (columns); needs `moments_close(network)`.

    With `longest_bits`, a component of the state whose fraction needs more bits becomes a ball at the
    precision of the current flint context.

    >>> length_moments(Residual(4, ["7/10"], [6], branch_output="linear"), 2)[1]
    [149/100, 125211/40000]
    """
    check_order(network, order)
    if not moments_close(network):
        raise SpecError(
            f"the moments close over blocks only where the branch's output is linear, not "
            f"{network.activation.name}; predict gives bounds instead"
        )
    recursion = moment_recursion(order, has_bias=False)
    state: list[Number] = list(start_state(network, recursion))
    rows = [recursion.length_moments(state, fmpq)]
    for matrix in _block_maps(network, recursion):
        state = [shortened(component, longest_bits) for component in recursion.apply(matrix, state)]
        rows.append(recursion.length_moments(state, fmpq))
    return rows


def output_map(layers: Sequence[Layer], maps: LayerMaps) -> Rows[Number]:
    """E[prod_s E[y^{2 k_s} | h] | x] from the normalised moments of x, for the outputs y of a branch."""
    recursion, last = maps.recursion, layers[-1]
    shape = per_neuron(shape_numbers(last, recursion.order))
    rows = recursion.matrix(recursion.law_rows(law_numbers(last, recursion)), shape)
    for layer in reversed(layers[:-1]):
        rows = composed(rows, maps(layer))
    return rows


def _check_effort(network: Residual, order: int) -> None:
    """Refuse what would run for many minutes: entries times blocks, and the making of the maps.

    A map of E entries is composed from those of the branch's layers in about E^(3/2) multiplications.
    """
    entries = sum(len(row) for row in moment_recursion(order, has_bias=False).terms.values())
    kinds = sum(len(layers) - 1 for layers in {id(b.layers): b.layers for b in network.blocks}.values())
    if entries * network.depth + kinds * entries * isqrt(entries) > _MOST_OPERATIONS:
        raise SpecError(
            f"order {order} with {network.depth:,} blocks ({kinds:,} hidden layers that differ) would take "
            f"too long; at order 2 the limit is {MAX_DEPTH:,} blocks of any kind"
        )


def _block_maps(network: Residual, recursion: MomentRecursion) -> Iterator[Rows[Number]]:
    # Blocks share their layers as objects, which the network keeps alive.
    blocks, maps = block_recursion(recursion.order), LayerMaps(recursion)
    by_branch: dict[int, list[Rows[Number]]] = {}
    by_block: dict[tuple[int, ExactReal], Rows[Number]] = {}
    trunk = _trunk_numbers(network.width, recursion.order)
    for block in network.blocks:
        branch = id(block.layers)
        if branch not in by_branch:
            by_branch[branch] = blocks.by_power(output_map(block.layers, maps), trunk)
        if (branch, block.scale) not in by_block:
            by_block[branch, block.scale] = blocks.matrix(by_branch[branch], block.scale_squared)
        yield by_block[branch, block.scale]


def _trunk_numbers(width: int, order: int) -> TrunkNumbers[Number]:
    falling: list[Number] = [fmpq(max(width - i, 0), width) for i in range(order)]
    return TrunkNumbers(fmpq, fmpq(1, width), falling)
