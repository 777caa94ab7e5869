"""Many inputs under the same weights: against single simulations, against the exact law, on real data."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sklearn.datasets import load_digits
from soundness import RUNS, average_score, check_averages, check_size

from simulate.many_inputs import cosines, joint_lengths
from simulate.methods.direct import lengths
from theory.convolutional import Convolutional
from theory.correlation import infinite_width_cosines
from theory.data_sets import growth_limit
from theory.errors import SpecError
from theory.exact_law import length_law
from theory.network import FullyConnected
from theory.residual import Residual

KINDS = {
    "fully connected": FullyConnected([3, 5, 4], weights="uniform", bias_variance="1/4"),
    "residual": Residual(3, "1/2x3", [4]),
    "convolutional": Convolutional([1, 4, 2], kernel=2, positions=3),
}
ROWS = np.array([[1.0, -2.0, 0.5], [2.0, -4.0, 1.0], [0.0, 3.0, 1.0]])


@pytest.mark.parametrize("name", KINDS)
def test_each_input_meets_the_networks_of_a_simulation_of_its_own(name):
    """Same seed, same weights, whatever the other inputs. Mutant: another seed."""
    network = KINDS[name]
    found = joint_lengths(network, ROWS, 50, seed=9).log_ratios
    for row, column in zip(ROWS, found.T, strict=True):
        alone = lengths(network.replaced(input=row.tolist()), 50, 9)
        with np.errstate(divide="ignore"):
            expected = np.log(alone[:, -1] / alone[:, 0])
        assert column == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert not np.allclose(joint_lengths(network, ROWS, 50, seed=8).log_ratios, found)


def test_the_same_weights_see_all_inputs():
    """Without biases twice an input has the same ratio in every network, another input has not."""
    ratios = joint_lengths(KINDS["residual"], ROWS, 200).log_ratios
    assert ratios[:, 0] == pytest.approx(ratios[:, 1], abs=1e-6)
    correlation = np.corrcoef(ratios[:, 0], ratios[:, 2])[0, 1]
    assert 0.05 < correlation < 0.99


LIMIT = 4.5
FACTORS = (0.25, 1.0, 3.0)
DIGITS = FullyConnected([64, 20, 20, 20])


def counts(network, inputs, factors, networks, seed):
    """How many of the inputs are beyond each factor of M_0, network by network."""
    found = joint_lengths(network, inputs, networks, seed)
    return [found.exceedances(factor) for factor in factors]


def expected(network, inputs, factor):
    return len(inputs) * float(length_law(network).sf(factor))


@pytest.mark.full
def test_digits_exceed_as_often_as_expected():
    """The first 250 images of scikit-learn's digits, 64 pixels, through 20,20,20: N P at three factors.

    Counts of dependent inputs have a law over networks; its mean is N P however dependent they are.
    1,600 networks; detectable (power 0.9) is an effect of 5.8 standard errors, 14 % at factor 1 and 42 %
    at 3. Mutant: N P off by a quarter.
    """
    digits = load_digits().data[:250]
    for factor, found in zip(FACTORS, counts(DIGITS, digits, FACTORS, 1_600, 3), strict=True):
        right = expected(DIGITS, digits, factor)
        assert abs(average_score(found, right)) < LIMIT
        assert factor != 1 or abs(average_score(found, 1.25 * right)) > LIMIT


@pytest.mark.slow
def test_soundness_of_digits():
    """2,000 runs of 8 digits and 500 networks."""
    digits = load_digits().data[:1000:125]
    runs = [counts(DIGITS, digits, FACTORS, 500, run) for run in range(RUNS)]
    for factor, draws in zip(FACTORS, zip(*runs, strict=True), strict=True):
        right = expected(DIGITS, digits, factor)
        check_averages(f"digits beyond {factor}", draws.__getitem__, right, LIMIT)


SMALL = FullyConnected([6, 8, 8])


def small_counts(factor, networks, seed):
    """How many of 20 random inputs are beyond this factor."""
    inputs = np.random.default_rng(5).normal(size=(20, 6))
    (found,) = counts(SMALL, inputs, [factor], networks, seed)
    return found


def test_the_growth_limit_is_passed_by_one_input_on_average():
    """20 random inputs, 2,000 networks. Mutant: the limit of ten times as many inputs.

    Of 200 inputs the count is so skewed that 400 networks were rejected once in 500 runs of correct code.
    """
    assert abs(average_score(small_counts(growth_limit(SMALL, 20), 2_000, 3), 1)) < LIMIT
    assert average_score(small_counts(growth_limit(SMALL, 200), 2_000, 3), 1) < -LIMIT


@pytest.mark.slow
def test_soundness_of_the_growth_limit():
    """2,000 runs of 400 networks."""
    limit = growth_limit(SMALL, 20)
    check_averages("beyond the growth limit", lambda run: small_counts(limit, 400, run), 1, LIMIT)


X, Y = [1.0, 2.0, -1.0], [0.5, -1.0, 2.0]


def wide(activation, width):
    return FullyConnected([3, *[width] * 4], activation=activation)


def limit_scores(found, width, limits):
    """By how many standard errors the mean cosines are further than 2/width from these limits."""
    distance = np.abs(np.mean(found, axis=0) - limits) - 2 / width
    error = np.std(found, axis=0) / math.sqrt(len(found))
    # The cosine of the inputs is certain.
    return distance[1:] / error[1:]


@pytest.mark.parametrize("activation", ["relu", "leaky_relu:1/4", "abs", "linear"])
def test_angles_go_to_the_limit_of_infinite_width(activation):
    """Width 1,500, four layers, 40 networks: the mean cosine within 4.5 standard errors and 2/width.

    Mutants: an iterate too many; the map of another activation.
    """
    network = wide(activation, 1500)
    found = cosines(network, X, Y, 40, seed=2)
    limits = np.array([float(c) for c in infinite_width_cosines(network, X, Y)])
    assert found[:, 0] == pytest.approx(limits[0], abs=1e-6)
    assert np.all(limit_scores(found, 1500, limits) <= LIMIT)
    if activation != "linear":
        assert limit_scores(found, 1500, np.roll(limits, -1))[2] > LIMIT
    other = wide("relu" if activation != "relu" else "abs", 1500)
    wrong = np.array([float(c) for c in infinite_width_cosines(other, X, Y)])
    assert limit_scores(found, 1500, wrong)[3] > LIMIT


@pytest.mark.slow
def test_soundness_of_the_limit_of_angles():
    """2,000 runs at width 60, where 2/width is as far from the limit as it is at 1,500."""
    network = wide("relu", 60)
    limits = np.array([float(c) for c in infinite_width_cosines(network, X, Y)])
    runs = (cosines(network, X, Y, 40, seed) for seed in range(RUNS))
    found = [limit_scores(run, 60, limits).max() for run in runs]
    check_size("angles", (score > LIMIT for score in found))


def test_the_map_is_the_gaussian_mean():
    """One layer against Gauss-Hermite quadrature of E phi(z) phi(z'). Mutant: acos for asin."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(200)
    weights = weights / weights.sum()
    for rho in (-0.9, -0.3, 0.0, 0.4, 0.8):
        z, w = np.meshgrid(nodes, nodes)
        other = rho * z + math.sqrt(1 - rho**2) * w
        joint = np.outer(weights, weights)
        relu = 2 * np.sum(joint * np.maximum(z, 0) * np.maximum(other, 0))
        y = [rho, math.sqrt(1 - rho**2)]
        found = float(infinite_width_cosines(FullyConnected([2, 9]), [1.0, 0.0], y)[1])
        assert found == pytest.approx(relu, abs=2e-3)
        mutant = (math.sqrt(1 - rho**2) + math.acos(rho) * rho) / math.pi
        assert abs(rho) < 0.1 or abs(mutant - relu) > 2e-3


REFUSED = {
    "width": (np.ones((2, 4)), "4 coordinates"),
    "one row": (np.ones(3), "table"),
    "zero": (np.array([[1.0, 2, 3], [0, 0, 0]]), "input 2 is zero"),
    "nan": (np.array([[1.0, 2, np.nan]]), "finite"),
    "text": (np.array([["a", "b", "c"]]), "table"),
    "none": (np.ones((0, 3)), "table"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_inputs_are_refused_in_a_line(name):
    inputs, word = REFUSED[name]
    with pytest.raises(SpecError, match=word) as refusal:
        joint_lengths(KINDS["residual"], inputs, 5)
    assert "\n" not in str(refusal.value)


def run(capsys, *arguments):
    from actlen.cli.app import app

    app(list(arguments), standalone_mode=False)
    return capsys.readouterr().out


@pytest.mark.full
def test_command_line_of_many_inputs(tmp_path, capsys):
    """JSON and lines; a file of the wrong width is refused."""
    np.save(tmp_path / "x.npy", ROWS)
    arguments = ["simulate", "--widths", "3,6,6", "--inputs", str(tmp_path / "x.npy"), "--samples", "200"]
    found = json.loads(run(capsys, *arguments, "--json"))
    assert (found["inputs"], found["samples"]) == (3, 200)
    smallest, largest = (found[name]["quantiles"][2]["value"] for name in ("smallest", "largest"))
    assert smallest <= largest
    first = found["exceedances"][0]
    assert abs(first["simulated"] - first["expected"]) < 5 * first["standard_error"]
    assert 0 < first["networks"] <= 200
    assert "under the same weights" in run(capsys, *arguments)
    assert "not to be trusted" not in run(capsys, *arguments)
    assert "not to be trusted" in run(capsys, *arguments[:-1], "20")
    np.save(tmp_path / "y.npy", np.ones((2, 5)))
    with pytest.raises(SpecError, match="5 coordinates"):
        run(capsys, *arguments[:4], str(tmp_path / "y.npy"))


@pytest.mark.full
def test_command_line_of_the_exact_law_and_gradients(capsys):
    """The figures of `predict` are those of the library."""
    arguments = ["predict", "--widths", "10,4,7,5", "--quantiles", "0.1,0.9", "--dataset-size", "1000"]
    found = json.loads(run(capsys, *arguments, "--gradients", "--json"))
    law = length_law(FullyConnected([10, 4, 7, 5]))
    quantiles = [row["quantile"] for row in found["quantiles"]["at"]]
    assert quantiles == pytest.approx([float(law.ppf(0.1)), float(law.ppf(0.9))])
    assert found["inputs"]["growth_limit"] == pytest.approx(growth_limit(law, 1000))
    assert found["gradients"]["first_to_last"]["exact"] == "10/7"
    text = run(capsys, *arguments, "--gradients")
    assert "quantiles of M_d/M_0" in text
    assert "|dF/dW_d|^2 = 1.4286" in text


@pytest.mark.parametrize(
    "extra, word",
    [
        (["--weights", "uniform", "--quantiles", "0.5"], "normal"),
        (["--quantiles", "1.5"], "from 0 to 1"),
        (["--quantiles", "a"], "finite number"),
        (["--dataset-size", "0"], "size of a data set"),
        (["--gradients", "--weights", "rademacher"], "atoms"),
        (["--gradients", "--bias-variance", "1"], "bias"),
    ],
)
def test_what_is_not_known_is_refused_in_a_line(extra, word):
    from actlen.cli.app import app

    with pytest.raises(SpecError, match=word) as refusal:
        app(["predict", "--widths", "4,4", *extra], standalone_mode=False)
    assert "\n" not in str(refusal.value)
