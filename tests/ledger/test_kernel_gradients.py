"""The kernel's rules for gradients, data sets and random inputs: cheats are rejected, fuzzed proofs true.

Truth is decided without the kernel: moments of one layer from Gaussian or general even moments, chances by
what symmetric laws without atoms allow.
"""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs_check.checks.polynomials import value_at
from proofs_check.gradient_proofs import PROOFS
from proofs_check.kernel import data_set_rules, gradient_rules
from proofs_check.kernel.check import check_proof
from proofs_check.prover import stored_proof

SYMBOLS = {"c1": fmpq(3, 11), "c2": fmpq(5, 7), "m4": fmpq(4), "b2": fmpq(1), "b4": fmpq(1)}
LAYERS = [(fmpq(1, n), fmpq(g)) for n, g in ((1, 1), (2, 3), (7, 2), (7, fmpq(1, 5)))]
MEANINGS = {**gradient_rules.ASSUMPTIONS, **data_set_rules.ASSUMPTIONS}


def silent(judgement):
    return all(value_at(text, SYMBOLS) == 0 for text in judgement["given"]["biases"])


def growth(judgement, u, g):
    """E M_j^k / M_{j-1}^k of a layer, k the order; normal weights at k = 2."""
    assumed, at = judgement["given"], {**SYMBOLS, "u": u, "g": g}
    weights, halves = ([value_at(t, at) for t in assumed[key]] for key in ("weights", "halves"))
    gain = value_at(assumed["gain"], at)
    if judgement.get("order", 1) == 1:
        return gain * halves[0] if weights[0] == 1 else None
    if judgement["order"] != 2 or weights[:2] != [1, 3]:
        return None
    return gain**2 * (halves[0] ** 2 * (1 - u) + u * 3 * halves[1])


def grows(judgement):
    """The factor is the layer's, at every width and gain."""
    expected = [growth(judgement, u, g) for u, g in LAYERS]
    found = [value_at(judgement["factor"], {**SYMBOLS, "u": u, "g": g}) for u, g in LAYERS]
    return found == expected and silent(judgement)


def atomless(judgement):
    return "atomless_weights" in judgement["assumes"]


def mask_holds(judgement):
    chances = [value_at(judgement[key], {}) for key in ("positive", "negative", "zero")]
    return chances == [fmpq(1, 2), fmpq(1, 2), 0] and silent(judgement) and atomless(judgement)


def law_holds(judgement):
    return silent(judgement) and atomless(judgement)


def jacobian_holds(judgement):
    return grows(judgement) and atomless(judgement)


def backward_holds(judgement):
    """Layers of the reversed net have gains of their own: the gain must be free."""
    matched = judgement.get("order", 1) == 1 or "matching_readout" in judgement["assumes"]
    return jacobian_holds(judgement) and matched and judgement["given"]["gain"] == "g"


def spread_holds(judgement):
    """E M^2/(E M)^2 of a layer, at every gain."""
    if not (silent(judgement) and {"atomless_weights", "matching_readout"} <= set(judgement["assumes"])):
        return False
    for u, g in LAYERS:
        square, mean = (growth({**judgement, "order": k}, u, g) for k in (judgement["order"], 1))
        if square is None or square != mean**2 * value_at(judgement["factor"], {**SYMBOLS, "u": u, "g": g}):
            return False
    return True


def ratio_holds(judgement):
    moments = [value_at(text, SYMBOLS) for text in judgement["given"]["weights"]]
    normal = moments == [1, 3, 15, 105][: len(moments)]
    return normal and silent(judgement) and "normal_weights" in judgement["assumes"]


def number_holds(judgement):
    at = [{"k": fmpq(k), "p": p} for k in range(5) for p in (fmpq(0), fmpq(1, 3), fmpq(1))]
    return ratio_holds(judgement) and all(value_at(judgement["count"], n) == n["k"] * n["p"] for n in at)


def mixture_holds(judgement):
    same = all(value_at(judgement["chance"], {"p": p}) == p for p in (fmpq(0), fmpq(1, 3), fmpq(1)))
    return ratio_holds(judgement) and same and "independent_input" in judgement["assumes"]


