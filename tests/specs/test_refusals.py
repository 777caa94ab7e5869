"""Inputs that once crashed, hung or were silently misread: each is refused with one line."""

from __future__ import annotations

import time

import numpy as np
import pytest
from flint import fmpq

import simulate
from proofs_check.language.evaluate import evaluate
from proofs_check.language.parse import StatementError, parse
from proofs_check.moment_sources import RecursionMoments
from theory import FullyConnected, SpecError, batch_length_moments, derive, finite_law, initialiser
from theory.readings.exact import length_moments

NET = FullyConnected([2, 3])

REFUSED = {
    "a width of 5,000 digits": lambda: FullyConnected([10**5000, 1]),
    "an order of 5,000 digits": lambda: length_moments(NET, 10**5000),
    "a number as input": lambda: FullyConnected([2, 3], input=5),
    "text as input": lambda: FullyConnected([2, 3], input="12"),
    "a mapping as widths": lambda: FullyConnected({3: 1, 4: 2}),
    "a set as widths": lambda: FullyConnected({3, 4}),
    "a scalar array as widths": lambda: FullyConnected(np.array(5)),
    "a matrix as widths": lambda: FullyConnected(np.ones((2, 2), int)),
    "no mode": lambda: FullyConnected([2, 3], mode=None),
    "no initialiser": lambda: initialiser(None),
    "a list as initialiser": lambda: initialiser([]),
    "numbers as law": lambda: finite_law([1, 2]),
    "a fractional order": lambda: derive(1.5),
    "text as order": lambda: derive("2"),
    "a truth value as order": lambda: derive(True),
    "a batch without mode": lambda: batch_length_moments(np.ones((1, 2), int), mode=None),
    "a batch of fractional order": lambda: batch_length_moments(np.ones((1, 2), int), 1.5),
    "a batch of mixed depths": lambda: batch_length_moments([[1, 2], [1, 2, 3]]),
}


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED.keys())
def test_refused_with_one_line(call):
    with pytest.raises(SpecError) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


STATEMENTS = {
    "a tower of powers": "((((((2**64)**64)**64)**64)**64)**64) > 1",
    "a chain of signs": "0 == " + "-" * 3000 + "1",
    "a long sum": "0 == " + "+".join("1" * 1990),
    "a chain of powers": "**".join("1" * 1000) + " == 1",
    "nested sums": "sum(sum(1, i, 1, 99999), j, 1, 99999) > 0",
}


@pytest.mark.timed
@pytest.mark.fast_cases("a tower*", "a chain*", "a long*")
@pytest.mark.parametrize("text", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_greedy_statements_are_refused_soon(text):
    start = time.process_time()
    with pytest.raises(StatementError):
        evaluate(parse(text), NET, RecursionMoments(NET))
    assert time.process_time() - start < 20


def test_undecided_roots_are_no_errors():
    """sqrt(2)^2 - 2 is 0: no precision decides its sign, and none calls it negative."""
    outcome = evaluate(parse("sqrt(sqrt(2)*sqrt(2) - 2) >= 0"), NET, RecursionMoments(NET))
    assert outcome.holds is None


def test_names_that_begin_like_functions_are_names():
    assert evaluate(parse("sum(summand, summand, 1, 3) == 6"), NET, RecursionMoments(NET)).holds


def test_a_function_survives_its_own_room():
    """`simulate.simulate` is the function, also after `simulate.lengths` was used."""
    simulate.lengths(NET, 2, 0)
    assert simulate.simulate(NET, samples=10).samples == 10


def test_underflow_passes_to_logarithms():
    found = batch_length_moments(np.full((1, 401), 2), variance_gain="1/100")
    exact = length_moments(FullyConnected([2] * 401, variance_gain="1/100"), 2)[-1]
    for k in (0, 1):
        assert found.logs[0, k] == pytest.approx(_log(exact[k]), rel=1e-9)


def test_huge_and_tiny_gains_have_logarithms():
    for gain in ("1e-400", "1e400"):
        found = batch_length_moments(np.full((1, 3), 4), variance_gain=gain)
        exact = length_moments(FullyConnected([4] * 3, variance_gain=gain), 2)[-1]
        assert found.logs[0, 1] == pytest.approx(_log(exact[1]), rel=1e-9)


def test_tiny_inputs_simulate():
    assert simulate.lengths(FullyConnected([2, 2], input=[1e-300, 1e-300]), 3, 0).shape == (3, 2)


def _log(number: fmpq) -> float:
    from flint import arb

    return float(arb(number).log().mid())
