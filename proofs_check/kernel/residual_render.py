"""What a judgement about residual nets says, in the statement language; see `render`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from proofs_check.kernel.judgement import Judgement
from proofs_check.kernel.polynomial import Polynomial
from proofs_check.kernel.spelling import choice, spelled

__all__ = ["RESIDUAL_WRITERS", "residual_family", "residual_sayable"]

_SCALE = {"e": "eta[l]", "m4": "kappa"}
_TRUNK, _HIDDEN = "n[l]", "m[l,i]"


def _lengths(order: int, relation: str) -> str:
    power = "" if order == 1 else f"**{order}"
    return f"E[M[d]{power}] {relation} M[0]{power}"


def _over_hidden(text: str) -> str:
    return f"prod({text}, i, 1, depth[l])"


def _product(j: Judgement) -> str:
    names = _SCALE | {"p": _over_hidden(spelled(j["branch"], _SCALE, _HIDDEN))}
    return f"{_lengths(j['order'], '==')}*prod({spelled(j['factor'], names, _TRUNK)}, l, 1, d)"


def _bound(j: Judgement) -> str:
    within = _over_hidden(choice(j["branches"], _SCALE, _HIDDEN))
    names = _SCALE | {"p": within, "s": choice(j["spreads"], _SCALE, _TRUNK)}
    return f"{_lengths(j['order'], j['relation'])}*prod({spelled(j['factor'], names, _TRUNK)}, l, 1, d)"


def _growth(j: Judgement) -> str:
    return f"{_lengths(1, '<=')}*exp(sum({spelled(j['rate'], _SCALE, _TRUNK)}, l, 1, d))"


def _bent_bound(j: Judgement) -> str:
    constant = "c[l]" if j["constant"] == "c" else f"sqrt({spelled(j['constant'], {}, _TRUNK)})"
    factor = spelled(j["factor"], _SCALE | {"c": constant}, _TRUNK)
    return f"{_lengths(1, j['relation'])}*prod({factor}, l, 1, d)"


def _bent_mean(j: Judgement) -> str:
    factor = spelled(j["factor"], _SCALE | {"c": "c[l]"}, _TRUNK)
    return f"{_lengths(1, '>=')}*prod(({factor})**2, l, 1, d)"


def _bent_single(j: Judgement) -> str:
    return f"{_lengths(1, '==')}*prod({spelled(j['factor'], _SCALE | {'c': 'c[l]'}, _TRUNK)}, l, 1, d)"


def _bent_norm(j: Judgement) -> str:
    """Order 2: t_l is the fourth root."""
    hidden, last = choice(j["factors"], _SCALE, _HIDDEN), choice(j["factors"], _SCALE, _TRUNK)
    root = f"sqrt(sqrt({last}*{_over_hidden(hidden)}))"
    return f"{_lengths(2, '<=')}*prod((1 + eta[l]*{root})**4, l, 1, d)"


RESIDUAL_WRITERS: Mapping[str, Callable[[Judgement], str]] = {
    "block_product": _product,
    "block_bound": _bound,
    "block_growth": _growth,
    "bent_bound": _bent_bound,
    "bent_mean": _bent_mean,
    "bent_single": _bent_single,
    "bent_norm": _bent_norm,
}


def residual_family(judgement: Judgement) -> Mapping[str, str]:
    """The options of --where that a judgement about residual nets adds; none for other judgements."""
    kind = judgement.get("judgement", "")
    if kind not in RESIDUAL_WRITERS:
        return {}
    family = {"network": "residual", "branch_output": "relu" if kind.startswith("bent") else "linear"}
    if kind == "bent_single":
        family |= {"widths": "1..1", "input": "ones"}
    if kind == "bent_mean":
        family |= {"weights": "normal", "input": "ones"}
    return family


def residual_sayable(j: Judgement) -> bool:
    """Whether the language has names for all symbols; the fourth root is all it can say of a norm."""
    if j["judgement"] == "bent_norm" and j["order"] != 2:
        return False
    texts: list[Any] = [j.get(key, "0") for key in ("factor", "branch", "rate")]
    for key in ("spreads", "branches", "factors"):
        texts += [text for listed in j.get(key, {}).values() for text in listed]
    names = {name for text in texts for name in Polynomial.of(text).variables()}
    return names <= {"u", "e", "c", "s", "p", "m4"}