TRUTHS = {
    "mask": mask_holds,
    "jacobian_law": law_holds,
    "jacobian_product": jacobian_holds,
    "reversed_law": law_holds,
    "delta_product": backward_holds,
    "weight_product": backward_holds,
    "gradient_balance": backward_holds,
    "gradient_spread": spread_holds,
    "ratio_law": ratio_holds,
    "expected_number": number_holds,
    "random_input": mixture_holds,
}


def is_true(judgement):
    """A judgement of ours is judged; those it rests on have judges in test_kernel_fuzz.py."""
    try:
        return judgement["judgement"] not in TRUTHS or TRUTHS[judgement["judgement"]](judgement)
    except KeyError:  # a variable that means nothing here
        return False


@pytest.mark.parametrize("name", PROOFS)
def test_true_proofs_are_accepted_and_true(name):
    checked = check_proof(stored_proof(name))
    assert checked.accepted, checked.complaint
    assert all(map(is_true, checked.conclusions))


CHEATS = {
    "a tie allowed": ("jacobian-law", '"zero": "0"', '"zero": "1/4"'),
    "signs that sum to less": ("jacobian-law", '"1/2", "negative": "1/2"', '"1/4", "negative": "1/4"'),
    "an unfair sign": ("jacobian-law", '"positive": "1/2"', '"positive": "3/4"'),
    "unfair signs": ("gradient-balance", '"1/2", "negative": "1/2"', '"3/4", "negative": "1/4"'),
    "a chance with a variable": ("jacobian-law", '"zero": "0"', '"zero": "u"'),
    "any law": ("jacobian-law", '["atomless_weights"]', "[]"),
    "more than needed": ("jacobian-law", '["atomless_weights"]', '["atomless_weights", "matching_readout"]'),
    "biases": ("jacobian-law", '"biases": ["0"]', '"biases": ["b2"]'),
    "biases in the law of the ratio": ("random-input", '"biases": ["0", "0"]', '"biases": ["b2", "b4"]'),
    "any read-out": ("gradient-spread", '["atomless_weights", "matching_readout"]', '["atomless_weights"]'),
    "one gain forwards and back": ("gradient-balance", '"gain": "g"', '"gain": "2"'),
    "a square in the gain": ("gradient-balance", '"factor": "g*c1"', '"factor": "g^2*c1"'),
    "growth 4": ("gradient-spread", '"1 + 5*u"', '"1 + 4*u"'),
    "a spread with the gain": ("gradient-spread", '"1 + 5*u"', '"g + 5*u*g"'),
    "the spread of order 1": ("gradient-spread", '"factor": "1 + 5*u"', '"factor": "1"'),
    "kurtosis 4": ("random-input", '["1", "3"]', '["1", "4"]'),
    "any weights": ("dataset-exceedances", '["normal_weights"]', "[]"),
    "one input too few": ("dataset-exceedances", '"k*p"', '"k*p - p"'),
    "one event at least": ("dataset-exceedances", '"k*p"', '"k*p + 1"'),
    "squares": ("dataset-exceedances", '"k*p"', '"k^2*p"'),
    "an input that sees the weights": ("random-input", '"independent_input", ', ""),
    "another chance": ("random-input", '"chance": "p"', '"chance": "r*p"'),
}


@pytest.mark.parametrize(("name", "old", "new"), CHEATS.values(), ids=CHEATS.keys())
def test_cheats_are_rejected(name, old, new):
    text = json.dumps(stored_proof(name))
    assert old in text
    checked = check_proof(json.loads(text.replace(old, new)))
    assert not checked.accepted
    assert checked.conclusions == ()


def test_a_width_in_the_mean_does_not_balance():
    """A factor that depends on u would leave layer j's own width behind; the order alone forbids it here."""
    proof = stored_proof("gradient-spread")
    balance = {"judgement": "gradient_balance", "factor": "1/4*g^2 + 5/4*u*g^2"}
    square = proof["steps"][9]["concludes"]
    claim = {**balance, "given": square["given"], "assumes": square["assumes"]}
    proof["steps"].append({"rule": "balanced", "from": [9], "concludes": claim})
    assert not check_proof({**proof, "conclusions": [11]}).accepted


