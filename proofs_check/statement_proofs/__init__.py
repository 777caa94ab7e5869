"""The search for proofs of statements; the checker in `statement_kernel` trusts none of it."""

from proofs_check.statement_proofs.search import prove

__all__ = ["prove"]
