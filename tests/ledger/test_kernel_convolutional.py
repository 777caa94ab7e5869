"""The kernel's rules for convolutional nets and orthogonal weights: cheats are rejected, fuzzed proofs true.

Truth is decided without the kernel: by counting small nets, quadrature, closed forms and the recursion.
"""

from __future__ import annotations

import json
from copy import deepcopy
from itertools import pairwise, product
from math import prod

import pytest
from flint import ctx, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs_check.checks import convolutional as counting
from proofs_check.checks.convolutional_pairs import _integrated, _kernel
from proofs_check.checks.polynomials import value_at
from proofs_check.convolutional_proofs import PROOFS
from proofs_check.kernel.check import check_proof
from proofs_check.kernel.convolutional_rules import ASSUMPTIONS
from proofs_check.prover import stored_proof
from theory.activations import as_activation
from theory.convolutional_twin import SumLaw
from theory.gaussian import factor_moment
from theory.laws import as_law
from theory.network import FullyConnected
from theory.readings.exact import length_moments

RELU = as_activation("relu")
OPPOSITE = counting.unscaled({"channels": [1, 1], "kernel": 1, "positions": 2, "input": [1, -1]}, 3)
INTEGRALS = {
    (phi, rho): _integrated(phi, rho)
    for phi in (RELU, as_activation("slopes:1/2:-3"))
    for rho in (fmpq(-1, 2), fmpq(0), fmpq(3, 5), fmpq(1))
}


def at(text, **numbers):
    return value_at(text, {name: fmpq(x) for name, x in numbers.items()})


def means_hold(judgement):
    """E phi(z)^2 is c_1 times the gain times the mean square."""
    assumed = judgement["given"]
    symbols = {"g": fmpq(7, 5), "c1": fmpq(3, 11), "m4": fmpq(4)}
    factor, gain, half = (
        value_at(text, symbols) for text in (judgement["factor"], assumed["gain"], assumed["halves"][0])
    )
    return factor == gain * half and set(assumed["biases"]) <= {"0"} and judgement["padding"] != ""


def mean_holds(judgement):
    return means_hold(judgement) and judgement["padding"] == "circular"


def bound_holds(judgement):
    if judgement["given"]["weights"] != ["1", "m4"] or not counting._respected(judgement)[0]:
        return False
    if "one_sign" in judgement["assumes"] or judgement["padding"] == "zero":
        return True
    mean, second = counting.enumerated(OPPOSITE)
    gap = counting._judged(judgement, OPPOSITE) * mean**2 - second
    return counting._signed(judgement, gap) >= 0


def spread_holds(judgement):
    return all(at(judgement["factor"], u=fmpq(1, c)) == fmpq(1, c) for c in range(1, 30))


def covariance_holds(judgement):
    """Counted over all values of three weights, patches 1, 2, -1 and 3, 1, 1."""
    kurtosis = judgement["given"]["weights"][1]
    laws = [k for k in counting.LAWS if kurtosis in ("m4", str(k))]
    square, fourth = (judgement["coefficients"][key] for key in ("square", "fourth"))
    inner, fourths = fmpq(4), fmpq(9 + 4 + 1)
    for k in laws:
        claimed = at(square, m4=k) * inner**2 + at(fourth, m4=k) * fourths
        if claimed != counted_covariance(k) * k**2:
            return False
    return laws != []


def counted_covariance(k):
    chances = {-1: fmpq(1, 2 * k), 0: 1 - fmpq(1, k), 1: fmpq(1, 2 * k)}
    both = first = second = fmpq(0)
    for w in product(chances, repeat=3):
        chance = prod((chances[x] for x in w), start=fmpq(1))
        z, y = w[0] + 2 * w[1] - w[2], 3 * w[0] + w[1] + w[2]
        both, first, second = both + chance * z * z * y * y, first + chance * z * z, second + chance * y * y
    return both - first * second


def kernel_holds(judgement):
    with ctx.workprec(128):
        near = (_kernel(judgement["kernel"], *case).overlaps(value) for case, value in INTEGRALS.items())
        return judgement["assumes"] == ["normal_weights"] and all(near)


