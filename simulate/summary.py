"""What is kept of a batch of simulated networks: sums that merge, never the networks themselves."""

from __future__ import annotations

import io
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeAlias, get_args, get_type_hints

import numpy as np
from numpy.typing import NDArray

from simulate.histogram import Histogram
from simulate.logs import LogMoments
from simulate.scaled import Averages, Lengths, common_exponent, shifted

__all__ = ["Covariances", "Summary", "decode", "encode"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Covariances:
    """Sums of products of deviations of M_i and M_j, shape (d + 1, d + 1), exponents per layer."""

    count: Integers
    exponent: Integers
    mean: Floats
    products: Floats

    @classmethod
    def of(cls, lengths: Lengths) -> Covariances:
        """Over the networks of the batch."""
        averages = Averages.of(lengths)
        x = shifted(lengths.fraction, lengths.exponent - averages.exponent[:, None]) - averages.mean[:, None]
        products = np.einsum("ir,jr->ij", x, x)
        return cls(averages.count, averages.exponent, averages.mean, products)

    def merged(self, other: Covariances) -> Covariances:
        """Of both samples together."""
        exponent = common_exponent(self, other)
        one, two = self._at(exponent), other._at(exponent)
        count = self.count + other.count
        difference = two.mean - one.mean
        weight = float(self.count) * (float(other.count) / float(count))
        products = one.products + two.products + weight * np.outer(difference, difference)
        return Covariances(count, exponent, one.mean + difference * (other.count / count), products)

    def _at(self, exponent: Integers) -> Covariances:
        shift = self.exponent - exponent
        products = shifted(shifted(self.products, shift), shift[:, None])
        return Covariances(self.count, exponent, shifted(self.mean, shift), products)


@dataclass(frozen=True)
class Summary:
    """Averages over a batch of networks; shapes over orders 1..K and layers 0..d.

    moments    M_j^k, shape (K, d + 1)
    logs       central moments of log M_j over the networks where layer j is alive, shape (d + 1,)
    dead       networks with M_j = 0, shape (d + 1,)
    largest    the largest log M_j seen, shape (d + 1,)
    empirical  EmpVar, the variance of M_1, ..., M_d within a network
    """

    moments: Averages
    logs: LogMoments
    dead: Integers
    largest: Floats
    histogram: Histogram
    empirical: Averages
    covariances: Covariances | None

    @classmethod
    def of(cls, lengths: Lengths, order: int, *, covariance: bool = False) -> Summary:
        """Of one batch of networks."""
        logs = lengths.logs()
        powers = [Averages.of(lengths.power(k)) for k in range(1, order + 1)]
        return cls(
            moments=_stacked(powers),
            logs=LogMoments.of(logs),
            dead=np.sum(~lengths.alive, axis=1),
            largest=np.max(logs, axis=1),
            histogram=Histogram.of(logs),
            empirical=Averages.of(_empirical(lengths)),
            covariances=Covariances.of(lengths) if covariance else None,
        )

    def tilted(self, powers: list[Averages]) -> Summary:
        """Keep only weighted averages of M^k; the rest of a tilted sample estimates nothing."""
        empty = np.empty((0, 1))
        return replace(
            self, moments=_stacked(powers), logs=LogMoments.of(empty), histogram=Histogram.of(empty)
        )

    @property
    def count(self) -> int:
        """How many networks are in it."""
        return int(self.moments.count)

    def merged(self, other: Summary) -> Summary:
        """Of both batches together; exact for counts, to rounding for the rest."""
        return Summary(
            moments=self.moments.merged(other.moments),
            logs=self.logs.merged(other.logs),
            dead=self.dead + other.dead,
            largest=np.maximum(self.largest, other.largest),
            histogram=self.histogram.merged(other.histogram),
            empirical=self.empirical.merged(other.empirical),
            covariances=self.covariances.merged(other.covariances)
            if self.covariances is not None and other.covariances is not None
            else None,
        )


def _stacked(powers: list[Averages]) -> Averages:
    return Averages(
        powers[0].count,
        np.stack([p.exponent for p in powers]),
        np.stack([p.mean for p in powers]),
        np.stack([p.spread for p in powers]),
    )


def _empirical(lengths: Lengths) -> Lengths:
    """EmpVar of each network as a scaled number, shape (R,)."""
    hidden = Lengths(lengths.fraction[1:], lengths.exponent[1:])
    top = hidden.top(0)
    return Lengths(np.var(shifted(hidden.fraction, hidden.exponent - top), axis=0), 2 * top)


def encode(record: Any) -> bytes:
    """A record of nested dataclasses of arrays as bytes, without pickle."""
    buffer = io.BytesIO()
    np.savez(buffer, **dict(_leaves(record, "")))
    return buffer.getvalue()


def decode(kind: type[Any], payload: bytes) -> Any:
    """The record of this kind that `encode` wrote."""
    with np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
        return _build(kind, "", dict(arrays))


def _leaves(record: Any, prefix: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for field in fields(record):
        value = getattr(record, field.name)
        if is_dataclass(value):
            found += _leaves(value, f"{prefix}{field.name}.")
        elif value is not None:
            found.append((prefix + field.name, value))
    return found


def _build(kind: type[Any], prefix: str, arrays: dict[str, Any]) -> Any:
    values = {}
    hints = get_type_hints(kind)
    for field in fields(kind):
        name = prefix + field.name
        inner = _record_in(hints[field.name])
        if inner is None:
            values[field.name] = arrays[name]
        elif any(key.startswith(name + ".") for key in arrays):
            values[field.name] = _build(inner, name + ".", arrays)
        else:
            values[field.name] = None
    return kind(**values)


def _record_in(hint: Any) -> type[Any] | None:
    """The record that a field holds, there or not; None for arrays."""
    kinds = (part for part in (hint, *get_args(hint)) if isinstance(part, type))
    return next((kind for kind in kinds if is_dataclass(kind)), None)
