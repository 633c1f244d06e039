# %% tags=["parameters"]
upstream = ["compare", "together"]
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
from wine_cultivars_shared import Result, np, plt
results = wine_cultivars_handover.load(upstream["compare"], "results")
joined = wine_cultivars_handover.load(upstream["together"], "joined")


# %% [markdown]
# ## The choice
#
# The cheapest way that is good enough; if none is, the best.

# %% cell="choose"
def price_of(result):
    return sum(prices[part] for part in result.measured.split("+"))


everything = results + joined
sufficient = [result for result in everything if result.accuracy >= good_enough]
if sufficient:
    chosen = min(sufficient, key=lambda result: (price_of(result), -result.accuracy))
else:
    chosen = max(everything, key=lambda result: result.accuracy)
print(f"{chosen.measured} with {chosen.model} for {price_of(chosen):.0f} a bottle")

# %% cell="choose-plot" tags=["hide-input"]
figure, axis = plt.subplots(figsize=(8, 3.4))
for result in everything:
    axis.plot(price_of(result), result.accuracy, "o", color="#8d99ae", markersize=7, alpha=0.8)
axis.plot(price_of(chosen), chosen.accuracy, "o", color="#6d1a36", markersize=10)
axis.text(price_of(chosen) + 1, chosen.accuracy, f"{chosen.measured}, {chosen.model}", va="center")
axis.axhline(good_enough, color="#444444", linestyle="--", linewidth=1)
axis.set(xlabel="price for each bottle", ylabel="accuracy")
plt.show()

# %% tags=["outputs"]
wine_cultivars_handover.save(chosen=chosen, everything=everything, price_of=price_of, prices=prices)
