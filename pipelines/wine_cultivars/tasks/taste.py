# %% tags=["parameters"]
upstream = ["load", "split", "together", "choose"]
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
from wine_cultivars_shared import ConfusionMatrixDisplay, Result, accuracy_score, np, plt
GRAPES, grape = wine_cultivars_handover.load(upstream["load"], "GRAPES", "grape")
cellar, tasting = wine_cultivars_handover.load(upstream["split"], "cellar", "tasting")
frames = wine_cultivars_handover.load(upstream["together"], "frames")
(
    chosen,
    everything,
    price_of,
    prices,
) = wine_cultivars_handover.load(upstream["choose"], "chosen", "everything", "price_of", "prices")

# %% [markdown]
# ## The tasting
#
# The bottles that no model has seen.

# %% cell="taste"
parts = [frames[part] for part in chosen.measured.split("+")]
measured = parts[0].join(parts[1:])
model = chosen.pipeline.fit(measured.loc[cellar], grape[cellar])
answer = model.predict(measured.loc[tasting])

accuracy = accuracy_score(grape[tasting], answer)
wine_cultivars_handover.metric("accuracy", accuracy)
wine_cultivars_handover.metric("price", price_of(chosen))
print(f"{accuracy:.1%} of {len(tasting)} bottles named right")

# %% cell="taste-plot" tags=["hide-input"]
figure, axis = plt.subplots(figsize=(4.6, 3.6))
ConfusionMatrixDisplay.from_predictions(
    grape[tasting], answer, labels=GRAPES, cmap="Purples", colorbar=False, ax=axis
)
axis.grid(False)
plt.show()

# %% cell="taste-criteria"
wine_cultivars_handover.criteria('accuracy >= 0.85', globals())

# %% tags=["outputs"]
wine_cultivars_handover.save(accuracy=accuracy, chosen=chosen, everything=everything, prices=prices)
