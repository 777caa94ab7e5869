"""The kernel that checks proofs of statements: what it accepts, what it has to reject, what it reads.

The review's attacks each proved a false statement once. A corrupted proof that is still accepted is judged
by a second route: it proves no false statement, and its lemmas hold on enumerated or recursed networks.
"""

from __future__ import annotations

import ast
import copy
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flint import arb, fmpq
from sixty import FALSE, TRUE
from statement_traces import number, polynomial_at, trace

from proofs_check.family import parse_family
from proofs_check.language.evaluate import evaluate
from proofs_check.language.parse import parse
from proofs_check.moment_sources import OracleMoments, RecursionMoments
from proofs_check.oracle import rational_bias_variances
from proofs_check.statement_kernel import check
from proofs_check.statement_kernel.algebra import Fraction, read, symbol
from proofs_check.statement_kernel.check import FORMAT, check_proof
from proofs_check.statement_kernel.domain import Domain
from proofs_check.statement_kernel.model import Model
from proofs_check.statement_kernel.rejection import RejectedProofError
from proofs_check.statement_proofs import prove
from theory.network import FullyConnected

PLACES = range(len(TRUE))
HYPOTHESIS = {"fact": "hypothesis", "times": "1"}


@cache
def proof_of(place: int) -> Any:
    text, where = TRUE[place]
    return prove(parse(text), parse_family(where), seconds=30)


def accepted(text: str, where: str, proof: Any) -> bool:
    try:
        check_proof(parse(text), parse_family(where), proof)
    except RejectedProofError:
        return False
    return True


@pytest.mark.fast_cases("?")
@pytest.mark.parametrize("place", PLACES)
def test_true_statements_are_proved_and_their_proofs_prove_no_false_one(place: int) -> None:
    text, where = TRUE[place]
    assert accepted(text, where, proof_of(place))
    assert not [false for false in FALSE if accepted(*false, proof_of(place))]


@pytest.mark.fast_cases("false?")
@pytest.mark.parametrize("false", FALSE)
def test_false_statements_are_not_proved(false: tuple[str, str]) -> None:
    assert prove(parse(false[0]), parse_family(false[1]), seconds=0.4) is None


BETWEEN = "E[M[d]**2] {} M[0]**2*{}(1+5/n[j], 1-1/n[j]+2*kappa/n[j]), j, 1, d)"
ANY_LAW = (
    BETWEEN.format("<=", "prod(max"),
    BETWEEN.format(">=", "prod(min"),
    "E[M[d]**2] <= M[0]**2*exp(sum(max(5, 2*kappa-1)/n[j], j, 1, d))",
)
NOT_ANY_LAW = (
    BETWEEN.format("<=", "prod(min"),
    BETWEEN.format(">=", "prod(max"),
    BETWEEN.format("<=", "prod(max").replace("1+5", "1+4.9"),
    "E[M[d]**2] <= M[0]**2*exp(sum(min(5, 2*kappa-1)/n[j], j, 1, d))",
)


@pytest.mark.parametrize("text", ANY_LAW)
def test_bounds_with_the_largest_or_smallest_of_a_layer_are_proved(text: str) -> None:
    """Theorem 5 for every law at once, with the constant in place."""
    proof = prove(parse(text), parse_family("weights=any"), seconds=60)
    assert accepted(text, "weights=any", proof)
    assert not [wrong for wrong in NOT_ANY_LAW if accepted(wrong, "weights=any", proof)]


@pytest.mark.full
@pytest.mark.parametrize("text", NOT_ANY_LAW)
def test_the_other_extreme_is_not_proved(text: str) -> None:
    assert prove(parse(text), parse_family("weights=any"), seconds=0.4) is None


# Proof objects, short.


def case(*terms: Any, widths: Any = (1, None), **more: Any) -> dict[str, Any]:
    return {"widths": list(widths), "terms": list(terms), **more}


def induction(base: Any, step: Any) -> dict[str, Any]:
    return {"base": [base], "step": [step]}


def part(goal: Any, *lemmas: Any, base: Any = 0, sense: str = ">=") -> dict[str, Any]:
    return {"base": base, "sense": sense, "lemmas": list(lemmas), "goal": goal}


def taylor(times: str) -> dict[str, Any]:
    return {"bound": "y1", "rate": "1", "degree": 1, "times": times}


