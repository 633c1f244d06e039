# %% tags=["parameters"]
upstream = ["load", "split", "basic"]
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

# %% [markdown]
# ## Everyday measurements
#
# Alcohol, acid, ash: what every cellar can do.

# %% cell="basic-logistic"
basic_logistic = race(
    "basic",
    "logistic regression",
    make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
    basic.loc[cellar],
)
print(basic_logistic)

# %% tags=["outputs"]
wine_cultivars_handover.save(basic_logistic=basic_logistic)
