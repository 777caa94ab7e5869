"""Named initialisers: each is a weight law, a variance gain, a fan mode and perhaps a bias.

Unqualified names follow the papers: He et al. 2015 (he), Glorot and Bengio 2010 (xavier, also
called glorot), LeCun et al. 1998 (lecun). Framework names differ from these and are qualified;
`theory.framework_initialisers` holds them.
"""

from __future__ import annotations

from flint import fmpq

from theory.errors import SpecError, unknown_name
from theory.framework_initialisers import (
    FRAMEWORK_INITIALISERS,
    PARAMETERISED_INITIALISERS,
    Initialiser,
    Parameterised,
)
from theory.laws import Law, Normal, Uniform
from theory.rationals import RationalLike, rational

__all__ = ["INITIALISERS", "Initialiser", "initialiser"]

_PAPERS = {
    "he": (2, "fan_in", "He et al. 2015"),
    "xavier": (1, "fan_avg", "Glorot and Bengio 2010"),
    "glorot": (1, "fan_avg", "Glorot and Bengio 2010"),
    "lecun": (1, "fan_in", "LeCun et al. 1998"),
}
_SHAPES: dict[str, Law] = {"normal": Normal(), "uniform": Uniform()}

_PAPER_INITIALISERS = {
    f"{scheme}_{shape}": Initialiser(law, fmpq(gain), mode, source=paper)
    for scheme, (gain, mode, paper) in _PAPERS.items()
    for shape, law in _SHAPES.items()
}
_FIXED = _PAPER_INITIALISERS | FRAMEWORK_INITIALISERS

INITIALISERS: tuple[str, ...] = (
    *_FIXED,
    *(f"{name}:{family.parameter}" for name, family in PARAMETERISED_INITIALISERS.items()),
)

# Squares of torch.nn.init.calculate_gain; that of leaky_relu is 2 / (1 + negative_slope^2).
_DIMENSIONS = ("1d", "2d", "3d")
_SQUARED_GAINS = {
    "linear": fmpq(1),
    **{f"conv{d}": fmpq(1) for d in _DIMENSIONS},
    **{f"conv_transpose{d}": fmpq(1) for d in _DIMENSIONS},
    "sigmoid": fmpq(1),
    "tanh": fmpq(25, 9),
    "relu": fmpq(2),
    "selu": fmpq(9, 16),
}
_TORCH_MODES = ("fan_in", "fan_out")


def initialiser(
    name: str,
    *,
    mode: str | None = None,
    nonlinearity: str | None = None,
    negative_slope: RationalLike | None = None,
) -> Initialiser:
    """The initialiser of that name; STD in name:STD is read exactly.

    Parameters
    ----------
    name
        One of `INITIALISERS`.
    mode, nonlinearity, negative_slope
        The arguments of torch.kaiming_normal and torch.kaiming_uniform, whose `a` is
        `negative_slope`; no other initialiser takes them.

    Raises
    ------
    SpecError
        For an unknown name, mode or nonlinearity, a missing or superfluous parameter.

    Examples
    --------
    >>> initialiser("he_normal").variance_gain, initialiser("xavier_uniform").mode
    (2, 'fan_avg')
    >>> initialiser("torch.kaiming_normal", nonlinearity="tanh").variance_gain
    25/9
    >>> str(initialiser("timm.trunc_normal_tf:0.02").variance_gain)
    '1/2500*E[X^2 | |X| <= 2]'
    """
    found = _by_name(name)
    arguments = {"mode": mode, "nonlinearity": nonlinearity, "negative_slope": negative_slope}
    given = [key for key, value in arguments.items() if value is not None]
    if not given:
        return found
    if not name.startswith("torch.kaiming_"):
        raise SpecError(f"{name} takes no {given[0]}; torch.kaiming_normal and torch.kaiming_uniform do")
    return _kaiming(found, mode, nonlinearity, negative_slope)


def _by_name(name: object) -> Initialiser:
    if not isinstance(name, str):
        raise _unknown(str(name))
    if name in _FIXED:
        return _FIXED[name]
    stem, colon, parameter = name.partition(":")
    if colon and stem in _FIXED and stem not in PARAMETERISED_INITIALISERS:
        raise SpecError(f"the initialiser {stem} takes no parameter; write {stem}")
    if stem not in PARAMETERISED_INITIALISERS:
        raise _unknown(name)
    return _parameterised(stem, PARAMETERISED_INITIALISERS[stem], parameter)


def _parameterised(stem: str, family: Parameterised, parameter: str) -> Initialiser:
    if not parameter:
        raise SpecError(f"{stem} needs its {family.meaning}, such as {stem}:0.02")
    value = rational(parameter, f"the {family.meaning} of {stem}")
    if value <= 0:
        raise SpecError(f"the {family.meaning} of {stem} must be positive, such as 0.02, not {value}")
    return family.build(value)


def _kaiming(
    plain: Initialiser, mode: str | None, nonlinearity: str | None, negative_slope: RationalLike | None
) -> Initialiser:
    """As torch.nn.init.kaiming_*_ with these arguments; its defaults are fan_in, leaky_relu, 0."""
    fan = "fan_in" if mode is None else mode
    if fan not in _TORCH_MODES:
        raise unknown_name("fan mode of torch.kaiming_*", str(mode), _TORCH_MODES)
    gain = _squared_gain("leaky_relu" if nonlinearity is None else nonlinearity, negative_slope)
    return Initialiser(plain.weights, gain, fan, source=plain.source)


def _squared_gain(nonlinearity: str, negative_slope: RationalLike | None) -> fmpq:
    if nonlinearity == "leaky_relu":
        slope = rational(0 if negative_slope is None else negative_slope, "the negative slope")
        return 2 / (1 + slope**2)
    if not isinstance(nonlinearity, str) or nonlinearity not in _SQUARED_GAINS:
        raise unknown_name("nonlinearity", str(nonlinearity), ("leaky_relu", *_SQUARED_GAINS))
    if negative_slope is not None:
        raise SpecError(f"negative_slope belongs to leaky_relu, not to {nonlinearity}; drop one of the two")
    return _SQUARED_GAINS[nonlinearity]


def _unknown(name: str) -> SpecError:
    """Offer the framework's own names, or those that differ by a prefix only, or the papers'."""
    prefix, dot, _ = name.partition(".")
    family = [known for known in INITIALISERS if dot and known.startswith(f"{prefix}.")]
    stem = name.partition(":")[0]
    namesakes = [known for known in INITIALISERS if known.partition(":")[0].endswith(f".{stem}")]
    frameworks = dict.fromkeys(known.partition(".")[0] + ".*" for known in INITIALISERS if "." in known)
    return unknown_name("initialiser", name, family or namesakes or (*_PAPER_INITIALISERS, *frameworks))
