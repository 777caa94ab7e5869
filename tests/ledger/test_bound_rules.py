"""The kernel's rules for bounds: true proofs accepted, every cheat rejected, fuzzed proofs true."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs_check.family import Family, parse_family
from proofs_check.kernel.check import check_proof
from proofs_check.kernel.render import assumed_family, statement_of
from proofs_check.language.evaluate import evaluate
from proofs_check.language.parse import parse
from proofs_check.moment_sources import PowerSumMoments
from proofs_check.prover import PROOFS, stored_proof

SAYABLE = [
    "bias-upper",
    "exponential-upper",
    "exponential-lower",
    "width-one",
    "universality",
    "corollary-2-upper",
    "corollary-2-lower",
    "corollary-2-quarter",
]
OTHERS = ["slopes-upper", "slopes-lower", "corollary-2-continuum", "attainment"]


def family_of(assumed) -> Family:
    """The family that a judgement assumes, as the reader of --where understands it."""
    names = {"weights": "any", "bias": "none", **assumed}
    names["depth"] = "2..9" if "depth" in assumed else "1..9"
    return parse_family("; ".join(f"{k}={v}" for k, v in names.items()))


def is_true(judgement) -> bool:
    """Whether its statement holds at the corners of its family (small ones)."""
    text, assumed = statement_of(judgement), assumed_family(judgement)
    if text is None or not {"weights", "bias", "activation"} <= set(assumed):
        return True  # it proves no claim: the ledger refuses it
    networks = [n for n in family_of(assumed).corners() if max(n.widths) <= 50 and n.depth <= 4]
    assert networks
    outcomes = (evaluate(parse(text), network, PowerSumMoments(network)) for network in networks)
    return all(outcome.holds is not False for outcome in outcomes)


@pytest.mark.full_cases("bias-upper")
@pytest.mark.parametrize("name", SAYABLE + OTHERS)
def test_true_proofs_are_accepted(name):
    checked = check_proof(stored_proof(name))
    assert checked.accepted, checked.complaint
    assert all(is_true(j) for j in checked.conclusions)


@pytest.mark.parametrize("name", SAYABLE)
def test_the_judge_itself_can_say_no(name):
    """Relation turned round, or a constant changed: the numbers object."""
    judgement = copy.deepcopy(check_proof(stored_proof(name)).conclusions[0])
    text = json.dumps(judgement)
    for old, new in (("<=", ">="), (">=", "<="), ('"max"', '"min"'), ("2*u*m4", "3*u*m4"), ("5*u", "1*u")):
        changed = json.loads(text.replace(old, new))
        if changed != judgement and not is_true(changed):
            return
    assert judgement["judgement"] == "quarter_bound"  # nothing in its text can be false


CHEATS = {
    "a rate too small": ("exponential-upper", -1, ("rates", "max", 0), "4"),
    "a rate too large": ("exponential-lower", -1, ("rates", "min", 0), "6"),
    "a rate with width": ("exponential-lower", -1, ("rates", "min", 0), "5 + u"),
    "an extra rate": ("exponential-lower", -1, ("rates", "min"), ["5", "2*m4 - 1", "-3"]),
    "the other relation": ("exponential-upper", -1, ("relation",), ">="),
    "another order": ("exponential-upper", -1, ("order",), 3),
    "a missing factor": ("bias-upper", -1, ("factors", "max"), ["1 + 5*u"]),
    "min for max with biases": ("bias-upper", -1, ("factors",), {"min": ["1 + 5*u", "1 - u + 2*u*m4"]}),
    "another width-one factor": ("width-one", -1, ("factor",), "1 + 5*u"),
    "a narrower spread": ("universality", -1, ("spread",), ["5", "2*m4"]),
    "a smaller deviation": ("universality", -1, ("deviation",), "u*m4 - 3*u"),
    "another centre": ("universality", -1, ("centre",), "1 + 4*u"),
    "variance factors": ("corollary-2-upper", -1, ("factors", "max"), ["1 + 4*u", "1 - u + 2*u*m4"]),
    "variance relation": ("corollary-2-upper", -1, ("relation",), ">="),
    "another square": ("corollary-2-quarter", -1, ("square",), "d - 2*k + 1"),
    "a foreign law": ("corollary-2-quarter", -1, ("given", "weights"), ["1", "3"]),
    "a foreign gain": ("bias-upper", -1, ("given", "gain"), "3"),
    "another second derivative": ("corollary-2-continuum", -1, ("second",), "2*b^2*x - b^2 + 3*b"),
    "the printed integrand": ("corollary-2-continuum", -1, ("integrand",), "1 - 2*x"),
    "another equal kurtosis": ("attainment", -1, ("equal_at",), "2"),
    "a symbolic kurtosis": ("attainment", -1, ("equal_at",), "m4"),
    "another difference": ("attainment", -1, ("difference",), "2*u*m4 - 5*u"),
    "another primitive": ("corollary-2-continuum", -1, ("primitive",), "2*b*x - b + 2"),
}


@pytest.mark.parametrize(("name", "step", "path", "value"), CHEATS.values(), ids=CHEATS.keys())
def test_cheats_are_rejected(name, step, path, value):
    proof = copy.deepcopy(stored_proof(name))
    place = proof["steps"][step]["concludes"]
    for key in path[:-1]:
        place = place[key]
    assert place[path[-1]] != value
    place[path[-1]] = value
    assert not check_proof(proof).accepted


@pytest.mark.parametrize("name", SAYABLE + OTHERS)
def test_a_dropped_or_swapped_premise_is_rejected(name):
    proof = copy.deepcopy(stored_proof(name))
    premises = proof["steps"][-1]["from"]
    for changed in (premises[1:], [*premises, premises[0]], [0] * (len(premises) + 1)):
        proof["steps"][-1]["from"] = changed
        assert not check_proof(proof).accepted
    if len(premises) > 1:
        proof["steps"][-1]["from"] = premises[::-1]
        assert not check_proof(proof).accepted


def scalars(thing, path=()):
    """Paths of all texts and numbers in a JSON value."""
    if isinstance(thing, dict):
        return [p for key, value in thing.items() for p in scalars(value, (*path, key))]
    if isinstance(thing, list):
        return [p for key, value in enumerate(thing) for p in scalars(value, (*path, key))]
    return [path]


WORDS = ["0", "1", "u", "1 + 4*u", "1 + 5*u", "6*u", "1 - u + 2*u*m4", "2*m4 - 1", "5", "6", "<=", ">=", "b2"]


@pytest.mark.full
@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_a_fuzzed_proof_is_rejected_or_still_true(data):
    proof = copy.deepcopy(stored_proof(data.draw(st.sampled_from(SAYABLE))))
    *path, last = data.draw(st.sampled_from(scalars(proof)))
    place = proof
    for key in path:
        place = place[key]
    place[last] = data.draw(st.sampled_from(WORDS) | st.integers(-1, 6))
    checked = check_proof(proof)
    assert all(is_true(judgement) for judgement in checked.conclusions)


def test_the_names_cover_the_provers():
    assert set(SAYABLE + OTHERS) <= set(PROOFS)
