"""The ledger: verdicts, evidence of two kinds, mutants; and that a planted error shows."""

from __future__ import annotations

import dataclasses
import json

import pytest
from flint import fmpq

import theory.recursion
from proofs_check.checks import CHECKS
from proofs_check.claim import load_ledger, select
from proofs_check.kernel.check import check_proof
from proofs_check.ledger.run import settle
from proofs_check.ledger.settled import summary
from proofs_check.prover import PROOFS, stored_proof
from proofs_check.verdict import Evidence, Outcome, Verdict, decide
from theory import gaussian
from theory.errors import SpecError

CLAIMS = {claim.id: claim for claim in load_ledger()}
EXPECTED = {
    "fm1-mean": "proved",
    "second-moment": "proved",
    "second-moment-normal": "proved",
    "third-moment-normal": "proved",
    "fourth-moment-normal": "proved",
    "theorem-5-upper": "proved",
    "theorem-5-lower": "proved",
    "mean-nu2-squared": "refuted",
    "corollary-2-exact": "proved",
    "corollary-2-printed": "refuted",
    "permutation-normal": "proved",
    "permutation-uniform": "refuted",
    "bias-upper": "proved",
    "exponential-upper": "proved",
    "exponential-lower": "proved",
    "best-upper-constant": "refuted",
    "best-lower-constant": "refuted",
    "single-file-attains": "proved",
    "five-everywhere": "refuted",
    "universality": "proved",
    "slopes-upper": "proved",
    "slopes-lower": "proved",
    "attainment": "proved",
    "corollary-2-upper": "proved",
    "corollary-2-lower": "proved",
    "corollary-2-lost-constant": "refuted",
    "corollary-2-quarter": "proved",
    "corollary-2-quarter-sharp": "refuted",
    "corollary-2-continuum": "proved",
    "eq4-if": "proved",
    "eq4-only-if-general": "refuted",
    "eq4-only-if-normal": "proved",
    "dichotomy-vanishing": "proved",
    "dichotomy-converging": "proved",
    "dichotomy-normal-zero": "proved",
    "equal-widths-normal": "proved",
    "equal-widths-variance": "refuted",
    "equal-widths-any-law": "refuted",
    "conv-mean": "proved",
    "conv-mean-zero": "proved",
    "conv-upper": "proved",
    "conv-lower": "proved",
    "conv-pair-kernel": "proved",
    "conv-is-dense": "proved",
    "conv-position-free-growth": "proved",
    "conv-positions-slow-growth": "refuted",
    "conv-groups-do-not-matter": "refuted",
    "conv-zero-padding-keeps-mean": "refuted",
    "orthogonal-ratio": "proved",
    "orthogonal-smaller-spread": "proved",
    "orthogonal-grows": "proved",
    "orthogonal-removes-fm2": "refuted",
    "residual-linear-mean": "proved",
    "residual-linear-second-normal": "proved",
    "residual-linear-second-any": "proved",
    "residual-linear-second-any-lower": "proved",
    "residual-linear-criterion": "proved",
    "residual-relu-upper": "proved",
    "residual-relu-lower": "proved",
    "residual-relu-upper-any": "proved",
    "residual-relu-lower-any": "proved",
    "residual-relu-upper-square": "proved",
    "residual-relu-second-any": "proved",
    "residual-relu-attained": "proved",
    "residual-relu-criterion": "proved",
    "residual-relu-criterion-any-law": "refuted",
    "residual-growing-modules": "refuted",
    "residual-reciprocal-sums-refuted": "refuted",
    "residual-reciprocal-sums-relu": "refuted",
    "residual-convergent-sum": "proved",
    "residual-convergent-sequence": "refuted",
    "residual-sqrt-schedule-linear-safe": "proved",
    "residual-sqrt-schedule-relu-fatal": "proved",
    "jacobian-law": "proved",
    "jacobian-law-any-law": "refuted",
    "gradient-independence-outright": "refuted",
    "gradient-independence-alive": "proved",
    "gradient-fm1": "proved",
    "gradient-fm2-normal": "proved",
    "dataset-exceedances-normal": "proved",
    "dataset-exceedances-any-law": "refuted",
    "random-input-normal": "proved",
    "random-input-any-law": "refuted",
    "zero-any-law": "refuted",
    "mean-any-gain": "proved",
    "xavier-keeps-mean": "refuted",
    "torch-default-keeps-mean": "refuted",
    "residual-relu-branch-constant": "open",
    "residual-relu-second-criterion": "open",
    "eq4-only-if-bounded-kurtosis": "open",
    "dichotomy-converging-infinite-kurtosis": "open",
    "lognormal-limit": "open",
    "empirical-variance-best-order": "open",
    "orthogonal-smaller-spread-all-orders": "open",
    "gradient-fm2-any-law": "open",
    "activations-not-homogeneous": "open",
    "training-starts": "open",
}
SETTLED = {name: claim for name, claim in CLAIMS.items() if claim.expected is not Verdict.OPEN}


def test_the_ledger_holds_the_claims_with_these_verdicts():
    assert {claim.id: str(claim.expected) for claim in CLAIMS.values()} == EXPECTED


