"""What a judgement says, in the statement language: the link between a proof and a claim.

A claim with a statement counts as proved only if the statement is, after parsing, the text
rendered here, and its family lies within the one that the judgement assumes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import factorial

from proofs_check.kernel.polynomial import Polynomial
from proofs_check.kernel.rules import Judgement

__all__ = ["assumed_family", "statement_of"]

_PER_LAYER = {"m4": "kappa", "b2": "nu2[j]", "b4": "nu4[j]"}


def statement_of(judgement: Judgement) -> str | None:
    """The statement, or None for a judgement that the language cannot say, symbols included.

    >>> statement_of({"judgement": "product", "order": 2, "factor": "1 + 5*u"})
    'E[M[d]**2] == M[0]**2*prod(1+5/n[j], j, 1, d)'
    """
    kind = judgement["judgement"]
    if not _sayable(judgement):
        return None
    if kind == "sum":
        return f"E[M[d]] == M[0] + sum({_expression(judgement['term'])}, j, 1, d)"
    if kind == "product":
        k = judgement["order"]
        return f"E[M[d]**{k}] == M[0]**{k}*prod({_expression(judgement['factor'])}, j, 1, d)"
    if kind == "bound":
        k, ((choice, factors),) = judgement["order"], judgement["factors"].items()
        inside = f"{choice}({', '.join(map(_expression, factors))})"
        return f"E[M[d]**{k}] {judgement['relation']} M[0]**{k}*prod({inside}, j, 1, d)"
    if kind == "middle_layers":
        weight = "*".join(f"({_expression(factor)})" for factor in judgement["weight"])
        return f"E[EmpVar] == 1/d**2*sum({weight}*(E[M[k]**2] - E[M[k-1]**2]), k, 2, d)"
    return None


def assumed_family(judgement: Judgement) -> Mapping[str, str]:
    """The family that the judgement speaks of, as options of --where.

    An assumption that has no name there is left out; a reader must then trust nothing.
    """
    given = judgement["given"]
    weights = [Polynomial.of(text) for text in given["weights"]]
    normal = [Polynomial.of(_double_factorial(l)) for l in range(1, len(weights) + 1)]
    free = [Polynomial.of(1)] + [Polynomial.of(f"m{2 * l}") for l in range(2, len(weights) + 1)]
    biases = [Polynomial.of(text) for text in given["biases"]]
    any_bias = [Polynomial.of(f"b{2 * l}") for l in range(1, len(biases) + 1)]
    family = {}
    if weights == free:
        family["weights"] = "any"
    elif weights == normal:
        family["weights"] = "normal"
    if not any(b.terms for b in biases):
        family["bias"] = "none"
    elif biases == any_bias:
        family["bias"] = "any"
    if given["gain"] == "2" and all(half == "1/2" for half in given["halves"]):
        family["activation"] = "relu"
    return family


def _double_factorial(l: int) -> int:
    """E w^{2l} of the normal law, (2l - 1)!!."""
    result: int = factorial(2 * l) // (2**l * factorial(l))
    return result


def _expression(text: str) -> str:
    """Polynomial text in the language: u becomes a division by n[j], ^ becomes **."""
    Polynomial.of(text)
    signed = re.split(r"( [+-] )", text)
    return "".join(p if p.startswith(" ") else _monomial(p) for p in signed).replace(" ", "")


def _monomial(text: str) -> str:
    sign, body = ("-", text[1:]) if text.startswith("-") else ("", text)
    above, below = [], ""
    for factor in body.split("*"):
        name, _, power = factor.partition("^")
        if name == "u":
            below = "/n[j]" + (f"**{power}" if power else "")
        else:
            above.append(_PER_LAYER.get(name, name) + (f"**{power}" if power else ""))
    return sign + ("*".join(above) or "1") + below


def _sayable(judgement: Judgement) -> bool:
    texts = [judgement.get("term", "0"), judgement.get("factor", "0")]
    texts += [text for listed in judgement.get("factors", {}).values() for text in listed]
    names = {name for text in texts for name in Polynomial.of(text).variables()}
    return names <= {"u", *_PER_LAYER}
