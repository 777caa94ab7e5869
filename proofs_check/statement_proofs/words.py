"""A proof object in words, for people: what is shown, from what, and what the symbols stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["words"]

_SYMBOL = re.compile(r"[a-zA-Z]\w*")
_MEANING = {
    "m": "M_0",
    "D": "d",
    "u": "1/width of the next layer",
    "v": "1/n_d",
    "w": "1/n_0",
    "S1": "the sum over j of E M_j^2",
    "S2": "the sum over j of j E M_j^2",
    "k": "kappa",
    "x": "any number",
}
_FAMILIES = {
    "q": "E M_d^{}",
    "s": "sum {} of the statement",
    "p": "product {} of the statement (or an exponential of a sum)",
    "y": "the next factor of such an exponential, no {}",
    "z": "max or min {} of the statement, of the next layer",
    "t": "where in its range a moment lies, in [0, 1] (no {})",
    "nu": "the bias moment of order {} of the next layer",
}


def words(proof: Mapping[str, Any]) -> list[str]:
    """The steps of a proof of `statement_proofs.prove`, one line each.

    >>> case = {"widths": [1, None], "terms": [{"fact": "hypothesis", "times": "y1"}]}
    >>> goal = {"base": [{"widths": [1, None], "terms": []}], "step": [case]}
    >>> for line in words({"parts": [{"base": 0, "sense": "<=", "lemmas": [], "goal": goal}]}):
    ...     print(line)
    part 1: the right side minus the left is not negative, from depth 0 on
      goal: induction on depth
        next width 1 or more: y1 * (hypothesis) + a rest without negative terms
      where y1 is the next factor of such an exponential, no 1
    """
    lines: list[str] = []
    for number, part in enumerate(proof["parts"], 1):
        sides = "left side minus the right" if part["sense"] == ">=" else "right side minus the left"
        lines.append(f"part {number}: the {sides} is not negative, from depth {part['base']} on")
        for place, lemma in enumerate(part["lemmas"]):
            lines += _argued(f"lemma {place}: {lemma['claim']} >= 0", lemma)
        lines += _argued("goal", part["goal"])
    used = dict.fromkeys(name for line in lines for name in _SYMBOL.findall(line))
    return lines + [f"  where {name} is {meaning}" for name in used if (meaning := _meaning(name))]


def _argued(what: str, how: Mapping[str, Any]) -> Iterator[str]:
    if "direct" in how:
        yield f"  {what}: at every depth, {_written(how['direct'])}"
        return
    yield f"  {what}: induction on depth"
    for case in how["step"]:
        low, high = case["widths"]
        widths = f"{low} or more" if high is None else str(low) if low == high else f"{low} to {high}"
        yield f"    next width {widths}: {_written(case)}"


def _written(case: Mapping[str, Any]) -> str:
    terms = [f"{_factor(term['times'])} * ({_named(term)})" for term in case["terms"]]
    return " + ".join([*terms, "a rest without negative terms"])


def _factor(times: str) -> str:
    return times if _SYMBOL.fullmatch(times) or times.isdigit() else f"({times})"


def _named(term: Mapping[str, Any]) -> str:
    if "square" in term:
        return f"the square of {term['square']}"
    if "moments" in term:
        one, two = (", ".join(map(str, powers)) for powers in term["moments"])
        return f"log-convexity: powers {one} against {two}"
    if "bound" in term:
        kind = f"Taylor, degree {term['degree']}" if "rate" in term else "its chord"
        return f"{term['bound']} against {kind}"
    if "extreme" in term:
        return f"{term['extreme']} against what it is an extreme of, no {term['of']}"
    place = f" at x = {term['at']}" if "at" in term else ""
    return "hypothesis" if term["fact"] == "hypothesis" else f"lemma {term['fact']}{place}"


def _meaning(name: str) -> str | None:
    if name in _MEANING:
        return _MEANING[name]
    letters, digits = re.fullmatch(r"([a-z]*)(\d*)", name.lower()).groups()  # type: ignore[union-attr]
    return _FAMILIES[letters].format(digits) if digits and letters in _FAMILIES else None
