"""Residual blocks against simulation: E[M_l^k | x_{l-1}] on explicit random networks.

M_l^k / E[M_l^k | x_{l-1}] - 1 are martingale differences: their sum, divided by the root of the sum of their
squares, is close to a standard normal. For linear output and normal weights their variance is known instead;
squares of M_l have tails too heavy for their own estimate of it. What is tested: for linear output the factor
of a block; for ReLU output and normal weights (1 + eta^2) M + 2 eta c sqrt(M) mean(x), from which the bounds
follow.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from proofs_check.claim import Claim
from proofs_check.language.orders import order_of
from proofs_check.statistics import POWER_QUANTILE, TWO_SIDED_QUANTILE, TestResult
from proofs_check.verdict import Evidence, Outcome
from simulate.methods.direct import activations
from theory.laws import Law
from theory.readings.residual import moments_close
from theory.reals import as_float, number
from theory.residual import Block, Residual
from theory.residual_branch import branch_numbers
from theory.residual_closed_forms import applies_to, block_factor

__all__ = ["block_ratio"]

Floats = NDArray[np.float64]

_SAMPLES = 20_000
_SEED = 20180307
_INPUT = (1, -2, "1/2", 0, 3)
_SCALES = ("1/2", "4/5", "1/5")
_HIDDEN = ((6,), (4, 7), (8,))


def block_ratio(claim: Claim) -> list[Evidence]:
    """One block's conditional moment, for every representative law of the family."""
    k = order_of(claim.parsed)
    evidence = []
    for law in claim.family.representatives():
        result = _test(claim, law, k, 1.0)
        detail = (
            f"{law.name}: p = {result.p_value:.3g} over {result.terms} blocks; "
            f"would detect {100 * result.detectable_effect:.1f} % with power 0.9"
        )
        outcome = Outcome.PASSED if result.agrees else Outcome.FAILED
        evidence.append(Evidence("simulation", outcome, detail, {"order": k, **result.to_dict()}))
        factor = 1 + 1.5 * result.detectable_effect
        planted = _test(claim, law, k, factor)
        slipped = Outcome.ACCEPTED if planted.agrees else Outcome.REJECTED
        detail = f"{law.name}: expectation multiplied by {factor:.3f}"
        evidence.append(Evidence("simulation", slipped, detail, {"p_value": planted.p_value}, is_mutant=True))
    return evidence


def _test(
    claim: Claim, law: Law, k: int, believed: float, samples: int = _SAMPLES, seed: int = _SEED
) -> TestResult:
    output = "linear" if "branch_output=linear" in claim.where else "relu"
    network = Residual(
        len(_INPUT), list(_SCALES), list(_HIDDEN), branch_output=output, weights=law, input=_INPUT
    )
    exact = applies_to(network)
    total = squares = information = 0.0
    terms = 0
    for rows in activations(network, samples, seed):
        for block, (before, after) in zip(network.blocks, pairwise(rows), strict=True):
            expected = believed * _expected(network, block, before, k)
            deviation = _deviation(block, k) if exact else 1.0
            ratio = (np.mean(after * after, axis=1) ** k / expected - 1) / deviation
            squares += len(ratio) if exact else (ratio**2).sum()
            total, terms = total + ratio.sum(), terms + len(ratio)
            information += len(ratio) / deviation
    z = total / math.sqrt(squares)
    effect = (TWO_SIDED_QUANTILE + POWER_QUANTILE) * math.sqrt(squares) / information
    return TestResult(math.erfc(abs(z) / math.sqrt(2)), terms, effect, samples, seed)


def _deviation(block: Block, k: int) -> float:
    """Of M_l^k over its mean, given x_{l-1} and normal weights: the same for every x_{l-1}."""
    return math.sqrt(as_float(block_factor(block, 2 * k)) / as_float(block_factor(block, k)) ** 2 - 1)


def _expected(network: Residual, block: Block, before: Floats, k: int) -> Floats:
    """E[M_l^k | x_{l-1}] for every simulated network."""
    length: Floats = np.mean(before * before, axis=1)
    eta = as_float(number(block.scale))
    if moments_close(network):
        factor = 1 + eta**2 if k == 1 else as_float(block_factor(block, k))
        return np.asarray(factor * length**k)
    constant, _ = branch_numbers(network)[block.index - 1].cross
    cross: Floats = 2 * eta * as_float(constant) * np.sqrt(length) * np.mean(before, axis=1)
    return (1 + eta**2) * length + cross
