# %% tags=["parameters"]
upstream = None
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
from wine_cultivars_shared import COLORS, GRAPES, load_wine

# %% [markdown]
# ## The bottles

# %% cell="load"
bunch = load_wine(as_frame=True)
wines = bunch.data.rename(
    columns={"od280/od315_of_diluted_wines": "od_ratio", "alcalinity_of_ash": "alkalinity"}
)
grape = bunch.target.map(dict(enumerate(GRAPES))).rename("grape")
grape.value_counts().to_frame("bottles")

# %% cell="load-version" tags=["nbval-ignore-output"]
import sklearn

print("scikit-learn", sklearn.__version__)

# %% cell="load-check" tags=["check"]
assert wines.shape == (178, 13), f"not the wines that we know: {wines.shape}"
assert wines.notna().all().all()
assert set(grape) == set(GRAPES)

# %% tags=["outputs"]
wine_cultivars_handover.save(COLORS=COLORS, GRAPES=GRAPES, grape=grape, wines=wines)
