"""The kernel's rules about residual nets: true proofs accepted, cheats rejected, fuzzed proofs still true."""

from __future__ import annotations

import copy
import json
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs_check import residual_limit_proofs, residual_proofs
from proofs_check.family import parse_family
from proofs_check.kernel.check import FORMAT, check_proof
from proofs_check.kernel.polynomial import Polynomial
from proofs_check.kernel.render import assumed_family, statement_of
from proofs_check.kernel.residual_limits import RESIDUAL_ASSUMPTIONS, RESIDUAL_THEOREMS
from proofs_check.language.evaluate import evaluate
from proofs_check.language.parse import parse
from proofs_check.members import small_members
from proofs_check.oracle import OracleLimitError
from proofs_check.prover import PROOFS as ALL_PROOFS
from proofs_check.prover import stored_proof
from proofs_check.routes import counted, predicted

FINITE, LIMITS = list(residual_proofs.PROOFS), list(residual_limit_proofs.PROOFS)
PROOFS = FINITE + LIMITS
CITING = [
    (name, number)
    for name in LIMITS
    for number, step in enumerate(stored_proof(name)["steps"])
    if step["rule"] == "cite_residual"
]
HYPOTHESES = [
    (name, number, hypothesis)
    for name, number in CITING
    for hypothesis in stored_proof(name)["steps"][number]["discharges"]
]


def accepted(proof) -> bool:
    return check_proof(json.loads(json.dumps(proof))).accepted


def changed(name, old, new) -> bool:
    """Whether the stored proof is accepted with one text replaced."""
    text = json.dumps(stored_proof(name))
    assert old in text
    return check_proof(json.loads(text.replace(old, new))).accepted


# A judge that knows no kernel rule: blocks by hand and by counting, statements on the family's corners.


def at(text, **numbers) -> Fraction:
    total = Fraction(0)
    for monomial, coefficient in Polynomial.of(text).terms.items():
        term = coefficient
        for name, power in monomial:
            term *= numbers[name] ** power
        total += term
    return total


def moments_after(x, h, eta, kurtosis):
    """E M' and E M'^2 given x and h: M' = M + 2 eta S/n + eta^2 Y, y_i of variance H, done by hand."""
    n, m = len(x), len(h)
    length, hidden = Fraction(sum(t * t for t in x), n), Fraction(sum(t * t for t in h), m)
    fourth = Fraction(kurtosis * sum(t**4 for t in h), m * m)
    fourth += Fraction(
        3 * sum(a * a * b * b for i, a in enumerate(h) for j, b in enumerate(h) if i != j), m * m
    )
    square = (n * fourth + n * (n - 1) * hidden**2) / n**2
    mean = length + eta**2 * hidden
    return mean, length**2 + (2 + Fraction(4, n)) * eta**2 * length * hidden + eta**4 * square


def block_holds(judgement, kurtosis) -> bool:
    """The terms of a block at several x and h."""
    cases = [
        ((1, 2), (1, -2, 0, 1), Fraction(1, 2)),
        ((3, -1, 0), (2, 1), Fraction(2)),
        ((1,) * 5, (1, 0, 3), 1),
    ]
    k = judgement["order"]
    for x, h, eta in cases:
        n, m = len(x), len(h)
        length, total = Fraction(sum(t * t for t in x), n), Fraction(0)
        for parts, text in judgement["terms"].items():
            sizes = [int(p) for p in parts.split(",")] if parts else []
            augmented = Fraction(sum(_over_distinct(h, sizes)), m ** sum(sizes))
            numbers = {"u": Fraction(1, n), "e": Fraction(eta), "m4": Fraction(kurtosis)}
            total += at(text, **numbers) * length ** (k - sum(sizes)) * augmented
        if total != moments_after(x, h, Fraction(eta), kurtosis)[k - 1]:
            return False
    return True


def _over_distinct(h, sizes):
    for indices in product(range(len(h)), repeat=len(sizes)):
        if len(set(indices)) == len(sizes):
            value = 1
            for i, size in zip(indices, sizes, strict=True):
                value *= h[i] ** (2 * size)
            yield value


