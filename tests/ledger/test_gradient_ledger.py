"""The ledger on gradients, data sets and random inputs: verdicts in time, and planted errors that show."""

from __future__ import annotations

import dataclasses
import json
from time import process_time

import pytest
from flint import fmpq
from scipy.stats import norm
from soundness import RUNS, average_score, check_averages

from proofs_check import gradient_oracle as oracle
from proofs_check.checks import CHECKS, data_sets, gradients, weight_gradients
from proofs_check.claim import load_ledger
from proofs_check.gradient_proofs import PROOFS
from proofs_check.ledger.run import settle
from proofs_check.statistics import LEVEL
from proofs_check.verdict import Outcome, Verdict
from theory import gaussian, reversal
from theory.gradient_law import weight_gradient_law
from theory.gradients import gradient_moments
from theory.network import FullyConnected
from theory.readings.exact import length_moments

OURS = ("jacobian-", "gradient-", "dataset-", "random-input-", "zero-any-law")
CLAIMS = {c.id: c for c in load_ledger() if c.id.startswith(OURS)}
PROVED = [c.id for c in CLAIMS.values() if c.expected is Verdict.PROVED]
REFUTED = [c.id for c in CLAIMS.values() if c.expected is Verdict.REFUTED]


@pytest.mark.timed
@pytest.mark.full
def test_the_claims_reach_their_verdicts_in_time():
    """Compiling the sampler, once a machine, is not counted."""
    settle(CLAIMS["dataset-exceedances-normal"])
    start = process_time()
    settled = [settle(claim) for claim in CLAIMS.values()]
    assert process_time() - start < 10
    assert [s.claim.id for s in settled if not s.as_expected] == []
    assert (len(PROVED), len(REFUTED)) == (6, 5)


@pytest.mark.parametrize("name", PROVED)
def test_another_judgement_is_not_what_the_proof_concludes(name):
    claim = CLAIMS[name]
    assert claim.proof in PROOFS
    changed = ({**claim.judgements[0], "judgement": "limit"}, *claim.judgements[1:])
    for judgements in (changed, (), claim.judgements * 2, claim.judgements[1:]):
        evidence, _ = CHECKS["proof"](dataclasses.replace(claim, judgements=judgements))
        assert evidence.outcome is Outcome.FAILED


@pytest.mark.parametrize("name", REFUTED)
def test_a_witness_other_than_the_one_on_record_shows(name):
    settled = settle(dataclasses.replace(CLAIMS[name], shows="another"))
    assert settled.verdict is Verdict.INCONCLUSIVE


def test_every_assumption_left_out_of_a_claim_shows():
    for name in PROVED:
        claim = CLAIMS[name]
        stripped = tuple({**j, "assumes": []} for j in claim.judgements)
        evidence, _ = CHECKS["proof"](dataclasses.replace(claim, judgements=stripped))
        assert evidence.outcome is Outcome.FAILED


# The oracle itself.


def test_backpropagation_is_the_gradient():
    """F is linear in one weight between kinks: its slope is delta_j a_{j-1}^T, by a whole step of 1."""
    matrices = (((3, -2), (1, 4)), ((5, 2), (-7, 3)))
    x, v = (2, 1), (1, -2)

    def value(changed):
        return sum(a * b for a, b in zip(v, oracle.forward(changed, x).activations[-1], strict=True))

    passed = oracle.forward(matrices, x)
    deltas = oracle.backward(matrices, passed, v)
    for j, (delta, before) in enumerate(zip(deltas, passed.activations, strict=False)):
        for i, row in enumerate(matrices[j]):
            for k, entry in enumerate(row):
                moved = (*row[:k], entry + 1, *row[k + 1 :])
                layer = (*matrices[j][:i], moved, *matrices[j][i + 1 :])
                after = (*matrices[:j], layer, *matrices[j + 1 :])
                assert value(after) - value(matrices) == delta[i] * before[k]


