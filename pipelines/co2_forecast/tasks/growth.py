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


# %% cell="growth"
def repeat_and_grow(history):
    yearly = (history.iloc[-12:].mean() - history.iloc[-132:-120].mean()) / 10
    return repeat_last_year(history) + yearly * (1 + np.arange(horizon) // 12)


growth = play_again("last year and growth", series, repeat_and_grow)
growth

# %% tags=["outputs"]
co2_forecast_handover.save(growth=growth, repeat_and_grow=repeat_and_grow)
