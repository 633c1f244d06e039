# %% tags=["parameters"]
upstream = ["load"]
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
wines = wine_cultivars_handover.load(upstream["load"], "wines")

# %% cell="phenols"
phenols = wines[["total_phenols", "flavanoids", "nonflavanoid_phenols", "proanthocyanins"]].copy()
phenols["flavanoid_share"] = phenols["flavanoids"] / phenols["total_phenols"]

# %% cell="phenols-outliers"
high = phenols["proanthocyanins"].quantile(0.99)
phenols.loc[phenols["proanthocyanins"] > high, "proanthocyanins"] = high
phenols.describe().loc[["mean", "std"]].round(2)

# %% cell="phenols-check" tags=["check"]
assert phenols["flavanoid_share"].between(0, 2).all()

# %% tags=["outputs"]
wine_cultivars_handover.save(phenols=phenols)
