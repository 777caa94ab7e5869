"""Strategies for networks: valid and varied, shrinking to what is small, and found by type in other projects.

Entry points are read from pyproject.toml and written as the metadata that an installation would leave,
into a folder of its own: so the tests see them as another project does, whatever is installed here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections import Counter
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

import actlen as al
from actlen import strategies as nets
from actlen.strategy_registration import TYPES, register
from theory.activations import as_activation
from theory.spec import Network

RELU = st.just(as_activation("relu"))
ROOT = Path(__file__).parents[2]
STRATEGIES = {
    "fully_connected": (nets.fully_connected, al.FullyConnected),
    "residual": (nets.residual, al.Residual),
    "convolutional": (nets.convolutional, al.Convolutional),
}


def as_installed(folder: Path) -> Path:
    """A folder that makes this package look installed, entry points and all."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = folder / "actlen-0.1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: actlen\nVersion: 0.1.0\n")
    lines = []
    for group, targets in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in targets.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return folder


def elsewhere(tmp_path: Path, *command: str, installed: bool = True) -> subprocess.CompletedProcess[str]:
    """Run Python in a fresh folder, with the package on its path as if installed."""
    project = tmp_path / "another project"
    project.mkdir(exist_ok=True)
    paths = [str(as_installed(tmp_path / "site"))] if installed else []
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*paths, str(ROOT)])}
    return subprocess.run(
        [sys.executable, *command], cwd=project, env=environment, capture_output=True, text=True, timeout=120
    )


ANOTHER_PROJECT = """
import sys
from hypothesis import given, settings, strategies as st
assert "actlen.strategies" not in sys.modules
import actlen as al

seen = []

@settings(max_examples=20, database=None, derandomize=True)
@given(st.from_type(al.FullyConnected), st.from_type(al.Law))
def look(network, law):
    assert isinstance(network, al.FullyConnected) and law.kurtosis >= 1
    seen.append(network.widths)

look()
print(len(set(seen)) > 5)
"""


def test_another_project_draws_networks_by_their_type(tmp_path):
    run = elsewhere(tmp_path, "-W", "error", "-c", ANOTHER_PROJECT)
    assert (run.stdout.strip(), run.stderr) == ("True", "")


def test_without_the_entry_point_the_type_alone_would_not_do(tmp_path):
    """The mutant: no metadata at all. Hypothesis guesses from annotations and is refused at the door."""
    hide = "import sys, importlib.metadata as metadata\nmetadata.entry_points = lambda **_: ()\n"
    run = elsewhere(tmp_path, "-c", ANOTHER_PROJECT.replace("import sys\n", hide))
    assert run.returncode == 1
    assert "Could not resolve" in run.stderr


def test_registering_loads_no_strategies(tmp_path):
    """Hypothesis calls the hook in every project where the package is installed: it has to be light."""
    heavy = "{'numba', 'sympy', 'scipy', 'actlen.strategies'}"
    run = elsewhere(tmp_path, "-c", f"import hypothesis, sys; print({heavy} & {{*sys.modules}})")
    assert run.stdout.strip() == "set()"


@pytest.mark.parametrize("place, strategy", TYPES.items())
def test_every_type_has_its_strategy(place, strategy):
    register()
    kind = getattr(import_module(place[0]), place[1])
    assert strategy in nets.__all__
    assert isinstance(nets.smallest(st.from_type(kind), lambda _: True), kind)


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_smallest_network_is_small_and_plain(name):
    strategy, _ = STRATEGIES[name]
    net = nets.smallest(strategy(), lambda _: True)
    assert (net.depth, set(net.widths), net.weights[0].name, net.input) == (1, {1}, "normal", None)
    assert net.activation.name == "relu"


@pytest.mark.parametrize(
    "condition, expected",
    [
        (lambda net: net.depth >= 3, {"widths": [1, 1, 1, 1], "weights": "normal", "bias_variance": "0"}),
        (lambda net: max(net.widths) > 6, {"depth": 1, "activation": "relu"}),
        (lambda net: net.weights[0].kurtosis == 1, {"widths": [1, 1], "weights": "rademacher"}),
        (lambda net: net.has_bias, {"widths": [1, 1], "bias_weights": "normal", "bias_variance": "1"}),
        (lambda net: net.input and net.input[-1] < 0, {"widths": [1, 1], "input": ["-1"]}),
        (lambda net: net.activation.slopes[1] < 0, {"activation": "abs", "widths": [1, 1]}),
        (lambda net: net.mode == "fan_out", {"widths": [1, 1], "bias_variance": "0"}),
    ],
)
def test_what_fails_shrinks_to_a_small_network(condition, expected):
    found = nets.smallest(nets.fully_connected(), condition).to_dict()
    assert {key: found[key] for key in expected} == expected


