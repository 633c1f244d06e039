# %% tags=["parameters"]
upstream = ["load", "split", "basic", "phenols", "colour"]
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
from wine_cultivars_shared import (
    LogisticRegression,
    RepeatedStratifiedKFold,
    Result,
    StandardScaler,
    cross_val_score,
    make_pipeline,
    np,
    race,
)
grape = wine_cultivars_handover.load(upstream["load"], "grape")
cellar = wine_cultivars_handover.load(upstream["split"], "cellar")
basic = wine_cultivars_handover.load(upstream["basic"], "basic")
phenols = wine_cultivars_handover.load(upstream["phenols"], "phenols")
colour = wine_cultivars_handover.load(upstream["colour"], "colour")

# %% [markdown]
# ## Two analyses together
#
# If one analysis does not suffice, which second one adds most? The cheapest pair first.

# %% cell="together"
frames = {"basic": basic, "phenols": phenols, "colour": colour}
pairs = [("basic", "phenols"), ("basic", "colour"), ("phenols", "colour")]
pairs.sort(key=lambda pair: prices[pair[0]] + prices[pair[1]])
joined = []
for first, second in pairs:
    both = frames[first].join(frames[second]).loc[cellar]
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    joined.append(race(f"{first}+{second}", "logistic regression", pipeline, both))
    print(joined[-1])

# %% tags=["outputs"]
wine_cultivars_handover.save(frames=frames, joined=joined)
