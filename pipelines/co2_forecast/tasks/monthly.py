# %% tags=["parameters"]
upstream = ["load"]
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
weekly = co2_forecast_handover.load(upstream["load"], "weekly")

# %% cell="monthly"
monthly = weekly.resample("MS").mean()
monthly["weeks"] = weekly["co2"].resample("MS").count()
monthly[monthly["weeks"] < 3].T.round(1)

# %% tags=["outputs"]
co2_forecast_handover.save(monthly=monthly)
