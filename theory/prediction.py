"""predict(network): one frozen record with everything theory says about an architecture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from theory.bounds import SecondMomentBounds, second_moment_bounds
from theory.empirical_variance import expected_empirical_variance
from theory.errors import SpecError
from theory.failure_modes import FailureModes, Thresholds, failure_modes
from theory.network import FullyConnected
from theory.precision import LONGEST_BITS, at_precision
from theory.readings.exact import check_order, length_moments
from theory.reals import Number, as_float
from theory.spec import Network
from theory.values import EXACT_DIGITS, Bounded, Enclosed, Exact, as_value

__all__ = ["LayerPrediction", "Prediction", "fully_connected_prediction", "plain", "predict"]

_HOMES = {
    "Residual": "theory.residual_prediction",
    "Convolutional": "theory.convolutional_prediction",
}


@dataclass(frozen=True)
class LayerPrediction:
    """E M_j^k for k = 1, ..., order, and Var M_j (None at infinite kurtosis), for one layer."""

    index: int
    width: int
    moments: tuple[Exact | Enclosed | Bounded, ...]
    variance: Exact | Enclosed | None

    def to_dict(self, *, exact_digits: int | None) -> dict[str, Any]:
        """JSON form."""
        moments = {str(k): m.to_dict(exact_digits=exact_digits) for k, m in enumerate(self.moments, start=1)}
        variance = None if self.variance is None else self.variance.to_dict(exact_digits=exact_digits)
        return {"index": self.index, "width": self.width, "moments": moments, "variance": variance}


@dataclass(frozen=True)
class Prediction:
    """What theory says about one network; every number exact or enclosed.

    `layers[j]` is layer j, with the input as layer 0; lengths are squared, per neuron.
    `kurtosis` is that of a weight, None where it is infinite or differs between layers.
    `empirical_variance` is E EmpVar over layers 1..d. Bounds are None where biases or an
    infinite kurtosis put Theorem 5 out of reach. `details` holds what only one kind of network
    has: values, numbers, text, and lists and mappings of them.
    """

    network: Network
    order: int
    kurtosis: Exact | Enclosed | None
    layers: tuple[LayerPrediction, ...]
    second_moment_bounds: SecondMomentBounds | None
    empirical_variance: Exact | Enclosed | None
    failure_modes: FailureModes
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self, *, exact_digits: int | None = EXACT_DIGITS) -> dict[str, Any]:
        """The JSON object that `actlen predict --json` prints; exact_digits=None keeps all digits."""
        bounds, spread = self.second_moment_bounds, self.empirical_variance
        return {
            "network": self.network.to_dict(),
            "kurtosis": None if self.kurtosis is None else self.kurtosis.to_dict(exact_digits=exact_digits),
            "layers": [layer.to_dict(exact_digits=exact_digits) for layer in self.layers],
            "second_moment_bounds": None if bounds is None else bounds.to_dict(exact_digits=exact_digits),
            "empirical_variance": None if spread is None else spread.to_dict(exact_digits=exact_digits),
            "failure_modes": self.failure_modes.to_dict(exact_digits=exact_digits),
        } | ({"details": plain(self.details, exact_digits)} if self.details else {})

    def _repr_html_(self) -> str:
        head = "".join(f"<th>E M<sup>{k}</sup></th>" for k in range(1, self.order + 1))
        rows = "".join(
            f"<tr><td>{layer.index}</td><td>{layer.width}</td>"
            + "".join(f"<td>{_shown(m)}</td>" for m in layer.moments)
            + "</tr>"
            for layer in self.layers
        )
        return f"<table><tr><th>layer</th><th>width</th>{head}</tr>{rows}</table>"


def plain(value: Any, exact_digits: int | None) -> Any:
    """Values inside lists and mappings in their JSON form."""
    if isinstance(value, Mapping):
        return {key: plain(inner, exact_digits) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner, exact_digits) for inner in value]
    return value.to_dict(exact_digits=exact_digits) if hasattr(value, "to_dict") else value


def _shown(moment: Exact | Enclosed | Bounded) -> str:
    if isinstance(moment, Bounded):
        return f"{as_float(moment.lower):.6g} to {as_float(moment.upper):.6g}"
    return f"{float(moment):.6g}"


def predict(
    network: Network,
    order: int = 2,
    *,
    exact: bool = False,
    digits: int = 30,
    thresholds: Thresholds | None = None,
) -> Prediction:
    """Moments, bounds, empirical variance and failure modes of a network.

    Numbers are exact rationals where they can be; irrational ones, and fractions of more than
    4,000 digits unless `exact` is set, are enclosed with at least `digits` guaranteed digits.
    Raises `SpecError` for an order whose moments are infinite, or when the precision limit is
    reached.

    >>> net = FullyConnected([10, 10, 20, 30, 40])
    >>> predict(net).empirical_variance.fraction
    Fraction(409, 2048)
    """
    assemble = _assembler(network, order)
    limits = Thresholds() if thresholds is None else thresholds
    if not isinstance(limits, Thresholds):
        raise SpecError(f"thresholds must be a Thresholds record, not {type(limits).__name__}")
    longest = None if exact else LONGEST_BITS
    return at_precision(lambda: assemble(network, order, longest, limits), _values, digits)


def _assembler(network: Network, order: int) -> Callable[..., Prediction]:
    """What puts the record together for this kind of network, once the order is known to be good.

    Called with the network, the order, the most bits of a fraction, and the thresholds.
    """
    if isinstance(network, FullyConnected):
        check_order(network, order)
        return fully_connected_prediction
    home = _HOMES.get(type(network).__name__) if isinstance(network, Network) else None
    if home is None:
        raise SpecError(f"predict takes a network such as FullyConnected, not {type(network).__name__}")
    module = import_module(home)
    module.check_order(network, order)
    assemble: Callable[..., Prediction] = module.assemble
    return assemble


def fully_connected_prediction(
    network: FullyConnected, order: int, longest: int | None, limits: Thresholds
) -> Prediction:
    """The record of `predict` at the current precision, the order already checked."""
    reachable = network.has_finite_moments(2)
    rows = length_moments(network, max(order, 2) if reachable else order, longest_bits=longest)
    means = [row[0] for row in rows]
    seconds = [row[1] for row in rows] if reachable else None
    spread = None
    if seconds is not None:
        spread = as_value(expected_empirical_variance(network, means[1:], seconds[1:], longest_bits=longest))
    return Prediction(
        network=network,
        order=order,
        kurtosis=_kurtosis(network) if reachable else None,
        layers=_layers(network, rows, order, reachable),
        second_moment_bounds=second_moment_bounds(network, longest_bits=longest),
        empirical_variance=spread,
        failure_modes=failure_modes(means, seconds, limits),
    )


def _layers(
    network: FullyConnected, rows: Sequence[Sequence[Number]], order: int, reachable: bool
) -> tuple[LayerPrediction, ...]:
    return tuple(
        LayerPrediction(
            index=j,
            width=network.widths[j],
            moments=tuple(as_value(m) for m in row[:order]),
            variance=as_value(row[1] - row[0] ** 2) if reachable else None,
        )
        for j, row in enumerate(rows)
    )


def _kurtosis(network: FullyConnected) -> Exact | Enclosed | None:
    laws = set(network.weights)
    if len(laws) > 1:
        return None
    (law,) = laws
    if law.independent:
        return as_value(law.kurtosis)
    kurtoses = {layer.kurtosis for layer in network.layers}
    return as_value(kurtoses.pop()) if len(kurtoses) == 1 else None


def _values(prediction: Prediction) -> list[Exact | Enclosed | None]:
    values: list[Any] = [prediction.empirical_variance]
    for layer in prediction.layers:
        values += [*layer.moments, layer.variance]
    if prediction.second_moment_bounds is not None:
        bounds = prediction.second_moment_bounds
        values += [bounds.lower, bounds.upper, bounds.exponential_lower, bounds.exponential_upper]
    return values
