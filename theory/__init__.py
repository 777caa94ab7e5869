"""What must be true: specs of networks and laws, exact moments, bounds. Imports none of ours.

The public names are loaded on first use (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from theory.activations import Activation as Activation
    from theory.activations import as_activation as as_activation
    from theory.bounds import SecondMomentBounds as SecondMomentBounds
    from theory.bounds import second_moment_bounds as second_moment_bounds
    from theory.convolutional import Convolutional as Convolutional
    from theory.convolutional_lengths import ConvolutionalMoments as ConvolutionalMoments
    from theory.convolutional_lengths import convolutional_moments as convolutional_moments
    from theory.convolutional_means import position_means as position_means
    from theory.convolutional_twin import fully_connected_twin as fully_connected_twin
    from theory.correlation import infinite_width_cosines as infinite_width_cosines
    from theory.data_sets import expected_above as expected_above
    from theory.data_sets import expected_below as expected_below
    from theory.data_sets import expected_dead as expected_dead
    from theory.data_sets import fall_limit as fall_limit
    from theory.data_sets import growth_limit as growth_limit
    from theory.errors import SpecError as SpecError
    from theory.exact_law import length_law as length_law
    from theory.extremes import largest_length as largest_length
    from theory.extremes import smallest_length as smallest_length
    from theory.failure_modes import Thresholds as Thresholds
    from theory.gradient_law import ChiSquareProduct as ChiSquareProduct
    from theory.gradient_law import delta_law as delta_law
    from theory.gradient_law import weight_gradient_law as weight_gradient_law
    from theory.gradients import GradientMoments as GradientMoments
    from theory.gradients import gradient_moments as gradient_moments
    from theory.initialisers import INITIALISERS as INITIALISERS
    from theory.initialisers import initialiser as initialiser
    from theory.laws import Law as Law
    from theory.laws import as_law as as_law
    from theory.laws import finite_law as finite_law
    from theory.length_distribution import LengthLaw as LengthLaw
    from theory.network import FullyConnected as FullyConnected
    from theory.patches import conditional_second_moment as conditional_second_moment
    from theory.prediction import Prediction as Prediction
    from theory.prediction import predict as predict
    from theory.readings.batch import BatchMoments as BatchMoments
    from theory.readings.batch import batch_length_moments as batch_length_moments
    from theory.readings.exact import length_moments as length_moments
    from theory.readings.residual_symbolic import derive_residual as derive_residual
    from theory.readings.symbolic import DerivedRecursion as DerivedRecursion
    from theory.readings.symbolic import derive as derive
    from theory.residual import Residual as Residual
    from theory.reversal import reversed_network as reversed_network
    from theory.schedule_table import ScheduleRow as ScheduleRow
    from theory.schedule_table import compared_schedules as compared_schedules
    from theory.schedules import schedule as schedule
    from theory.values import Bounded as Bounded
    from theory.values import Enclosed as Enclosed
    from theory.values import Exact as Exact
    from theory.values import Floating as Floating

_HOMES = {
    "Activation": "theory.activations",
    "as_activation": "theory.activations",
    "SecondMomentBounds": "theory.bounds",
    "second_moment_bounds": "theory.bounds",
    "Convolutional": "theory.convolutional",
    "ConvolutionalMoments": "theory.convolutional_lengths",
    "convolutional_moments": "theory.convolutional_lengths",
    "position_means": "theory.convolutional_means",
    "fully_connected_twin": "theory.convolutional_twin",
    "infinite_width_cosines": "theory.correlation",
    "expected_above": "theory.data_sets",
    "expected_below": "theory.data_sets",
    "expected_dead": "theory.data_sets",
    "fall_limit": "theory.data_sets",
    "growth_limit": "theory.data_sets",
    "SpecError": "theory.errors",
    "length_law": "theory.exact_law",
    "largest_length": "theory.extremes",
    "smallest_length": "theory.extremes",
    "Thresholds": "theory.failure_modes",
    "ChiSquareProduct": "theory.gradient_law",
    "delta_law": "theory.gradient_law",
    "weight_gradient_law": "theory.gradient_law",
    "GradientMoments": "theory.gradients",
    "gradient_moments": "theory.gradients",
    "INITIALISERS": "theory.initialisers",
    "initialiser": "theory.initialisers",
    "Law": "theory.laws",
    "as_law": "theory.laws",
    "finite_law": "theory.laws",
    "LengthLaw": "theory.length_distribution",
    "FullyConnected": "theory.network",
    "conditional_second_moment": "theory.patches",
    "Prediction": "theory.prediction",
    "predict": "theory.prediction",
    "BatchMoments": "theory.readings.batch",
    "batch_length_moments": "theory.readings.batch",
    "length_moments": "theory.readings.exact",
    "DerivedRecursion": "theory.readings.symbolic",
    "derive": "theory.readings.symbolic",
    "derive_residual": "theory.readings.residual_symbolic",
    "Residual": "theory.residual",
    "ScheduleRow": "theory.schedule_table",
    "compared_schedules": "theory.schedule_table",
    "reversed_network": "theory.reversal",
    "schedule": "theory.schedules",
    "Bounded": "theory.values",
    "Enclosed": "theory.values",
    "Exact": "theory.values",
    "Floating": "theory.values",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'theory' has no public name {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
