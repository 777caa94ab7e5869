"""All rules of the kernel, by name."""

from __future__ import annotations

from collections.abc import Mapping

from proofs_check.kernel import rules
from proofs_check.kernel.rules import Rule

__all__ = ["BY_NAME"]

BY_NAME: Mapping[str, Rule] = {rule.__name__: rule for rule in rules.RULES}
