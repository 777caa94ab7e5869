"""All readings of the one recursion, on the same network: exact, enclosed, floating, logarithmic, symbolic.

The tolerance of a floating reading is the error that it states itself; a ball must contain the fraction; a
polynomial at numbers must be the fraction.
"""

from __future__ import annotations

import math

import numpy as np
from flint import arb, ctx, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from actlen import strategies as nets
from theory.network import FullyConnected
from theory.prediction import predict
from theory.readings import exact
from theory.readings.batch import batch_length_moments
from theory.readings.symbolic import derive

same_in_all_layers = nets.fully_connected(
    widths=nets.widths(max_width=30), weights=nets.named_laws(3), biased=False, critical=True
)


def one_law(network):
    """The same net with the first layer's law in all layers, and an input of ones."""
    return network.replaced(weights=network.weights[0], input=None, output_activation=network.activation)


def exactly(network, order):
    return exact.length_moments(network, order)[-1]


def floating_is_close(network, order, *, logarithmic=False, drift=0.0) -> bool:
    """|value/truth - 1| within the stated error, decided in rationals; `drift` moves the values."""
    found = batch_length_moments(
        np.array([network.widths]),
        order,
        weights=network.weights[0],
        activation=network.activation,
        logarithmic=logarithmic,
    )
    error = fmpq(*found.relative_error.as_integer_ratio())
    values = [fmpq(*float(v * (1 + drift)).as_integer_ratio()) for v in found.moments[0]]
    return all(abs(v / m - 1) <= error for v, m in zip(values, exactly(network, order), strict=True))


def balls_contain(network, order, *, times=1) -> bool:
    """Fractions cut to 8 bits at 60 bits of precision: balls around the numbers, and narrow ones."""
    with ctx.workprec(60):
        found = exact.length_moments(network, order, longest_bits=8)[-1]
    with ctx.workprec(1_000):
        pairs = zip(map(arb, found), exactly(network, order), strict=True)
        return all(b.contains(m * times) and b.rad() <= abs(b.mid()) * arb(2) ** -30 for b, m in pairs)


def symbols_give_the_numbers(network, order, *, reciprocal=lambda n: fmpq(1, n)) -> bool:
    """Every layer's polynomials at u = 1/n, applied to the normalised augmented moments of the input."""
    derived = derive(order, weights=network.weights[0], activation=network.activation)
    recursion = derived.recursion
    state = exact.start_state(network, recursion)
    for n in network.widths[1:]:
        at = [reciprocal(n), *[fmpq(0)] * (len(derived.symbols) - 1)]
        rows = [derived.row(target) for target in recursion.partitions]
        state = [
            sum((p(*at) * state[recursion.position[s]] for s, p in row.items()), fmpq(0)) for row in rows
        ]
    return recursion.length_moments(state, fmpq) == exactly(network, order)


@settings(max_examples=60)
@given(same_in_all_layers.map(one_law), st.integers(1, 3))
def test_all_readings_agree(network, order):
    assert floating_is_close(network, order)
    assert floating_is_close(network, order, logarithmic=True)
    assert balls_contain(network, order)
    assert symbols_give_the_numbers(network, order)


@settings(max_examples=40)
@given(nets.fully_connected(order=3, weights=nets.named_laws(3, exact=False, independent=False)))
def test_enclosures_and_fractions_are_one_prediction(network):
    """predict's layers are the recursion's rows, whatever their kind."""
    predicted = predict(network, 3)
    rows = exact.length_moments(network, 3)
    for layer, row in zip(predicted.layers, rows, strict=True):
        for value, number in zip(layer.moments, row, strict=True):
            if isinstance(number, fmpq):
                assert value.number == number
            else:
                assert value.ball.overlaps(number)


NETWORK = FullyConnected([3, 5, 4], weights="uniform")


def test_readings_reject_what_is_a_little_off():
    """A part in 10^12 (in 10^10 for logarithms), a width of n + 1, and balls held against another number."""
    assert floating_is_close(NETWORK, 2)
    assert not floating_is_close(NETWORK, 2, drift=1e-12)
    assert not floating_is_close(NETWORK, 2, logarithmic=True, drift=-1e-10)
    assert balls_contain(NETWORK, 2)
    assert not balls_contain(NETWORK, 2, times=1 + fmpq(1, 10**6))
    assert symbols_give_the_numbers(NETWORK, 2)
    assert not symbols_give_the_numbers(NETWORK, 2, reciprocal=lambda n: fmpq(1, n + 1))


@settings(max_examples=40)
@given(nets.widths(max_width=10**6, max_depth=3))
def test_logarithms_agree_with_the_fractions(widths):
    found = batch_length_moments(np.array([widths]), 3, logarithmic=True)
    truth = exactly(FullyConnected(widths), 3)
    for log, moment in zip(found.logs[0], truth, strict=True):
        with ctx.workprec(100):
            assert math.isclose(
                log, float(arb(moment).log().mid()), rel_tol=1e-12, abs_tol=found.relative_error
            )
