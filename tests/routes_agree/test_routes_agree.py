"""Routes that share no formula give the same fractions.

On 2,000 random small architectures (finite laws, per-layer gains and laws, every fan mode, biases,
any slopes) the semiring recursion, the power sums and the exhaustive oracle agree exactly; with
normal weights the closed forms join them. E EmpVar is held against the oracle's law of whole paths.
"""

from __future__ import annotations

from dataclasses import replace
from math import comb, factorial

import pytest
from flint import fmpq
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from proofs_check import oracle
from proofs_check.stand_in import stand_in, stand_in_network
from theory import gaussian, power_sums
from theory.empirical_variance import expected_empirical_variance, middle_layer_sum
from theory.fans import FAN_MODES
from theory.laws import FiniteLaw, as_law
from theory.network import FullyConnected
from theory.readings import exact

# The oracle counts in rationals; fan_geo_avg has its test in test_enclosures.py.
RATIONAL_MODES = [mode for mode in FAN_MODES if mode != "fan_geo_avg"]

FINITE_LAWS = [
    "rademacher",
    "finite:-1:1/4,0:1/2,1:1/4",
    "finite:-1:1/6,0:2/3,1:1/6",
    "finite:-2:1/2,2:1/2",
    "finite:-3/2:1/5,0:3/5,3/2:1/5",
    "finite:-2:1/10,-1:2/5,1:2/5,2:1/10",
]
BIAS_LAWS = ["rademacher", "finite:-2:1/2,2:1/2", "finite:-1:1/6,0:2/3,1:1/6"]
ACTIVATIONS = ["relu", "abs", "linear", "leaky_relu:1/2", "leaky_relu:-2", "slopes:1/2:2", "slopes:0:-1"]
GAINS = [fmpq(2), fmpq(1), fmpq(1, 3), fmpq(5, 2)]
MAX_STATES = 1_500

activations = st.sampled_from(ACTIVATIONS)
coordinates = st.sampled_from([fmpq(0), fmpq(1), fmpq(-1), fmpq(2), fmpq(-1, 2)])


def raw_variance(law):
    return law.raw_moment(1) if isinstance(law, FiniteLaw) else fmpq(1)


@st.composite
def shapes(draw, enumerable_depth: int):
    """Widths, and the options every family shares; deeper nets are narrower."""
    depth = draw(st.integers(1, 3))
    inner = st.integers(1, 3 if depth <= enumerable_depth else 2)
    widths = [*(draw(inner) for _ in range(depth)), draw(st.integers(1, 3))]
    size = widths[0]
    options = {
        "variance_gain": [draw(st.sampled_from(GAINS)) for _ in range(depth)],
        "mode": draw(st.sampled_from(RATIONAL_MODES)),
        "activation": draw(activations),
        "output_activation": draw(st.none() | activations),
        "input": draw(st.none() | st.lists(coordinates, min_size=size, max_size=size)),
    }
    return widths, options


@st.composite
def finite_networks(draw, biased: bool):
    """Networks that the oracle can enumerate; biases get variances that keep its scales rational."""
    widths, options = draw(shapes(1 if biased else 2))
    depth = len(widths) - 1
    laws = [as_law(draw(st.sampled_from(FINITE_LAWS))) for _ in range(depth)]
    if not biased:
        return FullyConnected(widths, weights=laws, **options)
    bias_laws = [as_law(draw(st.sampled_from(BIAS_LAWS))) for _ in range(depth)]
    ratios = [draw(st.sampled_from([fmpq(0), fmpq(1), fmpq(1), fmpq(2)])) for _ in range(depth)]
    unbiased = FullyConnected(widths, weights=laws, **options)
    scale, variances = fmpq(1), []
    for layer, bias, ratio in zip(unbiased.layers, bias_laws, ratios, strict=True):
        scale *= layer.entry_variance / raw_variance(layer.weights)
        variances.append(ratio**2 * scale * raw_variance(bias))
    return FullyConnected(widths, weights=laws, bias_weights=bias_laws, bias_variance=variances, **options)


@st.composite
def normal_networks(draw):
    widths, options = draw(shapes(3))
    variances = [draw(st.sampled_from([fmpq(0), fmpq(1), fmpq(2, 7)])) for _ in widths[1:]]
    return FullyConnected(widths, bias_variance=variances, **options)


