"""Up to which order a statement speaks of moments."""

from __future__ import annotations

from proofs_check.language.tree import (
    Binary,
    Expectation,
    Expression,
    Indexed,
    Name,
    Number,
    Statement,
    children,
)

__all__ = ["order_of"]


def order_of(statement: Statement) -> int:
    """The largest power of a length under an expectation; EmpVar and Var count twice."""
    return max(_order(side) for side in statement.sides)


def _order(node: Expression, inside: bool = False) -> int:
    match node:
        case Binary("**", Indexed("M"), Number(value)) if inside:
            return int(value.p)
        case Name("EmpVar"):
            return 2
        case Indexed("M"):
            return 1
        case Expectation("E", body):
            return _order(body, inside=True)
        case Expectation("Var", body):
            return 2 * _order(body, inside=True)
    return max((_order(child, inside) for child in children(node)), default=1)
