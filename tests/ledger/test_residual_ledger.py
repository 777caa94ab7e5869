"""Residual nets in the ledger: the language, families, the oracle, sources, claims and their mutants."""

from __future__ import annotations

import dataclasses
from functools import partial
from itertools import islice, pairwise

import numpy as np
import pytest
from flint import arb, fmpq
from soundness import POWER_RUNS, RUNS, check_p_values, check_power

import theory.residual_bounds
import theory.residual_recursion
from proofs_check import residual_oracle
from proofs_check.checks import CHECKS
from proofs_check.checks.block_ratio import _test
from proofs_check.claim import load_ledger
from proofs_check.family import parse_family
from proofs_check.kernel.render import assumed_family
from proofs_check.language.evaluate import evaluate
from proofs_check.language.parse import StatementError, parse
from proofs_check.ledger.run import settle
from proofs_check.members import small_members
from proofs_check.oracle import OracleLimitError
from proofs_check.prover import stored_proof
from proofs_check.residual_moments import (
    BlockBoundMoments,
    BlockClosedFormMoments,
    BlockOracleMoments,
    BlockRecursionMoments,
)
from proofs_check.routes import closed_form, counted, pinpointed, predicted, second_route
from proofs_check.search import describe, find_witness
from proofs_check.verdict import Outcome
from theory.convolutional import Convolutional
from theory.errors import SpecError
from theory.laws import as_law
from theory.network import FullyConnected
from theory.reals import square_root
from theory.residual import Residual

CLAIMS = {claim.id: claim for claim in load_ledger() if claim.id.startswith("residual-")}
LINEAR = Residual(2, ["1/2", "2/3"], [[3], [4, 5]], branch_output="linear", weights="uniform", input=[1, -2])
SIGNS = Residual(1, ["1/2", "1"], [[1], [4]], weights="rademacher")
NORMAL = Residual(3, ["1/2"], [[4]], input=[1, -2, 2])


def holds(text, network=LINEAR, source=predicted):
    return evaluate(parse(text), network, source(network)).holds


# The language.

TRUE = [
    "d == L == 2",
    "kappa == 9/5",
    "g == 2",
    "n[0] + n[1] + n[d] == 6",
    "eta[1]*eta[2] == 1/3",
    "depth[1] == 1",
    "depth[2] == 2",
    "m[1] == m[1,1] == 3",
    "m[2] == m[2,depth[2]] == 5",
    "m[2,1] == 4",
    "M[0] == 5/2",
    "prod(prod(m[l,i], i, 1, depth[l]), l, 1, L) == 60",
    "c[1] == 0",
]


@pytest.mark.parametrize("text", TRUE)
def test_names_of_residual_nets(text):
    assert holds(text) is True


REFUSED = [
    ("eta[0] == 1", "indices run from 1 to d = 2"),
    ("m[3] == 1", "indices run from 1 to d = 2"),
    ("m[1,2] == 1", "block 1 has 1 hidden layers"),
    ("m[1,0] == 1", "block 1 has 1 hidden layers"),
    ("n[1,1] == 1", "one index"),
    ("M[1,1] == 1", "one index"),
    ("nu2[1] == 0", "no biases"),
    ("nu4[1] == 0", "no biases"),
    ("m[1/2] == 1", "whole number"),
    ("E[M[1]**2*M[2]] == 1", "a = b = 1"),
    ("n[1,1,1] == 1", "column"),
]


@pytest.mark.parametrize("text, piece", REFUSED)
def test_what_residual_nets_have_not_is_refused(text, piece):
    with pytest.raises(StatementError, match=piece) as caught:
        holds(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["eta[1]", "m[1]", "m[1,1]", "depth[1]", "c[1]"])
def test_what_fully_connected_nets_have_not_is_refused(name):
    with pytest.raises(StatementError, match="belongs to residual nets"):
        holds(f"{name} == 1", FullyConnected([2, 2]))
    with pytest.raises(StatementError, match="unknown name 'L'"):
        holds("L == 1", FullyConnected([2, 2]))


def test_other_kinds_are_not_covered_yet():
    with pytest.raises(StatementError, match="not covered"):
        evaluate(parse("d == 1"), Convolutional([1, 1], kernel=1, positions=2), None)
    with pytest.raises(StatementError, match="no moments"):
        predicted(Convolutional([1, 1], kernel=1, positions=2))


def test_the_constant_of_a_branch():
    """rho(1) = pi^(-1/2), so c = 1/pi for one hidden neuron; 1/2 for signs and one neuron throughout."""
    one = Residual(3, ["1"], [1])
    c = evaluate(parse("c[1] == 0"), one, predicted(one)).sides[0]
    assert c.overlaps(1 / arb.pi())
    assert holds("c[1] == 1/2", SIGNS) is True
    with pytest.raises(StatementError, match="depends on x"):
        holds("c[1] == 1/2", Residual(2, [1], [2], weights="rademacher"))
    with pytest.raises(StatementError, match="not known here"):
        holds("c[1] == 1/2", Residual(1, [1], [1], weights="uniform"))


