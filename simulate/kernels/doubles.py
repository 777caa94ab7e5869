"""Eight sums in double precision side by side: a NumPy array in plain Python, an LLVM vector when compiled.

LLVM would not vectorise the widening by itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.datamodel import models, register_default
from numba.extending import intrinsic, overload

__all__ = ["EIGHT", "no_sums", "plus_squares", "total"]

EIGHT = 8
_OPTIONS = {"forceinline": True}
_SINGLES, _DOUBLES = ir.VectorType(ir.FloatType(), EIGHT), ir.VectorType(ir.DoubleType(), EIGHT)


class Sums(types.Type):  # type: ignore[misc]
    """EIGHT numbers in double precision."""

    def __init__(self) -> None:
        super().__init__("Sums")


@register_default(Sums)
class _Model(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Sums) -> None:
        super().__init__(manager, kind, _DOUBLES)


SUMS = Sums()


def no_sums():
    """Zeros."""
    return np.zeros(EIGHT)


def plus_squares(sums, values, i):
    """The sums and the squares of the EIGHT numbers from values[i] on."""
    wide = values[i : i + EIGHT].astype(np.float64)
    return sums + wide * wide


def total(sums):
    """The sum of all, in pairs.

    >>> float(total(plus_squares(no_sums(), np.full(8, 3, np.float32), 0)))
    72.0
    """
    s = sums
    return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))


@intrinsic
def _no_sums(typing: Any) -> Any:
    return SUMS(), lambda context, builder, signature, arguments: ir.Constant(_DOUBLES, None)


@intrinsic
def _plus_squares(typing: Any, sums: Any, values: Any, i: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first = context.make_array(values)(context, builder, arguments[1]).data
        place = builder.bitcast(builder.gep(first, [arguments[2]]), _SINGLES.as_pointer())
        wide = builder.fpext(builder.load(place, align=4), _DOUBLES)
        return builder.fadd(arguments[0], builder.fmul(wide, wide))

    return SUMS(sums, values, types.intp), build


@intrinsic
def _total(typing: Any, sums: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        parts = [builder.extract_element(arguments[0], ir.Constant(ir.IntType(32), i)) for i in range(EIGHT)]
        while len(parts) > 1:
            parts = [builder.fadd(x, y) for x, y in zip(parts[::2], parts[1::2], strict=True)]
        return parts[0]

    return types.float64(sums), build


overload(no_sums, jit_options=_OPTIONS)(lambda: lambda: _no_sums())
overload(plus_squares, jit_options=_OPTIONS)(
    lambda sums, values, i: lambda sums, values, i: _plus_squares(sums, values, i)
)
overload(total, jit_options=_OPTIONS)(lambda sums: lambda sums: _total(sums))
