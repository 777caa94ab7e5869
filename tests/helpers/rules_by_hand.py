"""One rule of the proof kernel on judgements written by hand, and what it complains of."""

from __future__ import annotations

import pytest

from proofs_check.kernel.shape import ProofError

RELU = {"weights": ["1", "3"], "biases": ["0", "0"], "gain": "2", "halves": ["1/2", "1/2"]}
BIASED = RELU | {"biases": ["b2", "b4"]}
ABSOLUTE = RELU | {"gain": "1", "halves": ["1", "1"]}


def complaint(rule, claim, *premises, **step):
    """The rule's complaint, "" if it accepts the claim."""
    try:
        rule({"concludes": claim, **step}, premises)
    except ProofError as error:
        return str(error)
    return ""


def holds(rule, claim, *premises, **step):
    """Whether the rule accepts the claim."""
    return not complaint(rule, claim, *premises, **step)


def refused(rule, claim, *premises, because="", **step):
    """The rule's complaint matches."""
    with pytest.raises(ProofError, match=because):
        rule({"concludes": claim, **step}, premises)


def judgement(kind, given=RELU, **content):
    """A judgement about these assumptions."""
    return {"judgement": kind, "given": given, **content}


def mean_layer(factor="1", given=RELU, length=1):
    """E[M_j^length | a_{j-1}] = factor A_1."""
    return judgement("layer", given, target={"length": length}, coefficients={"1": factor})
