"""Attacks on the proof kernel: true proofs pass, and nothing false or malformed does.

Each entry of `ATTACKS` turns a true proof into one of a falsehood, or into rubbish.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy

import pytest

from proofs_check.kernel.check import check_proof
from proofs_check.prover import PROOFS, stored_proof

PRODUCT, BOUND, MEAN, SPREAD, PERMUTED = (
    "second-moment-normal",
    "theorem-5-upper",
    "mean",
    "corollary-2",
    "permutation-normal",
)


@pytest.mark.parametrize("name", PROOFS)
def test_true_proofs_are_accepted(name):
    for proof in (PROOFS[name](), stored_proof(name), json.loads(json.dumps(PROOFS[name]()))):
        checked = check_proof(proof)
        assert checked.accepted, checked.complaint
        assert checked.steps == len(proof["steps"])
        assert len(checked.conclusions) == len(proof["conclusions"])


def conclusion(proof, step=-1):
    return proof["steps"][step]["concludes"]


def put(place: Callable, key, value) -> Callable:
    """Set one entry of the object that `place` finds in the proof."""

    def attack(proof):
        place(proof)[key] = value

    return attack


def coefficients(proof):
    return conclusion(proof, 0)["coefficients"]


def given(proof):
    return conclusion(proof, 0)["given"]


def all_given(key, value) -> Callable:
    def attack(proof):
        for step in proof["steps"]:
            step["concludes"]["given"][key] = value

    return attack


def step(number) -> Callable:
    return lambda proof: proof["steps"][number]


def whole(proof):
    return proof


def swap_steps(proof):
    proof["steps"].reverse()


def drop_premise(proof):
    proof["steps"][0]["from"] = [1]


def wrong_factor_everywhere(proof):
    """5 turned to 4 in every step, so that only the widths can object."""
    text = json.dumps(proof).replace("5*u", "4*u")
    proof.clear()
    proof.update(json.loads(text))


ATTACKS = {
    "5 to 4": (PRODUCT, wrong_factor_everywhere),
    "5 to 4, conclusion only": (PRODUCT, put(conclusion, "factor", "1 + 4*u")),
    "extra constant": (PRODUCT, put(coefficients, "2", "1 + 5*u + 1")),
    "extra partition": (PRODUCT, put(coefficients, "1", "u")),
    "constant term": (PRODUCT, put(coefficients, "", "u")),
    "partition beyond the order": (PRODUCT, put(coefficients, "3", "0")),
    "no partition": (PRODUCT, put(coefficients, "1,2", "1")),
    "part zero": (PRODUCT, put(coefficients, "2,0", "1")),
    "negative part": (PRODUCT, put(coefficients, "3,-1", "1")),
    "variable x1": (PRODUCT, put(coefficients, "2", "1 + 5*u + x1 - x1*1 + x1")),
    "variable x1 in place of 1": (PRODUCT, put(coefficients, "2", "x1 + 5*u")),
    "unknown variable": (PRODUCT, put(coefficients, "2", "1 + 5*u + m4 - 3")),
    "x1 among the assumptions": (PRODUCT, all_given("weights", ["1", "x1"])),
    "u among the assumptions": (PRODUCT, all_given("weights", ["1", "3*u"])),
    "u as gain": (PRODUCT, all_given("gain", "2*u")),
    "weights of variance 2": (PRODUCT, all_given("weights", ["2", "3"])),
    "kurtosis 9/5": (PRODUCT, all_given("weights", ["1", "9/5"])),
    "gain 1": (PRODUCT, all_given("gain", "1")),
    "with biases": (PRODUCT, all_given("biases", ["b2", "b4"])),
    "abs halves": (PRODUCT, all_given("halves", ["1", "1"])),
    "too few moments": (PRODUCT, all_given("weights", ["1"])),
    "unknown assumption": (PRODUCT, all_given("widths", "1..3")),
    "assumptions change": (PRODUCT, put(lambda p: conclusion(p), "given", {})),
    "one width for degree one": (PRODUCT, put(step(0), "widths", [[2, 1], [3, 1]])),
    "no widths": (PRODUCT, put(step(0), "widths", [])),
    "n_(j-1) below the order": (PRODUCT, put(step(0), "widths", [[1, 1], [1, 2]])),
    "width 0": (PRODUCT, put(step(0), "widths", [[2, 0], [2, 1], [2, 2]])),
    "huge width": (PRODUCT, put(step(0), "widths", [[2, 10**30], [2, 1]])),
    "nan width": (PRODUCT, put(step(0), "widths", [[2, float("nan")], [2, 1]])),
    "width of three numbers": (PRODUCT, put(step(0), "widths", [[2, 1, 1]])),
    "order boolean": (PRODUCT, put(lambda p: conclusion(p, 0)["target"], "length", True)),
    "order text": (PRODUCT, put(lambda p: conclusion(p, 0)["target"], "length", "2")),
    "order float": (PRODUCT, put(lambda p: conclusion(p, 0)["target"], "length", 2.0)),
    "order 6": (PRODUCT, put(lambda p: conclusion(p, 0)["target"], "length", 6)),
    "order 0": (PRODUCT, put(lambda p: conclusion(p, 0)["target"], "length", 0)),
    "orders differ": (PRODUCT, put(conclusion, "order", 3)),
    "no target": (PRODUCT, put(lambda p: conclusion(p, 0), "target", {})),
    "target as text": (PRODUCT, put(lambda p: conclusion(p, 0), "target", "length")),
    "augmented as if a length": (PRODUCT, put(lambda p: conclusion(p, 0), "target", {"augmented": [2]})),
    "another kind": (PRODUCT, put(conclusion, "judgement", "sum")),
    "extra key in the conclusion": (PRODUCT, put(conclusion, "also", "M_j = M_0")),
    "missing key": (PRODUCT, lambda p: conclusion(p).pop("factor")),
    "steps reversed": (PRODUCT, swap_steps),
    "premise after its use": (PRODUCT, drop_premise),
    "own premise": (PRODUCT, put(step(1), "from", [1])),
    "no premise": (PRODUCT, put(step(1), "from", [])),
    "premise twice": (PRODUCT, put(step(1), "from", [0, 0])),
    "identity with a premise": (PERMUTED, put(step(1), "rule", "width_identity")),
    "boolean premise": (PRODUCT, put(step(1), "from", [False])),
    "text premise": (PRODUCT, put(step(1), "from", ["0"])),
    "float premise": (PRODUCT, put(step(1), "from", [0.0])),
    "negative premise": (PRODUCT, put(step(1), "from", [-1])),
    "huge premise": (PRODUCT, put(step(1), "from", [10**40])),
    "from a number": (PRODUCT, put(step(1), "from", 0)),
    "unknown rule": (PRODUCT, put(step(1), "rule", "trust_me")),
    "rule not text": (PRODUCT, put(step(1), "rule", ["iterate"])),
    "private function as rule": (PRODUCT, put(step(1), "rule", "_require")),
    "step not an object": (PRODUCT, put(lambda p: p["steps"], 1, "iterate")),
    "another format": (PRODUCT, put(whole, "format", "actlen-proof/2")),
    "no conclusion": (PRODUCT, put(whole, "conclusions", [])),
    "conclusion beyond": (PRODUCT, put(whole, "conclusions", [2])),
    "conclusion as text": (PRODUCT, put(whole, "conclusions", ["1"])),
    "steps as a number": (PRODUCT, put(whole, "steps", 3)),
    "1,001 steps": (PRODUCT, lambda p: p["steps"].extend([p["steps"][0]] * 1_000)),
    "bound of the other kind": (BOUND, put(conclusion, "factors", {"min": ["1 + 5*u", "1 - u + 2*u*m4"]})),
    "relation flipped": (BOUND, put(conclusion, "relation", ">=")),
    "relation unknown": (BOUND, put(conclusion, "relation", "<")),
    "one factor dropped": (BOUND, put(lambda p: conclusion(p)["factors"], "max", ["1 + 5*u"])),
    "smaller factors": (BOUND, put(lambda p: conclusion(p)["factors"], "max", ["1 + 4*u", "1 - u + 2*u*m4"])),
    "negative factor added": (
        BOUND,
        put(lambda p: conclusion(p)["factors"], "max", ["1 + 5*u", "1 - u + 2*u*m4", "-1"]),
    ),
    "max and min": (BOUND, put(lambda p: conclusion(p)["factors"], "min", ["1 + 5*u"])),
    "bound as a product": (BOUND, put(step(1), "rule", "iterate")),
    "m4 to m6": (BOUND, put(coefficients, "2", "1 - u + 2*u*m6")),
    "nu_2 squared": (MEAN, put(conclusion, "term", "1/2*b2^2")),
    "nu_2 whole": (MEAN, put(conclusion, "term", "b2")),
    "term dropped": (MEAN, put(conclusion, "term", "0")),
    "bias dropped from the layer": (MEAN, lambda p: coefficients(p).pop("")),
    "negative gain": (MEAN, all_given("gain", "-2")),
    "product of a sum": (PERMUTED, put(step(2), "from", [0])),
    "permutation of another order": (PERMUTED, put(conclusion, "order", 3)),
    "permutation of any weights": (
        PERMUTED,
        put(
            conclusion,
            "given",
            {"weights": ["1", "m4"], "biases": ["0"] * 2, "gain": "2", "halves": ["1/2"] * 2},
        ),
    ),
    "weight k": (SPREAD, put(conclusion, "weight", ["k", "d - k + 1"])),
    "weight twice": (SPREAD, put(conclusion, "weight", ["2", "k - 1", "d - k + 1"])),
    "weight d - k": (SPREAD, put(conclusion, "weight", ["k - 1", "d - k"])),
    "weight negative": (SPREAD, put(conclusion, "weight", ["1 - k", "d - k + 1"])),
    "weight with u": (SPREAD, put(conclusion, "weight", ["k - 1", "d - k + 1 + u"])),
    "no weight": (SPREAD, put(conclusion, "weight", [])),
    "martingale from biases": (SPREAD, all_given("biases", ["b2"])),
    "giant text": (PRODUCT, put(conclusion, "factor", "1 + " * 20_000 + "5*u")),
    "giant number": (PRODUCT, put(conclusion, "factor", "9" * 5_000)),
    "code": (PRODUCT, put(conclusion, "factor", "__import__('os').system('true')")),
    "call": (PRODUCT, put(conclusion, "factor", "max(1, 5)")),
    "float factor": (PRODUCT, put(conclusion, "factor", 6.0)),
    "power of power": (PRODUCT, put(conclusion, "factor", "u^2^2")),
    "division by zero": (PRODUCT, put(conclusion, "factor", "1/0 + 5*u")),
    "negative power": (PRODUCT, put(conclusion, "factor", "u^-1")),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_is_rejected(name):
    base, attack = ATTACKS[name]
    proof = deepcopy(PROOFS[base]())
    assert check_proof(proof).accepted
    attack(proof)
    checked = check_proof(proof)
    assert not checked.accepted
    assert checked.conclusions == ()
    assert checked.complaint
    assert len(checked.complaint) < 500


@pytest.mark.parametrize(
    "rubbish", [None, 3, "proof", [], {}, {"format": []}, {"format": "actlen-proof/1"}, [[]]]
)
def test_rubbish_is_rejected_without_raising(rubbish):
    assert not check_proof(rubbish).accepted


def test_deeply_nested_conclusion_is_rejected():
    proof = PROOFS[PRODUCT]()
    nested: list = []
    for _ in range(5_000):
        nested = [nested]
    proof["steps"][1]["concludes"]["factor"] = nested
    assert not check_proof(proof).accepted


def test_complaint_names_the_step_and_the_widths():
    proof = PROOFS[PRODUCT]()
    wrong_factor_everywhere(proof)
    assert (
        check_proof(proof).complaint == "step 0 (width_identity): coefficients differ at n_(j-1) = 2, n_j = 1"
    )