def twin_holds(judgement):
    kurtosis = judgement["given"]["weights"][1]
    laws = [k for k in counting.LAWS if kurtosis in ("m4", str(k))]
    return laws != [] and all(
        at(judgement["kurtosis"], y=fmpq(1, q), m4=k) == SumLaw(as_law(counting.LAWS[k]), q).kurtosis
        for k in laws
        for q in (1, 2, 3, 9)
    )


def growth_holds(judgement):
    k = judgement["order"]
    return judgement["given"]["weights"] == ["1", "3"] and all(
        at(judgement["factor"], u=fmpq(1, c)) == 2**k * factor_moment(k, c, RELU) for c in range(1, 9)
    )


def sphere_holds(judgement):
    """N (N + 2) ... (N + 2k - 2)/N^k."""
    k = judgement["order"]
    return all(
        at(judgement["factor"], w=fmpq(1, n)) == prod((1 + fmpq(2 * i, n) for i in range(k)), start=fmpq(1))
        for n in range(1, 12)
    )


WIDTHS = ((1, 1), (4, 3), (2, 5, 5), (3, 1, 6))


def moment(widths, k, weights="orthogonal"):
    return length_moments(FullyConnected(widths, weights=weights), k)[-1][k - 1]


def product_holds(judgement):
    def claimed(widths):
        steps = pairwise(widths)
        pairs = ((fmpq(1, n), fmpq(1, max(m, n))) for m, n in steps)
        return prod(
            (at(judgement["factor"], u=u) / at(judgement["divisor"], w=w) for u, w in pairs), start=fmpq(1)
        )

    return all(moment(widths, judgement["order"]) == claimed(widths) for widths in WIDTHS)


def below_holds(judgement):
    k = judgement["order"]
    below = all(moment(widths, k) < moment(widths, k, "normal") for widths in WIDTHS)
    return judgement["relation"] == "<" and below


def grows_holds(judgement):
    k = judgement["order"]

    def least(n):
        return 1 + at(judgement["excess"], u=fmpq(1, n)) / at(judgement["divisor"], w=fmpq(1, n))

    return all(moment(widths, k) >= prod((least(n) for n in widths[1:]), start=fmpq(1)) for widths in WIDTHS)


TRUTHS = {
    "convolution_means": means_hold,
    "convolution_mean": mean_holds,
    "convolution_bound": bound_holds,
    "channel_spread": spread_holds,
    "pair_covariance": covariance_holds,
    "pair_kernel": kernel_holds,
    "twin": twin_holds,
    "twin_growth": growth_holds,
    "sphere": sphere_holds,
    "orthogonal_product": product_holds,
    "orthogonal_below": below_holds,
    "orthogonal_grows": grows_holds,
}


def is_true(judgement):
    return TRUTHS[judgement["judgement"]](judgement)


@pytest.mark.parametrize("name", PROOFS)
def test_what_the_proofs_say_at_every_step_is_true(name):
    checked = check_proof(stored_proof(name))
    assert checked.accepted, checked.complaint
    ours = [s["concludes"] for s in stored_proof(name)["steps"] if s["concludes"]["judgement"] in TRUTHS]
    assert ours
    assert all(map(is_true, ours))


