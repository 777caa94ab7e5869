"""Plots of predictions and estimates. Functions take `ax=None` and return the Axes."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from theory.errors import SpecError
from theory.prediction import Prediction
from theory.values import Bounded, Enclosed, Exact, as_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from simulate.result import Estimate, LayerEstimate

__all__ = ["check_format", "plot_estimate", "plot_prediction", "save_estimate", "save_prediction"]

_FORMATS = (".png", ".pdf", ".svg")


def plot_prediction(prediction: Prediction, ax: Axes | None = None) -> Axes:
    """log10 of E M_j and of the root of E M_j^2 against the layer.

    The gap between the two curves is FM2, the drift of the lower one is FM1.
    """
    ax = _axes() if ax is None else ax
    indices = [layer.index for layer in prediction.layers]
    means = _curve(ax, prediction, 1, "C0", "E M")
    if prediction.order >= 2:
        roots = _curve(ax, prediction, 2, "C3", "root of E M²")
        ax.fill_between(indices, means, roots, color="C3", alpha=0.15, linewidth=0)
    return _labelled(ax)


def _curve(ax: Axes, prediction: Prediction, k: int, color: str, label: str) -> list[float]:
    """log10 of the k-th root of E M^k; where only bounds are known, both and the band between them."""
    indices = [layer.index for layer in prediction.layers]
    ends = [_ends(layer.moments[k - 1]) for layer in prediction.layers]
    lower, upper = ([end / (k * math.log(10)) for end in side] for side in zip(*ends, strict=True))
    if lower == upper:
        ax.plot(indices, lower, color=color, label=label)
        return lower
    ax.plot(indices, lower, color=color, linewidth=0.8)
    ax.plot(indices, upper, color=color, linewidth=0.8, label=f"bounds of {label}")
    ax.fill_between(indices, lower, upper, color=color, alpha=0.15, linewidth=0)
    return upper


def _ends(moment: Exact | Enclosed | Bounded) -> tuple[float, float]:
    """Logarithms of the bounds, equal where the number is known."""
    if isinstance(moment, Bounded):
        return _log(as_value(moment.lower).log), _log(as_value(moment.upper).log)
    return _log(moment.log), _log(moment.log)


def plot_estimate(estimate: Estimate, ax: Axes | None = None) -> Axes:
    """log10 of the simulated E M_j and of the root of E M_j^2, with two standard errors.

    Averages that are not to be trusted are drawn hollow.
    """
    ax = _axes() if ax is None else ax
    for k, name in list(enumerate(("simulated E M", "root of simulated E M²"), start=1))[
        : len(estimate.layers[0].moments)
    ]:
        for trusted in (True, False):
            chosen = [x for x in estimate.layers if (x.moments[k - 1].note is None) == trusted]
            _error_bars(ax, chosen, k, f"{name}{'' if trusted else ', not to be trusted'}", filled=trusted)
    return _labelled(ax)


def _axes() -> Axes:
    import matplotlib.pyplot as plt

    _, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    return ax


def _labelled(ax: Axes) -> Axes:
    from matplotlib.ticker import MaxNLocator

    ax.set_xlabel("layer j")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_ylabel("log₁₀ of the length")
    ax.margins(x=0.02)
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _error_bars(ax: Axes, layers: list[LayerEstimate], k: int, label: str, *, filled: bool) -> None:
    moments = [layer.moments[k - 1] for layer in layers]
    if not moments:
        return
    heights = [m.log / k / math.log(10) if math.isfinite(m.log) else math.nan for m in moments]
    errors = [2 * (m.relative_error or 0.0) / k / math.log(10) for m in moments]
    ax.errorbar(
        [layer.index for layer in layers],
        heights,
        errors,
        fmt="o",
        markersize=4,
        color="C0" if k == 1 else "C3",
        markerfacecolor=None if filled else "white",
        label=label,
    )


def save_estimate(estimate: Estimate, prediction: Prediction | None, path: Path) -> None:
    """Draw a simulation, over its prediction where there is one."""

    def draw(ax: Axes) -> None:
        if prediction is not None:
            plot_prediction(prediction, ax)
        plot_estimate(estimate, ax)

    _save(draw, path)


def save_prediction(prediction: Prediction, path: Path) -> None:
    """Draw to a file; the ending chooses the format."""
    _save(lambda ax: plot_prediction(prediction, ax), path)


def check_format(path: Path) -> None:
    """Refuse a file that cannot be drawn, before the work."""
    if not path.parent.is_dir():
        raise SpecError(f"--plot cannot write {path}: there is no folder {path.parent}")
    if path.suffix.lower() not in _FORMATS:
        raise SpecError(f"--plot writes {', '.join(_FORMATS)}; {path.name!r} ends in none of them")


def _save(draw: Callable[[Axes], object], path: Path) -> None:
    check_format(path)
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    ax = _axes()
    figure = plt.gcf()
    draw(ax)
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise SpecError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        plt.close(figure)


def _log(value: float | None) -> float:
    return math.nan if value is None else value
