"""Fused multiply-add and the bits of a single-precision number, compiled and in plain Python."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

__all__ = ["float_of_bits", "fma", "word_of_float"]

_OPTIONS = {"forceinline": True}


def fma(x: np.float32, y: np.float32, z: np.float32) -> np.float32:
    """x*y + z with one rounding, IEEE 754 fusedMultiplyAdd.

    In plain Python the product of two 24-bit significands is exact in double precision; the sum is
    rounded to odd there, so that the second rounding to 24 bits is harmless (Boldo and Melquiond,
    IEEE Trans. Comput. 57(4), 2008).

    >>> x = np.float32(1 + 2**-12)
    >>> float(fma(x, x, np.float32(-1))) == 2**-11 + 2**-24, float(x * x - 1) == 2**-11
    (True, True)
    """
    product, other = float(x) * float(y), float(z)
    total = product + other
    shadow = total - product
    error = (product - (total - shadow)) + (other - shadow)
    if error != 0 and math.isfinite(total) and int(np.float64(total).view(np.int64)) % 2 == 0:
        total = math.nextafter(total, math.copysign(math.inf, error))
    return np.float32(total)


def float_of_bits(word: np.uint32) -> np.float32:
    """The single-precision number with these bits.

    >>> float(float_of_bits(np.uint32(0x3F800000)))
    1.0
    """
    return np.float32(np.uint32(word).view(np.float32))


def word_of_float(x: np.float32) -> np.uint32:
    """The bits of a single-precision number.

    >>> hex(int(word_of_float(np.float32(1))))
    '0x3f800000'
    """
    return np.uint32(np.float32(x).view(np.uint32))


@intrinsic
def _fma(typing: Any, x: Any, y: Any, z: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        single = ir.FloatType()
        shape = ir.FunctionType(single, [single] * 3)
        return builder.call(builder.module.declare_intrinsic("llvm.fma", [single], shape), arguments)

    return types.float32(types.float32, types.float32, types.float32), build


@intrinsic
def _float_of_bits(typing: Any, word: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.uint32), build


@intrinsic
def _word_of_float(typing: Any, x: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.uint32(types.float32), build


@overload(fma, jit_options=_OPTIONS)
def _compiled_fma(x, y, z):
    return lambda x, y, z: _fma(x, y, z)


@overload(float_of_bits, jit_options=_OPTIONS)
def _compiled_float_of_bits(word):
    return lambda word: _float_of_bits(word)


@overload(word_of_float, jit_options=_OPTIONS)
def _compiled_word_of_float(x):
    return lambda x: _word_of_float(x)
