"""Claims at the door of the ledger, proofs in words, and how a network is described."""

from __future__ import annotations

import dataclasses
import json
from contextlib import nullcontext

import pytest
from flint import fmpq

from proofs_check import claim as claims
from proofs_check.claim import check_dependencies, load_ledger
from proofs_check.claim_file import _evidence, load_claims
from proofs_check.prover import PROOFS, write_all
from proofs_check.search import describe
from proofs_check.settlement import Counterexample, Settlement
from proofs_check.statement_proofs.words import words
from proofs_check.verdict import Verdict
from theory.errors import SpecError
from theory.network import FullyConnected

LEDGER = {claim.id: claim for claim in load_ledger()}
ENTRY = {
    "id": "a",
    "source": "here",
    "text": "Nothing happens.",
    "statement": "E[M[d]] == M[0]",
    "where": "",
    "expected": "proved",
    "evidence": ["proof"],
    "mutant": {"statement": "E[M[d]] == 2*M[0]"},
}


def entry(**changes):
    return claims._claim(ENTRY | changes)


REFUSED = {
    "unknown keys": (lambda: entry(wehre=""), "claim 'a' has unknown keys: wehre"),
    "a missing key": (
        lambda: claims._claim({k: v for k, v in ENTRY.items() if k != "text"}),
        "lacks the key 'text'",
    ),
    "no statement": (lambda: entry(statement=None).parsed, "claim a has no statement"),
    "no mutant": (lambda: entry(mutant={}).parsed_mutant, "claim a has no mutant statement"),
    "residual nets for a check of others": (
        lambda: entry(where="network=residual").fully_connected_family,
        "claim a is not about fully connected networks",
    ),
    "dependence on nothing": (lambda: check_dependencies([entry(depends=["b"])]), "that a depends on 'b'"),
    "a circle": (lambda: check_dependencies([entry(depends=["a"])]), "in a circle: a"),
}


@pytest.mark.parametrize(("call", "piece"), REFUSED.values(), ids=REFUSED)
def test_bad_claims_are_refused_with_their_name(call, piece):
    with pytest.raises(SpecError) as caught:
        call()
    assert piece in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_claim_itself_is_accepted():
    """What the refusals above differ from."""
    good = entry(depends=["b"])
    check_dependencies([good, entry(id="b")])
    assert (good.expected, good.parsed.relations) == (Verdict.PROVED, ("==",))
    assert good.parsed_mutant.text == "E[M[d]] == 2*M[0]"
    assert good.fully_connected_family == good.family


def test_ids_of_the_ledger_are_unique(monkeypatch):
    """One file read twice; as it is, none is."""
    assert len(load_ledger()) == len(LEDGER)
    monkeypatch.setattr(claims, "_FILES", claims._FILES[:1] * 2)
    with pytest.raises(SpecError, match="share an id"):
        load_ledger()


@pytest.mark.parametrize("number", [1, 1_001])
def test_a_file_holds_a_thousand_claims_at_most(tmp_path, number):
    path = tmp_path / "claims.toml"
    rest = 'text="t"\nstatement="E[M[d]] == M[0]"\nexpected="proved"\n'
    path.write_text("".join(f'[[claim]]\nid="a{i}"\n{rest}' for i in range(number)))
    too_many = pytest.raises(SpecError, match="more than 1,000 claims, the limit")
    with nullcontext() if number == 1 else too_many:
        assert len(load_claims(path)) == 1


def test_written_proofs_are_the_stored_ones(tmp_path):
    write_all(tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == set(PROOFS)
    found = json.loads((tmp_path / "bias-upper.json").read_text())
    assert found == json.loads(json.dumps(PROOFS["bias-upper"]()))
    assert found != json.loads(json.dumps(PROOFS["theorem-5-lower"]()))


TERMS = {
    "square": ({"square": "v - w", "times": "2"}, "2 * (the square of v - w)"),
    "moments": ({"moments": [[1, 2], [3]], "times": "1"}, "1 * (log-convexity: powers 1, 2 against 3)"),
    "Taylor": ({"bound": "y1", "rate": "5", "degree": 2, "times": "u"}, "u * (y1 against Taylor, degree 2)"),
    "chord": ({"bound": "y1", "top": "6", "end": "1", "times": "u"}, "u * (y1 against its chord)"),
    "hypothesis": ({"fact": "hypothesis", "times": "y1"}, "y1 * (hypothesis)"),
    "lemma": ({"fact": 0, "times": "1 + u"}, "(1 + u) * (lemma 0)"),
    "lemma somewhere": ({"fact": 0, "at": "u^2", "times": "3"}, "3 * (lemma 0 at x = u^2)"),
}


@pytest.mark.parametrize(("term", "said"), TERMS.values(), ids=TERMS)
def test_every_kind_of_step_has_its_words(term, said):
    """Each says something of its own, so that one step is never read as another."""
    goal = {"step": [{"widths": [2, 5], "terms": [term]}]}
    lemma = {"claim": "q1 - m", "direct": {"terms": [term]}}
    lines = words({"parts": [{"base": 1, "sense": ">=", "lemmas": [lemma], "goal": goal}]})
    assert lines[0] == "part 1: the left side minus the right is not negative, from depth 1 on"
    assert lines[1] == f"  lemma 0: q1 - m >= 0: at every depth, {said} + a rest without negative terms"
    assert lines[3] == f"    next width 2 to 5: {said} + a rest without negative terms"
    assert "  where q1 is E M_d^1" in lines
    assert "  where m is M_0" in lines
    assert len({said for _, said in TERMS.values()}) == len(TERMS)


DESCRIBED = {
    "widths 1,3; weights normal; input ones": FullyConnected([1, 3]),
    "bias laplace of variance 1/3": FullyConnected([1, 2, 2], bias_variance="1/3", bias_weights="laplace"),
    "bias normal of variance 1/3,1": FullyConnected([1, 2, 2], bias_variance=["1/3", 1]),
    "activation abs": FullyConnected([1, 2], activation="abs"),
    "variance gain 3": FullyConnected([1, 2], variance_gain=3),
}


@pytest.mark.parametrize(("piece", "network"), DESCRIBED.items(), ids=DESCRIBED)
def test_a_description_says_what_is_not_the_default(piece, network):
    """And nothing that is: no other description has the piece."""
    assert [other for other in DESCRIBED.values() if piece in describe(other)] == [network]


WITNESS = Counterexample(
    FullyConnected([1, 2]), (fmpq(7), fmpq(10) ** 200), ("<=",), ("power sums",), ("enumeration",)
)
FOUND = Settlement(Verdict.REFUTED, "", "", WITNESS, 1234, 0, 0, None, None, False, 0.1)


def told(**changes):
    return [(e.kind, str(e.outcome), e.detail) for e in _evidence(dataclasses.replace(FOUND, **changes))]


def test_what_is_found_is_told_as_evidence():
    """A route that contradicts the witness fails it; a long side is told by its size."""
    assert told() == [
        ("witness", "passed", "widths 1,2; weights normal; input ones: not 7 <= about 1e+200"),
        ("replay", "passed", "power sums confirm"),
        ("replay", "failed", "enumeration disagree"),
    ]
    assert told(witness=None, proof={}) == [("proof", "passed", "re-checked by the kernel")]
    assert told(witness=None) == [("search", "passed", "no witness; 1,234 networks tried")]
    assert told(witness=dataclasses.replace(WITNESS, contradicted_by=())) == told()[:2]
