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
from co2_forecast_shared import Backtest, ExponentialSmoothing, np, pd, play_again
series = co2_forecast_handover.load(upstream["decompose"], "series")


# %% cell="smoothing"
def holt_winters(history):
    model = ExponentialSmoothing(
        history, trend="add", seasonal="add", seasonal_periods=12, initialization_method="estimated"
    )
    return model.fit().forecast(horizon)


smoothing = play_again("Holt-Winters", series, holt_winters)
smoothing

# %% tags=["outputs"]
co2_forecast_handover.save(holt_winters=holt_winters, series=series, smoothing=smoothing)
