"""Whole numbers that a caller gives: checked once, refused in one line."""

from __future__ import annotations

from theory.errors import SpecError

__all__ = ["check_samples", "check_seed", "check_whole"]

_MAX_SAMPLES = 10**15


def check_whole(value: object, what: str, low: int, high: int) -> None:
    """Refuse what is no int from low to high."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise SpecError(f"{what} must be a whole number, not {value!r:.60}")
    if not low <= value <= high:
        shown = f"{value:,}" if abs(value) < 10**30 else "one of more than 30 digits"
        raise SpecError(f"{what} must be from {low:,} to {high:,}, not {shown}")


def check_samples(samples: object) -> None:
    """Refuse what is no number of networks."""
    check_whole(samples, "samples", 1, _MAX_SAMPLES)


def check_seed(seed: object) -> None:
    """Refuse what is no seed of 64 bits."""
    check_whole(seed, "the seed", 0, 2**64 - 1)