def whole(*parts: Any) -> dict[str, Any]:
    return {"format": FORMAT, "parts": list(parts)}


WIDE: Any = (1000, None)
LATE_MOMENT = part(
    {"direct": case({"fact": 1, "times": "1"}, {"fact": 2, "times": "1"}, widths=WIDE)},
    {
        "claim": "q1^3 - m^3*p3",
        "equal": True,
        **induction(case(widths=WIDE), case(HYPOTHESIS | {"times": "1/8"}, widths=WIDE)),
    },
    {
        "claim": "q3 - 8*p3*m^3 + 8*p2*m^3",
        **induction(
            case(widths=WIDE),
            case({"moments": [[3, 0, 0], [1, 1, 1]], "times": "1"}, {"fact": 0, "times": "1"}, widths=WIDE),
        ),
    },
    {
        "claim": "m^3*p1 - q3",
        **induction(case(widths=WIDE), case(HYPOTHESIS | {"times": "1/7"}, widths=WIDE)),
    },
)
NEXT_LAYER = part(
    induction(case({"square": "u - 1/2", "times": "1"}), case(HYPOTHESIS, {"fact": 0, "times": "-u"})),
    {"claim": "v - u", "equal": True, **induction(case(), case())},
    base=1,
    sense="<=",
)
FLOOR_OF_RANGE = part(
    {"direct": case(widths=(1, 2), floors={"v": 0})}, {"claim": "v - 1/2", "direct": case(widths=(1, 2))}
)
FLOOR_IS_STRICT = part(
    {"direct": case(floors={"p1": 0})}, {"claim": "p1 - 1", **induction(case(), case(HYPOTHESIS))}
)
EXPONENT_AT_0 = part(induction(case(taylor("1")), case(HYPOTHESIS, taylor("p1"))), base=1)

FIRST_EXTREME = part(induction(case({"extreme": "z1", "of": 0, "times": "1"}), case(HYPOTHESIS)), base=1)

# q2 is E M_d^2; its next value lies between two multiples of itself.
ONE_MULTIPLE = {
    power: part(
        induction(case(), case(HYPOTHESIS | {"times": f"1 + {power}*u"})), sense="<=" if power == 1 else ">="
    )
    for power in (1, 5)
}
FIVE_FROM_ABOVE = part(induction(case(), case(HYPOTHESIS | {"times": "1 + 5*u"})), sense="<=")
SPLIT_BASE = part({"base": [case(widths=(1, 3)), case(widths=(4, None))], "step": [case(HYPOTHESIS)]}, base=1)
CITES_A_LEMMA = part(
    {"direct": case({"fact": 0, "times": "1"})}, {"claim": "p1 - 1", **induction(case(), case(HYPOTHESIS))}
)


def shortest_width(low: int, high: int) -> Any:
    return part({"direct": case(widths=(low, high))})


