"""Hypothesis strategies for networks and their parts, for property tests in any project.

    from actlen import strategies as nets

    @given(nets.fully_connected(biased=False))
    def test_my_claim(network): ...

Every choice shrinks to a small network: few layers, narrow ones, normal weights, ReLU, no bias, an
input of ones. With the package installed, `st.from_type(FullyConnected)` and its like find these
strategies without an import (Hypothesis's entry point, `actlen.strategy_registration`). Hypothesis is
loaded with this module and not before.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from actlen.strategy_parts import (
    activations,
    biases,
    finite_laws,
    inputs,
    laws,
    named_laws,
    rationals,
    scales,
    schedules,
    smallest,
    student_laws,
    truncated_normal_laws,
)
from theory.activations import Activation
from theory.convolutional import PADDINGS, Convolutional
from theory.fans import FAN_MODES
from theory.laws import Law
from theory.network import FullyConnected
from theory.residual import BRANCH_OUTPUTS, Residual
from theory.spec import Network

__all__ = [
    "activations",
    "biases",
    "convolutional",
    "finite_laws",
    "fully_connected",
    "inputs",
    "laws",
    "modes",
    "named_laws",
    "networks",
    "rationals",
    "residual",
    "scales",
    "schedules",
    "smallest",
    "student_laws",
    "truncated_normal_laws",
    "variance_gains",
    "widths",
]


@cache
def widths(
    *, min_depth: int = 1, max_depth: int = 4, min_width: int = 1, max_width: int = 8
) -> SearchStrategy[list[int]]:
    """n_0, ..., n_d with `min_depth` <= d <= `max_depth`, each width within its range.

    >>> smallest(widths(), lambda n: True), smallest(widths(min_depth=2), lambda n: max(n) > 3)
    ([1, 1], [1, 1, 4])
    """
    return st.lists(st.integers(min_width, max_width), min_size=min_depth + 1, max_size=max_depth + 1)


@cache
def modes(*, exact: bool = True) -> SearchStrategy[str]:
    """Fan modes; `exact` leaves out fan_geo_avg, whose fan may be irrational.

    >>> smallest(modes(), lambda mode: True)
    'fan_in'
    """
    return st.sampled_from([mode for mode in FAN_MODES if not exact or mode != "fan_geo_avg"])


@cache
def variance_gains() -> SearchStrategy[Any]:
    """None, which is the critical gain, or a positive rational."""
    return st.none() | rationals(0, 4).filter(lambda gain: gain != 0)


@st.composite
def fully_connected(
    draw: st.DrawFn,
    *,
    widths: SearchStrategy[list[int]] | None = None,
    weights: SearchStrategy[Law] | None = None,
    activation: SearchStrategy[Activation] | None = None,
    order: int = 2,
    exact: bool = True,
    biased: bool = True,
    critical: bool = False,
    zero_input: bool = False,
) -> FullyConnected:
    """Fully connected nets whose E M_j^k is finite for k <= `order`.

    Parameters
    ----------
    widths, weights, activation
        Strategies for these parts, in place of the ones of this module; laws are drawn per layer.
    order, exact
        Of the laws, see `named_laws`; `exact` keeps every moment rational.
    biased
        Whether layers may have biases; without, every bias variance is 0.
    critical
        Whether every layer keeps the mean length: the critical gain, fan_in.
    zero_input
        Whether a_0 = 0 is drawn.

    Examples
    --------
    >>> smallest(fully_connected(), lambda net: net.depth == 2) == FullyConnected([1, 1, 1])
    True
    >>> found = smallest(fully_connected(), lambda net: net.has_bias and max(net.widths) > 2)
    >>> found.widths, found.weights, found.bias_variance
    ((1, 3), (Normal(),), (1,))
    """
    sizes = draw(_WIDTHS if widths is None else widths)
    depth = len(sizes) - 1
    law = laws(order, exact=exact, independent=exact) if weights is None else weights
    phi = activations() if activation is None else activation
    options: dict[str, Any] = {
        "weights": draw(_alike_or_not(law, depth)),
        "activation": draw(phi),
        "input": draw(inputs(sizes[0], zero=zero_input)),
    }
    if biased and draw(st.booleans()):
        options |= draw(biases(depth, order=order))
    if not critical:
        options["mode"] = draw(modes(exact=exact))
        options["variance_gain"] = draw(variance_gains())
        options["output_activation"] = draw(st.none() | phi)
    return FullyConnected(sizes, **options)


_WIDTHS = widths()


def _alike_or_not(law: SearchStrategy[Law], steps: int) -> SearchStrategy[Law | Sequence[Law]]:
    """One law for all steps, or one for each."""
    return law | st.lists(law, min_size=steps, max_size=steps)


@st.composite
def residual(
    draw: st.DrawFn,
    *,
    branch_output: str | None = None,
    weights: SearchStrategy[Law] | None = None,
    activation: SearchStrategy[Activation] | None = None,
    order: int = 2,
    exact: bool = True,
    max_width: int = 6,
    max_depth: int = 3,
) -> Residual:
    """Residual nets; `branch_output` fixes one of relu and linear.

    `exact` keeps E M_l^k rational where it closes: scales are rational or roots of rationals.

    >>> smallest(residual(branch_output="linear"), lambda net: net.depth == 2).to_dict()["branch_widths"]
    [1]
    """
    width = draw(st.integers(1, max_width))
    blocks = draw(st.integers(1, max_depth))
    hidden = st.lists(st.integers(1, max_width), min_size=1, max_size=2)
    law = laws(order, exact=exact) if weights is None else weights
    return Residual(
        width,
        draw(scales(blocks)),
        [draw(hidden) for _ in range(blocks)],
        branch_output=draw(st.sampled_from(BRANCH_OUTPUTS)) if branch_output is None else branch_output,
        weights=draw(_alike_or_not(law, blocks)),
        variance_gain=draw(variance_gains()),
        mode=draw(modes(exact=exact)),
        activation=draw(activations() if activation is None else activation),
        input=draw(inputs(width)),
    )


@st.composite
def convolutional(
    draw: st.DrawFn,
    *,
    weights: SearchStrategy[Law] | None = None,
    activation: SearchStrategy[Activation] | None = None,
    order: int = 2,
    exact: bool = True,
    max_channels: int = 4,
    max_positions: int = 4,
    max_depth: int = 3,
) -> Convolutional:
    """Convolutional nets on a line or a small image, with groups where the channels allow them.

    >>> net = smallest(convolutional(), lambda net: net.depth == 2)
    >>> net.channels, net.kernel, net.positions
    ((1, 1, 1), (1,), (1,))
    """
    per_group = draw(widths(max_depth=max_depth, max_width=max_channels))
    groups = draw(st.integers(1, 2))
    positions = draw(st.lists(st.integers(1, max_positions), min_size=1, max_size=2))
    channels = [groups * c for c in per_group]
    law = laws(order, exact=exact) if weights is None else weights
    return Convolutional(
        channels,
        kernel=[draw(st.integers(1, size)) for size in positions],
        positions=positions,
        groups=groups,
        padding=draw(st.sampled_from(PADDINGS)),
        weights=draw(_alike_or_not(law, len(channels) - 1)),
        variance_gain=draw(variance_gains()),
        mode=draw(modes(exact=exact)),
        activation=draw(activations() if activation is None else activation),
        input=draw(inputs(channels[0] * _size(positions))),
    )


def _size(positions: list[int]) -> int:
    return positions[0] if len(positions) == 1 else positions[0] * positions[1]


def networks(*, order: int = 2, exact: bool = True) -> SearchStrategy[Network]:
    """Networks of every kind, fully connected ones first.

    >>> smallest(networks(), lambda net: True) == FullyConnected([1, 1])
    True
    """
    kinds = [strategy(order=order, exact=exact) for strategy in (fully_connected, residual, convolutional)]
    return st.one_of(kinds)