CHEATS = {
    "a border that loses nothing": ("conv-mean", '"circular"', '"zero"'),
    "no kernel of both sides": ("conv-mean", "[3, 3], [5, 2], [6, 4]", "[3, 2], [5, 2], [6, 1]"),
    "no size at all": ("conv-mean", "[[3, 3], [5, 2], [6, 4]]", "[]"),
    "another factor": ("conv-mean", '"factor": "g*c1"', '"factor": "g"'),
    "another padding": ("conv-mean-zero", '"padding": "zero"', '"padding": "reflect"'),
    "biases": ("conv-mean-zero", '"biases": ["0"]', '"biases": ["b2"]'),
    "groups forgotten": ("conv-upper", "*h", ""),
    "groups with a border": ("conv-upper", '"assumes": ["one_group"]', '"assumes": []'),
    "half the kurtosis": ("conv-upper", "2*u*h*m4", "u*h*m4"),
    "a smaller constant above": ("conv-upper", "5*u*h", "4*u*h"),
    "a larger constant below": ("conv-lower", "5*u*p", "6*u*p"),
    "positions forgotten": ("conv-lower", "*p", ""),
    "signs forgotten": ("conv-lower", '"assumes": ["one_sign"]', '"assumes": []'),
    "one group forgotten": ("conv-lower", '["one_group", "one_sign"]', '["one_sign"]'),
    "leaky layers": ("conv-lower", '"halves": ["1/2", "1/2"]', '"halves": ["1/2", "c2"]'),
    "the minimum for the maximum": ("conv-upper", '"max"', '"min"'),
    "relations turned": ("conv-lower", '">="', '"<="'),
    "another fourth moment": ("conv-lower", '"fourth": "m4 - 3"', '"fourth": "m4 - 2"'),
    "channels twice": ("conv-upper", '"factor": "u"', '"factor": "2*u"'),
    "channels squared": ("conv-upper", '"factor": "u"', '"factor": "u^2"'),
    "too few sizes": ("conv-upper", "[[2, 1], [2, 2], [2, 3]]", "[[2, 1], [2, 2], [2, 2]]"),
    "one group to tell": ("conv-upper", "[[2, 1], [2, 2], [2, 3]]", "[[1, 1], [1, 2], [1, 3]]"),
    "another angle": ("conv-pair-kernel", "2*b*i*a", "3*b*i*a"),
    "another root": ("conv-pair-kernel", "6*b*i*r*s", "5*b*i*r*s"),
    "a constant": ("conv-pair-kernel", '"2*r^2 +', '"1 + 2*r^2 +'),
    "a multiple of r": ("conv-pair-kernel", '"2*r^2 +', '"2*r^2 + b*r +'),
    "s squared is not 1": ("conv-pair-kernel", "6*b*i*r*s", "6*b*i*r*s^3"),
    "skewness squared": ("conv-pair-kernel", "2*b*i*a", "2*b^2*i*a"),
    "without normality": ("conv-pair-kernel", '["normal_weights"]', "[]"),
    "kurtosis 4": ("conv-pair-kernel", '"3"', '"4"'),
    "weights not summed": ("conv-is-dense", "3 - 3*y + y*m4", "m4"),
    "normal sums of any weights": ("conv-is-dense", "3 - 3*y + y*m4", "3"),
    "sums of any law": ("conv-position-free-growth", '"weights": ["1", "3"]', '"weights": ["1", "4"]'),
    "growth 4": ("conv-position-free-growth", "5*u", "4*u"),
    "another radius": ("orthogonal-ratio", "1 + 2*w", "1 + 3*w"),
    "radii of N - 1": ("orthogonal-ratio", "2*u", "1*u"),
    "other moments": ("orthogonal-ratio", '"15"', '"14"'),
    "ReLU in the radius": ("orthogonal-ratio", '"gain": "1"', '"gain": "2"'),
    "larger moments": ("orthogonal-smaller-spread", '"<"', '">"'),
    "at most": ("orthogonal-smaller-spread", '"<"', '"<="'),
    "no divisor": ("orthogonal-grows", '"divisor": "1 + 2*w"', '"divisor": "1"'),
    "a larger excess": ("orthogonal-grows", '"3*u"', '"4*u"'),
    "a smaller excess": ("orthogonal-grows", '"3*u"', '"2*u"'),
}


@pytest.mark.parametrize(("name", "old", "new"), CHEATS.values(), ids=CHEATS.keys())
def test_cheats_are_rejected(name, old, new):
    text = json.dumps(stored_proof(name))
    assert old in text
    checked = check_proof(json.loads(text.replace(old, new)))
    assert not checked.accepted
    assert checked.conclusions == ()


def test_the_mean_below_is_not_below_at_order_one():
    """M_d itself has the same mean: a divisor of 1 shows no gap."""
    text = json.dumps(stored_proof("orthogonal-smaller-spread"))
    assert not check_proof(json.loads(text.replace('"order": 2', '"order": 1'))).accepted


RESTING = [
    (name, number)
    for name in PROOFS
    for number, step in enumerate(stored_proof(name)["steps"])
    if step.get("from")
]


