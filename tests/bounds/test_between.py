"""Numbers between bounds: known ones stay known, others keep the order of their ends."""

from __future__ import annotations

import pytest
from flint import arb, ctx, fmpq

from theory.between import Between
from theory.values import Bounded, Enclosed, Exact

TWO, WIDE, BALL = Between.known(fmpq(2)), Between.of(fmpq(3), fmpq(5)), Between.known(arb(3).sqrt())


def ends(found: Between) -> tuple[fmpq, fmpq, bool]:
    return found.lower, found.upper, found.is_known


def test_rational_ends_that_agree_are_one_number():
    assert ends(Between.of(fmpq(1, 2), fmpq(1, 2))) == (fmpq(1, 2), fmpq(1, 2), True)
    assert ends(Between.of(fmpq(1, 2), fmpq(1))) == (fmpq(1, 2), 1, False)


@pytest.mark.parametrize("pair", [(arb(2), arb(2)), (fmpq(2), arb(2)), (arb(2), fmpq(2))])
def test_balls_that_agree_may_hold_different_numbers(pair):
    assert not Between.of(*pair).is_known


def test_sums_and_products_of_ends():
    assert ends(TWO + TWO) == (4, 4, True)
    assert ends(TWO * TWO) == (4, 4, True)
    assert ends(TWO + WIDE) == ends(WIDE + TWO) == (5, 7, False)
    assert ends(TWO * WIDE) == ends(WIDE * TWO) == (6, 10, False)
    assert ends(WIDE + WIDE) == (6, 10, False)
    assert ends(WIDE * WIDE) == (9, 25, False)
    assert ends(WIDE.times(fmpq(1, 2))) == (fmpq(3, 2), fmpq(5, 2), False)
    assert ends(TWO.times(fmpq(1, 2))) == (1, 1, True)
    assert (BALL * BALL).is_known
    assert (BALL + TWO).is_known


def test_long_fractions_become_balls_at_both_ends():
    long = fmpq(1, 3**50)
    with ctx.workprec(60):
        known, wide = Between.known(long).shortened(40), Between.of(long, 1 + long).shortened(40)
    assert known.is_known
    assert isinstance(known.lower, arb)
    assert known.lower.overlaps(arb(long))
    assert not wide.is_known
    assert [isinstance(end, arb) for end in (wide.lower, wide.upper)] == [True, True]
    assert wide.upper.overlaps(arb(1 + long))
    assert ends(Between.of(long, 1 + long).shortened(None)) == (long, 1 + long, False)


def test_values_are_named_by_what_is_known():
    assert TWO.value() == Exact(fmpq(2))
    assert WIDE.value() == Bounded(fmpq(3), fmpq(5))
    assert isinstance(BALL.value(), Enclosed)
