"""Vectors of LANES numbers: NumPy arrays in plain Python, LLVM vectors when compiled.

Kernels say themselves what runs side by side; LLVM cuts a vector into as many registers as the
machine needs, and neighbouring registers hide each other's latency. Every operation is one IEEE 754
operation a lane, so the bits depend on no machine.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models, register_default
from numba.extending import intrinsic, overload

__all__ = [
    "LANES",
    "as_floats",
    "as_words",
    "at",
    "fused",
    "larger",
    "load",
    "negative",
    "root",
    "rounded",
    "shifted_with_sign",
    "signed",
    "store",
    "zeros",
]

LANES = 16
_OPTIONS = {"forceinline": True}
Emit: TypeAlias = Callable[..., Any]
_WORD, _SINGLE = ir.IntType(32), ir.FloatType()


class Vector(types.Type):  # type: ignore[misc]
    """LANES words or single-precision numbers."""

    def __init__(self, scalar: Any) -> None:
        self.scalar = scalar
        super().__init__(f"Vector({scalar})")

    @property
    def llvm(self) -> ir.VectorType:
        """The type in LLVM."""
        return ir.VectorType(_SINGLE if self.scalar is types.float32 else _WORD, LANES)


@register_default(Vector)
class _Model(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Vector) -> None:
        super().__init__(manager, kind, kind.llvm)


WORDS, FLOATS = Vector(types.uint32), Vector(types.float32)


def signed(words):
    """Words as signed integers, rounded to single precision."""
    return words.view(np.int32).astype(np.float32)


def rounded(x):
    """The integer next to x towards zero, as words."""
    return x.astype(np.int32).view(np.uint32)


def as_floats(words):
    """The numbers with these bits."""
    return words.view(np.float32)


def as_words(x):
    """The bits of the numbers."""
    return x.view(np.uint32)


def root(x):
    """Square roots."""
    return np.sqrt(x)


def negative(x):
    """-x."""
    return -x


def fused(x, y, z):
    """x*y + z with one rounding, IEEE 754 fusedMultiplyAdd; any of the three may be a single number.

    The product is exact in double precision; the sum is rounded to odd there, so that the second
    rounding to 24 bits is harmless (Boldo and Melquiond, IEEE Trans. Comput. 57(4), 2008).

    >>> x = np.float32(1 + 2**-12)
    >>> float(fused(x, x, np.float32(-1))) == 2**-11 + 2**-24, float(x * x - 1) == 2**-11
    (True, True)
    """
    product, other = np.multiply(x, y, dtype=np.float64), np.asarray(z, np.float64)
    total = product + other
    shadow = total - product
    error = (product - (total - shadow)) + (other - shadow)
    odd = np.nextafter(total, np.copysign(np.inf, error))
    even = (np.asarray(total).view(np.int64) % 2 == 0) & (error != 0) & np.isfinite(total)
    return np.where(even, odd, total).astype(np.float32)[()]


def at(values, i):
    """values[i], i not negative: without the branch that numba adds for negative ones."""
    return values[i]


def larger(x, y):
    """The larger of two numbers that are not NaN."""
    return np.maximum(x, y)


def load(values, i):
    """The vector at values[i]."""
    return values[i : i + LANES].copy()


def store(values, i, x):
    """Write a vector to values[i]."""
    values[i : i + LANES] = x


def zeros(values):
    """A vector of zeros of the kind of `values`."""
    return np.zeros(LANES, values.dtype)


def shifted_with_sign(words, count):
    """Words shifted right, their sign bit drawn in."""
    return (words.view(np.int32) >> np.int32(count)).view(np.uint32)


def _lanes(builder: Any, kind: Any, value: Any, vector: Vector) -> Any:
    """A value in every lane."""
    if isinstance(kind, Vector):
        return value
    none = ir.Constant(vector.llvm, ir.Undefined)
    first = builder.insert_element(none, value, ir.Constant(_WORD, 0))
    return builder.shuffle_vector(first, none, ir.Constant(ir.VectorType(_WORD, LANES), [0] * LANES))


def _elementwise(function: Any, argument: Vector, result: Vector, arity: int, emit: Emit) -> None:
    """Compile `function` of one to three arguments lane by lane; single numbers go to every lane."""

    def typed(*kinds: Any) -> Any:
        vectors = [kind for kind in kinds if isinstance(kind, Vector)]
        if not vectors or any(kind != argument for kind in vectors):
            return None
        return result(*(kind if isinstance(kind, Vector) else argument.scalar for kind in kinds))

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pairs = zip(signature.args, arguments, strict=True)
        return emit(builder, *(_lanes(builder, kind, value, argument) for kind, value in pairs))

    one = intrinsic(lambda typing, x: (typed(x), build))
    two = intrinsic(lambda typing, x, y: (typed(x, y), build))
    three = intrinsic(lambda typing, x, y, z: (typed(x, y, z), build))
    compiled: dict[int, Callable[..., Any]] = {
        1: lambda x: (lambda x: one(x)) if typed(x) else None,
        2: lambda x, y: (lambda x, y: two(x, y)) if typed(x, y) else None,
        3: lambda x, y, z: (lambda x, y, z: three(x, y, z)) if typed(x, y, z) else None,
    }
    overload(function, jit_options=_OPTIONS)(compiled[arity])


def _call(name: str) -> Emit:
    def emit(builder: Any, *arguments: Any) -> Any:
        kind = FLOATS.llvm
        shape = ir.FunctionType(kind, [kind] * len(arguments))
        return builder.call(
            cgutils.get_or_insert_function(builder.module, shape, f"llvm.{name}.v{LANES}f32"), arguments
        )

    return emit


for _function, _method in {
    operator.add: "add",
    operator.sub: "sub",
    operator.xor: "xor",
    operator.or_: "or_",
    operator.and_: "and_",
    operator.lshift: "shl",
    operator.rshift: "lshr",
    shifted_with_sign: "ashr",
}.items():
    _elementwise(_function, WORDS, WORDS, 2, lambda builder, x, y, m=_method: getattr(builder, m)(x, y))
for _function, _method in {
    operator.add: "fadd",
    operator.sub: "fsub",
    operator.mul: "fmul",
    operator.truediv: "fdiv",
}.items():
    _elementwise(_function, FLOATS, FLOATS, 2, lambda builder, x, y, m=_method: getattr(builder, m)(x, y))
_elementwise(
    larger, FLOATS, FLOATS, 2, lambda builder, x, y: builder.select(builder.fcmp_ordered(">", x, y), x, y)
)
_elementwise(negative, FLOATS, FLOATS, 1, lambda builder, x: builder.fneg(x))
_elementwise(signed, WORDS, FLOATS, 1, lambda builder, x: builder.sitofp(x, FLOATS.llvm))
_elementwise(rounded, FLOATS, WORDS, 1, lambda builder, x: builder.fptosi(x, WORDS.llvm))
_elementwise(as_floats, WORDS, FLOATS, 1, lambda builder, x: builder.bitcast(x, FLOATS.llvm))
_elementwise(as_words, FLOATS, WORDS, 1, lambda builder, x: builder.bitcast(x, WORDS.llvm))
_elementwise(root, FLOATS, FLOATS, 1, _call("sqrt"))
_elementwise(fused, FLOATS, FLOATS, 3, _call("fma"))


def _kind(values: Any) -> Vector:
    return FLOATS if values.dtype == types.float32 else WORDS


def _place(context: Any, builder: Any, kind: Any, values: Any, i: Any) -> Any:
    """The address of values[i]."""
    return builder.gep(context.make_array(kind)(context, builder, values).data, [i])


@intrinsic
def _load(typing: Any, values: Any, i: Any) -> Any:
    vector = _kind(values)

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, values, arguments[0], arguments[1])
        return builder.load(builder.bitcast(place, vector.llvm.as_pointer()), align=4)

    return vector(values, types.intp), build


@intrinsic
def _at(typing: Any, values: Any, i: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_place(context, builder, values, arguments[0], arguments[1]))

    return values.dtype(values, types.intp), build


@intrinsic
def _store(typing: Any, values: Any, i: Any, vector: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, values, arguments[0], arguments[1])
        builder.store(arguments[2], builder.bitcast(place, vector.llvm.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.none(values, types.intp, vector), build


@intrinsic
def _zeros(typing: Any, values: Any) -> Any:
    vector = _kind(values)
    return vector(values), lambda context, builder, signature, arguments: ir.Constant(vector.llvm, None)


overload(at, jit_options=_OPTIONS)(lambda values, i: lambda values, i: _at(values, i))
overload(load, jit_options=_OPTIONS)(lambda values, i: lambda values, i: _load(values, i))
overload(store, jit_options=_OPTIONS)(lambda values, i, x: lambda values, i, x: _store(values, i, x))
overload(zeros, jit_options=_OPTIONS)(lambda values: lambda values: _zeros(values))
