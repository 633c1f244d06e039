"""Small helpers for the regression notebook: error measures and the residual plot, kept beside it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def rmse(truth: Array, predicted: Array) -> float:
    """Root mean squared error, in the units of the target.

    >>> rmse(np.array([1.0, 3.0]), np.array([2.0, 2.0]))
    1.0
    """
    return float(np.sqrt(np.mean((np.asarray(truth) - np.asarray(predicted)) ** 2)))


def within(truth: Array, predicted: Array, tolerance: float) -> float:
    """Share of the predictions that are off by no more than ``tolerance``.

    >>> within(np.array([10.0, 20.0]), np.array([12.0, 40.0]), tolerance=5.0)
    0.5
    """
    return float(np.mean(np.abs(np.asarray(truth) - np.asarray(predicted)) <= tolerance))


def plot_residuals(axis: object, truth: Array, predicted: Array, color: str) -> None:
    """Draw residuals against predictions, with the zero line and the band that holds nine of ten."""
    residuals = np.asarray(truth) - np.asarray(predicted)
    low, high = np.quantile(residuals, [0.05, 0.95])
    axis.axhspan(low, high, color=color, alpha=0.10, linewidth=0)  # type: ignore[attr-defined]
    axis.axhline(0, color="#444444", linewidth=1)  # type: ignore[attr-defined]
    axis.plot(predicted, residuals, "o", color=color, alpha=0.6, markersize=5)  # type: ignore[attr-defined]
    axis.set(xlabel="predicted", ylabel="measured minus predicted")  # type: ignore[attr-defined]
