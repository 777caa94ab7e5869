"""Fan modes: what an initialiser divides its variance gain by."""

from __future__ import annotations

from flint import fmpq

from theory.errors import unknown_name
from theory.reals import ExactReal, square_root

__all__ = ["FAN_MODES", "checked_mode", "fan"]

FAN_MODES = ("fan_in", "fan_out", "fan_avg", "fan_geo_avg", "fan_max", "none")


def checked_mode(mode: str) -> str:
    """The mode itself, if there is one of this name.

    >>> checked_mode("fan_avg")
    'fan_avg'
    """
    if mode not in FAN_MODES:
        raise unknown_name("fan mode", str(mode), FAN_MODES)
    return mode


def fan(mode: str, fan_in: int, fan_out: int) -> ExactReal:
    """The divisor of the variance gain in a dense layer; `none` makes the gain the variance.

    >>> fan("fan_avg", 3, 4)
    7/2
    >>> fan("fan_geo_avg", 4, 9)
    6
    """
    if mode == "fan_in":
        return fmpq(fan_in)
    if mode == "fan_out":
        return fmpq(fan_out)
    if mode == "fan_avg":
        return fmpq(fan_in + fan_out, 2)
    if mode == "fan_geo_avg":
        return square_root(fmpq(fan_in) * fan_out)
    if mode == "fan_max":
        return fmpq(max(fan_in, fan_out))
    checked_mode(mode)
    return fmpq(1)