# Families.


def test_families_of_residual_nets():
    family = parse_family("network=residual; branch_output=linear; branch_depth=2; widths=1..4; depth=2..3")
    members = list(islice(family.corners(), 60))
    assert len(members) >= 20
    for net in members:
        assert (net.branch_output, net.depth in (2, 3)) == ("linear", True)
        assert net.width <= 4
        assert all(len(hidden) == 2 for hidden in net.branch_widths)
    assert {len(set(net.scales)) for net in members} >= {1, 2}


def test_corners_hold_one_neuron_one_block_and_extreme_scales():
    nets = list(islice(parse_family("network=residual; weights=any").corners(), 400))
    assert any(net.width == 1 and net.depth == 1 for net in nets)
    assert {fmpq(0), fmpq(1), fmpq(3)} <= {eta for net in nets for eta in net.scales}
    assert {len(hidden) for net in nets for hidden in net.branch_widths} >= {1, 2}
    assert len({net.weights[0].name for net in nets}) == 5
    assert any(net.input is not None and max(net.input) <= 0 for net in nets)


@pytest.mark.parametrize(
    "scales, expected",
    [
        ("1/2", [fmpq(1, 2)] * 3),
        ("1/l", [fmpq(1), fmpq(1, 2), fmpq(1, 3)]),
        ("L", [fmpq(3)] * 3),
        ("1/L", [fmpq(1, 3)] * 3),
        ("geometric:1/2", [fmpq(1, 2), fmpq(1, 4), fmpq(1, 8)]),
        ("1/sqrt(l)", [fmpq(1), square_root(fmpq(1, 2)), square_root(fmpq(1, 3))]),
        ("1,1/2,0", [fmpq(1), fmpq(1, 2), fmpq(0)]),
        ("1/4x3", [fmpq(1, 4)] * 3),
    ],
)
def test_scales_of_a_family(scales, expected):
    family = parse_family(f"network=residual; depth=3; scales={scales}")
    net = next(family.corners())
    assert list(net.scales) == expected
    assert family.depth == (3, 3)


@pytest.mark.parametrize(
    "where, piece",
    [
        ("network=residual; bias=any", "says nothing about residual nets"),
        ("network=residual; variance_gain=2", "says nothing about residual nets"),
        ("scales=any", "says nothing about fully connected nets"),
        ("branch_output=linear", "says nothing about fully connected nets"),
        ("network=convolution", "fully_connected, residual"),
        ("network=residual; branch_output=abs", "branch output"),
        ("network=residual; scales=1/k", "scales"),
        ("network=residual; scales=1,2; depth=3", "leave the depth out"),
        ("network=residual; branch_widths=0", "branch_widths is a range"),
        ("network=residual; scale=1", "'scales'"),
    ],
)
def test_families_are_read_strictly(where, piece):
    with pytest.raises(SpecError, match=piece) as caught:
        parse_family(where)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "where, proof, within",
    [
        ("network=residual; branch_output=linear; weights=any", "residual-linear-mean", True),
        ("network=residual; branch_output=linear; weights=uniform", "residual-linear-mean", True),
        ("network=residual; branch_output=relu", "residual-linear-mean", False),
        ("weights=any", "residual-linear-mean", False),
        ("network=residual; branch_output=linear", "mean", False),
        ("network=residual; branch_output=linear", "residual-linear-second-normal", True),
        ("network=residual; branch_output=linear; weights=any", "residual-linear-second-normal", False),
        ("network=residual; weights=any; widths=1; input=ones", "residual-relu-attained", True),
        ("network=residual; weights=any; widths=1..2; input=ones", "residual-relu-attained", False),
        ("network=residual; weights=any; widths=1", "residual-relu-attained", False),
        ("network=residual; input=ones", "residual-relu-rising", True),
        ("network=residual; weights=any; input=ones", "residual-relu-rising", False),
        ("network=residual", "residual-relu-rising", False),
    ],
)
def test_a_family_lies_within_what_a_proof_assumes(where, proof, within):
    judgement = stored_proof(proof)["steps"][-1]["concludes"]
    assert parse_family(where).lies_within(assumed_family(judgement)) is within


@pytest.mark.full
def test_strategies_shrink_to_small_members():
    found = find_witness(
        parse("E[M[d]] <= 3*M[0]"),
        parse_family("network=residual; branch_output=linear; depth=2..4"),
        corners=0,
    )
    assert found.witness.network.depth == 2
    assert found.witness.network.width == 1
    assert describe(found.witness.network).startswith("trunk 1; scales ")


