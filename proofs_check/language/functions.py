"""The functions of the language on exact or enclosed numbers."""

from __future__ import annotations

from functools import reduce

from flint import arb, fmpq

from proofs_check.language.errors import StatementError
from theory.reals import Number, rational_root
from theory.values import larger, smaller

__all__ = ["call"]


def call(function: str, values: list[Number]) -> Number:
    """The value of a function, rational where it is easily seen to be; balls at the current precision.

    >>> call("max", [fmpq(3), fmpq(5, 2)]), call("abs", [fmpq(-2)]), call("sqrt", [fmpq(9, 4)])
    (3, 2, 3/2)
    """
    if function in {"min", "max"}:
        return reduce(larger if function == "max" else smaller, values)
    if len(values) != 1:
        raise StatementError(f"{function} takes one argument, not {len(values)}")
    (value,) = values
    if function == "abs":
        return larger(value, -value)
    if function == "log" and value <= 0:
        raise StatementError("log of a number that is not positive")
    if function == "sqrt" and value < 0:
        raise StatementError("sqrt of a negative number")
    exact = _exact(function, value) if isinstance(value, fmpq) else None
    # A ball that only touches the forbidden side gives nan, which decides nothing: precision doubles.
    return _enclosed(function, arb(value)) if exact is None else exact


def _exact(function: str, value: fmpq) -> fmpq | None:
    if function == "exp":
        return fmpq(1) if value == 0 else None
    if function == "log":
        return fmpq(0) if value == 1 else None
    return rational_root(value)


def _enclosed(function: str, ball: arb) -> arb:
    return {"exp": ball.exp, "log": ball.log, "sqrt": ball.sqrt}[function]()