@pytest.mark.full_cases(
    "*-moment-normal",
    "best-*",
    "bias-upper",
    "conv-positions-*",
    "corollary-2-[!c]*",
    "dataset-exceedances-normal",
    "eq4-if",
    "exponential-*",
    "five-everywhere",
    "fm1-mean",
    "mean-nu2-squared",
    "orthogonal-ratio",
    "residual-linear-[ms]*",
    "residual-*-linear-safe",
    "residual-reciprocal-*",
    "residual-relu-[lsu]*",
    "single-file-attains",
    "theorem-5-*",
    "universality",
)
@pytest.mark.parametrize("claim", SETTLED.values(), ids=SETTLED.keys())
def test_every_claim_reaches_its_verdict_on_evidence_of_two_kinds(claim):
    settled = settle(claim)
    assert settled.as_expected, [e.to_dict() for e in settled.evidence if not e.is_good]
    assert len({e.kind for e in settled.evidence if not e.is_mutant}) >= 2
    assert any(e.is_mutant and e.outcome is Outcome.REJECTED for e in settled.evidence)
    json.dumps(settled.to_dict())


@pytest.mark.parametrize("name", PROOFS)
def test_stored_proofs_are_what_the_prover_writes(name):
    assert stored_proof(name) == json.loads(json.dumps(PROOFS[name]()))


def test_a_changed_verdict_in_the_data_shows():
    claim = dataclasses.replace(CLAIMS["permutation-normal"], expected=Verdict.REFUTED)
    assert summary([settle(claim)])["unexpected"] == 1


@pytest.mark.fast_cases("second*", "fourth*", "fm1*")
@pytest.mark.parametrize(
    ("claim_id", "old", "new"),
    [
        ("second-moment-normal", "5/n[j]", "4/n[j]"),
        ("third-moment-normal", "15/n[j]", "14/n[j]"),
        ("fourth-moment-normal", "251/n[j]", "250/n[j]"),
        ("theorem-5-upper", "5/n[j]", "4/n[j]"),
        ("fm1-mean", "1/2*", "1/3*"),
        ("corollary-2-exact", "(d-k+1)", "(d-k)"),
        ("mean-nu2-squared", "**2", "**1"),
    ],
)
def test_a_changed_constant_in_a_statement_shows(claim_id, old, new):
    statement = CLAIMS[claim_id].statement.replace(old, new)
    assert statement != CLAIMS[claim_id].statement
    assert not settle(dataclasses.replace(CLAIMS[claim_id], statement=statement)).as_expected


def test_a_changed_recursion_shows(monkeypatch):
    """The fourth moment of a normal pre-activation counted 2 instead of 3 times (5 becomes 3)."""
    honest = theory.recursion._neuron

    def wrong(half_order, has_bias):
        terms = dict(honest(half_order, has_bias))
        pair = ((1, 1), (), ())
        return {key: 2 if key == pair else count for key, count in terms.items()}

    monkeypatch.setattr(theory.recursion, "_neuron", wrong)
    theory.recursion._conditional.cache_clear()
    theory.recursion.moment_recursion.cache_clear()
    try:
        assert not settle(CLAIMS["second-moment-normal"]).as_expected
        assert not settle(CLAIMS["theorem-5-lower"]).as_expected
    finally:
        monkeypatch.undo()
        theory.recursion._conditional.cache_clear()
        theory.recursion.moment_recursion.cache_clear()


@pytest.mark.full
def test_a_changed_closed_form_shows(monkeypatch):
    honest = gaussian.factor_moment
    wrong = lambda k, n, phi: honest(k, n, phi) * (1 + fmpq(k - 1, 1000))  # noqa: E731
    monkeypatch.setattr(gaussian, "factor_moment", wrong)
    assert not settle(CLAIMS["third-moment-normal"]).as_expected


def test_a_proof_for_a_smaller_family_does_not_prove_the_claim():
    claim = dataclasses.replace(CLAIMS["second-moment-normal"], where="weights=any")
    (evidence, _) = CHECKS["proof"](claim)
    assert evidence.outcome is Outcome.FAILED
    assert "family" in evidence.detail


def test_a_proof_of_another_claim_does_not_prove_this_one():
    claim = dataclasses.replace(CLAIMS["theorem-5-upper"], proof="theorem-5-lower")
    (evidence, _) = CHECKS["proof"](claim)
    assert evidence.outcome is Outcome.FAILED


def test_every_stored_proof_breaks_when_one_number_changes():
    for name in PROOFS:
        text = json.dumps(stored_proof(name)["steps"][0]["concludes"]["coefficients"])
        broken = json.loads(text.replace("1", "2", 1))
        proof = stored_proof(name)
        if broken == proof["steps"][0]["concludes"]["coefficients"]:
            continue
        proof["steps"][0]["concludes"]["coefficients"] = broken
        assert not check_proof(proof).accepted, name


def test_verdicts_need_more_than_samples():
    passed = Evidence("simulation", Outcome.PASSED, "")
    assert decide([passed]) is Verdict.SUPPORTED
    assert decide([Evidence("witness", Outcome.PASSED, "")]) is Verdict.SUPPORTED
    slipped = Evidence("proof", Outcome.ACCEPTED, "", {}, is_mutant=True)
    assert decide([Evidence("proof", Outcome.PASSED, ""), slipped]) is Verdict.INCONCLUSIVE
    assert decide([]) is Verdict.INCONCLUSIVE


def test_selection_offers_the_nearest_id():
    with pytest.raises(SpecError, match="'fm1-mean'"):
        select(load_ledger(), ["fm1-meen"])


def test_a_claim_without_a_mutant_is_refused():
    claim = dataclasses.replace(CLAIMS["fm1-mean"], evidence=())
    with pytest.raises(SpecError, match="no mutant"):
        settle(claim)
