"""The recursion of residual blocks read symbolically and through predict, and what is refused."""

from __future__ import annotations

from itertools import chain, pairwise

import pytest
from flint import arb, ctx, fmpq
from typer.testing import CliRunner

from actlen.cli.app import app
from theory import Residual, SpecError, as_law, derive_residual, predict
from theory import residual_closed_forms as closed_forms
from theory.readings import residual as exact
from theory.recursion import moment_recursion
from theory.residual_recursion import BlockRecursion
from theory.values import Enclosed, Exact


def linear(width, scales, branch_widths, **options):
    return Residual(width, scales, branch_widths, **{"branch_output": "linear", **options})


@pytest.mark.parametrize("law", ["uniform", "rademacher", "laplace"])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_symbols_replaced_by_numbers_give_the_moments(law, order):
    """Widths of at least the order; a symbolic activation, so that g and c_k are read too."""
    n, m, eta, gain = 5, 4, fmpq(2, 3), fmpq(3, 2)
    options = {"activation": "leaky_relu:1/2", "variance_gain": gain}
    network = linear(n, [eta], [m], weights=law, input=range(1, n + 1), **options)
    recursion = moment_recursion(order, has_bias=False)
    state = exact.start_state(network, recursion)
    numbers = {"eta": eta, "u": fmpq(1, n), "v": fmpq(1, m), "g": gain}
    numbers |= {f"m{2 * l}": as_law(law).even_moment(l) for l in range(2, order + 1)}
    numbers |= {f"c{l}": (1 + fmpq(1, 4) ** l) / 2 for l in range(1, order + 1)}
    derived = derive_residual(order, activation=None)
    values = [numbers[name] for name in derived.symbols]
    terms = derived.conditional_moment(order).items()
    found = sum(entry(*values) * state[recursion.position[p]] for p, entry in terms)
    assert found == exact.length_moments(network, order)[1][-1]
    values[0] += 1
    assert sum(entry(*values) * state[recursion.position[p]] for p, entry in terms) != found


@pytest.mark.parametrize("order", [1, 2, 3])
def test_closed_factors_are_those_of_the_normal_law(order):
    factor = derive_residual(order, weights="normal").closed_factor(order)
    for n, m in [(3, 3), (8, 5)]:
        block = linear(n, ["2/3"], [m]).blocks[0]
        numbers = {"eta": fmpq(2, 3), "u": fmpq(1, n), "v": fmpq(1, m)}
        values = [numbers.get(str(name), fmpq(0)) for name in factor.context().names()]
        assert factor(*values) == closed_forms.block_factor(block, order)
    if order > 1:
        assert derive_residual(order, weights="uniform").closed_factor(order) is None


def test_latex_of_the_block():
    text = derive_residual(2).to_latex()
    assert r"\mathbb{E}[M_l^{2} \mid x_{l-1}]" in text
    assert r"\mathbb{E}[\bar A_{1,1}(x_l) \mid x_{l-1}]" in text
    assert r"\frac{10 \eta^{4}}{m n}" in derive_residual(2, weights="normal").to_latex()
    assert "M_l^2" in derive_residual(2).to_sympy()


def test_blocks_alike_share_their_map(monkeypatch):
    calls = []
    matrix = BlockRecursion.matrix
    monkeypatch.setattr(BlockRecursion, "matrix", lambda *args: calls.append(1) or matrix(*args))
    rows = exact.length_moments(linear(64, "1/sqrt(L)x1000", [100]), 2, longest_bits=13_000)
    assert (len(rows), len(calls)) == (1001, 1)
    assert rows[-1][0] == (1 + fmpq(1, 1000)) ** 1000


def test_long_fractions_become_balls_that_contain_them():
    network = linear(5, [fmpq(1, l) for l in range(2, 42)], [3], weights="uniform")
    with ctx.workprec(200):
        short = exact.length_moments(network, 2, longest_bits=300)
        whole = exact.length_moments(network, 2)
        assert isinstance(short[-1][1], arb)
        pairs = zip(chain(*short), chain(*whole), strict=True)
        assert all(arb(ball).overlaps(arb(fraction)) for ball, fraction in pairs)


def test_the_record_of_a_linear_net():
    found = predict(linear(4, ["1/2", "1/3"], [6], weights="uniform"), 3)
    assert [layer.index for layer in found.layers] == [0, 1, 2]
    assert found.kurtosis == Exact(fmpq(9, 5))
    assert found.layers[2].moments[0] == Exact(fmpq(5, 4) * fmpq(10, 9))
    variance = found.layers[2].moments[1].number - found.layers[2].moments[0].number ** 2
    assert found.layers[2].variance == Exact(variance)
    assert found.details["criterion"]["sum"] == Exact(fmpq(1, 4) + fmpq(1, 9))
    assert found.failure_modes.fm1.fails is False
    assert found.second_moment_bounds is None
    assert found.to_dict()["details"]["criterion"]["terms"][0]["exact"] == "1/4"


def test_criterion_bounds_the_mean():
    """M_0 exp(sum/(1 + largest term)) <= E M_L <= M_0 exp(sum): x/(1 + x) <= log(1 + x) <= x."""
    network = linear(4, [fmpq(1, l) for l in range(1, 30)], [3])
    total = predict(network).details["criterion"]["sum"].number
    mean = exact.length_moments(network, 1)[-1][0]
    assert (arb(total) / 2).exp() < arb(mean) < arb(total).exp()
    assert all(a[0] < b[0] for a, b in pairwise(exact.length_moments(network, 1)))


def test_irrational_moments_are_enclosed():
    found = predict(linear(4, "sqrt(1/3)x2", [6], weights="truncated_normal:2"))
    assert found.layers[2].moments[0] == Exact(fmpq(16, 9))
    assert isinstance(found.layers[2].moments[1], Enclosed)


REFUSED = {
    "bounds asked of the exact route": (
        lambda: exact.length_moments(Residual(3, ["1/2"], [5]), 1),
        "only where the branch's output is linear",
    ),
    "an infinite moment": (
        lambda: predict(linear(3, ["1/2"], [5], weights="student_t:5"), 3),
        "largest order that works is --order 2",
    ),
    "an order out of range": (lambda: predict(linear(3, ["1/2"], [5]), 13), "order must be from 1 to 12"),
    "an activation whose moments do not close": (
        lambda: predict(linear(3, ["1/2"], [5], activation="tanh", variance_gain=1)),
        "not piecewise linear",
    ),
    "too much work": (lambda: predict(linear(3, "1/2x50000", [5]), 6), "would take too long"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_are_one_helpful_line(name):
    action, text = REFUSED[name]
    with pytest.raises(SpecError, match=text) as caught:
        action()
    assert "\n" not in str(caught.value)


def test_the_command_derives_a_block():
    found = CliRunner().invoke(app, ["derive", "--network", "residual", "--weights", "normal"])
    assert found.exit_code == 0
    assert found.stdout.strip() == derive_residual(2, weights="normal").to_latex()


@pytest.mark.parametrize("words", [["--network", "residual", "--bias"], ["--network", "recurrent"]])
def test_the_command_refuses_what_it_does_not_derive(words):
    assert isinstance(CliRunner().invoke(app, ["derive", *words]).exception, SpecError)
