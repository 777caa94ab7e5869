"""Hypothesis's entry point: which types of ours `st.from_type` can draw, in any project.

Hypothesis calls `register` when it is first imported, wherever the package is installed. So this
module says only which strategy belongs to which type, and what draws is loaded when it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["TYPES", "register"]

# Module and name of the type; its strategy in `actlen.strategies`.
TYPES = {
    ("theory.activations", "Activation"): "activations",
    ("theory.activations", "PiecewiseLinear"): "activations",
    ("theory.convolutional", "Convolutional"): "convolutional",
    ("theory.finite_laws", "FiniteLaw"): "finite_laws",
    ("theory.law", "Law"): "laws",
    ("theory.laws", "StudentT"): "student_laws",
    ("theory.laws", "TruncatedNormal"): "truncated_normal_laws",
    ("theory.network", "FullyConnected"): "fully_connected",
    ("theory.residual", "Residual"): "residual",
    ("theory.spec", "Network"): "networks",
}


def register() -> None:
    """Tell Hypothesis how to draw networks, laws and activations.

    >>> from hypothesis import strategies as st
    >>> from actlen.strategies import smallest
    >>> from theory.network import FullyConnected
    >>> register()
    >>> smallest(st.from_type(FullyConnected), lambda net: max(net.widths) > 4).widths
    (1, 5)
    """
    from hypothesis.strategies import register_type_strategy

    for (module, name), strategy in TYPES.items():
        register_type_strategy(getattr(import_module(module), name), _drawn_by(strategy))


def _drawn_by(strategy: str) -> Any:
    return lambda _: getattr(import_module("actlen.strategies"), strategy)()