def recursion_and_power_sums_agree(network, order) -> bool:
    return exact.length_moments(network, order)[1:] == list(power_sums.length_moments(network, order))


def recursion_and_oracle_agree(network, order) -> bool:
    enumerated = oracle.length_moments(network, order, max_states=MAX_STATES)
    return exact.length_moments(network, order) == enumerated


def recursion_and_closed_forms_agree(network, order) -> bool:
    return exact.length_moments(network, order)[1:] == list(gaussian.length_moments(network, order))


@pytest.mark.full
@pytest.mark.parametrize("biased", [False, True])
def test_three_routes_agree_on_a_thousand_finite_networks(biased):
    outcomes = {"agreed": 0, "too big": 0}

    @settings(max_examples=1_000)
    @given(network=finite_networks(biased), order=st.sampled_from([2, 3, 3, 3, 4]))
    def check(network, order):
        try:
            assert recursion_and_oracle_agree(network, order)
        except oracle.OracleLimitError:
            outcomes["too big"] += 1
            assume(False)
        assert recursion_and_power_sums_agree(network, order)
        outcomes["agreed"] += 1

    check()
    assert outcomes["agreed"] >= 1_000
    assert outcomes["too big"] <= 100


@settings(max_examples=150)
@given(network=normal_networks(), order=st.integers(1, 5))
def test_closed_forms_agree_for_normal_laws(network, order):
    assert recursion_and_closed_forms_agree(network, order)
    assert order > 4 or recursion_and_power_sums_agree(network, order)


BIASED = FullyConnected([2, 3, 2], weights="rademacher", bias_weights="rademacher", bias_variance=[4, "8/3"])
NORMAL = FullyConnected([2, 3, 2], bias_variance="1/3")


def test_mutant_recursion_is_rejected(monkeypatch):
    """E z^4 = 3 A_11 + ... with 3 turned to 2."""

    def wrong(order, has_bias):
        right = exact_recursion(order, has_bias)
        ((_, weights, biases), *rest) = right.terms[2,][1, 1]
        row = {**right.terms[2,], (1, 1): ((2, weights, biases), *rest)}
        return replace(right, terms={**right.terms, (2,): row})

    exact_recursion = exact.moment_recursion
    assert recursion_and_oracle_agree(BIASED, 2)
    monkeypatch.setattr(exact, "moment_recursion", wrong)
    assert not recursion_and_oracle_agree(BIASED, 2)
    assert not recursion_and_power_sums_agree(BIASED, 2)
    assert not recursion_and_closed_forms_agree(NORMAL, 2)


def test_mutant_power_sums_are_rejected(monkeypatch):
    """binom(3, 1) turned to 4."""
    assert recursion_and_power_sums_agree(BIASED, 2)
    monkeypatch.setattr(power_sums, "comb", lambda n, k: comb(n, k) + ((n, k) == (3, 1)))
    assert not recursion_and_power_sums_agree(BIASED, 2)


def test_mutant_oracle_is_rejected(monkeypatch):
    """Multiset counts without their factorials: every arrangement counted once."""
    monkeypatch.setattr(oracle, "factorial", lambda n: 1 if n > 1 else factorial(n))
    network = FullyConnected([2, 2, 1], weights="rademacher")
    assert not recursion_and_oracle_agree(network, 2)


def test_mutant_closed_forms_are_rejected(monkeypatch):
    """chi^2 on n instead of Binomial(n, 1/2) degrees of freedom in the second factor."""
    assert recursion_and_closed_forms_agree(NORMAL, 2)
    right = gaussian.factor_moment
    monkeypatch.setattr(gaussian, "factor_moment", lambda k, n, phi: right(k, n + (k == 2), phi))
    assert not recursion_and_closed_forms_agree(NORMAL, 2)


def expected_spread(network, *, square=lambda x: x * x):
    """E EmpVar by hand from the exact law of the path (M_0, ..., M_d)."""
    total = fmpq(0)
    for path, probability in oracle.path_law(network, max_states=MAX_STATES).items():
        lengths, d = path[1:], network.depth
        mean_of_squares = sum((m * m for m in lengths), fmpq(0)) / d
        total += probability * (mean_of_squares - square(sum(lengths, fmpq(0)) / d))
    return total


