"""The checks that claims name as their evidence; one kind a file.

Each takes a claim and returns evidence: its own outcome, and that of the planted error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from proofs_check.checks.attack import attack
from proofs_check.checks.attainment import attainment
from proofs_check.checks.block_ratio import block_ratio
from proofs_check.checks.continuum import continuum
from proofs_check.checks.convergence import root_shrinks, square_settles, summable_means
from proofs_check.checks.convolutional import (
    convolution_bounds,
    convolution_mean,
    convolution_zero_means,
    printed_bounds,
)
from proofs_check.checks.convolutional_pairs import (
    conditional_second_moments,
    convolution_twin,
    kernel_integral,
    twin_growth,
)
from proofs_check.checks.convolutional_witnesses import (
    growth_by_groups,
    growth_by_positions,
    mean_with_borders,
)
from proofs_check.checks.data_sets import (
    data_set_simulated,
    exceedances_by_input,
    lengths_by_input,
    same_moments,
    zero_with_atoms,
)
from proofs_check.checks.equal_widths import equal_widths, equal_widths_any_law, equal_widths_variance
from proofs_check.checks.figures import bounds, middle_layers
from proofs_check.checks.gains import mean_by_gain
from proofs_check.checks.gradient_witnesses import dependent_gradients, jacobian_with_atoms
from proofs_check.checks.gradients import gradients_counted, jacobians_counted
from proofs_check.checks.integral import integral
from proofs_check.checks.judged import judged_recursion
from proofs_check.checks.orthogonal import (
    orthogonal_counted,
    orthogonal_fm2,
    orthogonal_growth,
    orthogonal_ratio,
    orthogonal_simulated,
    orthogonal_smaller,
)
from proofs_check.checks.overshoot import half_chance, overshoot
from proofs_check.checks.permutation import permuted_widths, permuted_widths_witness
from proofs_check.checks.proof import proof
from proofs_check.checks.rare_biases import rare_biases
from proofs_check.checks.ratio import ratio
from proofs_check.checks.residual_scales import (
    bent_scales,
    growing_modules,
    harmonic_scales,
    linear_scales,
    sign_weights,
    summable_scales,
)
from proofs_check.checks.slopes import slopes
from proofs_check.checks.statement import closed_form, enumeration, recursion
from proofs_check.checks.weight_gradients import weight_gradient_means, weight_gradient_spread
from proofs_check.checks.witness import replay, witness
from proofs_check.checks.zero import zero_probability
from proofs_check.claim import Claim
from proofs_check.verdict import Evidence

__all__ = ["CHECKS"]

CHECKS: Mapping[str, Callable[[Claim], list[Evidence]]] = {
    check.__name__: check
    for check in (
        attack,
        attainment,
        bent_scales,
        block_ratio,
        bounds,
        closed_form,
        conditional_second_moments,
        continuum,
        convolution_bounds,
        convolution_mean,
        convolution_twin,
        convolution_zero_means,
        data_set_simulated,
        dependent_gradients,
        enumeration,
        equal_widths,
        equal_widths_any_law,
        equal_widths_variance,
        exceedances_by_input,
        gradients_counted,
        growth_by_groups,
        growth_by_positions,
        growing_modules,
        half_chance,
        harmonic_scales,
        integral,
        jacobian_with_atoms,
        jacobians_counted,
        judged_recursion,
        kernel_integral,
        lengths_by_input,
        mean_with_borders,
        linear_scales,
        mean_by_gain,
        middle_layers,
        orthogonal_counted,
        orthogonal_fm2,
        orthogonal_growth,
        orthogonal_ratio,
        orthogonal_simulated,
        orthogonal_smaller,
        overshoot,
        permuted_widths,
        permuted_widths_witness,
        printed_bounds,
        proof,
        rare_biases,
        ratio,
        recursion,
        replay,
        root_shrinks,
        same_moments,
        sign_weights,
        slopes,
        square_settles,
        summable_means,
        twin_growth,
        summable_scales,
        weight_gradient_means,
        weight_gradient_spread,
        witness,
        zero_probability,
        zero_with_atoms,
    )
}
