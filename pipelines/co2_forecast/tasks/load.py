# %% tags=["parameters"]
upstream = None
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
from co2_forecast_shared import pd

# %% [markdown]
# ## From weeks to months

# %% cell="load"
weekly = pd.read_csv("data/co2_weekly.csv", parse_dates=["week"], index_col="week")
weekly = weekly[weekly.index.year >= first_year]
if last_year is not None:
    weekly = weekly[weekly.index.year <= last_year]

print(f"{len(weekly)} weeks, {weekly['co2'].isna().sum()} without a measurement")
weekly.head(3)

# %% cell="load-check" tags=["check"]
assert weekly.index.is_monotonic_increasing and weekly.index.is_unique
assert weekly["co2"].dropna().between(250, 500).all(), "no air on this planet holds that much CO2"

# %% tags=["outputs"]
co2_forecast_handover.save(weekly=weekly)