# What each attacks (all but the last sum were accepted once), a false or meaningless statement, the proof.
ATTACKS = {
    "the sign of a layer's share at depth 0": (
        "sum(j-2, j, 1, d) >= 0",
        "",
        part({"direct": case()}, base=1),
    ),
    "the sign of a divisor at depth 0": (
        "sum(1/(j-3/2), j, 1, d) >= 0",
        "",
        part({"direct": case()}, base=1),
    ),
    "a variable named g": (
        "prod(2**g, g, 1, d) == 4**d",
        "",
        part(induction(case(), case(HYPOTHESIS | {"times": "4"}))),
    ),
    "a lemma about the layer that follows": (
        "sum(1/(n[j]*n[j-1]), j, 1, d) <= sum(1/n[j]**2, j, 1, d) + 1/4",
        "",
        NEXT_LAYER,
    ),
    "a floor under a symbol of a range": ("1/n[d] >= 2/3", "widths=1..2", FLOOR_OF_RANGE),
    "strictness above a floor": ("prod(n[j], j, 1, d) > 1", "", FLOOR_IS_STRICT),
    "a moment that joins late": (
        "E[M[d]] - E[M[d]] + M[0]**3*((1/7)**d + 8*(1/64)**d) >= 8*M[0]**3*(1/8)**d",
        "variance_gain=1; widths=1000..1000000000000",
        LATE_MOMENT,
    ),
    "the exponent of the first layer": ("exp(sum(j, j, 1, d)) >= 3", "", EXPONENT_AT_0),
    "a sum in an exponent from 2 on": ("exp(sum(1/n[j], j, 2, d)) > 1", "", EXPONENT_AT_0),
    "a sum in an exponent up to d - 1": ("exp(sum(1/n[j], j, 1, d-1)) > 1", "", EXPONENT_AT_0),
    "a variance gain of 0": ("E[M[d]] == M[0]", "variance_gain=0", part({"direct": case()})),
    "a random quantity": ("M[d] >= 0", "", part({"direct": case()})),
    "the largest of a layer's quantities after depth 1": ("sum(max(j, 0), j, 1, d) >= 2", "", FIRST_EXTREME),
    "a smallest quantity taken for a largest": ("sum(min(j, 1), j, 1, d) >= 2", "", FIRST_EXTREME),
    "a factor that may be negative": ("prod(max(-1/2, -j), j, 1, d) >= 0", "", part({"direct": case()})),
    "a term that may be negative": ("sum(min(1/n[j], -1), j, 1, d) >= 0", "", part({"direct": case()})),
    "a divisor of a divisor": ("1/(1/(d-1)) == d-1", "", part({"direct": case()})),
    "the smallest share of a width": ("1/n[d] >= 1/500", "widths=1..1000", shortest_width(1, 1000)),
    "a power beyond 64": ("n[0]**65 >= 1", "", part({"direct": case()})),
    "the largest multiple alone": (
        "E[M[d]**2] >= M[0]**2*prod(1+5/n[j], j, 1, d)",
        "weights=rademacher",
        ONE_MULTIPLE[5],
    ),
    "the smallest multiple alone": (
        "E[M[d]**2] <= M[0]**2*prod(1+1/n[j], j, 1, d)",
        "weights=rademacher",
        ONE_MULTIPLE[1],
    ),
    "a kurtosis of 1 for any": (
        "E[M[d]**2] <= M[0]**2*prod(1+5/n[j], j, 1, d)",
        "weights=any",
        FIVE_FROM_ABOVE,
    ),
    "a base split where there is no layer": (
        "E[M[d]**2] >= 0",
        "",
        {**SPLIT_BASE, "base": 0},
    ),
    "the hypothesis at the base": (
        "prod(n[j], j, 1, d) >= 2**d",
        "",
        part(induction(case(HYPOTHESIS), case(HYPOTHESIS | {"times": "2"}))),
    ),
    "a divisor that cancels": ("E[M[d]]*(d-1)/(d-1) == M[0]", "", part({"direct": case()})),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_are_rejected(name: str) -> None:
    text, where, attack = ATTACKS[name]
    assert not accepted(text, where, whole(attack))


def test_true_neighbours_of_the_attacks_are_accepted() -> None:
    """What the attacks abused still serves: floors, shadowed variables, exponents that depend on j."""
    assert accepted("exp(sum(1/n[j], j, 1, d)) > 1", "", whole(EXPONENT_AT_0))
    assert accepted("prod(n[j], j, 1, d) >= 1", "", whole(FLOOR_IS_STRICT))
    assert accepted("sum(g, g, 1, d) >= 0", "", whole(part({"direct": case()})))
    assert accepted("sum(max(j, 0), j, 1, d) >= 1", "", whole(FIRST_EXTREME))
    assert accepted("sum(min(1/n[j], 1), j, 1, d) >= 0", "", whole(part({"direct": case()})))
    assert accepted("1/n[d] >= 1/1000", "widths=1..1000", whole(shortest_width(1, 1000)))
    assert accepted("n[0]**64 >= 1", "", whole(part({"direct": case()})))
    assert accepted("E[M[d]**2] >= 0", "", whole(SPLIT_BASE))
    assert accepted("prod(n[j], j, 1, d) >= 1", "", whole(CITES_A_LEMMA))
    second = "E[M[d]**2] {} M[0]**2*prod(1+{}/n[j], j, 1, d)"
    assert accepted(second.format(">=", 5), "weights=normal", whole(ONE_MULTIPLE[5]))
    assert accepted(second.format("<=", 5), "weights=rademacher", whole(FIVE_FROM_ABOVE))
    two = part(induction(case(taylor("1")), case(HYPOTHESIS, taylor("p1"))), base=1)
    assert accepted("exp(sum(j, j, 1, d)) >= 2", "", whole(two))


def by_taylor(degree: int, rate: str = "1") -> Any:
    term = {"bound": "y1", "rate": rate, "degree": degree}
    return whole(
        part(induction(case(term | {"times": "1"}), case(HYPOTHESIS, term | {"times": "p1"})), base=1)
    )


def test_degrees_of_taylor_polynomials_are_odd_and_at_most_15() -> None:
    text = "exp(sum(1/n[j], j, 1, d)) > 1"
    assert [n for n in range(-1, 20) if accepted(text, "", by_taylor(n))] == [*range(1, 16, 2)]


def test_taylor_polynomials_end_at_their_degree() -> None:
    """e > 1 + 1 is of degree 1, e > 1 + 1 + 1/2 + 1/6 of degree 3; h = 1 at width 1 alone."""
    for text, enough in (("> 3/2", 1), (">= 2", 1), (">= 21/10", 3), (">= 8/3", 3), (">= 27/10", 5)):
        found = [n for n in (1, 3, 5) if accepted(f"exp(sum(1, j, 1, d)) {text}", "", by_taylor(n))]
        assert found == [n for n in (1, 3, 5) if n >= enough]


def test_rates_that_are_logarithms_are_rounded_down() -> None:
    """log 2 lies between 0.69314 and 0.69315."""
    text = "exp(log(2)*sum(1/n[j], j, 1, d)) > 1"
    rates = ("1/2", "69314/100000", "69315/100000", "7/10")
    assert [rate for rate in rates if accepted(text, "", by_taylor(1, rate))] == ["1/2", "69314/100000"]


MALFORMED_WIDTHS: list[Any] = [
    *([[1, 0], [1, None]], [[1, -5], [-4, None]], [[True, None]], [[1.0, None]], [[1, 2], [4, None]]),
    *([[1, 2.5], [3.5, None]], [[2, None]], [[1, 9]], [[1, None], [1, None]], [], ["1N"], [[1, None, 7]]),
    *([[1, 2], [2, None]], [[1, 2], [3, 4], [3, None]], [[2, 3], [4, None]], [[1, 2], [3, 9]]),
    *([[None, None]], [[1, float("nan")], [2, None]], [["1", None]], [[0, None]]),
]


@pytest.mark.parametrize("ranges", [[[1, None]], [[1, 1], [2, None]], [[1, 3], [4, 4], [5, None]]])
def test_widths_that_cover_the_family(ranges: Any) -> None:
    good = part(induction(case(), case(HYPOTHESIS)))
    good["goal"]["step"] = [case(HYPOTHESIS, widths=widths) for widths in ranges]
    assert accepted("E[M[d]**2] >= 0", "", whole(good))


@pytest.mark.parametrize("ranges", MALFORMED_WIDTHS)
def test_widths_have_to_cover_the_family(ranges: Any) -> None:
    good = part({**induction(case(), case(HYPOTHESIS))})
    assert accepted("E[M[d]**2] >= 0", "", whole(good))
    good["goal"]["step"] = [{"widths": widths, "terms": [HYPOTHESIS]} for widths in ranges]
    assert not accepted("E[M[d]**2] >= 0", "", whole(good))


TIMES = ("parts", 0, "goal", "base", 0, "terms", 0, "times")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "u^2^3",
        "1/0",
        "u^-1",
        "q2/u",
        "(u)",
        "2 3",
        "nan",
        "inf",
        "1e9",
        "0.5",
        "é",
        "u" * 3000 + "(",
        "1" * 3000 + "(",
        None,
        1,
        True,
        0.5,
        ["u"],
        b"u",
    ],
)
def test_texts_that_are_no_polynomials(text: Any) -> None:
    """In the place of the factor 1, or of a claim, of proofs that are accepted."""
    assert not accepted("exp(sum(1/n[j], j, 1, d)) > 1", "", replaced(whole(EXPONENT_AT_0), TIMES, text))
    lemma = whole(part({"direct": case()}, {"claim": text, "direct": case()}))
    assert not accepted("E[M[d]**2] >= 0", "", lemma)


