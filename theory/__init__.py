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
    from theory.errors import SpecError as SpecError
    from theory.failure_modes import Thresholds as Thresholds
    from theory.initialisers import INITIALISERS as INITIALISERS
    from theory.initialisers import initialiser as initialiser
    from theory.laws import Law as Law
    from theory.laws import as_law as as_law
    from theory.laws import finite_law as finite_law
    from theory.network import FullyConnected as FullyConnected
    from theory.prediction import Prediction as Prediction
    from theory.prediction import predict as predict
    from theory.readings.batch import BatchMoments as BatchMoments
    from theory.readings.batch import batch_length_moments as batch_length_moments
    from theory.readings.exact import length_moments as length_moments
    from theory.readings.residual_symbolic import derive_residual as derive_residual
    from theory.readings.symbolic import DerivedRecursion as DerivedRecursion
    from theory.readings.symbolic import derive as derive
    from theory.residual import Residual as Residual
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
    "SpecError": "theory.errors",
    "Thresholds": "theory.failure_modes",
    "INITIALISERS": "theory.initialisers",
    "initialiser": "theory.initialisers",
    "Law": "theory.laws",
    "as_law": "theory.laws",
    "finite_law": "theory.laws",
    "FullyConnected": "theory.network",
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
