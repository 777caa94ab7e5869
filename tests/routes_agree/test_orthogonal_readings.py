"""Orthogonal weights elsewhere in theory: other readings, bounds, figures of a weight, what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from commands import in_this_process
from flint import arb, fmpq
from soundness import check_averages

from proofs_check.family import parse_family
from proofs_check.oracle import OracleLimitError, length_law
from proofs_check.stand_in import stand_in_network
from simulate import lengths, simulate
from theory import bounds as bounds_module
from theory.bounds import second_moment_bounds
from theory.convolutional import Convolutional
from theory.errors import SpecError
from theory.fans import FAN_MODES
from theory.laws import as_law
from theory.network import FullyConnected
from theory.prediction import predict
from theory.readings import exact
from theory.readings.batch import batch_length_moments
from theory.readings.symbolic import derive
from theory.residual import Residual

ACTIVATIONS = ["relu", "abs", "linear", "leaky_relu:1/2", "slopes:1/2:-3"]


def orthogonal(widths, **options):
    return FullyConnected(widths, weights="orthogonal", **options)


def moments(network, order):
    return exact.length_moments(network, order)[-1]


@pytest.mark.parametrize("logarithmic", [False, True])
@pytest.mark.parametrize("mode", FAN_MODES)
def test_batch_reading(mode, logarithmic):
    """Within the bound that it states. Mutant: normal weights."""
    widths = np.array([[3, 7, 2, 9], [5, 5, 5, 5], [1, 1, 8, 1], [400, 3, 10**9, 3]])
    options = {"mode": mode, "variance_gain": "3/2", "bias_variance": "1/5"}
    found, other = (
        batch_length_moments(widths, 6, weights=law, logarithmic=logarithmic, **options)
        for law in ("orthogonal", "normal")
    )
    for row, values, wrong in zip(widths.tolist(), found.moments, other.moments, strict=True):
        truth = moments(orthogonal(row, **options), 6)
        bound = arb(found.relative_error) + arb(2) ** -50
        assert all(abs(arb(float(x)) / t - 1) < bound for x, t in zip(values, truth, strict=True))
        assert abs(arb(float(wrong[5])) / truth[5] - 1) > bound


def layer_map_agrees(derived, layer, numbers):
    rows = exact.layer_map(layer, derived.recursion)
    return all(
        [i for i, _ in row] == [i for i, _ in expected]
        and all(entry.subs(numbers) == value for (_, entry), (_, value) in zip(row, expected, strict=True))
        for row, expected in zip(derived.rows, rows, strict=True)
    )


def test_derived_polynomials():
    """E M^3 without bias: (1 + 15 u + 44 u^2) r3. With biases: the layer map. Mutant: r2 of N = 3."""
    assert str(derive(3, weights="orthogonal").closed_factor(3)) == "44*u^2*r3 + 15*u*r3 + r3"
    derived = derive(2, weights="orthogonal", bias=True)
    layer = orthogonal([5, 3], bias_variance="1/3").layers[0]
    numbers = {"u": fmpq(1, 3), "r2": fmpq(5, 7), "b2": fmpq(1, 3), "b4": fmpq(1, 3)}
    assert layer_map_agrees(derived, layer, numbers)
    assert not layer_map_agrees(derived, layer, numbers | {"r2": fmpq(3, 5)})
    assert "\\rho_{2}" in derived.to_latex()
    assert "r2" not in derive(2, weights="normal").symbols


BOUNDED = [
    orthogonal(
        widths, activation=activation, variance_gain="3/2", mode=mode, input=[1, *[-2] * (widths[0] - 1)]
    )
    for widths in ((4, 4, 4), (3, 7, 2, 2), (1, 1, 9), (9, 2, 6, 1))
    for activation, mode in zip(ACTIVATIONS, ["fan_in", "fan_out", "fan_max", "fan_avg", "none"], strict=True)
]


def bounds_are_the_moment(network):
    found, truth = second_moment_bounds(network), moments(network, 2)[1]
    outside = not found.exponential_lower.ball > truth and not found.exponential_upper.ball < truth
    return found.lower.number == truth == found.upper.number and outside


def test_both_bounds_are_the_second_moment(monkeypatch):
    """Mutant: the constants of normal weights, 3 tau - 1."""
    assert all(map(bounds_are_the_moment, BOUNDED))
    monkeypatch.setattr(
        bounds_module,
        "_constants",
        lambda layer: bounds_module.layer_constants(layer.weights, layer.activation),
    )
    assert not any(map(bounds_are_the_moment, BOUNDED))


@pytest.mark.parametrize("m, n", [(1, 1), (5, 5), (5, 1), (3, 8), (10**6, 1), (10**6, 10**6)])
def test_constants_of_theorem_5(m, n):
    """ReLU: (5N - 2n)/(N + 2), so 3n/(n + 2) unless m > n; from 1 at N = 1 towards 5 for a long row."""
    found = second_moment_bounds(orthogonal([m, n]))
    side = max(m, n)
    assert found.c == found.C
    assert found.C.number == fmpq(5 * side - 2 * n, side + 2)
    assert m > n or found.C.number == fmpq(3 * n, n + 2)
    assert 1 <= found.C.number < 5
    assert m > n or found.C.number < 3


def test_mixed_nets_lie_between_the_bounds():
    """Rademacher layers open the sandwich, orthogonal ones do not. Mutant: the bounds swapped."""
    network = FullyConnected(
        [3, 4, 4, 5], weights=["orthogonal", "rademacher", "orthogonal"], input=[1, -2, 3]
    )
    found, truth = second_moment_bounds(network), moments(network, 2)[1]
    assert found.lower.number < truth < found.upper.number
    assert not found.upper.number < truth < found.lower.number


def test_a_small_layer_is_not_given_the_bounds_of_another():
    """Two shapes of one law in one net: 1 + c/n from each of them."""
    found = second_moment_bounds(orthogonal([4, 2, 2]))
    assert found.lower.number == fmpq(4 * 7, 6 * 2) * (1 + fmpq(3, 4))
    assert (found.c.number, found.C.number) == (fmpq(6, 4), fmpq(16, 6))


def test_the_kurtosis_of_a_weight_depends_on_the_shape():
    """3 N/(N + 2): 1 for a sign, towards 3; none where layers differ."""
    assert predict(orthogonal([1, 1])).kurtosis.number == 1
    assert predict(orthogonal([4, 10, 3, 10])).kurtosis.number == fmpq(30, 12)
    assert predict(orthogonal([4, 10, 3])).kurtosis.number == fmpq(30, 12)
    assert predict(orthogonal([4, 10, 11])).kurtosis is None


def test_residual_branches_may_be_orthogonal():
    """The layer map of a branch's layers is that of the same layers in a fully connected net."""
    from theory.recursion import moment_recursion

    recursion = moment_recursion(3, False)
    block = Residual(4, "1/2", [6], branch_output="linear", weights="orthogonal").blocks[0]
    plain = FullyConnected(
        [4, 6, 4], weights="orthogonal", variance_gain=[2, 1], activation="relu", output_activation="linear"
    )
    maps = [[exact.layer_map(layer, recursion) for layer in net.layers] for net in (block, plain)]
    assert maps[0] == maps[1]
    assert exact.layer_map(plain.replaced(weights="normal").layers[0], recursion) != maps[0][0]