@pytest.mark.parametrize(
    "term",
    [
        *({"fact": place, "times": "1"} for place in (0, -1, 10**30, 0.0, "0", None)),
        {"fact": "hypothesis", "times": "-1"},
        {"moments": [[1, 1], [2, 0]], "times": "1"},
        {"moments": [[2, 0], [1, 0]], "times": "1"},
        {"moments": [[-1, 5], [2, 2]], "times": "1"},
        {"moments": [[7, 0], [4, 3]], "times": "1"},
        {"bound": "y1", "rate": "11/10", "degree": 1, "times": "1"},
        {"bound": "y1", "rate": "1", "degree": 2, "times": "1"},
        {"bound": "y1", "top": "27/10", "end": "1", "times": "1"},
        {"bound": "y1", "top": "27", "end": "1/2", "times": "1"},
        {"bound": "y2", "rate": "1", "degree": 1, "times": "1"},
        {},
    ],
)
def test_terms_that_are_no_facts(term: Any) -> None:
    """Each stands in a proof that is accepted without it, and takes away nothing when it is cited 0 times."""
    text, plain = "exp(sum(1/n[j], j, 1, d)) > 1", copy.deepcopy(EXPONENT_AT_0)
    plain["goal"]["step"][0]["terms"].append(term)
    assert not accepted(text, "", whole(plain))


