"""actlen settles statements about randomly initialised ReLU networks.

    import actlen as al
    al.predict(al.FullyConnected([784, 100, 100, 10], weights="uniform"))

Everything public is here, loaded on first use (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actlen import strategies as strategies
    from actlen.plots import plot_estimate as plot_estimate
    from actlen.plots import plot_prediction as plot_prediction
    from proofs_check.claim import Claim as Claim
    from proofs_check.claim import load_ledger as load_ledger
    from proofs_check.kernel.check import check_proof as check_proof
    from proofs_check.ledger.run import settle as settle
    from proofs_check.ledger.settled import Settled as Settled
    from proofs_check.settle import check as check
    from proofs_check.settlement import Settlement as Settlement
    from proofs_check.verdict import Verdict as Verdict
    from simulate.many_inputs import joint_lengths as joint_lengths
    from simulate.methods.direct import lengths as lengths
    from simulate.result import Estimate as Estimate
    from simulate.simulation import simulate as simulate
    from theory.activations import Activation as Activation
    from theory.convolutional import Convolutional as Convolutional
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
    from theory.initialisers import initialiser as initialiser
    from theory.laws import Law as Law
    from theory.laws import as_law as as_law
    from theory.laws import finite_law as finite_law
    from theory.length_distribution import LengthLaw as LengthLaw
    from theory.network import FullyConnected as FullyConnected
    from theory.prediction import Prediction as Prediction
    from theory.prediction import predict as predict
    from theory.readings.batch import batch_length_moments as batch_length_moments
    from theory.readings.symbolic import derive as derive
    from theory.residual import Residual as Residual
    from theory.schedules import schedule as schedule

__version__ = "0.1.0"

_HOMES = {
    "Activation": "theory.activations",
    "Claim": "proofs_check.claim",
    "Estimate": "simulate.result",
    "Convolutional": "theory.convolutional",
    "FullyConnected": "theory.network",
    "Law": "theory.laws",
    "LengthLaw": "theory.length_distribution",
    "Prediction": "theory.prediction",
    "Settled": "proofs_check.ledger.settled",
    "Residual": "theory.residual",
    "Settlement": "proofs_check.settlement",
    "SpecError": "theory.errors",
    "Thresholds": "theory.failure_modes",
    "Verdict": "proofs_check.verdict",
    "as_law": "theory.laws",
    "batch_length_moments": "theory.readings.batch",
    "check": "proofs_check.settle",
    "check_proof": "proofs_check.kernel.check",
    "derive": "theory.readings.symbolic",
    "expected_above": "theory.data_sets",
    "expected_below": "theory.data_sets",
    "expected_dead": "theory.data_sets",
    "fall_limit": "theory.data_sets",
    "finite_law": "theory.laws",
    "growth_limit": "theory.data_sets",
    "initialiser": "theory.initialisers",
    "length_law": "theory.exact_law",
    "joint_lengths": "simulate.many_inputs",
    "largest_length": "theory.extremes",
    "lengths": "simulate.methods.direct",
    "load_ledger": "proofs_check.claim",
    "plot_estimate": "actlen.plots",
    "plot_prediction": "actlen.plots",
    "predict": "theory.prediction",
    "schedule": "theory.schedules",
    "settle": "proofs_check.ledger.run",
    "simulate": "simulate.simulation",
    "smallest_length": "theory.extremes",
}

_MODULES = ("strategies",)
__all__ = sorted([*_HOMES, *_MODULES])


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"actlen.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'actlen' has no public name {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