RESTING = [
    (name, number)
    for name in PROOFS
    for number, step in enumerate(stored_proof(name)["steps"])
    if step.get("from")
]


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


FIELDS = [
    (name, number, field)
    for name in PROOFS
    for number, step in enumerate(stored_proof(name)["steps"])
    if step["concludes"]["judgement"] in TRUTHS
    for field in step["concludes"]
]
SPOILED = [None, 7, "7", "u^2", "x1", [], ["7"], {}, {"7": "7"}, "layer", True, 0.5]


@pytest.mark.parametrize(("name", "number", "field"), FIELDS)
def test_a_spoiled_field_is_rejected(name, number, field):
    for value in SPOILED:
        proof = stored_proof(name)
        proof["steps"][number]["concludes"][field] = value
        assert not check_proof(proof).accepted
    proof = stored_proof(name)
    del proof["steps"][number]["concludes"][field]
    assert not check_proof(proof).accepted
    proof["steps"][number]["concludes"] = {**stored_proof(name)["steps"][number]["concludes"], "extra": "1"}
    assert not check_proof(proof).accepted


def test_assumptions_have_a_meaning():
    used = {a for n in PROOFS for s in stored_proof(n)["steps"] for a in s["concludes"].get("assumes", [])}
    assert used == set(MEANINGS)


FALSEHOODS = [
    ("mask", "zero", "1/2"),
    ("mask", "assumes", []),
    ("jacobian_law", "assumes", []),
    ("jacobian_product", "factor", "g"),
    ("reversed_law", "assumes", []),
    ("delta_product", "factor", "2*g*c1"),
    ("weight_product", "order", 3),
    ("gradient_balance", "factor", "c1"),
    ("gradient_spread", "factor", "1 + 4*u"),
    ("ratio_law", "assumes", []),
    ("expected_number", "count", "p"),
    ("random_input", "chance", "1"),
]
CONCLUSIONS = [s["concludes"] for name in PROOFS for s in stored_proof(name)["steps"]]


@pytest.mark.parametrize(("kind", "key", "value"), FALSEHOODS)
def test_the_judge_itself_can_say_no(kind, key, value):
    ours = [j for j in CONCLUSIONS if j["judgement"] == kind]
    assert ours
    assert all(map(is_true, ours))
    assert not any(is_true({**j, key: value}) for j in ours)


def scalars(node, path=()):
    """Paths to all texts and numbers of a JSON object, and to its lists."""
    if isinstance(node, dict):
        return [p for key, child in node.items() for p in scalars(child, (*path, key))]
    if isinstance(node, list):
        return [path, *(p for i, child in enumerate(node) for p in scalars(child, (*path, i)))]
    return [path]


PLACES = [(name, path) for name in PROOFS for path in scalars(stored_proof(name)) if path]
WORDS = [
    *(0, 1, 2, 3, 4, 5, 7, -1, 12, 10**30, True, None, 0.5, [], {}, [0], ["1"], ["1", "3"]),
    *(["atomless_weights"], ["normal_weights"], ["atomless_weights", "matching_readout"]),
    *(
        "",
        "0",
        "1",
        "2",
        "1/2",
        "1/4",
        "3/4",
        "3",
        "-1",
        "u",
        "p",
        "k",
        "k*p",
        "r*p",
        "g",
        "c1",
        "g*c1",
        "x1",
    ),
    *(
        "1/2*g",
        "g^2*c1",
        "1 + 5*u",
        "1/4*g^2 + 5/4*u*g^2",
        "g^2*c1^2 - u*g^2*c1^2 + 3*u*g^2*c2",
        "u^99",
        "b2",
    ),
    *("atomless_weights", "matching_readout", "normal_weights", "independent_input", "m4", "b2", "x1"),
    *TRUTHS,
    *(rule.__name__ for rule in (*gradient_rules.RULES, *data_set_rules.RULES)),
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
        assert judgement in CONCLUSIONS or (judgement["judgement"] in TRUTHS and is_true(judgement))
