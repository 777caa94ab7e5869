"""The ledger on convolutional nets and orthogonal weights: verdicts in time, and planted errors that show."""

from __future__ import annotations

import dataclasses
from time import process_time

import pytest
from flint import fmpq

from proofs_check import orthogonal_oracle
from proofs_check.checks import CHECKS
from proofs_check.claim import load_ledger
from proofs_check.convolutional_proofs import PROOFS
from proofs_check.ledger.run import settle
from proofs_check.oracle import OracleLimitError
from proofs_check.verdict import Outcome, Verdict
from theory import convolutional_lengths, patches
from theory.laws import Orthogonal
from theory.network import FullyConnected

CLAIMS = {c.id: c for c in load_ledger() if c.id.startswith(("conv-", "orthogonal-"))}


@pytest.mark.timed
@pytest.mark.full
def test_the_claims_reach_their_verdicts_in_time():
    # Compiling the sampler, once a machine, is not counted.
    settle(CLAIMS["orthogonal-ratio"])
    start = process_time()
    settled = [settle(claim) for claim in CLAIMS.values()]
    assert process_time() - start < 20
    assert [s.claim.id for s in settled if not s.as_expected] == []
    assert len(settled) == 15


@pytest.mark.parametrize("name", [c.id for c in CLAIMS.values() if c.expected is Verdict.PROVED])
def test_another_judgement_is_not_what_the_proof_concludes(name):
    claim = CLAIMS[name]
    assert claim.proof in PROOFS
    changed = ({**claim.judgements[0], "judgement": "limit"}, *claim.judgements[1:])
    for judgements in (changed, (), claim.judgements * 2):
        evidence, _ = CHECKS["proof"](dataclasses.replace(claim, judgements=judgements))
        assert evidence.outcome is Outcome.FAILED


@pytest.mark.full_cases("conv-positions*")
@pytest.mark.parametrize("name", [c.id for c in CLAIMS.values() if c.expected is Verdict.REFUTED])
def test_a_witness_other_than_the_one_on_record_shows(name):
    settled = settle(dataclasses.replace(CLAIMS[name], shows="another"))
    assert settled.verdict is Verdict.INCONCLUSIVE


def fails(name, check):
    evidence = CHECKS[check](CLAIMS[name])
    return any(e.outcome is Outcome.FAILED for e in evidence)


def test_a_changed_kernel_of_theory_shows(monkeypatch):
    honest = patches._pairs

    def wrong(gram, weights, *, with_angles):
        sums, angles = honest(gram, weights, with_angles=with_angles)
        return sums, -angles

    assert not fails("conv-pair-kernel", "conditional_second_moments")
    monkeypatch.setattr(patches, "_pairs", wrong)
    assert fails("conv-pair-kernel", "conditional_second_moments")


def test_changed_constants_of_theory_show(monkeypatch):
    honest = convolutional_lengths.layer_growth

    def wrong(layer, *, one_sign, positions):
        return honest(layer, one_sign=one_sign, positions=1)

    assert not fails("conv-lower", "printed_bounds")
    monkeypatch.setattr(convolutional_lengths, "layer_growth", wrong)
    assert fails("conv-lower", "printed_bounds")


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("orthogonal-ratio", "orthogonal_counted"),
        ("orthogonal-ratio", "orthogonal_simulated"),
        ("orthogonal-smaller-spread", "orthogonal_smaller"),
        ("orthogonal-grows", "orthogonal_growth"),
        ("orthogonal-removes-fm2", "orthogonal_fm2"),
    ],
)
def test_a_recursion_without_the_ratio_shows(monkeypatch, name, check):
    assert not fails(name, check)
    monkeypatch.setattr(Orthogonal, "moment_ratio", lambda self, k, fan_in, width: fmpq(1))
    assert fails(name, check)


def test_the_24_cell_has_1152_matrices_with_all_changes_of_sign():
    matrices = orthogonal_oracle.group()
    assert matrices.shape == (1152, 4, 4)
    assert all((m @ m.T == 4 * matrices[0] // 2).all() for m in matrices[::50])
    known = {m.tobytes() for m in matrices}
    flipped = matrices[7].copy()
    flipped[2] *= -1
    assert flipped.tobytes() in known


@pytest.mark.parametrize("network", [([3, 3], {}), ([4, 5], {}), ([4, 4], {"bias_variance": 1})])
def test_other_shapes_are_not_enumerated(network):
    widths, options = network
    with pytest.raises(OracleLimitError):
        orthogonal_oracle.length_moments(FullyConnected(widths, weights="orthogonal", **options), 2)