def statement_holds(judgement) -> bool:
    """Whether what it says holds on small members, by counting, and on corners, by the prediction."""
    text, assumed = statement_of(judgement), dict(assumed_family(judgement))
    if text is None or not {"weights", "bias", "activation", "network"} <= set(assumed):
        return True  # it proves no claim: the ledger refuses it
    del assumed["bias"], assumed["activation"]
    family = parse_family("; ".join(f"{key}={value}" for key, value in assumed.items()))
    statement, outcomes = parse(text), []
    for network in small_members(family, 2):
        if "c[" in text and network.width > 1 and assumed["weights"] == "any":
            continue
        try:
            outcomes.append(evaluate(statement, network, counted(network)).holds)
        except OracleLimitError:
            continue
    if assumed["weights"] == "normal" or "c[" not in text:
        near = (n for _, n in zip(range(30), family.corners(), strict=False) if n.depth <= 4)
        outcomes += [evaluate(statement, network, predicted(network)).holds for network in near]
    assert outcomes
    return False not in outcomes


def is_true(judgement) -> bool:
    if judgement["judgement"] == "block":
        weights = [at(text, m4=Fraction(5, 2)) for text in judgement["given"]["weights"]]
        return judgement["order"] <= 2 and block_holds(judgement, weights[1] if len(weights) > 1 else 3)
    return statement_holds(judgement)


@pytest.mark.parametrize("name", FINITE)
def test_true_proofs_are_accepted_and_say_what_is_true(name):
    checked = check_proof(stored_proof(name))
    assert checked.accepted, checked.complaint
    assert all(is_true(j) for j in checked.conclusions)
    assert all(is_true(s["concludes"]) for s in stored_proof(name)["steps"] if s["rule"] == "block_identity")


@pytest.mark.parametrize("name", LIMITS)
def test_true_limits_are_accepted(name):
    checked = check_proof(stored_proof(name))
    assert checked.accepted, checked.complaint
    assert {j["judgement"] for j in checked.conclusions} == {"limit"}


FALSEHOODS = [
    ("residual-linear-mean", "1 + e^2", "1 + e^4"),
    ("residual-linear-growth", '"rate": "e^2"', '"rate": "1/2*e^2"'),
    ("residual-linear-second-normal", "5*u", "4*u"),
    ("residual-linear-second-upper", "2*u*m4", "u*m4"),
    ("residual-linear-second-lower", "2*u*m4", "4*u*m4"),
    ("residual-relu-upper-any", '"constant": "1/2"', '"constant": "1/50"'),
    ("residual-relu-lower-any", '"constant": "1/2"', '"constant": "1/50"'),
    ("residual-relu-upper", "2*c*e", "c*e"),
    ("residual-relu-attained", "2*c*e", "c*e"),
    ("residual-relu-rising", "1 + c*e", "1 + 3*c*e"),
    ("residual-relu-square", "1 + 2*e", "1 + 1/10*e"),
]


@pytest.mark.parametrize(("name", "old", "new"), FALSEHOODS)
def test_the_judge_itself_can_say_no(name, old, new):
    proof = json.loads(json.dumps(stored_proof(name)).replace(old, new))
    assert not all(is_true(proof["steps"][i]["concludes"]) for i in proof["conclusions"])
    assert not check_proof(proof).accepted


def test_the_judge_of_blocks_can_say_no():
    block = stored_proof("residual-linear-second-upper")["steps"][4]["concludes"]
    assert block["judgement"] == "block"
    for parts, text in block["terms"].items():
        broken = {**block, "terms": {**block["terms"], parts: f"2*u + {text}"}}
        assert not is_true(broken)


def test_the_hand_formula_agrees_with_counting():
    """Weights +-1 (kurtosis 1) and +-2, 0 (kurtosis 4), every value taken; h of length 4: 1/sqrt(m) = 1/2."""
    x, h, eta = (1, -2), (1, 0, 2, 1), Fraction(2, 3)
    for points, kurtosis in ((((-1, 1, 2), (1, 1, 2)), 1), (((-2, 1, 8), (0, 3, 4), (2, 1, 8)), 4)):
        law = [(v, Fraction(p, q)) for v, p, q in points]
        output = {Fraction(0): Fraction(1)}
        for t in h:
            grown: dict = {}
            for total, chance in output.items():
                for v, p in law:
                    key = total + Fraction(v * t, 2)
                    grown[key] = grown.get(key, 0) + chance * p
            output = grown
        pairs = [(y, z, p * q) for y, p in output.items() for z, q in output.items()]
        lengths = [(((x[0] + eta * y) ** 2 + (x[1] + eta * z) ** 2) / 2, p) for y, z, p in pairs]
        found = tuple(sum(p * m**k for m, p in lengths) for k in (1, 2))
        assert found == moments_after(x, h, eta, kurtosis)


