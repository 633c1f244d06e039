# %% tags=["parameters"]
upstream = ["fill"]
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
from co2_forecast_shared import AIR, STL, pd, plt
series = co2_forecast_handover.load(upstream["fill"], "series")

# %% [markdown]
# ## What the curve is made of
#
# STL takes the series apart: the long climb, the breath of the seasons, and what neither explains.

# %% cell="decompose"
parts = STL(series, period=12, robust=True).fit()
climb = parts.trend.resample("YS").mean().diff()
swing = parts.seasonal.groupby(parts.seasonal.index.year).agg(lambda year: year.max() - year.min())

rates = pd.DataFrame({
    "climb, ppm a year": climb.groupby(climb.index.year // 10 * 10).mean(),
    "swing of the seasons, ppm": swing.groupby(swing.index // 10 * 10).mean(),
})
rates.rename_axis("decade").loc[1960:1990].round(2)

# %% cell="decompose-plot" tags=["hide-input"]
figure, axes = plt.subplots(3, 1, figsize=(9, 4.2), sharex=True, height_ratios=[2, 1, 1])
for axis, part in zip(axes, [parts.trend, parts.seasonal, parts.resid]):
    axis.plot(part, color=AIR, linewidth=1)
for axis, label in zip(axes, ["trend", "seasons", "rest"]):
    axis.set_ylabel(label)
axes[0].set_title("The series taken apart, ppm", loc="left", fontsize=10)
plt.tight_layout()
plt.show()

# %% tags=["outputs"]
co2_forecast_handover.save(series=series)
