"""The recursion of a residual block read symbolically: exact polynomials, and LaTeX.

The block is x_l = x_{l-1} + eta V phi(W x_{l-1}), V of variance 1/m. Variables: eta, u = 1/n (trunk),
v = 1/m (branch width), g the gain of W, m4, m6, ... the moments of the weights, c1, c2, ... the
activation's factors. Nothing is typed in: the polynomials come from `theory.residual_recursion`.
"""

from __future__ import annotations

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx

from theory.activations import ActivationLike, as_activation
from theory.laws import LawLike, as_law
from theory.readings.symbolic import DerivedRecursion, Names, polynomial_laws, polynomial_shape
from theory.recursion import Rows, ShapeNumbers, check_order_range, moment_recursion
from theory.residual_recursion import TrunkNumbers, block_recursion, composed, per_neuron

__all__ = ["derive_residual"]

_NAMES = Names(length="M_l", after="x_l", before="x_{l-1}")


def derive_residual(
    order: int, *, weights: LawLike | None = None, activation: ActivationLike | None = "relu"
) -> DerivedRecursion:
    """Derive the map of a block with one hidden layer; None keeps the law or the activation symbolic.

    A given activation is taken at its critical gain; a symbolic one keeps the gain g.

    >>> derive_residual(1).closed_factor(1)
    eta^2 + 1
    >>> derive_residual(2, weights="normal").closed_factor(2)       # 1 + 2 eta^2 (1 + 2u) + ...
    10*eta^4*u*v + 2*eta^4*u + 5*eta^4*v + eta^4 + 4*eta^2*u + 2*eta^2 + 1
    """
    check_order_range(order)
    law = None if weights is None else as_law(weights)
    phi = None if activation is None else as_activation(activation)
    symbols = _symbols(order)
    ring = fmpq_mpoly_ctx.get(list(symbols), Ordering.degrevlex)
    variable = dict(zip(symbols, ring.gens(), strict=True))
    recursion = moment_recursion(order, has_bias=False)
    law_rows = recursion.law_rows(polynomial_laws(order, law, False, ring, variable))
    hidden = recursion.matrix(law_rows, polynomial_shape(order, phi, ring, variable, "v"))
    output = recursion.matrix(law_rows, _linear_output(order, ring))
    blocks = block_recursion(order)
    parts = blocks.by_power(composed(output, hidden), _trunk(order, ring, variable["u"]))
    rows: Rows[fmpq_mpoly] = blocks.matrix(parts, variable["eta"] ** 2)
    return DerivedRecursion(blocks, rows, symbols, _NAMES)


def _symbols(order: int) -> dict[str, str]:
    """Variable names with their names as SymPy symbols."""
    names = {"eta": "eta", "u": "1/n", "v": "1/m", "g": "g"}
    names |= {f"m{2 * l}": f"m_{2 * l}" for l in range(2, order + 1)}
    return names | {f"c{l}": f"c_{l}" for l in range(1, order + 1)}


def _linear_output(order: int, ring: fmpq_mpoly_ctx) -> ShapeNumbers[fmpq_mpoly]:
    """Given neurons of a linear layer of variance 1/fan_in."""
    one = ring.constant(1)
    ones = [one] * (order + 1)
    return per_neuron(ShapeNumbers(one, one, ones, one, ones))


def _trunk(order: int, ring: fmpq_mpoly_ctx, u: fmpq_mpoly) -> TrunkNumbers[fmpq_mpoly]:
    falling = [ring.constant(1) - fmpq(i) * u for i in range(order)]
    return TrunkNumbers(ring.constant, u, falling)