@pytest.mark.full_cases("orthogonal-ratio-1[01]", "orthogonal-smaller-spread-1?", "conv-*-[678]")
@pytest.mark.parametrize(("name", "number"), RESTING)
def test_dropped_swapped_and_foreign_premises_are_rejected(name, number):
    steps = stored_proof(name)["steps"]
    premises = steps[number]["from"]
    turned = [premises[::-1]] if len(premises) > 1 else []
    foreign = [
        [*premises[:i], other, *premises[i + 1 :]]
        for i, known in enumerate(premises)
        for other in range(number)
        if steps[other]["concludes"] != steps[known]["concludes"]
    ]
    for changed in ([], premises[1:], [*premises, premises[0]], *turned, *foreign):
        proof = stored_proof(name)
        proof["steps"][number]["from"] = changed
        assert not check_proof(proof).accepted


def test_assumptions_of_bounds_have_a_meaning():
    used = {a for n in PROOFS for s in stored_proof(n)["steps"] for a in s["concludes"].get("assumes", [])}
    assert used <= set(ASSUMPTIONS) | {"normal_weights"}


FALSEHOODS = [
    ("convolution_means", "factor", "g"),
    ("convolution_mean", "padding", "zero"),
    ("convolution_bound", "assumes", []),
    ("convolution_bound", "factors", {"min": ["1 + 5*u", "1 - u + 2*u*m4"]}),
    ("convolution_bound", "factors", {"max": ["1 + 5*u", "1 - u + 2*u*m4"]}),
    ("channel_spread", "factor", "u^2"),
    ("pair_covariance", "coefficients", {"square": "2", "fourth": "m4 - 2"}),
    ("pair_kernel", "kernel", "2*r^2"),
    ("twin", "kurtosis", "m4"),
    ("twin_growth", "factor", "1 + 4*u"),
    ("sphere", "factor", "1 + 3*w"),
    ("orthogonal_product", "divisor", "1"),
    ("orthogonal_below", "order", 1),
    ("orthogonal_grows", "excess", "4*u"),
]
CONCLUSIONS = [s["concludes"] for name in PROOFS for s in stored_proof(name)["steps"]]


@pytest.mark.parametrize(("kind", "key", "value"), FALSEHOODS)
def test_the_judge_itself_can_say_no(kind, key, value):
    ours = [j for j in CONCLUSIONS if j["judgement"] == kind]
    changed = [{**j, key: value} for j in ours if j[key] != value]
    assert all(map(is_true, ours))
    assert not all(map(is_true, changed))


def scalars(node, path=()):
    """Paths to all texts and numbers of a JSON object, and to its lists."""
    if isinstance(node, dict):
        return [p for key, child in node.items() for p in scalars(child, (*path, key))]
    if isinstance(node, list):
        return [path, *(p for i, child in enumerate(node) for p in scalars(child, (*path, i)))]
    return [path]


PLACES = [(name, path) for name in PROOFS for path in scalars(stored_proof(name)) if path]
WORDS = [
    *(0, 1, 2, 3, 4, 5, -1, 12, 10**30, True, None, 0.5, [], {}, [0], ["one_group"], ["one_sign"]),
    *("", "0", "1", "2", "1/2", "3", "-1", "u", "w", "y", "m4", "m4 - 3", "g", "c1", "g*c1", "u*h", "x1"),
    *("1 + 5*u", "1 + 5*u*h", "1 + 5*u*p", "1 - u + 2*u*m4", "3*u", "2*r^2", "1 + 2*w", "1 + 2*u", "u^99"),
    *("circular", "zero", "<", "<=", ">=", "max", "min", "one_group", "one_sign", "normal_weights"),
    *("twin", "sphere", "channel_spread", "price", "polar", "bound_from_above", "window_means"),
]


@pytest.mark.full
@settings(max_examples=600)
@given(place=st.sampled_from(PLACES), word=st.sampled_from(WORDS))
def test_one_change_is_rejected_or_leaves_true_conclusions(place, word):
    name, path = place
    proof = deepcopy(stored_proof(name))
    *way, last = path
    parent = proof
    for key in way:
        parent = parent[key]
    parent[last] = word
    for judgement in check_proof(proof).conclusions:
        known = judgement["judgement"] not in TRUTHS and judgement in CONCLUSIONS
        assert known or is_true(judgement)
