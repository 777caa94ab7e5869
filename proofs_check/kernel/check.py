"""Check a proof object: every step follows by its rule from earlier steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from proofs_check.kernel.judgement import Judgement
from proofs_check.kernel.polynomial import PolynomialError
from proofs_check.kernel.registry import BY_NAME
from proofs_check.kernel.shape import FORMAT, ProofError, checked_proof

__all__ = ["FORMAT", "Checked", "check_proof"]


@dataclass(frozen=True)
class Checked:
    """The outcome: accepted with conclusions, or the first complaint."""

    accepted: bool
    conclusions: tuple[Judgement, ...]
    complaint: str | None
    steps: int


def check_proof(proof: Any) -> Checked:
    """Check all steps; the conclusions are those of the steps listed under "conclusions".

    Whatever the object, the answer is a `Checked`, never an exception: what the kernel cannot
    follow it rejects.

    >>> check_proof({"format": "actlen-proof/1", "steps": [], "conclusions": []}).complaint
    'the proof concludes nothing'
    """
    try:
        return _check(proof)
    except (ProofError, PolynomialError) as error:
        return Checked(False, (), str(error), 0)
    except Exception as error:
        return Checked(False, (), f"malformed proof: {type(error).__name__}", 0)


def _check(proof: Any) -> Checked:
    known: list[Judgement] = []
    for number, step in enumerate(checked_proof(proof)):
        if step["rule"] not in BY_NAME:
            raise ProofError(f"step {number}: unknown rule {step['rule'][:40]!r}")
        try:
            BY_NAME[step["rule"]](step, [known[i] for i in step.get("from", [])])
        except ProofError as error:
            raise ProofError(f"step {number} ({step['rule']}): {error}") from None
        known.append(step["concludes"])
    return Checked(True, tuple(known[i] for i in proof["conclusions"]), None, len(known))