def predicted_spread(network):
    rows = exact.length_moments(network, 2)[1:]
    return expected_empirical_variance(network, [r[0] for r in rows], [r[1] for r in rows])


@pytest.mark.full
@settings(max_examples=150)
@given(network=finite_networks(True) | finite_networks(False))
def test_empirical_variance_agrees_with_the_law_of_paths(network):
    try:
        enumerated = expected_spread(network)
    except oracle.OracleLimitError:
        assume(False)
    assert predicted_spread(network) == enumerated


@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu:-2", "slopes:1/2:2"])
def test_empirical_variance_by_its_definition(depth, activation):
    """(1/d) sum q_j - (1/d^2) sum_{i,j} E M_i M_j, where E[M_j | a_i] is carried forward layer by layer."""
    network = FullyConnected(
        [2, 3, 1, 2, 4, 2][: depth + 1],
        weights="uniform",
        activation=activation,
        variance_gain=[fmpq(2), fmpq(1, 3), fmpq(5, 2), fmpq(1), fmpq(3)][:depth],
        bias_variance=[fmpq(1), fmpq(0), fmpq(1, 3), fmpq(2), fmpq(1, 5)][:depth],
    )
    rows = exact.length_moments(network, 2)[1:]
    together = fmpq(0)
    for i, (mean, square) in enumerate(rows):
        slope, shift = fmpq(1), fmpq(0)
        together += square
        for layer in network.layers[i + 1 :]:
            slope, shift = slope * layer.mean_factor, shift * layer.mean_factor + layer.mean_shift
            together += 2 * (slope * square + shift * mean)
    expected = sum((square for _, square in rows), fmpq(0)) / depth - together / depth**2
    found = expected_empirical_variance(network, [m for m, _ in rows], [q for _, q in rows])
    assert found == expected


def test_empirical_variance_comparison_rejects_a_lost_square():
    assert predicted_spread(BIASED) == expected_spread(BIASED)
    assert predicted_spread(BIASED) != expected_spread(BIASED, square=lambda x: x)


@settings(max_examples=100)
@given(
    widths=st.lists(st.integers(1, 9), min_size=2, max_size=7),
    law=st.sampled_from(["normal", "uniform", "laplace", *FINITE_LAWS]),
    activation=activations,
)
def test_middle_layer_sum_applies_at_critical_gain(widths, law, activation):
    network = FullyConnected(widths, weights=law, activation=activation)
    seconds = [row[1] for row in exact.length_moments(network, 2)[1:]]
    assert predicted_spread(network) == middle_layer_sum(seconds)


def test_middle_layer_sum_does_not_apply_with_bias_or_another_gain():
    for network in (BIASED, FullyConnected([2, 2, 2], variance_gain=1)):
        seconds = [row[1] for row in exact.length_moments(network, 2)[1:]]
        assert predicted_spread(network) != middle_layer_sum(seconds)


@pytest.mark.parametrize(
    "law, order", [("uniform", 2), ("laplace", 2), ("student_t:5", 2), ("normal", 3), ("normal", 4)]
)
def test_stand_in_laws_have_the_moments_and_the_lengths(law, order):
    network = FullyConnected([2, 2, 2], weights=law, input=[1, -2])
    other = stand_in_network(network, order)
    moments = [[as_law(law).even_moment(r), other.weights[0].even_moment(r)] for r in range(order + 1)]
    assert all(true == stood for true, stood in moments)
    assert exact.length_moments(network, order) == oracle.length_moments(other, order)


def test_stand_in_law_is_not_good_beyond_its_order():
    """The five-point stand-in for the normal law matches E w^8 but not E w^10 = 945."""
    short = stand_in(as_law("normal"), 4)
    assert [int(short.even_moment(r).p) for r in (2, 3, 4)] == [3, 15, 105]
    assert short.even_moment(5) != 945


def test_stand_in_mutant_probability_is_rejected(monkeypatch):
    """1/3360 turned to 1/3361: the fourth moment is no longer 3."""
    wrong = ("29/60", "13/120", "11/1260", "1/3361")
    monkeypatch.setattr("proofs_check.stand_in._NORMAL_TO_ORDER_8", wrong)
    assert stand_in(as_law("normal"), 4).even_moment(2) != 3
