"""What a judgement says, in the statement language: the link between a proof and a claim.

A claim with a statement counts as proved only if the statement is, after parsing, the text
rendered here, and its family lies within the one that the judgement assumes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import factorial

from proofs_check.kernel.judgement import Judgement
from proofs_check.kernel.polynomial import Polynomial
from proofs_check.kernel.residual_render import RESIDUAL_WRITERS, residual_family, residual_sayable
from proofs_check.kernel.spelling import choice, spelled

__all__ = ["assumed_family", "statement_of"]


def statement_of(judgement: Judgement) -> str | None:
    """The statement, or None for a judgement that the language cannot say, symbols included.

    >>> statement_of({"judgement": "product", "order": 2, "factor": "1 + 5*u"})
    'E[M[d]**2] == M[0]**2*prod(1+5/n[j], j, 1, d)'
    """
    writer = _WRITERS.get(judgement["judgement"])
    return writer(judgement) if writer is not None and _sayable(judgement) else None


def _sum(j: Judgement) -> str:
    return f"E[M[d]] == M[0] + sum({_expression(j['term'])}, j, 1, d)"


def _product(j: Judgement) -> str:
    k = j["order"]
    return f"E[M[d]**{k}] == M[0]**{k}*prod({_expression(j['factor'])}, j, 1, d)"


def _bound(j: Judgement) -> str:
    k = j["order"]
    return f"E[M[d]**{k}] {j['relation']} M[0]**{k}*prod({_choice(j['factors'])}, j, 1, d)"


def _middle_layers(j: Judgement) -> str:
    weight = "*".join(f"({_expression(factor)})" for factor in j["weight"])
    return f"E[EmpVar] == 1/d**2*sum({weight}*(E[M[k]**2] - E[M[k-1]**2]), k, 2, d)"


def _bias_bound(j: Judgement) -> str:
    mean = "M[0] + sum(1/2*nu2[j], j, 1, d)"
    fourth = "sum(1/2*nu4[j]/n[j], j, 1, d)"
    return f"E[M[d]**2] <= prod({_choice(j['factors'])}, j, 1, d)*(({mean})**2 + {fourth})"


def _exponential(j: Judgement) -> str:
    k, rate = j["order"], _choice(j["rates"])
    rate = rate if j["relation"] == "<=" else f"log(1 + {rate})"
    return f"E[M[d]**{k}] {j['relation']} M[0]**{k}*exp(sum({rate}/n[j], j, 1, d))"


def _universality(j: Judgement) -> str:
    centre, deviation = _expression(j["centre"], "d"), _expression(j["deviation"], "d")
    spread = ", ".join(map(_expression, j["spread"]))
    return f"abs(E[M[d]**2]/E[M[d-1]**2] - ({centre})) <= abs({deviation})*max({spread})/n[d-1]"


def _variance_bound(j: Judgement) -> str:
    growth, before = f"{_choice(j['factors'], 'k')} - 1", _choice(j["factors"], "i")
    terms = f"(k-1)*(d-k+1)*({growth})*prod({before}, i, 1, k-1)"
    return f"E[EmpVar] {j['relation']} M[0]**2/d**2*sum({terms}, k, 2, d)"


_WRITERS: Mapping[str, Callable[[Judgement], str]] = {
    "sum": _sum,
    "product": _product,
    "width_one": _product,
    "bound": _bound,
    "middle_layers": _middle_layers,
    "bias_bound": _bias_bound,
    "exponential": _exponential,
    "universality": _universality,
    "variance_bound": _variance_bound,
    "quarter_bound": lambda j: "E[EmpVar] <= 1/4*Var[M[d]]",
    **RESIDUAL_WRITERS,
}


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
    kind = judgement.get("judgement")
    if kind == "width_one":
        family["widths"] = "1..1"
    if kind == "universality":
        family["depth"] = "2.."
    return {**family, **residual_family(judgement)}


def _double_factorial(l: int) -> int:
    """E w^{2l} of the normal law, (2l - 1)!!."""
    result: int = factorial(2 * l) // (2**l * factorial(l))
    return result


def _names(index: str) -> Mapping[str, str]:
    return {"m4": "kappa", "b2": f"nu2[{index}]", "b4": f"nu4[{index}]"}


def _choice(factors: Mapping[str, Sequence[str]], index: str = "j") -> str:
    return choice(factors, _names(index), f"n[{index}]")


def _expression(text: str, index: str = "j") -> str:
    return spelled(text, _names(index), f"n[{index}]")


def _sayable(judgement: Judgement) -> bool:
    if judgement["judgement"] in RESIDUAL_WRITERS:
        return residual_sayable(judgement)
    texts = [judgement.get(key, "0") for key in ("term", "factor", "centre", "deviation")]
    texts += judgement.get("spread", [])
    for key in ("factors", "rates"):
        texts += [text for listed in judgement.get(key, {}).values() for text in listed]
    names = {name for text in texts for name in Polynomial.of(text).variables()}
    return names <= {"u", *_names("j")}
