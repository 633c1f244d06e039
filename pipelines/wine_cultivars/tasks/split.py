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
from wine_cultivars_shared import train_test_split
grape, wines = wine_cultivars_handover.load(upstream["load"], "grape", "wines")

# %% cell="split"
cellar, tasting = train_test_split(
    wines.index, test_size=test_size, stratify=grape, random_state=random_state
)
print(f"{len(cellar)} bottles to learn from, {len(tasting)} for the tasting at the end")

# %% cell="split-check" tags=["check"]
assert set(cellar).isdisjoint(tasting)
assert grape[tasting].nunique() == 3, "a grape is missing from the tasting"

# %% tags=["outputs"]
wine_cultivars_handover.save(cellar=cellar, tasting=tasting)
