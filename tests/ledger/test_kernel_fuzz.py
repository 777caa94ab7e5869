"""Change one text or number anywhere in a true proof: the kernel rejects it, or what it says is still true.

Truth is decided by `theory`, numerically: the moment recursion run in rationals on several widths,
every symbol of the assumptions replaced by another number in each layer.
"""

from __future__ import annotations

import json
from copy import deepcopy
from itertools import pairwise

import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs_check import limit_proofs, prover
from proofs_check.kernel.check import check_proof
from proofs_check.kernel.polynomial import Polynomial
from theory.augmented import expand_power_of_length, from_power_sums
from theory.recursion import LawNumbers, ShapeNumbers, moment_recursion

# Other judgements have judges of their own: test_limits.py, test_bound_rules.py, test_residual_kernel.py.
_JUDGED = {"layer", "sum", "product", "bound", "permutation", "middle_layers"}


def _last(build) -> str:
    proof = build()
    return proof["steps"][proof["conclusions"][-1]]["concludes"]["judgement"]


PROOFS = {
    name: build
    for name, build in prover.PROOFS.items()
    if name not in limit_proofs.PROOFS and _last(build) in _JUDGED
}
WIDTHS = [(2, 3), (5, 1, 4), (3, 7, 2, 20)]
ORDER = 4


def value(text, numbers) -> fmpq:
    total = fmpq(0)
    for monomial, coefficient in Polynomial.of(text).terms.items():
        term = fmpq(coefficient.numerator, coefficient.denominator)
        for name, power in monomial:
            term *= numbers[name] ** power
        total += term
    return total


def symbols(j: int, width: int) -> dict[str, fmpq]:
    """Numbers for all symbols in layer j; at least 1, as kurtoses are."""
    names = [f"{letter}{i}" for letter in "mbc" for i in range(13)] + ["g"]
    return {name: 1 + fmpq(i + j, 7) for i, name in enumerate(names)} | {"u": fmpq(1, width)}


class Layers:
    """The recursion of order 4 under the assumptions of a judgement; what they leave open is filled."""

    def __init__(self, assumed, widths):
        self.widths = widths
        self.recursion = moment_recursion(ORDER, has_bias=True)
        self.numbers = [symbols(j, n) for j, n in enumerate(widths)]
        self.matrices = [self._matrix(assumed, j) for j in range(1, len(widths))]

    def _matrix(self, assumed, j):
        at, n = self.numbers[j], self.widths[j]

        def moments(name, filler):
            known = [fmpq(1), *(value(text, at) for text in assumed[name])]
            return known + [filler] * (ORDER + 1 - len(known))

        laws = LawNumbers(fmpq, moments("weights", fmpq(9)), moments("biases", fmpq(0)))
        shape = ShapeNumbers(
            fmpq(1),
            fmpq(1, n),
            [fmpq(max(n - i, 0), n) for i in range(ORDER + 1)],
            value(assumed["gain"], at),
            moments("halves", fmpq(1, 3)),
        )
        return self.recursion.matrix(self.recursion.law_rows(laws), shape)

    def moments(self) -> list[list[fmpq]]:
        """E M_j^k for j = 0..d, k = 0..order, for the input 1, 2, 3, ..."""
        n = self.widths[0]
        sums = [fmpq(sum(i ** (2 * r) for i in range(1, n + 1))) for r in range(ORDER + 1)]
        start = [
            from_power_sums(p, sums.__getitem__, fmpq(1)) / n ** sum(p) for p in self.recursion.partitions
        ]
        states = [start, *self.recursion.run(self.matrices, start)]
        return [[fmpq(1), *self.recursion.length_moments(state, fmpq)] for state in states]

    def row(self, target) -> dict:
        """The first layer's expectation of the target, by partition of the layer before."""
        combination = {tuple(target["augmented"]): 1} if "augmented" in target else None
        combination = combination or expand_power_of_length(target["length"])
        total: dict = {}
        for partition, count in combination.items():
            place = self.recursion.position[tuple(sorted(partition, reverse=True))]
            for i, entry in self.matrices[0][place]:
                source = self.recursion.partitions[i]
                total[source] = total.get(source, fmpq(0)) + count * entry
        return {p: entry for p, entry in total.items() if entry != 0}


def is_true(judgement) -> bool:
    return all(TRUTHS[judgement["judgement"]](judgement, Layers(judgement["given"], w)) for w in WIDTHS)


def layer_holds(judgement, layers) -> bool:
    claimed = {}
    for partition, text in judgement["coefficients"].items():
        parts = tuple(map(int, partition.split(","))) if partition else ()
        claimed[parts] = value(text, layers.numbers[1])
    return layers.row(judgement["target"]) == {p: c for p, c in claimed.items() if c != 0}


