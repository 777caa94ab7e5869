"""Bad input is refused at the door with one helpful line; good input becomes a frozen record.

The laws' exact moments are held against numerical integration of their densities.
"""

from __future__ import annotations

import dataclasses
import json
import math
from decimal import Decimal
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from flint import fmpq
from scipy import integrate, stats

from theory.activations import as_activation
from theory.errors import SpecError
from theory.failure_modes import Thresholds
from theory.initialisers import initialiser
from theory.laws import FiniteLaw, as_law, finite_law
from theory.network import FullyConnected
from theory.rationals import rational
from theory.readings.batch import batch_length_moments
from theory.readings.exact import length_moments
from theory.readings.symbolic import derive


def net(widths=(2, 2), **options):
    return lambda: FullyConnected(widths, **options)


def moments(order, **options):
    return lambda: length_moments(FullyConnected([2, 2], **options), order)


BAD = {
    "width 0": (net([3, 0]), "n_1 must be from 1"),
    "negative width": (net([-3, 2]), "n_0 must be from 1"),
    "fractional width": (net([3, 2.5]), "whole number"),
    "float width": (net([3, 2.0]), "whole number"),
    "text width": (net([3, "2"]), "whole number"),
    "boolean width": (net([True, 2]), "whole number"),
    "missing width": (net([3, None]), "whole number"),
    "no layer": (net([3]), "at least one layer"),
    "no widths": (net([]), "at least one layer"),
    "widths as text": (net("784,10"), "sequence of whole numbers"),
    "widths as a number": (net(784), "sequence of whole numbers"),
    "too deep": (net([1] * 100_002), "depth limit is 100,000"),
    "too wide": (net([10**12 + 1, 1]), "1,000,000,000,000"),
    "short input": (net([3, 1], input=[1, 2]), "2 coordinates, but n_0 = 3"),
    "long input": (net([1, 1], input=[1, 2]), "2 coordinates, but n_0 = 1"),
    "nan input": (net(input=[1, math.nan]), "input coordinate 2"),
    "infinite input": (net(input=[math.inf, 1]), "input coordinate 1"),
    "input text": (net(input=["one", 1]), "finite number"),
    "input 1/0": (net(input=["1/0", 1]), "divides by zero"),
    "boolean input": (net(input=[True, 1]), "finite number"),
    "complex input": (net(input=[1j, 1]), "finite number"),
    "gain 0": (net(variance_gain=0), "must be positive"),
    "negative gain": (net(variance_gain="-1/2"), "must be positive"),
    "nan gain": (net(variance_gain="nan"), "variance gain must be a finite number"),
    "huge exponent": (net(variance_gain="1e9999"), "exponent"),
    "negative bias variance": (net(bias_variance=-1), "at least 0"),
    "infinite bias variance": (net(bias_variance=math.inf), "finite number"),
    "gains for another depth": (net(variance_gain=[2, 2]), "2 layers, but the net has 1"),
    "laws for another depth": (net([2, 2, 2], weights=["normal"]), "1 layers, but the net has 2"),
    "biases for another depth": (net(bias_variance=[1, 2, 3]), "3 layers, but the net has 1"),
    "bias laws for another depth": (net(bias_weights=["normal"] * 2), "2 layers, but the net has 1"),
    "student_t:5 at order 3": (moments(3, weights="student_t:5"), "--order 2"),
    "student_t:5 bias at order 3": (moments(3, bias_weights="student_t:5", bias_variance=1), "bias law"),
    "student_t:2": (net(weights="student_t:2"), "more than 2 degrees of freedom"),
    "student_t": (net(weights="student_t"), "student_t:5"),
    "student_t:x": (net(weights="student_t:x"), "degrees of freedom"),
    "normal:2": (net(weights="normal:2"), "takes no parameter"),
    "asymmetric values": (net(weights="finite:-1:1/2,2:1/2"), "not symmetric"),
    "asymmetric chances": (net(weights="finite:-1:1/4,1:3/4"), "not symmetric"),
    "chances above one": (net(weights="finite:-1:1/2,0:1/4,1:1/2"), "sum to 1, not 5/4"),
    "chance zero": (net(weights="finite:-1:1/2,0:0,1:1/2"), "positive"),
    "value twice": (net(weights="finite:-1:1/4,-1:1/4,1:1/2"), "twice"),
    "all mass at zero": (net(weights="finite:0:1"), "variance 0"),
    "finite without colon": (net(weights="finite:1,2"), "finite:VALUE:PROBABILITY"),
    "order 0": (moments(0), "from 1 to 12"),
    "order -1": (moments(-1), "from 1 to 12"),
    "order 13": (moments(13), "from 1 to 12"),
    "order 2.0": (moments(2.0), "whole number from 1 to 12"),
    "boolean order": (moments(True), "whole number from 1 to 12"),
    "unknown law": (net(weights="norml"), "did you mean 'normal'?"),
    "unknown activation": (net(activation="Relu6"), "did you mean 'relu'?"),
    "unknown mode": (net(mode="fanin"), "did you mean 'fan_in'?"),
    "unknown initialiser": (lambda: initialiser("he_norml"), "did you mean 'he_normal'?"),
    "something else": (net(weights="zzz"), "known: normal, uniform"),
    "law of another type": (net(weights=3), "a name such as 'normal'"),
    "activation of another type": (net(activation=3), "a name such as 'relu'"),
    "zero map": (net(activation="slopes:0:0"), "zero map"),
    "relu:1": (net(activation="relu:1"), "takes no parameter"),
    "leaky nan": (net(activation="leaky_relu:nan"), "negative slope"),
    "thresholds": (lambda: Thresholds(2, 1), "fm1 low <= 1"),
    "batch shape": (lambda: batch_length_moments(np.array([1, 2])), "shape (architectures, depth + 1)"),
    "batch width": (lambda: batch_length_moments(np.array([[1, 0]])), "every width"),
    "batch law": (lambda: batch_length_moments(np.array([[1, 1]]), 3, weights="student_t:5"), "student_t:5"),
    "batch gain": (lambda: batch_length_moments(np.array([[1, 1]]), variance_gain=0), "positive"),
    "symbolic order": (lambda: derive(13), "order must be from 1 to 12"),
    "symbolic law": (lambda: derive(3, weights="student_t:5"), "infinite moment of order 6"),
    "long number": (lambda: rational("1" * 2_000), "at most 1000"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_one_helpful_line(name):
    call, piece = BAD[name]
    with pytest.raises(SpecError) as caught:
        call()
    message = str(caught.value)
    assert piece in message
    assert "\n" not in message
    assert 20 <= len(message) <= 300


GOOD = {
    "depth at the limit": net([1] * 1_001),
    "width at the limit": net([10**12, 10**12]),
    "numpy widths": net(np.array([2, 3])),
    "all-zero input": net(input=[0, 0]),
    "numbers of every kind": net(
        [6, 1], input=[1, 0.5, "1/3", Fraction(1, 3), Decimal("0.1"), np.float64(2)]
    ),
    "student_t:5 at order 2": moments(2, weights="student_t:5"),
    "unused infinite bias law": moments(4, bias_weights="student_t:5"),
    "laws per layer": net([2, 2, 2], weights=["normal", "uniform"], variance_gain=[2, 1]),
    "order 12": moments(12),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_input_is_accepted(name):
    assert GOOD[name]()


def test_numbers_are_read_exactly():
    """Text and decimals are what they say; a float is the dyadic rational that it is."""
    assert rational("0.1") == rational(Decimal("0.1")) == fmpq(1, 10) != rational(0.1)
    assert rational("-1/3") == rational(Fraction(-1, 3)) == fmpq(-1, 3)
    assert rational("2e-3") == fmpq(1, 500)
    assert rational(" 1/ 2 ") == fmpq(1, 2)


def test_specs_are_frozen_equal_and_hashable():
    first, second = (FullyConnected([3, 2], weights="uniform", input=[1, "1/2", 0]) for _ in range(2))
    other = FullyConnected([3, 2], weights="uniform", input=[1, "1/2", 1])
    assert first == second
    assert hash(first) == hash(second)
    assert first != other
    assert len({first, second, other}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.mode = "fan_out"
    assert len(first.layers) == 1
    assert first == second


def test_spec_as_plain_data():
    network = FullyConnected(
        [2, 2, 2], weights=["normal", "student_t:5"], bias_variance="1/3", input=[1, "-1/2"]
    )
    plain = json.loads(json.dumps(network.to_dict()))
    assert plain["weights"] == ["normal", "student_t:5"]
    assert plain["bias_variance"] == "1/3"
    assert plain["input"] == ["1", "-1/2"]
    assert FullyConnected([2, 2]).to_dict()["input"] == "ones"


@pytest.mark.parametrize("text", ["relu", "abs", "linear", "leaky_relu:-1/10", "slopes:2:1/3"])
def test_activations_and_laws_return_from_their_names(text):
    assert as_activation(as_activation(text).name) == as_activation(text)


LAWS = [
    "normal", "uniform", "rademacher", "laplace", "student_t:5", "student_t:9", "finite:-2:1/8,0:3/4,2:1/8",
]  # fmt: skip


@pytest.mark.parametrize("name", LAWS)
def test_law_moments_are_moments(name):
    """E w^2 = 1, kurtosis >= 1, Lyapunov: log E w^{2r} is convex in r."""
    law = as_law(name)
    assert as_law(law.name) == law
    assert law.even_moment(0) == law.even_moment(1) == 1
    assert law.kurtosis >= 1
    moments = [law.even_moment(r) for r in range(13) if law.has_moment(r)]
    assert all(b * b <= a * c for a, b, c in zip(moments, moments[1:], moments[2:], strict=False))
    mutant = [*moments[:2], fmpq(9, 10), *moments[3:]]
    assert not all(b * b <= a * c for a, b, c in zip(mutant, mutant[1:], mutant[2:], strict=False))


DENSITIES = {
    "normal": (lambda t: mpmath.exp(-t * t / 2) / mpmath.sqrt(2 * mpmath.pi), mpmath.inf),
    "uniform": (lambda t: 1 / (2 * mpmath.sqrt(3)), mpmath.sqrt(3)),
    "laplace": (lambda t: mpmath.exp(-mpmath.sqrt(2) * t) / mpmath.sqrt(2), mpmath.inf),
}


@pytest.mark.parametrize("name", DENSITIES)
@pytest.mark.parametrize("half_order", [1, 2, 3, 4, 6])
def test_moments_against_integration_of_the_density(name, half_order):
    density, end = DENSITIES[name]
    stops = [0, 1, 4, 12, 40, 150, end] if end == mpmath.inf else [0, end]
    integral, error = mpmath.quad(lambda t: 2 * t ** (2 * half_order) * density(t), stops, error=True)
    exact = as_law(name).even_moment(half_order)
    ratio = integral * int(exact.q) / int(exact.p)
    assert abs(ratio - 1) < 1e-10 + error
    assert abs(ratio * (2 * half_order + 1) / (2 * half_order) - 1) > 1e-2


@pytest.mark.parametrize("degrees, half_order", [(5, 1), (5, 2), (9, 3), (9, 4)])
def test_student_moments_against_integration(degrees, half_order):
    scale = math.sqrt((degrees - 2) / degrees)
    density = stats.t(degrees).pdf
    integral, error = integrate.quad(lambda t: 2 * (t * scale) ** (2 * half_order) * density(t), 0, math.inf)
    exact = as_law(f"student_t:{degrees}").even_moment(half_order)
    truth = int(exact.p) / int(exact.q)
    assert abs(integral - truth) <= 1e-9 * truth + error
    assert half_order == 1 or abs(integral / scale**2 - truth) > 1e-2 * truth


def test_finite_moments_by_hand():
    """+-2 with 1/8 each, 0: raw E v^2 = 1, E v^4 = 4, E v^6 = 16; sorting and scale do not matter."""
    law = finite_law([(2, "1/8"), (0, "3/4"), (-2, "1/8")])
    assert isinstance(law, FiniteLaw)
    assert [law.even_moment(r) for r in range(4)] == [1, 1, 4, 16]
    scaled = finite_law([(-6, "1/8"), (0, "3/4"), (6, "1/8")])
    assert [scaled.even_moment(r) for r in range(4)] == [1, 1, 4, 16]
    assert scaled.raw_moment(1) == 9
