"""What the named assumptions of a claim mean, from the tables of the kernel."""

from __future__ import annotations

from collections.abc import Mapping

from proofs_check.claim import Claim
from proofs_check.kernel import convolutional_rules, data_set_rules, gradient_rules
from proofs_check.kernel.limit_rules import ASSUMPTIONS
from proofs_check.kernel.residual_limits import RESIDUAL_ASSUMPTIONS

__all__ = ["meanings"]

_TABLE = {
    **data_set_rules.ASSUMPTIONS,
    **gradient_rules.ASSUMPTIONS,
    **convolutional_rules.ASSUMPTIONS,
    **ASSUMPTIONS,
}


def meanings(claim: Claim) -> Mapping[str, str]:
    """Each assumption beside the family, and what it says.

    >>> from proofs_check.claim import load_ledger, select
    >>> (claim,) = select(load_ledger(), ["dichotomy-vanishing"])
    >>> meanings(claim)["divergent_widths"]
    'sum_j 1/n_j = infinity'
    """
    table = {**_TABLE, **RESIDUAL_ASSUMPTIONS} if "network=residual" in claim.where else _TABLE
    return {name: table[name] for name in claim.assumes}
