"""Hypothesis strategies for the parts of a network: numbers, laws, activations, inputs, biases, scales.

They are public through `actlen.strategies`. Whatever fails shrinks to the plainest part: 1, normal
weights, ReLU, an input of ones, no bias.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

from flint import fmpq
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from theory.activations import PiecewiseLinear
from theory.errors import SpecError
from theory.finite_laws import FiniteLaw, finite_law
from theory.laws import Law, StudentT, TruncatedNormal, as_law
from theory.reals import ExactReal, square_root
from theory.schedules import schedule

__all__ = [
    "activations",
    "biases",
    "finite_laws",
    "inputs",
    "laws",
    "named_laws",
    "rationals",
    "scales",
    "schedules",
    "smallest",
    "student_laws",
    "truncated_normal_laws",
]

T = TypeVar("T")

# What stands alone in front of `|` is what everything shrinks to.
_NORMAL, _OTHER_LAWS = as_law("normal"), ("rademacher", "uniform", "laplace")
_RELU, _OTHER_ACTIVATIONS = PiecewiseLinear(fmpq(1), fmpq(0)), (fmpq(-1), fmpq(1))


def smallest(strategy: SearchStrategy[T], condition: Callable[[T], Any]) -> T:
    """The example to which Hypothesis shrinks what satisfies the condition: the same on every run.

    Raises `hypothesis.errors.NoSuchExample` where a thousand examples hold none.

    >>> smallest(rationals(), lambda x: x > 1)
    2
    """
    quiet = settings(
        database=None,
        deadline=None,
        derandomize=True,
        max_examples=1_000,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    return find(strategy, lambda example: bool(condition(example)), settings=quiet)


@cache
def rationals(low: int = -3, high: int = 3, *, max_denominator: int = 4) -> SearchStrategy[fmpq]:
    """Whole numbers from `low` to `high`, then all fractions there of a small denominator; simple ones first.

    >>> smallest(rationals(), lambda x: x > 1), smallest(rationals(), lambda x: 0 < x < 1)
    (2, 1/2)
    """
    denominators = range(2, max_denominator + 1)
    broken = {fmpq(p, q) for q in denominators for p in range(low * q, high * q + 1)}
    simplest_first = sorted(broken, key=lambda x: (x < 0, int(x.q), abs(x)))
    whole = st.integers(low, high).map(fmpq)
    return whole | st.sampled_from([x for x in simplest_first if x.q != 1])


def _positive(high: int = 3) -> SearchStrategy[fmpq]:
    return rationals(0, high).filter(lambda x: x > 0)


@st.composite
def finite_laws(draw: st.DrawFn, *, max_values: int = 3) -> FiniteLaw:
    """Any symmetric law on zero (or not) and up to `max_values` pairs of rational points.

    Probabilities are any rationals with a denominator of at most 5 (2 max_values + 1); everything
    shrinks to the two signs with probability 1/2.

    >>> smallest(finite_laws(), lambda law: law.kurtosis == 3).name
    'finite:-1:1/6,0:2/3,1:1/6'
    """
    values = draw(st.lists(_positive(), min_size=1, max_size=max_values, unique=True))
    shares = [draw(st.integers(1, 5)) for _ in values]
    at_zero = draw(st.integers(0, 5))
    total = 2 * sum(shares) + at_zero
    points = [(sign * v, fmpq(p, total)) for v, p in zip(values, shares, strict=True) for sign in (1, -1)]
    return finite_law([*points, (fmpq(0), fmpq(at_zero, total))] if at_zero else points)


@cache
def student_laws(order: int = 2) -> SearchStrategy[StudentT]:
    """Student's laws with a finite moment of order 2 * order, the heaviest tails among them.

    >>> smallest(student_laws(2), lambda law: True).name
    'student_t:5'
    """
    freedom = _positive(20).map(lambda excess: 2 * order + excess)
    return freedom.map(StudentT)


@cache
def truncated_normal_laws() -> SearchStrategy[TruncatedNormal]:
    """Normal laws cut off at up to 9 standard deviations; their moments are enclosed, not exact.

    >>> smallest(truncated_normal_laws(), lambda law: law.kurtosis > 2).name
    'truncated_normal:2'
    """
    return _positive(9).map(TruncatedNormal)


@cache
def named_laws(order: int = 2, *, exact: bool = True, independent: bool = True) -> SearchStrategy[Law]:
    """Laws that have a name on the command line, with finite moments of order 2 * order.

    Parameters
    ----------
    order
        Of the moments E M^order that are to be finite.
    exact
        Whether all moments must be rational, which leaves out truncated normal laws.
    independent
        Whether entries must be independent, which leaves out orthogonal matrices.

    >>> smallest(named_laws(), lambda law: law.kurtosis < 2).name
    'rademacher'
    """
    names = [*_OTHER_LAWS] if independent else [*_OTHER_LAWS, "orthogonal"]
    found: SearchStrategy[Law] = st.just(_NORMAL) | st.sampled_from([as_law(name) for name in names])
    found = found | student_laws(order)
    return found if exact else found | truncated_normal_laws()


@cache
def laws(order: int = 2, *, exact: bool = True, independent: bool = True) -> SearchStrategy[Law]:
    """Named laws, and arbitrary finite ones; the options are those of `named_laws`.

    >>> smallest(laws(), lambda law: True).name, smallest(laws(), lambda law: law.kurtosis == 2).name
    ('normal', 'finite:-1:1/4,0:1/2,1:1/4')
    """
    return named_laws(order, exact=exact, independent=independent) | finite_laws()


@cache
def activations() -> SearchStrategy[PiecewiseLinear]:
    """Piecewise linear activations: ReLU first, then abs, linear, leaky ones and any two slopes.

    >>> smallest(activations(), lambda phi: phi.even_moment_factor(1) > 1).name
    'slopes:2:0'
    """
    negative_slopes = st.sampled_from(_OTHER_ACTIVATIONS) | rationals(-1, 1)
    leaky = negative_slopes.map(lambda slope: PiecewiseLinear(fmpq(1), slope))
    pairs = st.tuples(rationals(), rationals()).filter(any)
    return st.just(_RELU) | leaky | pairs.map(lambda pair: PiecewiseLinear(pair[1], pair[0]))


@cache
def inputs(width: int, *, zero: bool = False) -> SearchStrategy[list[fmpq] | None]:
    """An input a_0 of `width` rational coordinates, or None for all ones; `zero` admits a_0 = 0.

    >>> smallest(inputs(2), lambda x: True) is None, smallest(inputs(2), lambda x: x and x[0] < 0)
    (True, [-1, 0])
    """
    if width < 1:
        raise SpecError(f"an input has at least 1 coordinate, not {width}; ask for inputs(1)")
    some = st.lists(rationals(), min_size=width, max_size=width)
    return st.none() | (some if zero else some.filter(any))


@st.composite
def biases(draw: st.DrawFn, depth: int, *, order: int = 2) -> dict[str, Any]:
    """The arguments `bias_weights` and `bias_variance` of a fully connected net of this depth.

    One law and one variance for all layers, or one for each, 0 where a layer has none. Shrinks to no
    bias at all.

    >>> smallest(biases(2), lambda given: given["bias_variance"] != 0)
    {'bias_weights': Normal(), 'bias_variance': 1}
    """
    return {
        "bias_weights": draw(_one_or_each(laws(order), depth)),
        "bias_variance": draw(_one_or_each(rationals(0, 3), depth)),
    }


def _one_or_each(strategy: SearchStrategy[T], steps: int) -> SearchStrategy[T | list[T]]:
    return strategy | st.lists(strategy, min_size=steps, max_size=steps)


@cache
def schedules(blocks: int) -> SearchStrategy[list[ExactReal]]:
    """Scales by a schedule: 1/L, 1/sqrt(L), or geometric with a base from 0 to 1.

    >>> smallest(schedules(2), lambda etas: etas[0] != etas[1])
    [1/2, 1/4]
    """
    geometric = rationals(0, 1).map(lambda base: f"geometric:{base}")
    names = st.sampled_from(["1/L", "1/sqrt(L)"]) | geometric
    return names.map(lambda name: schedule(name, blocks))


@cache
def scales(blocks: int) -> SearchStrategy[Sequence[ExactReal]]:
    """eta_1, ..., eta_L >= 0 of a residual net of L = `blocks`: rationals, roots, or a schedule.

    >>> smallest(scales(3), lambda etas: True), smallest(scales(3), lambda etas: etas[1] == 0)
    ([1, 1, 1], [0, 0, 0])
    """
    roots = rationals(0, 3).map(square_root)
    each: SearchStrategy[ExactReal] = rationals(0, 3) | roots
    ones: SearchStrategy[Sequence[ExactReal]] = st.just([fmpq(1)] * blocks)
    return ones | st.lists(each, min_size=blocks, max_size=blocks) | schedules(blocks)
