"""Shared by the tasks of this folder: imports, functions and classes of co2_forecast.ipynb."""

# Parameters that the code below reads: a task sets its own, these are the notebook's defaults.
globals().setdefault("horizon", 24)
globals().setdefault("tests", 16)
globals().setdefault("step_months", 6)

# %% cell="imports"
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from statsmodels.tsa.ar_model import AutoReg
from statsmodels.tsa.holtwinters import ExponentialSmoothing
from statsmodels.tsa.seasonal import STL

AIR, MODEL, PAST = "#2a6f97", "#e07a1f", "#8d99ae"
plt.rcParams.update({
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "axes.axisbelow": True, "grid.color": "#e8e8e8", "figure.dpi": 90,
})


# %% cell="backtest-class"
class Backtest:
    """Errors of one method: a row for each test, a column for each month ahead."""

    def __init__(self, method: str, errors: pd.DataFrame):
        self.method = method
        self.errors = errors

    @property
    def mae(self) -> float:
        return float(self.errors.abs().to_numpy().mean())

    def by_month(self) -> pd.Series:
        return self.errors.abs().mean().rename(self.method)

    def __repr__(self) -> str:
        return f"Backtest({self.method!r}, {len(self.errors)} tests, off by {self.mae:.2f} ppm)"


# %% cell="backtest-play"
def play_again(method, series, forecast):
    """Forecast from several months of the past; ``forecast`` gets the history and returns `horizon` values."""
    errors = {}
    for test in range(tests):
        end = len(series) - horizon - test * step_months
        history, future = series.iloc[:end], series.iloc[end:end + horizon]
        origin = history.index[-1].strftime("%Y-%m")
        errors[origin] = np.asarray(forecast(history)) - future.to_numpy()
    return Backtest(method, pd.DataFrame.from_dict(errors, orient="index", columns=range(1, horizon + 1)))


def repeat_last_year(history):
    """Each month as it was a year before."""
    return np.resize(history.iloc[-12:].to_numpy(), horizon)
