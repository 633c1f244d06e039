# %% tags=["parameters"]
upstream = ["naive", "growth", "smoothing", "autoregression"]
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
from co2_forecast_shared import AIR, Backtest, MODEL, PAST, pd, plt
naive = co2_forecast_handover.load(upstream["naive"], "naive")
growth = co2_forecast_handover.load(upstream["growth"], "growth")
smoothing = co2_forecast_handover.load(upstream["smoothing"], "smoothing")
autoregression = co2_forecast_handover.load(upstream["autoregression"], "autoregression")

# %% [markdown]
# ## Who was closest?
#
# *Skill* is the share of the naive forecast's error that a method takes away.

# %% cell="compare"
backtests = [naive, growth, smoothing, autoregression]
table = pd.DataFrame(
    {
        "off by, ppm": [test.mae for test in backtests],
        "skill": [1 - test.mae / naive.mae for test in backtests],
        "worst month, ppm": [float(test.errors.abs().to_numpy().max()) for test in backtests],
    },
    index=pd.Index([test.method for test in backtests], name="method"),
)
best = min(backtests, key=lambda test: test.mae)
table.round(2)

# %% cell="compare-plot" tags=["hide-input"]
axis = pd.concat([test.by_month() for test in backtests], axis=1).plot(
    figsize=(9, 3.2), color=["#c9ced6", PAST, AIR, MODEL], linewidth=2
)
axis.set(xlabel="months ahead", ylabel="mean error, ppm", ylim=(0, None))
axis.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% cell="compare-metrics"
mae = best.mae
skill = 1 - best.mae / naive.mae
co2_forecast_handover.metric("mae", mae)
co2_forecast_handover.metric("skill", skill)
co2_forecast_handover.criteria('skill >= 0.6', globals())
print(f"{best.method} is off by {mae:.2f} ppm and takes away {skill:.0%} of the naive error")

# %% tags=["outputs"]
co2_forecast_handover.save(
    autoregression=autoregression,
    best=best,
    growth=growth,
    naive=naive,
    smoothing=smoothing,
)
