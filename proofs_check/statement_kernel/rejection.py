"""How the checker says no."""

__all__ = ["RejectedProofError", "require"]


class RejectedProofError(Exception):
    """A proof that does not prove its statement."""


def require(condition: object, reason: str) -> None:
    """Reject the proof unless the condition holds."""
    if not condition:
        raise RejectedProofError(reason)
