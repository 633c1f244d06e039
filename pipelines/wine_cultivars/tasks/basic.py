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
from wine_cultivars_shared import np
wines = wine_cultivars_handover.load(upstream["load"], "wines")

# %% [markdown]
# ## Three analyses
#
# Each starts from the raw measurements of its own and adds what a chemist would compute from them. (Proline, the
# thirteenth measurement, needs an apparatus that nobody here has.)

# %% cell="basic"
basic = wines[["alcohol", "malic_acid", "ash", "alkalinity", "magnesium"]].copy()
basic["acid_per_alcohol"] = basic["malic_acid"] / basic["alcohol"]
basic["log_magnesium"] = np.log(basic.pop("magnesium"))
basic.describe().loc[["mean", "std"]].round(2)

# %% tags=["outputs"]
wine_cultivars_handover.save(basic=basic)
