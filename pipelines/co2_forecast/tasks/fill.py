# %% tags=["parameters"]
upstream = ["monthly"]
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
from co2_forecast_shared import AIR, MODEL, plt
monthly = co2_forecast_handover.load(upstream["monthly"], "monthly")

# %% [markdown]
# A month without any measurement is filled in. A straight line would cut off the seasons, so we interpolate what differs from the month's
# usual place in the year, in place, and remember which months are ours.

# %% cell="fill"
trend = monthly["co2"].rolling(12, center=True, min_periods=6).mean()
usual = (monthly["co2"] - trend).groupby(monthly.index.month).transform("mean")
monthly["filled"] = monthly["co2"].isna()
monthly["co2"] = (monthly["co2"] - usual).interpolate() + usual
series = monthly["co2"]

print("filled in:", ", ".join(monthly.index[monthly["filled"]].strftime("%b %Y")) or "nothing")

# %% cell="fill-plot" tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.2), width_ratios=[3, 2])
left.plot(series, color=AIR, linewidth=1)
left.plot(series[monthly["filled"]], "o", color=MODEL, markersize=4, label="filled in")
left.set_title("CO₂ on Mauna Loa, ppm", loc="left", fontsize=10)
left.legend(frameon=False)
year = usual.groupby(usual.index.month).mean()
right.plot(year.index, year, "o-", color=AIR, markersize=4)
right.set_xticks(range(1, 13), list("JFMAMJJASOND"))
right.set_title("The usual year: ppm above and below the trend", loc="left", fontsize=10)
plt.tight_layout()
plt.show()

# %% cell="fill-check" tags=["check"]
assert monthly["co2"].notna().all()
assert series.diff().abs().max() < 3.5, "a jump between two months that the air does not make"

# %% tags=["outputs"]
co2_forecast_handover.save(series=series)