# Attacks.

CHEATS = {
    "a term of a block": ("residual-linear-second-upper", 4, ("terms", "1"), "2*e^2 + 3*u*e^2"),
    "a dropped term": ("residual-linear-second-upper", 4, ("terms",), {"": "1", "1,1": "e^4 + 2*u*e^4"}),
    "a term too many": ("residual-linear-mean", 2, ("terms",), {"": "1", "1": "e^2", "2": "e^4"}),
    "an odd power": ("residual-linear-mean", 2, ("terms",), {"": "1", "1": "e"}),
    "another kurtosis": ("residual-linear-second-normal", 4, ("given", "weights"), ["1", "m4"]),
    "another order": ("residual-linear-second-normal", 4, ("order",), 1),
    "order 0": ("residual-linear-mean", 2, ("order",), 0),
    "order as text": ("residual-linear-mean", 2, ("order",), "1"),
    "no branch": ("residual-linear-second-normal", 5, ("branch",), "1"),
    "the trunk's width": ("residual-linear-second-normal", 5, ("branch",), "1 + 4*u"),
    "min for max": ("residual-linear-second-upper", 5, ("spreads",), {"min": ["1 + 2*u", "1 - u + u*m4"]}),
    "a missing spread": ("residual-linear-second-upper", 5, ("spreads",), {"max": ["1 + 2*u"]}),
    "a narrower spread": ("residual-linear-second-upper", 5, ("spreads",), {"max": ["1 + 2*u", "1 - u"]}),
    "an extra spread": (
        *("residual-linear-second-lower", 5, ("spreads",)),
        {"min": ["1 + 2*u", "1 - u + u*m4", "-5"]},
    ),
    "both branch factors": ("residual-linear-second-upper", 5, ("branches",), {"max": ["1 + 5*u"]}),
    "spread left out": ("residual-linear-second-upper", 5, ("factor",), "1 + 2*e^2 + 4*u*e^2 + e^4*p"),
    "the branch squared": ("residual-linear-second-upper", 5, ("factor",), "1 + 2*e^2 + 4*u*e^2 + s*e^4*p^2"),
    "the other relation": ("residual-linear-second-upper", 5, ("relation",), ">="),
    "a smaller rate": ("residual-linear-growth", 4, ("rate",), "1/2*e^2"),
    "no cross term": ("residual-relu-upper", 2, ("cross",), "0"),
    "half a cross term": ("residual-relu-upper", 2, ("cross",), "e"),
    "a faster rise": ("residual-relu-rising", 2, ("rise",), "2*e"),
    "a symbol in a block": ("residual-relu-upper", 2, ("growth",), "1 + e^2 + c"),
    "a smaller constant": ("residual-relu-upper", 3, ("square",), "1/3"),
    "a symbolic constant": ("residual-relu-upper", 3, ("square",), "m4"),
    "a constant below": ("residual-relu-upper-any", 4, ("constant",), "1/4"),
    "a negative constant": ("residual-relu-upper-any", 4, ("constant",), "-1"),
    "a plain root": ("residual-relu-square", 4, ("constant",), "c"),
    "a constant for one": ("residual-relu-lower-any", 4, ("constant",), "2"),
    "upper for lower": ("residual-relu-lower", 4, ("relation",), "<="),
    "no relation": ("residual-relu-lower", 4, ("relation",), "=="),
    "a constant for all laws": ("residual-relu-rising", 4, ("assumes",), []),
    "a foreign assumption": ("residual-relu-rising", 4, ("assumes",), ["bounded_kurtosis"]),
    "the square of the mean": ("residual-relu-rising", 4, ("factor",), "1 + 2*c*e"),
    "another single factor": ("residual-relu-attained", 4, ("factor",), "1 - 2*c*e + e^2"),
    "abs in place of relu": ("residual-relu-upper", 3, ("given", "halves"), ["1", "1"]),
    "another gain": ("residual-relu-upper", 3, ("given", "gain"), "1"),
    "another norm": ("residual-relu-second", 2, ("factors", "max"), ["1 + 4*u", "1 - u + 2*u*m4"]),
    "another power": ("residual-relu-second", 2, ("order",), 3),
    "a biased branch": ("residual-linear-mean", 0, ("given", "biases"), ["b2", "b4"]),
}


