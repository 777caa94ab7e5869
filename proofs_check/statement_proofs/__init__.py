"""The search for proofs of statements; the checker in `statement_kernel` trusts none of it."""

from proofs_check.statement_proofs.search import prove
from proofs_check.statement_proofs.words import words

__all__ = ["prove", "words"]
