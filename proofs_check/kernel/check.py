"""Check a proof object: every step follows by its rule from earlier steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proofs_check.kernel.polynomial import PolynomialError
from proofs_check.kernel.rules import RULES, Judgement, ProofError

__all__ = ["FORMAT", "Checked", "check_proof"]

FORMAT = "actlen-proof/1"
_MAX_STEPS = 1_000


@dataclass(frozen=True)
class Checked:
    """The outcome: accepted with conclusions, or the first complaint."""

    accepted: bool
    conclusions: tuple[Judgement, ...]
    complaint: str | None
    steps: int


def check_proof(proof: Mapping[str, Any]) -> Checked:
    """Check all steps; the conclusions are those of the steps listed under "conclusions".

    >>> check_proof({"format": "actlen-proof/1", "steps": [], "conclusions": []}).complaint
    'the proof concludes nothing'
    """
    try:
        return _check(proof)
    except (ProofError, PolynomialError) as error:
        return Checked(False, (), str(error), 0)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        return Checked(False, (), f"malformed proof: {type(error).__name__}: {error}", 0)


def _check(proof: Mapping[str, Any]) -> Checked:
    if proof["format"] != FORMAT:
        raise ProofError(f"unknown proof format {proof['format']!r}; this kernel reads {FORMAT}")
    steps = proof["steps"]
    if len(steps) > _MAX_STEPS:
        raise ProofError(f"more than {_MAX_STEPS} steps")
    known: list[Judgement] = []
    for number, step in enumerate(steps):
        if step["rule"] not in RULES:
            raise ProofError(f"step {number}: unknown rule {step['rule']!r}")
        sources = step.get("from", [])
        if not all(type(i) is int and 0 <= i < number for i in sources):
            raise ProofError(f"step {number}: rests on a step that does not come before it")
        try:
            RULES[step["rule"]](step, [known[i] for i in sources])
        except ProofError as error:
            raise ProofError(f"step {number} ({step['rule']}): {error}") from None
        known.append(step["concludes"])
    conclusions = tuple(known[i] for i in proof["conclusions"])
    if not conclusions:
        raise ProofError("the proof concludes nothing")
    return Checked(True, conclusions, None, len(known))