# The oracle and the moment sources.


def test_the_oracle_by_hand():
    """x = 1, signs: W = +-sqrt 2, relu, V = +-sqrt 2: N(1) = 2 with P = 1/4, so x' = 2 or 1 at eta = 1/2."""
    net = Residual(1, ["1/2"], [1], weights="rademacher")
    assert residual_oracle.path_law(net) == {(1, 1): fmpq(3, 4), (1, 4): fmpq(1, 4)}
    negative = net.replaced(input=[-1])
    assert residual_oracle.path_law(negative) == {(1, 1): fmpq(3, 4), (1, 0): fmpq(1, 4)}
    assert residual_oracle.length_moments(net, 2)[1] == [fmpq(7, 4), fmpq(19, 4)]


@pytest.mark.parametrize("where", ["branch_output=linear; weights=any", "weights=any"])
def test_enumerated_laws_are_laws(where):
    family = parse_family(f"network=residual; {where}")
    counts = 0
    for net in islice(small_members(family, 2), 25):
        try:
            law = residual_oracle.path_law(net, max_states=2_000)
        except OracleLimitError:
            continue
        counts += 1
        assert sum(law.values(), fmpq(0)) == 1
        assert all(p > 0 and min(path) >= 0 for path, p in law.items())
    assert counts >= 15


def test_counting_agrees_with_the_recursion_and_bites():
    family = parse_family("network=residual; branch_output=linear; weights=any")
    agreed = 0
    for net in small_members(family, 2):
        try:
            rows = residual_oracle.length_moments(net, 2, max_states=500)
        except OracleLimitError:
            continue
        source = BlockRecursionMoments(net)
        assert rows == [[source.moment(l, k) for k in (1, 2)] for l in range(net.depth + 1)]
        agreed += 1
    assert agreed >= 20
    other = LINEAR.replaced(weights=as_law("normal"))
    assert BlockRecursionMoments(LINEAR).moment(2, 2) != BlockRecursionMoments(other).moment(2, 2)


def test_counting_lies_between_the_bounds():
    family, inside = parse_family("network=residual; weights=any"), 0
    for net in small_members(family, 2):
        try:
            rows = residual_oracle.length_moments(net, 2, max_states=500)
        except OracleLimitError:
            continue
        source = BlockBoundMoments(net)
        for l in range(1, net.depth + 1):
            for k in (1, 2):
                assert source.expectation(((f"M[{l}]", k),)).contains(rows[l][k - 1])
                inside += 1
    assert inside >= 60


def test_irrational_and_infinite_laws_do_not_enumerate():
    for net in (
        Residual(1, [1], [2], weights="rademacher"),
        Residual(1, [1], [1]),
        Residual(4, [1], [40], weights="rademacher"),
    ):
        with pytest.raises(OracleLimitError):
            residual_oracle.path_law(net, max_states=1_000)


def test_routes_by_kind():
    normal = LINEAR.replaced(weights=as_law("normal"))
    assert isinstance(predicted(normal), BlockRecursionMoments)
    assert isinstance(second_route(normal), BlockClosedFormMoments)
    assert isinstance(second_route(LINEAR), BlockOracleMoments)
    assert isinstance(predicted(SIGNS), BlockBoundMoments)
    assert isinstance(pinpointed(SIGNS), BlockOracleMoments)
    assert isinstance(pinpointed(NORMAL), BlockBoundMoments)
    with pytest.raises(StatementError, match="closed forms need normal"):
        holds("E[M[1]] == 1", LINEAR, closed_form)
    with pytest.raises(StatementError, match="is bounded"):
        holds("E[M[1]*M[2]] == 1", SIGNS)


@pytest.mark.parametrize("text", ["E[M[1]*M[2]]", "E[EmpVar]", "Var[M[2]]", "E[(M[1] - M[2])**2]"])
def test_joint_moments_by_recursion_and_counting(text):
    net = Residual(1, ["1/2", "2"], [[2], [2]], branch_output="linear", weights="rademacher")
    sides = [evaluate(parse(f"{text} == 0"), net, source(net)).sides[0] for source in (predicted, counted)]
    assert sides[0] == sides[1] != 0


# The claims.


def test_every_claim_says_residual_in_its_family():
    assert len(CLAIMS) == 23
    assert all("network=residual" in claim.where for claim in CLAIMS.values())


