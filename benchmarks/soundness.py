"""`python -m benchmarks.soundness`: are the statistical tests what they claim to be?

Prints, for each test of theory against simulation, the Kolmogorov-Smirnov p-value of 2,000
p-values under correct code, and the power at the stated detectable effect over 400 runs.
Takes minutes; the figures stand in docs/trust.md.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import kstest

from actlen import FullyConnected
from proofs_check.statistics import LEVEL, conditional_ratio, probability

_RUNS = 2_000
_POWER_RUNS = 400
_SAMPLES = 6_000


def ratio_row(network: FullyConnected, k: int) -> str:
    """Uniformity and power of the conditional-ratio test on one network."""
    values = [conditional_ratio(network, k, _SAMPLES, seed).p_value for seed in range(_RUNS)]
    effect = conditional_ratio(network, k, _SAMPLES, 0).detectable_effect
    # An effect stretches the scatter too, by itself: up and down by turns that evens out.
    factors = [1 / (1 + effect), 1 / (1 - effect)]
    found = [
        not conditional_ratio(network, k, _SAMPLES, seed, believed_factor=factors[seed % 2]).agrees
        for seed in range(_POWER_RUNS)
    ]
    rejected = np.mean(np.asarray(values) < LEVEL)
    return (
        f"KS p = {kstest(values, 'uniform').pvalue:.3f}, rejected {rejected:.4f} at {LEVEL}, "
        f"power {np.mean(found):.3f} at {100 * effect:.1f} %"
    )


def probability_row(network: FullyConnected) -> str:
    """Size and power of the binomial test; its p-values are discrete, hence not quite uniform."""
    values = [probability(network, _SAMPLES, seed).p_value for seed in range(_RUNS)]
    effect = probability(network, _SAMPLES, 0).detectable_effect
    shifts = [effect, -effect]
    found = [
        not probability(network, _SAMPLES, seed, believed_shift=shifts[seed % 2]).agrees
        for seed in range(_POWER_RUNS)
    ]
    return (
        f"KS p = {kstest(values, 'uniform').pvalue:.3f}, "
        f"power {np.mean(found):.3f} at a shift of {effect:.3f}"
    )


def main() -> None:
    """Print one row per test."""
    for law in ("normal", "uniform", "rademacher", "laplace"):
        network = FullyConnected([5, 6, 8, 7], weights=law, input=[1, -2, "1/2", 0, 3])
        for k in (1, 2):
            print(f"conditional ratio, order {k}, {law}: {ratio_row(network, k)}", flush=True)
    orthogonal = FullyConnected(
        [5, 6, 6, 3], weights="orthogonal", bias_variance="1/2", input=[1, -2, "1/2", 0, 3]
    )
    print(f"conditional ratio, order 2, orthogonal: {ratio_row(orthogonal, 2)}", flush=True)
    small = FullyConnected([3, 2, 3], weights="rademacher")
    print(f"probability, rademacher 3,2,3: {probability_row(small)}", flush=True)


if __name__ == "__main__":
    main()
