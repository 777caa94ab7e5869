"""The one place where statements meet the prover, and proofs the kernel that re-checks them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from proofs_check.family import Family
from proofs_check.language.tree import Statement

__all__ = ["checked_proof", "proof_in_words"]


def checked_proof(statement: Statement, family: Family, seconds: float) -> Mapping[str, Any] | None:
    """A proof object that the kernel accepts, or None where none was found."""
    # Imported when a proof is sought: most commands never do.
    prover = import_module("proofs_check.statement_proofs")
    kernel = import_module("proofs_check.statement_kernel.check")
    rejected = import_module("proofs_check.statement_kernel.rejection").RejectedProofError
    proof: Mapping[str, Any] | None = prover.prove(statement, family, seconds=seconds)
    if proof is None:
        return None
    try:
        kernel.check_proof(statement, family, proof)
    except rejected:
        return None
    return proof


def proof_in_words(proof: Mapping[str, Any]) -> list[str]:
    """The steps of a proof, one line each."""
    return list(import_module("proofs_check.statement_proofs").words(proof))
