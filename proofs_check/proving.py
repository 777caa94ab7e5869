"""The one place where statements meet the prover, and proofs the kernel that re-checks them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from proofs_check.family import Family
from proofs_check.language.tree import Statement

__all__ = ["checked_proof", "proof_in_words"]


def checked_proof(statement: Statement, family: Family, seconds: float) -> Mapping[str, Any] | None:
    """A proof object that the kernel accepts, or None: no prover, no proof found, or one rejected."""
    try:
        prover = import_module("proofs_check.statement_proofs")
        kernel = import_module("proofs_check.statement_kernel.check")
        rejected = import_module("proofs_check.statement_kernel.algebra").RejectedProofError
    except ModuleNotFoundError:
        return None
    proof: Mapping[str, Any] | None = prover.prove(statement, family, seconds=seconds)
    if proof is None:
        return None
    try:
        kernel.check_proof(statement, family, proof)
    except rejected:
        return None
    return proof


def proof_in_words(proof: Mapping[str, Any]) -> list[str]:
    """The steps of a proof, one line each; the prover knows the words, or its parts are counted.

    >>> proof_in_words({"format": "x", "parts": [{}, {}]})
    ['2 parts, each re-checked for every member of the family (--json prints them)']
    """
    try:
        words = import_module("proofs_check.statement_proofs").words
    except (ModuleNotFoundError, AttributeError):
        parts = len(proof.get("parts", ())) or 1
        each = "1 part," if parts == 1 else f"{parts} parts, each"
        return [f"{each} re-checked for every member of the family (--json prints them)"]
    return list(words(proof))
