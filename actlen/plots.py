"""Plots of predictions. Functions take `ax=None` and return the Axes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from theory.errors import SpecError
from theory.prediction import Prediction

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_prediction", "save_prediction"]

_FORMATS = (".png", ".pdf", ".svg")


def plot_prediction(prediction: Prediction, ax: Axes | None = None) -> Axes:
    """log10 of E M_j and of the root of E M_j^2 against the layer.

    The gap between the two curves is FM2, the drift of the lower one is FM1.
    """
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator

    if ax is None:
        _, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    indices = [layer.index for layer in prediction.layers]
    decade = math.log(10)
    means = [_log(layer.moments[0].log) / decade for layer in prediction.layers]
    ax.plot(indices, means, color="C0", label="E M")
    if prediction.order >= 2:
        roots = [_log(layer.moments[1].log) / (2 * decade) for layer in prediction.layers]
        ax.plot(indices, roots, color="C3", label="root of E M²")
        ax.fill_between(indices, means, roots, color="C3", alpha=0.15, linewidth=0)
    ax.set_xlabel("layer j")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_ylabel("log₁₀ of the length")
    ax.margins(x=0.02)
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def save_prediction(prediction: Prediction, path: Path) -> None:
    """Draw to a file; the ending chooses the format."""
    if path.suffix.lower() not in _FORMATS:
        raise SpecError(f"--plot writes {', '.join(_FORMATS)}; {path.name!r} ends in none of them")
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    plot_prediction(prediction, ax)
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise SpecError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        plt.close(figure)


def _log(value: float | None) -> float:
    return math.nan if value is None else value
