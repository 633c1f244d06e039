# %% tags=["parameters"]
upstream = ["decompose"]
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
from co2_forecast_shared import Backtest, np, pd, play_again, repeat_last_year
series = co2_forecast_handover.load(upstream["decompose"], "series")

# %% [markdown]
# ## Four methods
#
# Two that anybody can do with a pencil, and two models.
#
# * **last year again**: the seasonal naive forecast, the line that every other method must beat,
# * **last year and growth**: the same, lifted by what the last ten years added on average,
# * **Holt-Winters**: level, slope and seasons, each smoothed with a weight of its own,
# * **autoregression**: a month from the thirteen before it, with seasons and a trend.

# %% cell="naive"
naive = play_again("last year again", series, repeat_last_year)
naive

# %% tags=["outputs"]
co2_forecast_handover.save(naive=naive)