@pytest.mark.fast_cases("*upper*", "*safe*", "*attained*")
@pytest.mark.parametrize(
    ("claim_id", "old", "new"),
    [
        ("residual-linear-mean", "eta[l]**2", "eta[l]"),
        ("residual-linear-second-normal", "4*eta[l]**2/n[l]", "2*eta[l]**2/n[l]"),
        ("residual-linear-second-normal", "5/m[l,i]", "5/n[l]"),
        ("residual-linear-second-any", "2*kappa/m[l,i]", "kappa/m[l,i]"),
        ("residual-relu-upper", "2*c[l]", "c[l]"),
        ("residual-relu-lower-any", "sqrt(1/2)", "sqrt(1/3)"),
        ("residual-relu-attained", "2*c[l]*", "1*"),
        ("residual-reciprocal-sums-refuted", "10*", "10000000*"),
        ("residual-sqrt-schedule-linear-safe", "exp(", "1/2*exp("),
    ],
)
def test_a_changed_statement_shows(claim_id, old, new):
    statement = CLAIMS[claim_id].statement.replace(old, new)
    assert statement != CLAIMS[claim_id].statement
    assert not settle(dataclasses.replace(CLAIMS[claim_id], statement=statement)).as_expected


@pytest.mark.parametrize(
    "claim_id", [c for c in CLAIMS if CLAIMS[c].shows is not None and "witness" not in CLAIMS[c].evidence]
)
def test_a_changed_witness_shows(claim_id):
    changed = dataclasses.replace(CLAIMS[claim_id], shows="something else")
    assert not settle(changed).as_expected


def test_a_claim_about_fewer_assumptions_is_not_proved():
    claim = CLAIMS["residual-relu-criterion"]
    lighter = tuple({**j, "assumes": []} for j in claim.judgements)
    (evidence, _) = CHECKS["proof"](dataclasses.replace(claim, judgements=lighter))
    assert evidence.outcome is Outcome.FAILED


@pytest.mark.full
def test_a_changed_recursion_shows(monkeypatch):
    """A block that keeps x counts the free indices one short."""
    honest = theory.residual_recursion.TrunkNumbers.free_indices
    monkeypatch.setattr(
        theory.residual_recursion.TrunkNumbers,
        "free_indices",
        lambda self, bound, parts, power: honest(self, max(bound - 1, 0), parts, power),
    )
    assert not settle(CLAIMS["residual-linear-second-normal"]).as_expected


def test_changed_bounds_show(monkeypatch):
    """Bounds on E M_L that are too wide by a tenth no longer satisfy the claim's product."""
    honest = theory.residual_bounds.pair_bounds
    wide = lambda net: [dataclasses.replace(b, upper=b.upper * fmpq(11, 10)) for b in honest(net)]  # noqa: E731
    monkeypatch.setattr(theory.residual_bounds, "pair_bounds", wide)
    upper = dataclasses.replace(CLAIMS["residual-relu-upper"], evidence=("recursion",))
    evidence = settle(upper).evidence
    assert "undecided" in evidence[0].detail


def test_simulation_notices_a_wrong_cross_term(monkeypatch):
    """The constant c of a branch taken as 0: the ratio test objects."""
    claim = CLAIMS["residual-relu-upper"]
    assert _test(claim, as_law("normal"), 1, 1.0).agrees
    honest = _test.__globals__["branch_numbers"]
    zero = lambda net: [dataclasses.replace(b, cross=(fmpq(0), fmpq(0))) for b in honest(net)]  # noqa: E731
    monkeypatch.setitem(_test.__globals__, "branch_numbers", zero)
    assert not _test(claim, as_law("normal"), 1, 1.0).agrees


RATIOS = [
    ("residual-linear-mean", "normal", 1),
    ("residual-linear-mean", "laplace", 1),
    ("residual-linear-second-normal", "normal", 2),
    ("residual-relu-upper", "normal", 1),
]


@pytest.mark.slow
@pytest.mark.parametrize("name, law, k", RATIOS)
def test_soundness_of_block_ratios(name, law, k):
    """2,000 runs of 1,500 networks; the stated effect, up and down by turns, is found nine times in ten."""
    test, name = partial(_test, CLAIMS[name], as_law(law), k), f"block ratio, {name}, {law}"
    found = [test(1.0, 1_500, run) for run in range(RUNS)]
    check_p_values(name, (result.p_value for result in found))
    effect = float(np.mean([result.detectable_effect for result in found]))
    beliefs = [1 / (1 + effect), 1 / (1 - effect)]
    planted = (test(beliefs[run % 2], 1_500, run) for run in range(POWER_RUNS))
    check_power(f"{name}, off by {100 * effect:.1f} %", (not result.agrees for result in planted))


def test_lengths_of_a_linear_net_never_shrink_in_the_mean():
    """A small property: E M_l grows from block to block, whatever the law and scales."""
    for net in islice(parse_family("network=residual; branch_output=linear; weights=any").corners(), 80):
        means = [BlockRecursionMoments(net).moment(l, 1) for l in range(net.depth + 1)]
        assert all(a <= b for a, b in pairwise(means))
