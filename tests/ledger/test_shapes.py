"""What is malformed is refused at the kernel's door, by name: proof objects, polynomials, layers."""

from __future__ import annotations

from copy import deepcopy

import pytest

from proofs_check.kernel.check import check_proof
from proofs_check.kernel.expansion import LayerModel
from proofs_check.kernel.judgement import read_partition
from proofs_check.kernel.polynomial import Polynomial, PolynomialError
from proofs_check.kernel.shape import ProofError, checked_proof
from proofs_check.kernel.spelling import spelled
from proofs_check.prover import PROOFS, stored_proof

FIRST = "second-moment-normal"


def refusal(proof):
    """The door's complaint, "" if the proof is well-formed."""
    try:
        checked_proof(proof)
    except ProofError as error:
        return str(error)
    return ""


def one_of_each():
    """A judgement of every kind that a stored proof has, by kind."""
    return {
        s["concludes"]["judgement"]: s["concludes"] for name in PROOFS for s in stored_proof(name)["steps"]
    }


KINDS = one_of_each()
CONTENT = [(kind, key) for kind in KINDS for key in KINDS[kind] if key not in ("judgement", "given")]


def concluding(judgement):
    proof = stored_proof(FIRST)
    proof["steps"][0]["concludes"] = judgement
    return proof


def spoiled(value):
    """The value with a part of it, or the whole, of a kind that no judgement has."""
    yield from (None, 1.5)
    if isinstance(value, str):
        yield from (3, [value])
    if isinstance(value, int):
        yield from (str(value), True)
    if isinstance(value, list):
        yield from ("one", {}, [*value, 3], [*value, None])
    if isinstance(value, dict):
        yield from ("one", [], value | {"more": 3}, value | {"more": [3]})
        for key, part in value.items():
            if isinstance(part, str):
                yield from (value | {3: part}, value | {key: [part]})


@pytest.mark.parametrize(("kind", "key"), CONTENT)
def test_every_entry_of_every_judgement_is_checked_at_the_door(kind, key):
    """Rules then meet text where they read text, lists of text, or objects of these, and never fail."""
    whole = deepcopy(KINDS[kind])
    assert refusal(concluding(whole)) == ""
    for value in spoiled(whole[key]):
        assert refusal(concluding(whole | {key: value})).startswith("step 0:")


@pytest.mark.parametrize("key", ["weights", "biases", "halves", "gain"])
def test_every_assumption_is_checked_at_the_door(key):
    whole = KINDS["layer"]
    for value in spoiled(whole["given"][key]):
        changed = whole | {"given": whole["given"] | {key: value}}
        assert refusal(concluding(changed)).startswith("step 0:")


@pytest.mark.parametrize("claim", [{}, {"judgement": 3}, {"judgement": ["layer"]}, [], None, "layer"])
def test_a_conclusion_that_names_no_judgement(claim):
    assert refusal(concluding(claim)) == "step 0: no judgement"


def test_a_step_may_have_the_two_keys_that_it_needs_alone():
    step = {"rule": "any", "concludes": KINDS["layer"]}
    assert refusal(stored_proof(FIRST) | {"steps": [step], "conclusions": [0]}) == ""
    for key in step:
        less = {k: v for k, v in step.items() if k != key}
        assert refusal(stored_proof(FIRST) | {"steps": [less], "conclusions": [0]}) == "step 0: keys"


def test_conclusions_end_with_the_last_step():
    proof = stored_proof(FIRST)
    count = len(proof["steps"])
    assert refusal(proof | {"conclusions": [count - 1]}) == ""
    for beyond in (count, -1):
        assert refusal(proof | {"conclusions": [beyond]}) == "a conclusion that is no step"


def long_proofs(count):
    """Proofs with so many steps, conclusions, assumed moments or coefficients."""
    proof = stored_proof(FIRST)
    yield proof | {"steps": [proof["steps"][0]] * count}
    yield proof | {"conclusions": [0] * count}
    layer = KINDS["layer"]
    yield concluding(layer | {"given": layer["given"] | {"weights": ["1"] * count}})
    yield concluding(layer | {"coefficients": {str(k): "1" for k in range(count)}})


def test_lists_and_objects_end_at_a_thousand_entries():
    assert [refusal(proof) for proof in long_proofs(1_000)] == [""] * 4
    for proof in long_proofs(1_001):
        assert "at most 1000" in refusal(proof)


# Polynomials.


@pytest.mark.parametrize("value", [None, 1.5, ["u"], b"u", {}])
def test_what_is_neither_text_nor_a_number_is_no_polynomial(value):
    with pytest.raises(PolynomialError, match="written as text"):
        Polynomial.of(value)


def test_polynomial_text_ends_at_twenty_thousand_characters():
    assert Polynomial.of("u".ljust(20_000)) == Polynomial.of("u")
    with pytest.raises(PolynomialError):
        Polynomial.of("u".ljust(20_001))


@pytest.mark.parametrize("polynomial", ["0", "u - u", "5", "w^3"])
def test_what_does_not_name_a_variable_has_degree_0_in_it(polynomial):
    assert Polynomial.of(polynomial).degree("u") == 0


def test_a_wrong_monomial_is_quoted_up_to_sixty_characters():
    """A complaint stays one short line however long the text."""
    with pytest.raises(PolynomialError) as caught:
        Polynomial.of("(" * 500)
    assert str(caught.value).count("(") == 60


# What the kernel says and counts.


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-3*u + m4", "-3/n[j]+kappa"),
        ("-u", "-1/n[j]"),
        ("-m4", "-kappa"),
        ("-12*m4*u^2", "-12*kappa/n[j]**2"),
    ],
)
def test_a_leading_minus_is_said_once_and_loses_nothing(text, said):
    assert spelled(text, {"m4": "kappa"}, "n[j]") == said


def model(l):
    """Linear neurons of normal weights and no bias, with moments up to 2l."""
    one, nothing = Polynomial.of(1), Polynomial({})
    normal = [one, one, Polynomial.of(3), Polynomial.of(15)]
    return LayerModel(normal[: l + 1], [one, *[nothing] * l], one, [one] * (l + 1))


def test_the_moment_of_order_0_is_1_at_every_width():
    for m in (1, 2, 3):
        assert model(2).neuron(0, m) == Polynomial.of(1)


def test_expectations_need_one_power_for_each_index():
    """A tuple of two indices with one power would lose a factor."""
    assert model(1).expect([(0,), (1,)], [1], 1) == Polynomial.of("2*x1")
    with pytest.raises(ValueError, match=r"shorter|longer"):
        model(1).expect([(0, 1)], [1], 1)


def test_complaints_quote_forty_characters_of_what_a_proof_calls_things():
    """Of a rule's name and of a partition, so that a complaint stays one short line."""
    text = "1," * 30
    proof = stored_proof(FIRST)
    proof["steps"][0]["rule"] = text
    assert check_proof(proof).complaint == f"step 0: unknown rule {text[:40]!r}"
    ascending = ",".join(map(str, range(1, 30)))
    with pytest.raises(ProofError) as caught:
        read_partition(ascending)
    assert str(caught.value) == f"not a partition: {ascending[:40]!r}"