@pytest.mark.parametrize(("name", "step", "path", "value"), CHEATS.values(), ids=CHEATS.keys())
def test_cheats_are_rejected(name, step, path, value):
    proof = copy.deepcopy(stored_proof(name))
    place = proof["steps"][step]["concludes"]
    for key in path[:-1]:
        place = place[key]
    assert place[path[-1]] != value
    place[path[-1]] = value
    assert not accepted(proof)


@pytest.mark.parametrize("name", PROOFS)
def test_a_dropped_added_or_swapped_premise_is_rejected(name):
    for number, step in enumerate(stored_proof(name)["steps"]):
        sources = step.get("from", [])
        for other in (sources[1:], [*sources, 0], [0] * (len(sources) + 1), sources[::-1]):
            proof = stored_proof(name)
            if other == sources or step["rule"] == "cite_residual":
                continue
            proof["steps"][number]["from"] = other
            assert not accepted(proof), (number, other)


@pytest.mark.parametrize("widths", [[], [[2, 2]], [[2, 2], [2, 2]], [[1, 2], [1, 3]], [[2, 1], [2, 2]]])
def test_a_block_needs_enough_widths_as_wide_as_its_order(widths):
    proof = stored_proof("residual-linear-second-normal")
    proof["steps"][4]["widths"] = widths
    assert not accepted(proof)


def test_a_block_is_no_layer():
    """Rules about fully connected layers accept no judgement about blocks, and the other way round."""
    block = stored_proof("residual-linear-mean")["steps"][2]
    layer = stored_proof("residual-linear-mean")["steps"][0]
    shared = block["concludes"]["given"]
    total = {"judgement": "sum", "given": shared, "term": "e^2"}
    kept = {"judgement": "product", "given": shared, "order": 1, "factor": "1"}
    bound = {"judgement": "bound", "given": shared, "order": 1, "relation": "<=", "factors": {"max": ["1"]}}
    for rule, conclusion in (("telescope", total), ("iterate", kept), ("coefficient_bound", bound)):
        step = {"rule": rule, "from": [0], "concludes": conclusion}
        assert not accepted({"format": FORMAT, "steps": [block, step], "conclusions": [1]})
    mean = copy.deepcopy(stored_proof("residual-linear-mean"))
    mean["steps"][2] = {**layer, "from": []}
    assert not accepted(mean)


# Limits: the same attacks as on the theorems of `limit_rules`.


def test_every_theorem_is_used_and_assumes_what_has_a_meaning():
    cited = {stored_proof(name)["steps"][number]["theorem"] for name, number in CITING}
    assert cited == set(RESIDUAL_THEOREMS)
    needs = {n for t in RESIDUAL_THEOREMS.values() for listed in t.hypotheses.values() for n in listed}
    assert {need for need in needs if isinstance(need, str)} == set(RESIDUAL_ASSUMPTIONS)


@pytest.mark.parametrize("name, number, hypothesis", HYPOTHESES)
def test_a_dropped_hypothesis_is_missed(name, number, hypothesis):
    proof = stored_proof(name)
    del proof["steps"][number]["discharges"][hypothesis]
    checked = check_proof(proof)
    assert not checked.accepted
    assert hypothesis in checked.complaint


@pytest.mark.parametrize("name, number, hypothesis", HYPOTHESES)
@pytest.mark.parametrize("item", [0, 99, -1, True, None, "nested_net", "finite_variance", [], {}])
def test_a_hypothesis_is_not_discharged_by_something_else(name, number, hypothesis, item):
    honest = stored_proof(name)
    for place in range(len(honest["steps"][number]["discharges"][hypothesis])):
        proof = copy.deepcopy(honest)
        proof["steps"][number]["discharges"][hypothesis][place] = item
        assert not accepted(proof)