def ends(judgement, layers, k):
    moments = layers.moments()
    return moments[0][k], moments[-1][k], layers.numbers[1:]


def sum_holds(judgement, layers) -> bool:
    start, end, numbers = ends(judgement, layers, 1)
    return end == start + sum((value(judgement["term"], at) for at in numbers), fmpq(0))


def product_holds(judgement, layers) -> bool:
    start, end, numbers = ends(judgement, layers, int(judgement["order"]))
    for at in numbers:
        start *= value(judgement["factor"], at)
    return end == start


def bound_holds(judgement, layers) -> bool:
    start, end, numbers = ends(judgement, layers, int(judgement["order"]))
    ((choice, factors),) = judgement["factors"].items()
    for at in numbers:
        start *= {"max": max, "min": min}[choice](value(text, at) for text in factors)
    return end <= start if judgement["relation"] == "<=" else end >= start


def permutation_holds(judgement, layers) -> bool:
    k, first, *hidden = int(judgement["order"]), *layers.widths
    other = Layers(judgement["given"], (first, *reversed(hidden)))
    return layers.moments()[-1][k] == other.moments()[-1][k]


def middle_layers_hold(judgement, layers) -> bool:
    q = [row[2] for row in layers.moments()]
    d = len(q) - 1
    direct = sum((fmpq(2 * j - 1 - d) * q[j] for j in range(1, d + 1)), fmpq(0))
    total = fmpq(0)
    for k, (before, after) in enumerate(pairwise(q[1:]), start=2):
        weight = fmpq(1)
        for text in judgement["weight"]:
            weight *= value(text, {"k": fmpq(k), "d": fmpq(d)})
        total += weight * (after - before)
    return total == direct


TRUTHS = {
    "layer": layer_holds,
    "sum": sum_holds,
    "product": product_holds,
    "bound": bound_holds,
    "permutation": permutation_holds,
    "middle_layers": middle_layers_hold,
}
FALSEHOODS = [
    ("second-moment-normal", "5*u", "4*u"),
    ("mean", "1/2*b2", "1/3*b2"),
    ("theorem-5-upper", "5*u", "u"),
    ("theorem-5-lower", "2*u*m4", "3*u*m4"),
    ("corollary-2", "k - 1", "k"),
    ("permutation-normal", '"3"', '"9/5"'),
    ("second-moment", "6*u", "5*u"),
]


@pytest.mark.parametrize("name", PROOFS)
def test_what_true_proofs_conclude_is_true(name):
    assert all(is_true(judgement) for judgement in check_proof(PROOFS[name]()).conclusions)


@pytest.mark.parametrize("name, old, new", FALSEHOODS)
def test_truth_is_noticed_to_fail(name, old, new):
    """The numeric judge itself has teeth: it calls these conclusions false."""
    text = json.dumps(PROOFS[name]())
    assert old in text
    proof = json.loads(text.replace(old, new))
    assert not all(is_true(proof["steps"][i]["concludes"]) for i in proof["conclusions"])


def scalars(node, path=()):
    """Paths to all texts and numbers of a JSON object."""
    if isinstance(node, dict):
        return [p for key, child in node.items() for p in scalars(child, (*path, key))]
    if isinstance(node, list):
        return [p for i, child in enumerate(node) for p in scalars(child, (*path, i))]
    return [path]


PLACES = [(name, path) for name in PROOFS for path in scalars(PROOFS[name]())]
REPLACEMENTS = [
    *(0, 1, 2, 3, -1, 12, 13, 10**40, True, False, None, 0.5, 1.0, 2.0, float("nan"), [], {}, [0], "", "0"),
    *(
        "1",
        "2",
        "-1",
        "1/2",
        "1/3",
        "3",
        "u",
        "m4",
        "m6",
        "b2",
        "b4",
        "x1",
        "g",
        "k",
        "d",
        "1 + 5*u",
        "k - 1",
    ),
    *("max", "min", "<=", ">=", "layer", "product", "iterate", "commute", "width_identity", "9" * 5_000),
]
edits = st.sampled_from([(a, b) for a in "0123456789umbkd+-*^/ " for b in "0123456789umbkd+-*^/ " if a != b])


@pytest.mark.full
@settings(max_examples=500)
@given(place=st.sampled_from(PLACES), replacement=st.sampled_from(REPLACEMENTS) | edits)
def test_one_change_is_rejected_or_still_true(place, replacement):
    name, path = place
    proof = deepcopy(PROOFS[name]())
    *way, last = path
    parent = proof
    for key in way:
        parent = parent[key]
    if isinstance(replacement, tuple):
        old, new = replacement
        parent[last] = str(parent[last]).replace(old, new, 1)
    else:
        parent[last] = replacement
    checked = check_proof(proof)
    assert not checked.accepted or all(is_true(judgement) for judgement in checked.conclusions)