# Corrupted proofs.


def nodes(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    yield path, tree
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, child in items:
        yield from nodes(child, (*path, key))


def replaced(proof: Any, path: tuple[Any, ...], value: Any) -> Any:
    fresh = copy.deepcopy(proof)
    at = fresh
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return fresh


def dropped(proof: Any, path: tuple[Any, ...]) -> Any:
    fresh = copy.deepcopy(proof)
    at = fresh
    for key in path[:-1]:
        at = at[key]
    del at[path[-1]]
    return fresh


def broken(proof: Any) -> Iterator[Any]:
    """Wrong shapes: none of these is a proof of anything."""
    needed = {
        "format",
        "parts",
        "base",
        "sense",
        "lemmas",
        "claim",
        "step",
        "widths",
        "terms",
        "times",
        "goal",
    }
    for path, value in nodes(proof):
        if path and path[-1] in needed:
            yield dropped(proof, path)
            if value != []:
                yield replaced(proof, path, None)
        if path and path[-1] in ("times", "claim"):
            yield from (replaced(proof, path, wrong) for wrong in (1, 0.5, "2*", f"{value} + z"))
        if path and path[-1] == "widths":
            low, high = value
            yield from (
                replaced(proof, path, wrong)
                for wrong in ([low + 1, high], [float(low), high], [high, low])
                if wrong != value
            )


def twisted(proof: Any) -> Iterator[Any]:
    """Other numbers, symbols, places: mostly no proofs, sometimes other proofs of the same."""
    for path, value in nodes(proof):
        key = path[-1] if path else None
        if key in ("times", "claim", "square", "at"):
            yield from (replaced(proof, path, text) for text in _other_texts(value))
        elif key == "fact":
            yield from (replaced(proof, path, other) for other in (0, 1, -1, "hypothesis"))
        elif key == "base" and isinstance(value, int):
            yield replaced(proof, path, 1 - value)
        elif key == "sense":
            yield replaced(proof, path, {"<=": ">=", ">=": "<="}[value])
        elif isinstance(value, list) and value and key != "widths":
            yield from (replaced(proof, path, value[:-1]), replaced(proof, path, value[1:]))
        elif key == "floors":
            yield replaced(proof, path, dict.fromkeys(("v", "u", "p1", "q2", "D", "m"), 0))
        elif key == "equal":
            yield replaced(proof, path, False)


def _other_texts(text: str) -> Iterator[str]:
    polynomial = read(text)
    yield from map(
        str, (-polynomial, 2 * polynomial, polynomial / 2, polynomial * symbol("u"), polynomial + 1)
    )
    for name in sorted(set(re.findall(r"[a-zA-Z]\w*", text))):
        for other in ("u", "v", "m", "q2", "p1", "D"):
            yield re.sub(rf"\b{name}\b", other, text)


@pytest.mark.fast_cases("?")
@pytest.mark.parametrize("place", PLACES)
def test_broken_proofs_are_rejected(place: int) -> None:
    """Each shape that each step can lose."""
    for mutant in broken(proof_of(place)):
        assert not accepted(*TRUE[place], mutant), mutant


@pytest.mark.fast_cases("?")
@pytest.mark.parametrize("place", PLACES)
def test_twisted_proofs_prove_nothing_false(place: int) -> None:
    text, where = TRUE[place]
    """Each change of each step: rejected, or a proof of the same whose lemmas hold."""
    alive = [
        mutant
        for mutant in twisted(proof_of(place))
        if mutant != proof_of(place) and accepted(text, where, mutant)
    ]
    for mutant in alive:
        assert not [false for false in FALSE if accepted(*false, mutant)]
        lemmas_hold(text, where, mutant)


def lemmas_hold(text: str, where: str, proof: Any) -> None:
    """The lemmas of an accepted proof at every depth of a few networks."""
    statement, family = parse(text), parse_family(where)
    laws = family.weights or (None,)
    for place, piece in enumerate(proof["parts"]):
        if not piece["lemmas"]:
            continue
        link, law = divmod(place, len(laws))
        model = Model(family, laws[law])
        for side in statement.sides[link : link + 2]:
            model.value(side)
        for network in sampled(where, laws[law]):
            for lemma in piece["lemmas"]:
                for values in trace(model, network, RecursionMoments(network))[piece["base"] :]:
                    for x in (-2, 0, 1, 3):
                        value = polynomial_at(read(lemma["claim"]), values | {"x": fmpq(x)})
                        assert value == 0 if lemma.get("equal") else not value < 0, lemma


def sampled(where: str, law: Any) -> list[FullyConnected]:
    family = parse_family(where)
    low = family.widths[0]
    shapes = [(low, low, low, low), (low, low + 2, low + 1, low)]
    laws = [law] if law is not None else ["rademacher", "laplace"]
    bias = {"bias_weights": family.bias or "normal", "bias_variance": fmpq(1, 2)} if family.has_bias else {}
    common = {"variance_gain": family.variance_gain, "activation": family.activation}
    return [FullyConnected(shape, weights=each, **bias, **common) for shape in shapes for each in laws]


# The reading of statements, against the evaluator and moments by enumeration.

SIDES = (
    *(
        "E[M[d]]",
        "Var[M[d]]",
        "E[M[d]**3]",
        "Var[2*M[d] - 1]",
        "E[(M[d] - M[0])**2]/M[0]",
        "E[Var[M[d]]*M[d]]",
    ),
    *("d/n[0] - g*kappa/n[d]", "sum(j*nu2[j]/n[j-1] - g**2, j, 1, d)", "prod(nu4[j] - 2/n[j]**2, j, 1, d)"),
    *("sum(d*n[d-1], d, 1, d)", "sum(g/kappa, g, 1, d)", "(-2/3)**d + min(2, g, 1/3)*abs(-3) + max(g, 1)"),
    *("exp(-sum(1/n[j], j, 1, d)*2 + d*log(3) - log(2)*d/1 + log(5))", "exp(sum(j/n[0], j, 1, d)/2 + d)"),
    *("sum(max(j/n[j], kappa-2/n[0], 1/2), j, 1, d)", "prod(min(1+5/n[j], 1+(2*kappa-1)/n[j]), j, 1, d)"),
    *("sum(M[0]*j**2, j, 1, d)", "exp(3*log(2)*sum(1/n[j], j, 1, d) + sum(nu2[j], j, 1, d))"),
)
FAMILIES = (
    *("weights=rademacher", "weights=any", "weights=rademacher; bias=rademacher", "weights=any; bias=any"),
    *(
        "weights=rademacher; activation=abs; widths=1..1",
        "weights=rademacher; activation=linear; widths=3..3",
    ),
    *("weights=rademacher; activation=leaky_relu:-1/2; widths=2..5; input=ones",),
    *("weights=rademacher; activation=slopes:2:-1/3; variance_gain=3/7; bias=rademacher",),
    *("weights=rademacher; variance_gain=2; depth=2..2",),
)
ONLY_WITHOUT_BIAS = ("E[EmpVar]", "E[2*EmpVar - M[d]**2]/d")


def enumerated(where: str) -> Iterator[FullyConnected]:
    family = parse_family(where)
    law = family.weights[0] if family.weights else "rademacher"
    shapes = ((1, 1), (1, 1, 1), (1, 2, 1), (2, 2), (2, 1, 2), (2, 2, 2), (3, 3), (3, 3, 3))
    shapes = shapes[:4] if family.has_bias else shapes
    for shape in filter(family.admits, shapes):
        values = [fmpq(1, 2), *[fmpq(-2)] * (shape[0] - 1)] if family.any_input else None
        bias: dict[str, Any] = {}
        plain = FullyConnected(
            shape, weights=law, variance_gain=family.variance_gain, activation=family.activation, input=values
        )
        if family.has_bias:
            bias = {"bias_weights": "rademacher"}
            unscaled = plain.replaced(**bias)
            plain = unscaled.replaced(bias_variance=rational_bias_variances(unscaled, fmpq(1)))
        yield plain


@pytest.mark.parametrize("where", FAMILIES)
def test_the_model_reads_what_the_evaluator_reads(where: str) -> None:
    family, compared = parse_family(where), 0
    any_law = family.weights is None
    for text in SIDES + (() if family.has_bias or family.variance_gain == fmpq(3, 7) else ONLY_WITHOUT_BIAS):
        if any_law and "**3" in text:
            continue
        statement = parse(f"{text} == 0")
        model = Model(family, family.weights[0] if family.weights else None)
        read_as = model.value(statement.sides[0])
        for network in enumerated(where):
            moments = OracleMoments(network)
            expected = evaluate(statement, network, moments).sides[0]
            value = number(read_as, trace(model, network, moments)[-1])
            same = value == expected if isinstance(value, fmpq) else arb(value).overlaps(arb(expected))
            assert same, (text, network)
            assert isinstance(value, fmpq) or arb(value).rel_accuracy_bits() > 20 or value == 0
            compared += 1
    assert compared >= 10


def test_a_step_that_is_too_narrow_is_noticed() -> None:
    """The mutant of the test before: a step twice as large leaves the moments outside."""
    family = parse_family("weights=uniform")
    model = Model(family, family.weights[0])
    model.moment(2)
    network = FullyConnected((2, 2, 2), weights="uniform")
    trace(model, network, RecursionMoments(network))
    model.step["q2"] = model.step["q2"] * Fraction.of(fmpq(2))
    with pytest.raises(AssertionError):
        trace(model, network, RecursionMoments(network))


def test_signs_and_strictness_at_the_ends_of_ranges() -> None:
    """u = 0 belongs to no width and 1/high does; a symbol that may be 0 makes nothing positive."""
    every = Domain(Model(parse_family("weights=any; bias=any"), None), 1)
    for text in ("u", "v", "D", "m", "k - 1 + u", "nu4 - nu2^2 + w"):
        assert every.positive(read(text)), text
    for text in ("1 - u", "k - 1", "nu2", "nu4 - nu2^2", "D - 1", "t1", "1 - v"):
        assert every.nonnegative(read(text)), text
        assert not every.positive(read(text)), text
    for text in ("x", "u - 1/9", "nu4 - nu2", "D - 2", "k - 101/100", "u - v", "-m"):
        assert not every.nonnegative(read(text)), text
    some = every.with_floors((2, 8), {}, [])
    assert some.positive(read("u - 1/9"))
    assert not some.positive(read("u - 1/8"))
    assert some.nonnegative(read("u - 1/8"))


# The size of the checker, and what it imports.


def code_lines(path: Path) -> int:
    """Lines with code: no blank lines, comments and docstrings."""
    source = path.read_text(encoding="utf-8")
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, documented) and ast.get_docstring(node) is not None
        for line in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    }
    layout = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    found = {
        line
        for token in tokens
        if token.type not in (*layout, tokenize.ENDMARKER)
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(found - docstrings)


def test_the_checker_is_small_and_stands_alone() -> None:
    """What reads statements into layers (`model.py`) is counted by itself: it is no part of checking."""
    folder = Path(check.__file__).parent
    checker = [folder / f"{name}.py" for name in ("algebra", "check", "domain", "rejection")]
    assert {path.name for path in folder.glob("*.py")} == {
        *(p.name for p in checker),
        "model.py",
        "__init__.py",
    }
    assert sum(map(code_lines, checker)) < 300
    assert code_lines(folder / "model.py") < 300
    for path in folder.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "sympy" not in text
        assert "statement_proofs" not in text
