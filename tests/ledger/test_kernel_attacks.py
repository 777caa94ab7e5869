"""Attacks on the kernel that once succeeded: each is a false or malformed proof, now rejected."""

from __future__ import annotations

import copy
import math
import time

import pytest

from proofs_check.kernel.check import FORMAT, check_proof
from proofs_check.kernel.render import statement_of
from proofs_check.prover import PROOFS, stored_proof

LINEAR = {"weights": ["1"], "biases": ["0"], "gain": "2", "halves": ["1/2"]}


def layer(coefficients, target, given=LINEAR, widths=((1, 1), (1, 2), (2, 3))):
    conclusion = {"judgement": "layer", "given": given, "target": target, "coefficients": coefficients}
    return {"rule": "width_identity", "widths": [list(w) for w in widths], "concludes": conclusion}


def proof(*steps, conclusions=None):
    return {"format": FORMAT, "steps": list(steps), "conclusions": conclusions or [len(steps) - 1]}


def test_the_honest_layer_is_accepted():
    assert check_proof(proof(layer({"1": "1"}, {"length": 1}))).accepted


def test_a_product_with_symbols_does_not_commute():
    """With c_l free per layer, ReLU then linear gives (1 + 5/n_1)(1 + 2/n_2): not symmetric."""
    given = {"weights": ["1", "3"], "biases": ["0", "0"], "gain": "g", "halves": ["c1", "c2"]}
    factor = "g^2*c1^2 - u*g^2*c1^2 + 3*u*g^2*c2"
    widths = ((2, 1), (2, 2), (3, 3))
    first = layer({"1,1": factor, "2": factor}, {"length": 2}, given, widths)
    product = {"judgement": "product", "given": given, "order": 2, "factor": factor}
    iterate = {"rule": "iterate", "from": [0], "concludes": product}
    permutation = {"judgement": "permutation", "given": given, "order": 2}
    commute = {"rule": "commute", "from": [1], "concludes": permutation}
    assert check_proof(proof(first, iterate)).accepted
    assert not check_proof(proof(first, iterate, commute)).accepted


@pytest.mark.parametrize(
    "target",
    [
        {"augmented": [1, 0, 0]},
        {"augmented": [2, -1]},
        {"augmented": []},
        {"augmented": [1, 2]},
        {"augmented": [True]},
        {"augmented": [1.0]},
        {"length": 1, "augmented": [5]},
        {"length": 1, "for": "all biases too"},
        {"length": True},
        {"length": 0},
        {"length": 99},
        {},
        [],
        None,
    ],
)
def test_targets_are_partitions_and_nothing_else(target):
    assert not check_proof(proof(layer({"1": "1"}, target))).accepted


def test_long_targets_do_not_hang():
    start = time.process_time()
    assert not check_proof(proof(layer({"1": "1"}, {"augmented": [1] * 12}))).accepted
    assert time.process_time() - start < 5


@pytest.mark.parametrize("key", [" 1", "01", "+1", "1,", "1,0", "1 ", "2,1", "a"])
def test_partitions_have_one_spelling(key):
    assert not check_proof(proof(layer({"1": "1", key: "7"}, {"length": 1}))).accepted


@pytest.mark.parametrize("bad", [math.inf, math.nan, 1.0, True, "1", None, -1, 10**30])
def test_widths_are_small_whole_numbers(bad):
    assert not check_proof(proof(layer({"1": "1"}, {"length": 1}, widths=((1, bad), (1, 2))))).accepted


@pytest.mark.parametrize("conclusions", [[-1], [True], [1], {1: 0}, ["0"], [0.0], None, []])
def test_conclusions_are_steps(conclusions):
    honest = proof(layer({"1": "1"}, {"length": 1}))
    assert not check_proof({**honest, "conclusions": conclusions}).accepted


def test_deep_and_foreign_objects_are_rejected_not_raised():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    for thing in (deep, {"format": deep}, None, 7, "x", [], {"format": FORMAT, "steps": deep}):
        assert not check_proof(thing).accepted


@pytest.mark.parametrize("order", [2.0, True, "2", None, 0, -1])
def test_orders_are_whole_numbers(order):
    broken = copy.deepcopy(stored_proof("second-moment-normal"))
    broken["steps"][1]["concludes"]["order"] = order
    assert not check_proof(broken).accepted


def test_negative_extra_factors_cannot_enter_a_lower_bound():
    """min(..., -5) over two layers would claim the product 25."""
    broken = copy.deepcopy(stored_proof("theorem-5-lower"))
    broken["steps"][1]["concludes"]["factors"]["min"].append("-5")
    assert not check_proof(broken).accepted


def test_symbols_without_a_name_are_not_rendered():
    assert statement_of({"judgement": "product", "order": 2, "factor": "1 + c1*u"}) is None


def test_every_stored_proof_still_stands():
    assert all(check_proof(stored_proof(name)).accepted for name in PROOFS)
