"""What the engine asks of a spec, whatever its kind."""

from __future__ import annotations

from itertools import pairwise

from theory.activations import SmoothActivation
from theory.convolutional import Convolutional
from theory.errors import SpecError
from theory.laws import Law
from theory.network import FullyConnected
from theory.residual import Residual
from theory.spec import Network

__all__ = ["check_activation", "fully_connected", "laws_in_use", "unknown", "weights_per_network"]


def fully_connected(network: Network, method: str) -> FullyConnected:
    """The network, if it is of the one kind that the reduced methods know."""
    if isinstance(network, FullyConnected):
        return network
    kind = type(network).__name__.lower()
    raise SpecError(f"--method {method} knows fully connected nets, not {kind} ones; use --method direct")


def laws_in_use(network: Network) -> tuple[Law, ...]:
    """The laws of the weights, and of the biases whose variance is positive."""
    if isinstance(network, FullyConnected):
        return (*network.weights, *network.bias_laws_in_use)
    if isinstance(network, (Residual, Convolutional)):
        return network.weights
    raise unknown(network)


def weights_per_network(network: Network) -> int:
    """Weights of one network, biases not counted.

    >>> weights_per_network(FullyConnected([2, 3, 4])), weights_per_network(Residual(2, [1], [3]))
    (18, 12)
    >>> weights_per_network(Convolutional([2, 4], kernel=3, positions=[8, 8], groups=2))
    36
    """
    if isinstance(network, FullyConnected):
        return sum(m * n for m, n in pairwise(network.widths))
    if isinstance(network, Residual):
        return sum(layer.fan_in * layer.width for block in network.blocks for layer in block.layers)
    if isinstance(network, Convolutional):
        return sum(layer.fan_in * layer.channels for layer in network.layers)
    raise unknown(network)


def check_activation(network: Residual | Convolutional) -> None:
    """Refuse an activation that explicit weights cannot go through."""
    if isinstance(network.activation, SmoothActivation):
        raise SpecError(
            f"{network.activation.name} is simulated in fully connected nets only; take a piecewise linear "
            "activation such as relu"
        )


def unknown(network: object) -> SpecError:
    """The error for what is no network."""
    return SpecError(f"simulate takes a network such as FullyConnected([3, 4]), not {network!r:.60}")
