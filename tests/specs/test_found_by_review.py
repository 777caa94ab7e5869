"""Errors that a reviewer planted and no test noticed, one test each; and API misuse found then."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from flint import arb, ctx, fmpq

from actlen.describing import network_from_fields, network_from_toml
from actlen.reading import input_from_file
from theory import FullyConnected, SpecError, batch_length_moments, derive, gaussian, predict
from theory.bounds import second_moment_bounds
from theory.readings.exact import length_moments
from theory.values import Enclosed, Exact

ROOT = Path(__file__).parents[2]


def test_bounds_of_mixed_laws_take_the_extreme_constants():
    """c = 1 belongs to the second of three layers, C = 11 to the third; not first, not last."""
    laws = ["uniform", "rademacher", "laplace", "normal"]
    bounds = second_moment_bounds(FullyConnected([2, 3, 4, 5, 6], weights=laws))
    assert bounds.c.number == 1
    assert bounds.C.number == 11


@pytest.mark.parametrize("gain", [None, "1/2"])
def test_exponential_bounds_are_what_they_say(gain):
    network = FullyConnected([3, 4, 5], weights="uniform", variance_gain=gain)
    bounds = second_moment_bounds(network)
    rate, scale = fmpq(1, 4) + fmpq(1, 5), network.layers[0].mean_factor ** 4
    upper = (5 * arb(rate)).exp() * scale
    lower = (arb(fmpq(18, 5)).log() * rate).exp() * scale
    assert bounds.exponential_upper.ball.overlaps(upper)
    assert bounds.exponential_lower.ball.overlaps(lower)
    assert not bounds.exponential_lower.ball.overlaps((arb(fmpq(13, 5)) * rate).exp() * scale)


def test_rows_that_leave_the_floats_come_back_in_their_places():
    widths = np.ones((4, 700), dtype=int)
    widths[1] = 900
    widths[2, 350:] = 2
    found = batch_length_moments(widths)
    for row, logs in zip(widths, found.logs, strict=True):
        exact = length_moments(FullyConnected([int(n) for n in row]), 2)[-1][1]
        assert logs[1] == pytest.approx(Exact(exact).log, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg", "none"])
@pytest.mark.parametrize("gain", ["1e1000", "1e-900"])
def test_gains_beyond_floats_have_logs_in_every_mode(mode, gain):
    found = batch_length_moments([[3, 2]], variance_gain=gain, mode=mode)
    exact = length_moments(FullyConnected([3, 2], variance_gain=gain, mode=mode), 2)[-1]
    assert found.logs[0, 0] == pytest.approx(Exact(exact[0]).log, rel=1e-9)


@pytest.mark.parametrize("number", [fmpq(1, 3), fmpq(-22, 7), fmpq(10) ** 50 / 7])
def test_printed_bounds_enclose_on_both_sides(number):
    with ctx.workprec(100):
        shown = Enclosed(arb(number)).to_dict()
    low, high = Fraction(shown["lower"]), Fraction(shown["upper"])
    exact = Fraction(int(number.p), int(number.q))
    assert low < exact < high
    assert high - low < abs(exact) * Fraction(1, 10**25)


def test_closed_forms_refuse_other_biases():
    assert gaussian.applies_to(FullyConnected([2, 3], bias_variance=1))
    assert gaussian.applies_to(FullyConnected([2, 3], bias_weights="uniform"))
    assert not gaussian.applies_to(FullyConnected([2, 3], bias_weights="uniform", bias_variance=1))
    assert not gaussian.applies_to(FullyConnected([2, 3], weights="uniform"))


def test_the_example_in_the_documentation_is_a_network():
    text = (ROOT / "docs" / "spec.md").read_text(encoding="utf-8")
    block = text.split("```toml\n")[1].split("```")[0]
    network = network_from_fields(tomllib.loads(block))
    assert network.depth == 21
    assert network.output_activation.name == "linear"


MISUSE = {
    "text for a network": lambda: predict("x"),
    "a mapping for thresholds": lambda: predict(FullyConnected([2, 3]), thresholds={"fm2": 3}),
    "a moment beyond the order": lambda: derive(3).closed_factor(5),
    "moment zero": lambda: derive(3).conditional_moment(0),
    "a signalling nan": lambda: FullyConnected([2, 3], variance_gain=Decimal("sNaN")),
    "order 12 at depth 3,000": lambda: length_moments(FullyConnected([3] * 3001), 12),
}


@pytest.mark.parametrize("call", MISUSE.values(), ids=MISUSE.keys())
def test_misuse_is_refused_with_one_line(call):
    with pytest.raises(SpecError):
        call()


def test_whole_numbers_of_numpy_are_orders():
    assert len(predict(FullyConnected([2, 3]), np.int64(3)).layers[1].moments) == 3


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04garbage",
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (3,",
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
        + b" " * 50,
        b"1,2,3",
    ],
)
def test_broken_input_files_are_refused(tmp_path, content):
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    with pytest.raises(SpecError):
        input_from_file(path)


@pytest.mark.parametrize(
    "content",
    [
        'network = ["residual"]\nwidths = [2, 3]',
        "[network]\nwidths = 3",
        "widths = [" + "1" * 5000 + "]",
        "widths = " + "[" * 3000 + "]" * 3000,
        "widths = [2, 3]\nwidht = 4",
        "widths = 5",
        "\xff",
    ],
)
def test_broken_network_files_are_refused(tmp_path, content):
    path = tmp_path / "net.toml"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(SpecError):
        network_from_toml(path)


def test_endless_network_files_are_refused():
    with pytest.raises(SpecError, match="larger"):
        network_from_toml(Path("/dev/zero"))
