# %% tags=["parameters"]
upstream = ["choose", "taste"]
product = None
resources_ = None
test_size: float = 0.3          # share of the bottles that only the last section opens
folds: int = 5
repeats: int = 4                # cross-validation is done so many times, each with other folds
trees: int = 60                 # trees of each forest
neighbours: list[int] = [3, 5, 9, 15]   # tried for k nearest neighbours
prices: dict[str, float] = {"basic": 12.0, "phenols": 38.0, "colour": 16.0}   # euros a bottle, assumed
good_enough: float = 0.95       # the accuracy that a merchant asks for
random_state: int = 2

# %% tags=["inputs"]
import sys
from pathlib import Path

sys.path.append(str(Path(resources_["handover"]).parent))
import wine_cultivars_handover

wine_cultivars_handover.begin(product, globals())
from wine_cultivars_shared import Result, np, pd
price_of = wine_cultivars_handover.load(upstream["choose"], "price_of")
(
    accuracy,
    chosen,
    everything,
    prices,
) = wine_cultivars_handover.load(upstream["taste"], "accuracy", "chosen", "everything", "prices")

# %% [markdown]
# ## Report
#
# What goes to the merchant.

# %% cell="report"
report = pd.DataFrame({
    "accuracy": [result.accuracy for result in everything],
    "price": [price_of(result) for result in everything],
}, index=pd.Index([f"{result.measured}, {result.model}" for result in everything], name="way"))
report["euros per point"] = report["price"] / (100 * (report["accuracy"] - 1 / 3))
report.sort_values("accuracy", ascending=False).head(6).round(
    {"accuracy": 3, "price": 0, "euros per point": 2}
)

# %% cell="report-sentence"
dearest = max(everything, key=price_of)
print(f"Take {chosen.measured}: right in {accuracy:.0%} of the tasting, {price_of(chosen):.0f} a bottle.")
print(f"The dearest way, {dearest.measured}, costs {price_of(dearest):.0f}"
      f" and is right in {dearest.accuracy:.0%} in cross-validation against {chosen.accuracy:.0%}.")

# %% tags=["outputs"]
wine_cultivars_handover.save()
