"""P(M_d = 0) = 1 - prod (1 - 2^{-n_j}): by counting and by simulation (THEORY.md sections 3, 8)."""

from __future__ import annotations

import numpy as np
from flint import fmpq

from proofs_check import oracle
from proofs_check.checks.paired import paired
from proofs_check.claim import Claim
from proofs_check.statistics import LEVEL
from proofs_check.verdict import Evidence
from simulate.methods.direct import lengths
from theory.network import FullyConnected

__all__ = ["zero_probability"]

# Odd sums of signs are never 0, nor is a lone neuron's input: no pre-activation can be 0.
_NEVER_ZERO = ((1, 1), (1, 4), (3, 5), (5, 1, 3), (3, 1, 1, 6), (7, 1, 2), (1, 1, 1, 1, 2), (9, 1, 9))
_CAN_BE_ZERO = (2, 3)
_SIMULATED = ((3, 2, 3, 2), (4, 1, 5), (2, 3, 3, 3, 3))
_SAMPLES = 20_000
_SEED = 20180306
_SHIFT = 0.03


def zero_probability(claim: Claim) -> list[Evidence]:
    """Sign weights without ties by counting; normal weights by an exact binomial test."""
    counted = all(_counted(widths) == _formula(widths) for widths in _NEVER_ZERO)
    noticed = _counted(_CAN_BE_ZERO) != _formula(_CAN_BE_ZERO)
    detail = f"sign weights, {len(_NEVER_ZERO)} networks in which no pre-activation can be 0"
    evidence = paired("enumeration", counted, detail, noticed, "widths 2,3: pre-activations can be 0")
    values = [_p_value(widths, 0.0) for widths in _SIMULATED]
    planted = [_p_value(widths, _SHIFT) for widths in _SIMULATED]
    figures = {"p_values": values, "level": LEVEL, "samples": _SAMPLES, "seed": _SEED}
    detail = f"normal weights: exact binomial p = {min(values):.3g} at worst of {len(values)} networks"
    holds = min(values) >= LEVEL
    noticed = max(planted) < LEVEL
    return [*evidence, *paired("simulation", holds, detail, noticed, f"chance shifted by {_SHIFT}", figures)]


def _formula(widths: tuple[int, ...]) -> fmpq:
    alive = fmpq(1)
    for n in widths[1:]:
        alive *= 1 - fmpq(1, 2**n)
    return 1 - alive


def _counted(widths: tuple[int, ...]) -> fmpq:
    law = oracle.length_law(FullyConnected(widths, weights="rademacher"))[-1]
    return law.get(fmpq(0), fmpq(0))


def _p_value(widths: tuple[int, ...], shift: float, samples: int = _SAMPLES, seed: int = _SEED) -> float:
    from scipy.stats import binomtest

    zeros = int(np.sum(lengths(FullyConnected(widths), samples, seed)[:, -1] == 0))
    chance = _formula(widths)
    return float(binomtest(zeros, samples, int(chance.p) / int(chance.q) + shift).pvalue)
