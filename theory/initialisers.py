"""Named initialisers: each is a weight law, a variance gain and a fan mode.

Unqualified names follow the papers: He et al. 2015 (he), Glorot and Bengio 2010 (xavier, also
called glorot), LeCun et al. 1998 (lecun). Framework names differ from these and are qualified.
"""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from theory.errors import unknown_name
from theory.laws import Law, Normal, Uniform

__all__ = ["INITIALISERS", "Initialiser", "initialiser"]


@dataclass(frozen=True)
class Initialiser:
    """Entry variance = variance_gain / fan, with the fan chosen by `mode`."""

    weights: Law
    variance_gain: fmpq
    mode: str


_SCHEMES = {"he": (2, "fan_in"), "xavier": (1, "fan_avg"), "glorot": (1, "fan_avg"), "lecun": (1, "fan_in")}
_SHAPES: dict[str, Law] = {"normal": Normal(), "uniform": Uniform()}

INITIALISERS: dict[str, Initialiser] = {
    f"{scheme}_{shape}": Initialiser(law, fmpq(gain), mode)
    for scheme, (gain, mode) in _SCHEMES.items()
    for shape, law in _SHAPES.items()
}


def initialiser(name: str) -> Initialiser:
    """The initialiser of that name.

    >>> initialiser("he_normal").variance_gain, initialiser("xavier_uniform").mode
    (2, 'fan_avg')
    """
    if not isinstance(name, str) or name not in INITIALISERS:
        raise unknown_name("initialiser", str(name), INITIALISERS)
    return INITIALISERS[name]
