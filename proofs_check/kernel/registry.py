"""All rules of the kernel, by name."""

from __future__ import annotations

from collections.abc import Mapping

from proofs_check.kernel import (
    attainment_rules,
    bent_rules,
    bound_rules,
    continuum_rules,
    convolutional_rules,
    data_set_rules,
    gradient_rules,
    limit_rules,
    orthogonal_rules,
    pair_rules,
    residual_limits,
    residual_rules,
    rules,
)
from proofs_check.kernel.rules import Rule

__all__ = ["BY_NAME"]

_RULES = (
    *rules.RULES,
    *attainment_rules.RULES,
    *bound_rules.RULES,
    *continuum_rules.RULES,
    *limit_rules.RULES,
    *pair_rules.RULES,
    *convolutional_rules.RULES,
    *orthogonal_rules.RULES,
    *residual_rules.RULES,
    *bent_rules.RULES,
    *residual_limits.RULES,
    *gradient_rules.RULES,
    *data_set_rules.RULES,
)
BY_NAME: Mapping[str, Rule] = {rule.__name__: rule for rule in _RULES}