NET = orthogonal([2, 2])
REFUSED = {
    "a bias": lambda: orthogonal([2, 2], bias_weights="orthogonal"),
    "a bias in a batch": lambda: batch_length_moments(np.array([[2, 2]]), bias_weights="orthogonal"),
    "a convolution": lambda: Convolutional([2, 2], kernel=1, positions=3, weights="orthogonal"),
    "a statement's weights": lambda: parse_family("weights=normal,orthogonal"),
    "a statement's bias": lambda: parse_family("bias=orthogonal"),
    "a finite law in its place": lambda: stand_in_network(NET, 2),
    "moments of an entry": lambda: as_law("orthogonal").even_moment(2),
    "its kurtosis": lambda: as_law("orthogonal").kurtosis,
    "a parameter": lambda: as_law("orthogonal:2"),
    "method law": lambda: simulate(NET, samples=10, method="law"),
    "method conditional": lambda: simulate(NET, samples=10, method="conditional"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_one_line(case):
    with pytest.raises(SpecError) as caught:
        REFUSED[case]()
    assert "orthogonal" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert 20 <= len(str(caught.value)) <= 250


def actlen(*words):
    done = in_this_process(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_command_line_from_end_to_end():
    """predict: E M_1^2 = 1 + 3/(3 + 2). simulate: E M_2 by explicit matrices within 5 standard errors."""
    first = actlen("predict", "--widths", "3,3,2", "--weights", "orthogonal")["layers"][1]
    assert first["moments"]["2"]["exact"] == "8/5"
    words = ("--widths", "3,3,2", "--init", "torch.orthogonal:2")
    predicted = actlen("predict", *words)["layers"][-1]["moments"]["1"]["value"]
    estimate = actlen("simulate", *words, "--samples", "20000", "--seed", "3")
    found = estimate["layers"][-1]["moments"]["1"]
    assert (predicted, estimate["method"], estimate["reduced"]) == (4, "direct", False)
    assert abs(found["value"] - predicted) < 5 * found["standard_error"] < 1


@pytest.mark.slow
def test_soundness_of_the_simulated_mean():
    """What the command line simulates, 2,000 runs of 1,000 networks."""
    network = orthogonal([3, 3, 2], variance_gain=4, mode="fan_max")
    check_averages("orthogonal, two layers", lambda run: lengths(network, 1_000, run)[:, 2], 4, 5)


def test_the_oracle_does_not_enumerate_it():
    with pytest.raises(OracleLimitError, match="orthogonal"):
        length_law(NET)
