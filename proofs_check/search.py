"""The search for a counterexample: corners of the family, then Hypothesis, shrunk to a small one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import groupby, islice

from flint import fmpq
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import NoSuchExample

from proofs_check.family import Family
from proofs_check.language.evaluate import MomentSource, evaluate
from proofs_check.language.tree import Statement
from proofs_check.routes import predicted
from proofs_check.shared_work import of_network, once
from theory.network import FullyConnected
from theory.reals import Number
from theory.residual import Residual
from theory.spec import Network

__all__ = ["Search", "Witness", "describe", "effort", "find_witness", "search", "thorough"]

_SHOWN_WIDTHS = 12
_EFFORT: ContextVar[int] = ContextVar("effort", default=1)
_THOROUGH = 10


@contextmanager
def thorough() -> Iterator[None]:
    """Within the block, sweeps for evidence try ten times as many networks.

    >>> with thorough():
    ...     effort()
    10
    """
    token = _EFFORT.set(_THOROUGH)
    try:
        yield
    finally:
        _EFFORT.reset(token)


def effort() -> int:
    """By what to multiply the networks of a sweep."""
    return _EFFORT.get()


@dataclass(frozen=True)
class Witness:
    """A member of the family on which the statement fails, with both sides."""

    network: Network
    sides: tuple[Number, ...]


@dataclass(frozen=True)
class Search:
    """What a search found, after so many cases."""

    witness: Witness | None
    cases: int
    undecided: int = 0


def find_witness(
    statement: Statement,
    family: Family,
    *,
    examples: int = 300,
    corners: int = 200,
    source: Callable[[Network], MomentSource] = predicted,
) -> Search:
    """Look for a member on which the statement fails; deterministic.

    >>> from proofs_check.family import parse_family
    >>> from proofs_check.language.parse import parse
    >>> claim = parse("E[M[d]**2] == M[0]**2*prod(1+5/n[j], j, 1, d)")
    >>> find_witness(claim, parse_family("weights=rademacher")).witness.network.widths
    (1, 1)
    """
    cases = undecided = 0

    def fails(network: Network) -> bool:
        nonlocal cases, undecided
        cases += 1
        holds = evaluate(statement, network, of_network(source, network)).holds
        undecided += holds is None
        return holds is False

    found = next((net for net in _corners(family, corners) if fails(net)), None)
    if found is None and any(map(fails, _drawn(family, examples))):
        found = search(family, fails, examples)
    if found is None:
        return Search(None, cases, undecided)
    return Search(Witness(found, evaluate(statement, found, source(found)).sides), cases, undecided)


def _corners(family: Family, most: int) -> list[Network]:
    return once(("corners", family, most), lambda: list(islice(family.corners(), most)))


def _drawn(family: Family, examples: int) -> list[Network]:
    """What Hypothesis draws as long as nothing fails: the same members for every statement."""

    def draw() -> list[Network]:
        drawn: list[Network] = []
        # `append` returns None, so that no member counts as failing.
        search(family, lambda network: bool(drawn.append(network)), examples)  # type: ignore[func-returns-value]
        return drawn

    return once(("drawn", family, examples), draw)


def search(family: Family, fails: Callable[[Network], bool], examples: int) -> Network | None:
    """A member that fails, drawn and shrunk by Hypothesis; deterministic."""
    quiet = settings(
        database=None,
        derandomize=True,
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    try:
        return find(family.strategy(), fails, settings=quiet)
    except NoSuchExample:
        return None


def describe(network: Network) -> str:
    """A witness network in one line: only what differs from the defaults."""
    parts = _residual_parts(network) if isinstance(network, Residual) else _layer_parts(network)
    ones = network.input is None or all(x == fmpq(1) for x in network.input)
    values = list(map(str, network.input or ()))
    shown = values if len(values) <= _SHOWN_WIDTHS else _runs(values)
    parts.append("input ones" if ones else f"input {','.join(shown)}")
    return "; ".join(parts)


def _layer_parts(network: Network) -> list[str]:
    assert isinstance(network, FullyConnected)
    widths = list(map(str, network.widths))
    shown = widths if len(widths) <= _SHOWN_WIDTHS else _runs(widths)
    parts = [f"widths {','.join(shown)}", f"weights {network.weights[0].name}"]
    if network.has_bias:
        variances = _runs(list(map(str, network.bias_variance)))
        layers = variances[0].partition("x")[0] if len(variances) == 1 else ",".join(variances)
        parts.append(f"bias {network.bias_weights[0].name} of variance {layers}")
    if network.activation.name != "relu":
        parts.append(f"activation {network.activation.name}")
    if any(g != network.activation.critical_variance_gain for g in network.variance_gain):
        parts.append(f"variance gain {','.join(_runs(list(map(str, network.variance_gain))))}")
    return parts


def _runs(values: list[str]) -> list[str]:
    """a, a, b as ax2, b."""
    counted = ((value, len(list(run))) for value, run in groupby(values))
    return [value if count == 1 else f"{value}x{count}" for value, count in counted]


def _residual_parts(network: Residual) -> list[str]:
    branches = dict.fromkeys(",".join(map(str, hidden)) for hidden in network.branch_widths)
    return [
        f"trunk {network.width}",
        f"scales {','.join(_runs(list(map(str, network.scales))))}",
        f"branch {' | '.join(branches)}",
        f"weights {network.weights[0].name}",
    ]
