# %% tags=["parameters"]
upstream = ["growth", "smoothing", "autoregression", "compare"]
product = None
resources_ = None
first_year: int = 1960              # history before this year is left out
last_year: int | None = None        # stop the history after this year (None: use all of it)
horizon: int = 24                   # months to look ahead
tests: int = 16                     # how often the past is played again in the backtest
step_months: int = 6                # months between two tests
coverage: float = 0.8               # share of the past errors that the forecast's band must hold

# %% tags=["inputs"]
import sys
from pathlib import Path

sys.path.append(str(Path(resources_["handover"]).parent))
import co2_forecast_handover

co2_forecast_handover.begin(product, globals())
from co2_forecast_shared import (
    AIR,
    AutoReg,
    Backtest,
    ExponentialSmoothing,
    MODEL,
    np,
    pd,
    plt,
    repeat_last_year,
)
repeat_and_grow = co2_forecast_handover.load(upstream["growth"], "repeat_and_grow")
holt_winters = co2_forecast_handover.load(upstream["smoothing"], "holt_winters")
(
    autoregress,
    series,
) = co2_forecast_handover.load(upstream["autoregression"], "autoregress", "series")
(
    autoregression,
    best,
    growth,
    naive,
    smoothing,
) = co2_forecast_handover.load(upstream["compare"], "autoregression", "best", "growth", "naive", "smoothing")

# %% [markdown]
# ## The next two years
#
# The best method, on the whole history. The band is not the model's own opinion of itself: it comes from the errors that the method
# made in the backtest, month by month ahead.

# %% cell="forecast"
methods = {
    naive.method: repeat_last_year,
    growth.method: repeat_and_grow,
    smoothing.method: holt_winters,
    autoregression.method: autoregress,
}
months = pd.date_range(series.index[-1], periods=horizon + 1, freq="MS")[1:]
ahead = pd.Series(np.asarray(methods[best.method](series)), index=months)

reach = best.errors.abs().quantile(coverage).cummax().to_numpy()
outlook = pd.DataFrame({"low": ahead - reach, "forecast": ahead, "high": ahead + reach})
outlook.iloc[::6].round(1)

# %% cell="forecast-plot" tags=["hide-input"]
figure, axis = plt.subplots(figsize=(10, 3.4))
axis.plot(series.iloc[-60:], color=AIR, linewidth=1.5, label="measured")
axis.plot(outlook["forecast"], color=MODEL, linewidth=1.5, label=best.method)
axis.fill_between(outlook.index, outlook["low"], outlook["high"], color=MODEL, alpha=0.2, linewidth=0)
axis.set_ylabel("CO₂, ppm")
axis.legend(frameon=False, loc="upper left")
plt.show()

# %% cell="forecast-check" tags=["check"]
assert len(outlook) == horizon
assert (outlook["low"] < outlook["forecast"]).all() and (outlook["forecast"] < outlook["high"]).all()

# %% tags=["outputs"]
co2_forecast_handover.save(outlook=outlook)