@pytest.mark.parametrize("name, number", CITING)
def test_a_conclusion_with_fewer_or_other_assumptions_is_rejected(name, number):
    honest = stored_proof(name)["steps"][number]["concludes"]["assumes"]
    for assumes in [honest[:i] + honest[i + 1 :] for i in range(len(honest))] + [[*honest, "zzz"], ["a"]]:
        proof = stored_proof(name)
        proof["steps"][number]["concludes"]["assumes"] = assumes
        assert not accepted(proof)


@pytest.mark.parametrize("name, number", CITING)
def test_a_theorem_says_only_what_it_says(name, number):
    for says in {t.says for t in RESIDUAL_THEOREMS.values()} | {"P = NP", ""}:
        proof = stored_proof(name)
        if proof["steps"][number]["concludes"]["says"] != says:
            proof["steps"][number]["concludes"]["says"] = says
            assert not accepted(proof)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("residual-linear-criterion", "1 + e^2", "1 + e^3"),
        ("residual-linear-criterion", '"relation": "<="', '"relation": ">="'),
        ("residual-linear-criterion", '"theorem": "infinite_product"', '"theorem": "exponential_bound"'),
        ("residual-relu-criterion", '"square": "1/2"', '"square": "1"'),
        ("residual-relu-criterion", "1 - 2*c*e + e^2", "1 - c*e + e^2"),
        ("residual-relu-criterion", '"theorem": "both_ways"', '"theorem": "product_of_squares"'),
        ("residual-growing-modules", "1 - 1/8*u", "1 - 1/7*u"),
        ("residual-growing-modules", "1 - 1/8*u", "1 - 2*u"),
        ("residual-convergent-sum", "1 + 2*c*e + e^2", "1 + c*e + e^2"),
        ("residual-harmonic-scales", "1 + e^2", "1 + e"),
        ("residual-sign-weights", "1 - 2*c*e + e^2", "1 - 3*c*e + e^2"),
    ],
)
def test_changed_constants_are_rejected(name, old, new):
    assert not changed(name, old, new)


def test_weaker_constants_are_true_and_accepted():
    assert changed("residual-relu-upper-any", '"constant": "1/2"', '"constant": "3/4"')
    assert changed("residual-relu-upper", '"square": "1/2"', '"square": "3/4"')
    assert changed("residual-growing-modules", "1 - 1/8*u", "1 - 1/9*u")


# Fuzz.

REPLACEMENTS = [
    *(
        0,
        1,
        2,
        3,
        5,
        -1,
        True,
        None,
        0.5,
        [],
        {},
        ["normal_weights"],
        "",
        "0",
        "1",
        "2",
        "3",
        "-1",
        "1/2",
        "1/3",
    ),
    *(
        "u",
        "m4",
        "e",
        "c",
        "s",
        "p",
        "e^2",
        "2*e",
        "1 + e^2",
        "1 + 5*u",
        "1 + 2*c*e + e^2",
        "1 - 2*c*e + e^2",
    ),
    *("1 + 2*u", "1 - u + u*m4", "e^4", "3/4", "<=", ">=", "max", "min", "block", "bent_block", "limit"),
    *(*RESIDUAL_ASSUMPTIONS, *RESIDUAL_THEOREMS, *(t.says for t in RESIDUAL_THEOREMS.values())),
]


def scalars(node, path=()):
    """Paths to all texts and numbers of a JSON object."""
    if isinstance(node, dict):
        return [p for key, child in node.items() for p in scalars(child, (*path, key))]
    if isinstance(node, list):
        return [p for i, child in enumerate(node) for p in scalars(child, (*path, i))]
    return [path]


PLACES = [(name, path) for name in PROOFS for path in scalars(stored_proof(name))]


@pytest.mark.full
@settings(max_examples=500, deadline=None)
@given(place=st.sampled_from(PLACES), replacement=st.sampled_from(REPLACEMENTS))
def test_one_change_is_rejected_or_leaves_true_conclusions(place, replacement):
    name, path = place
    honest = stored_proof(name)
    proof = copy.deepcopy(honest)
    *way, last = path
    parent = proof
    for key in way:
        parent = parent[key]
    parent[last] = replacement
    checked = check_proof(proof)
    if checked.accepted:
        every = [step["concludes"] for step in honest["steps"]]
        assert all(j in every or (j["judgement"] != "limit" and is_true(j)) for j in checked.conclusions)


def test_the_proofs_here_are_the_prover_s():
    assert set(PROOFS) == {name for name in ALL_PROOFS if name.startswith("residual-")}