def test_directions_are_derivatives_along_u():
    matrices = (((30, -20), (10, 40)), ((5, 2), (-7, 3)))
    x, u = (2, 1), (3, -1)
    passed = oracle.forward(matrices, x, slopes=(3, -1))
    moved = oracle.forward(matrices, (2 * 100 + 3, 1 * 100 - 1), slopes=(3, -1))
    for along, a, b in zip(
        oracle.directions(matrices, passed, u), passed.activations[1:], moved.activations[1:], strict=True
    ):
        assert tuple(q - 100 * p for p, q in zip(a, b, strict=True)) == along


def test_ties_are_noticed():
    assert oracle.forward((((1, -1),),), (1, 1)).tied
    assert not oracle.forward((((1, -1),),), (2, 1)).tied
    assert not oracle.forward((((-1,),), ((1,),)), (1,)).tied  # dead, not tied
    shapes = [w for w in gradients._SHAPES if w[0] <= 3]
    for widths in shapes:
        x = gradients._INPUT[: widths[0]]
        assert not any(oracle.forward(drawn, x).tied for _, drawn in oracle.draws(oracle.apart(widths)))


def test_the_counted_law_has_kurtosis_three_without_zero():
    law = weight_gradients._LIKE_NORMAL
    total = fmpq(sum(law.values()))
    square, fourth = (sum(c * v**k for v, c in law.items()) / total for k in (2, 4))
    assert fourth == 3 * square**2
    assert 0 not in law


# Numbers of the claims by other means.


def test_independence_fails_by_the_chance_of_life():
    """E |delta_j|^2 |a_{j-1}|^2 = E |delta_j|^2 E |a_{j-1}|^2 / P(a_{j-1} != 0), any widths."""
    for widths in ((1, 1, 1), (2, 3, 1, 4), (5, 2, 2, 2)):
        network = FullyConnected(widths)
        lengths = length_moments(network, 1)
        for j, layer in enumerate(gradient_moments(network, 1).layers):
            before = lengths[j][0] * widths[j]
            joint, delta = layer.weight_moments[0].number, layer.delta_moments[0].number
            assert joint == delta * before / layer.alive.number
            assert (joint == delta * before) is (j == 0)


def test_both_are_zero_more_often_than_by_chance():
    """P(delta_2 = 0) = P(dF/dW_2 = 0) where a_1 = 0 forces both; 3/8 would be independence."""
    network = FullyConnected([1, 1, 1])
    no_gradient, no_length = weight_gradient_law(network, 2).zero, fmpq(1, 2)
    assert no_gradient == fmpq(3, 4)
    assert no_length * no_gradient == fmpq(3, 8) != no_length


@pytest.mark.parametrize("law", ["normal", "rademacher", "uniform", "laplace"])
def test_the_formula_by_input_of_the_random_input_claim(law):
    for x in ((1, 0), (1, 1), (3, -1)):
        network = FullyConnected([2, 3], weights=law, input=x)
        first, last = length_moments(network, 2)
        fourth = fmpq(sum(t**4 for t in x), 2)
        kappa = network.weights[0].kurtosis
        expected = 1 + fmpq(5, 3) + 2 * (kappa - 3) / 6 * fourth / first[1]
        assert last[1] / first[1] == expected


# Planted errors in theory and in the checks.


def fails(name, check):
    return any(e.outcome is Outcome.FAILED for e in CHECKS[check](CLAIMS[name]))


def test_a_read_out_of_another_variance_in_theory_shows(monkeypatch):
    honest = reversal.reversed_layers

    def wrong(network, readout="normal"):
        first, *others = honest(network, readout)
        return (dataclasses.replace(first, variance_gain=fmpq(2)), *others)

    assert not fails("gradient-fm1", "weight_gradient_means")
    monkeypatch.setattr(reversal, "reversed_layers", wrong)
    assert fails("gradient-fm1", "weight_gradient_means")
    assert fails("gradient-fm2-normal", "weight_gradient_spread")


