"""The methods by name, and which one `auto` takes."""

from __future__ import annotations

from simulate.job import Job
from simulate.methods.conditional import Conditional
from simulate.methods.direct import Direct
from simulate.methods.gradients import Gradients
from simulate.methods.joint import Joint
from simulate.methods.law import Law
from simulate.methods.method import Method
from simulate.methods.splitting import Splitting
from theory.errors import SpecError, unknown_name
from theory.spec import Network

__all__ = ["METHODS", "choose", "method_named"]

# `joint` answers another question and takes other arguments.
_JOINT = Joint()
METHODS: dict[str, Method] = {m.name: m for m in (Direct(), Splitting(), Law(), Conditional(), Gradients())}
_CHEAPEST_FIRST = (Law.name, Conditional.name)


def method_named(name: str) -> Method:
    """The method of this name."""
    if name == _JOINT.name:
        return _JOINT
    if name not in METHODS:
        raise unknown_name("method", name, ("auto", *METHODS))
    return METHODS[name]


def choose(network: Network, order: int) -> str:
    """The cheapest method that is valid for the network.

    >>> from theory.network import FullyConnected
    >>> choose(FullyConnected([5, 5]), 2), choose(FullyConnected([5, 5], weights="uniform"), 2)
    ('law', 'direct')
    """
    for name in _CHEAPEST_FIRST:
        try:
            METHODS[name].check(Job(network, name, 0, order))
        except SpecError:
            continue
        return name
    return Direct.name