def test_a_false_claim_shrinks_to_its_smallest_witness():
    """E M_d^2 = prod (1 + 5/n_j) is the normal law's: one signed weight refutes it for all laws."""

    def fails(network):
        value = al.predict(network).layers[-1].moments[1].number
        claimed = fmpq(1)
        for n in network.widths[1:]:
            claimed *= 1 + fmpq(5, n)
        return value != claimed

    found = nets.smallest(nets.fully_connected(critical=True, biased=False, activation=RELU), fails)
    assert (found.widths, found.weights[0].name) == ((1, 1), "rademacher")


def drawn(strategy, count=150):
    found = []

    @settings(max_examples=count, database=None, derandomize=True)
    @given(strategy)
    def keep(example):
        found.append(example)

    keep()
    return found


@pytest.mark.full
def test_fully_connected_nets_are_varied():
    """Each kind of choice is made both ways in 150 draws, and no kind takes nearly all."""
    found = drawn(nets.fully_connected())
    for choice in (
        lambda net: net.has_bias,
        lambda net: net.input is None,
        lambda net: len({law.name for law in net.weights}) > 1,
        lambda net: net.mode == "fan_in",
        lambda net: net.weights[0].name.startswith("finite"),
        lambda net: len(set(net.widths)) > 1,
        lambda net: net.activation != net.output_activation,
    ):
        assert 5 <= sum(map(bool, map(choice, found))) <= 145
    assert set(Counter(net.depth for net in found)) == {1, 2, 3, 4}


@pytest.mark.full
def test_every_kind_of_network_is_drawn():
    kinds = Counter(type(net).__name__ for net in drawn(nets.networks()))
    assert min(kinds[name] for name in ("FullyConnected", "Residual", "Convolutional")) >= 15
    outputs = {net.branch_output for net in drawn(nets.residual(), 60)}
    assert outputs == {"relu", "linear"}
    assert {net.branch_output for net in drawn(nets.residual(branch_output="linear"), 30)} == {"linear"}


@settings(max_examples=100)
@given(nets.finite_laws())
def test_finite_laws_are_symmetric_with_rational_probabilities(law):
    assert sum(p for _, p in law.points) == 1
    assert {(-v, p) for v, p in law.points} == set(law.points)
    assert law.kurtosis >= 1
    assert all(a < b for (a, _), (b, _) in pairwise(law.points))


@settings(max_examples=60)
@given(nets.networks(order=3))
def test_networks_have_the_moments_that_were_asked_for(network):
    assert isinstance(network, Network)
    assert network.has_finite_moments(3)
    assert any(network.input or [1])
    assert network.replaced() == network


def test_a_law_of_too_heavy_tails_would_be_noticed():
    found = nets.smallest(nets.fully_connected(biased=False), lambda net: not net.has_finite_moments(3))
    assert found.widths == (1, 1)
    assert found.weights[0].name == "student_t:5"


@settings(max_examples=60)
@given(nets.fully_connected(critical=True, biased=False))
def test_critical_nets_keep_the_mean_length(network):
    assert all(layer.mean_factor == 1 and layer.mean_shift == 0 for layer in network.layers)


def test_enclosed_and_dependent_laws_come_only_where_asked_for():
    names = {law.name.partition(":")[0] for law in drawn(nets.laws(exact=False, independent=False))}
    assert {"orthogonal", "truncated_normal", "student_t", "finite", "normal"} <= names
    plain = {law.name.partition(":")[0] for law in drawn(nets.laws())}
    assert not plain & {"orthogonal", "truncated_normal"}


def test_an_input_without_coordinates_is_refused():
    with pytest.raises(al.SpecError, match="at least 1 coordinate"):
        nets.inputs(0)


def test_strategies_are_reached_through_the_front_door():
    assert al.strategies is nets
    assert "strategies" in dir(al)