def test_a_changed_chi_square_in_theory_shows(monkeypatch):
    honest = gaussian.factor_moment
    wrong = lambda k, n, phi: honest(k, n, phi) * (1 + fmpq(k - 1, 1000))  # noqa: E731
    monkeypatch.setattr(gaussian, "factor_moment", wrong)
    assert fails("gradient-fm2-normal", "weight_gradient_spread")


def test_gains_of_the_wrong_layer_show(monkeypatch):
    """With factor(u_i; g_i) in place of factor(u_i; g_{i+1}) above layer j the formula is another one."""
    (judged,) = (j for j in CLAIMS["gradient-fm1"].judgements if j["judgement"] == "weight_product")
    network = weight_gradients._network((4, 1, 2), "uniform")
    assert weight_gradients._printed(network, judged)
    gains = [layer.effective_gain for layer in network.layers]
    right = list(weight_gradients._judged(judged, network.widths, gains, fmpq(1)))
    assert right != list(weight_gradients._judged(judged, network.widths, gains[::-1], fmpq(1)))


@pytest.mark.parametrize("check", ["jacobians_counted", "gradients_counted"])
def test_derivatives_of_the_wrong_sign_show(monkeypatch, check):
    """phi' of -z in place of z."""
    honest = oracle.forward

    def wrong(matrices, x, slopes=(1, 0), at_zero=0):
        passed = honest(matrices, x, slopes, at_zero)
        turned = tuple(tuple(1 - s if s in (0, 1) else s for s in row) for row in passed.derivatives)
        return dataclasses.replace(passed, derivatives=turned)

    name = {"jacobians_counted": "jacobian-law", "gradients_counted": "gradient-independence-alive"}[check]
    assert not fails(name, check)
    monkeypatch.setattr(oracle, "forward", wrong)
    assert fails(name, check)


def test_a_changed_exact_law_shows(monkeypatch):
    honest = data_sets.expected_above
    monkeypatch.setattr(data_sets, "expected_above", lambda *given: honest(*given) * 1.2)
    assert fails("dataset-exceedances-normal", "data_set_simulated")


@pytest.mark.slow
def test_soundness_of_the_data_set():
    """2,000 runs of 1,000 networks at three thresholds; the p-values are those of `average_score`."""
    thresholds, network = data_sets._THRESHOLDS, FullyConnected(data_sets._NETWORK)
    found = (data_sets.joint_lengths(network, data_sets._DATA, 1_000, run) for run in range(RUNS))
    runs = [[joint.exceedances(t) for t in thresholds] for joint in found]
    numbers = data_sets.expected_above(network, len(data_sets._DATA), thresholds)
    first = [2 * norm.sf(abs(average_score(*pair))) for pair in zip(runs[0], numbers, strict=True)]
    assert data_sets._p_values(runs[0], data_sets._NETWORK) == pytest.approx(first, rel=1e-9)
    limit = float(norm.isf(LEVEL / len(thresholds) / 2))
    for t, number, counts in zip(thresholds, numbers, zip(*runs, strict=True), strict=True):
        check_averages(f"data set of the ledger, t = {t}", counts.__getitem__, float(number), limit)


def test_weights_of_another_law_show_in_the_data_set(monkeypatch):
    """Sign weights under the same inputs: other numbers than the exact law of normal weights."""
    honest = data_sets.joint_lengths
    signs = FullyConnected(data_sets._NETWORK, weights="rademacher")
    monkeypatch.setattr(data_sets, "joint_lengths", lambda net, *given: honest(signs, *given))
    assert fails("dataset-exceedances-normal", "data_set_simulated")


@pytest.mark.parametrize("name", CLAIMS)
def test_every_piece_of_evidence_has_its_mutant(name):
    evidence = settle(CLAIMS[name]).evidence
    for kind in {e.kind for e in evidence}:
        mutants = [e for e in evidence if e.kind == kind and e.is_mutant]
        assert len(mutants) == sum(e.kind == kind for e in evidence) - len(mutants)
    json.dumps([e.to_dict() for e in evidence])
