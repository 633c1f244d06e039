# %% tags=["parameters"]
upstream = ["features", "split", "brute"]
product = None
resources_ = None
# Settings
test_size: float = 0.25            # share of the patients kept for the last section
random_state: int = 10
folds: int = 5
strengths: list[float] = [0.1, 1.0, 10.0, 100.0, 1000.0]   # how hard ridge may pull weights to zero
brute_force: bool = True           # also try every product of two raw measurements
tolerance: float = 50.0            # a prediction no further off than this is useful at the bedside

# %% tags=["inputs"]
import sys
from pathlib import Path

sys.path.append(str(Path(resources_["handover"]).parent))
import diabetes_handover

diabetes_handover.begin(product, globals())
from diabetes_shared import (
    RidgeCV,
    StandardScaler,
    cross_val_predict,
    make_pipeline,
    ridge_pipeline,
)
built = diabetes_handover.load(upstream["features"], "built")
folder = diabetes_handover.load(upstream["split"], "folder")
raw, train = diabetes_handover.load(upstream["brute"], "raw", "train")

# %% [markdown]
# ## Ridge, with the four features that we built

# %% cell="ridge-fit"
ridge_raw_predicted = cross_val_predict(ridge_pipeline(), train[raw], train["progression"], cv=folder)
ridge_built_predicted = cross_val_predict(
    ridge_pipeline(), train[raw + built], train["progression"], cv=folder
)

# %% cell="ridge-strength"
model = ridge_pipeline().fit(train[raw + built], train["progression"])
strength = model[-1].alpha_
print(f"{len(model[-1].coef_)} weights, penalty {strength:g}")

# %% cell="ridge-check" tags=["check"]
assert strength < max(strengths), f"penalty {strength:g} is at the end of the grid: widen it"

# %% tags=["outputs"]
diabetes_handover.save(
    model=model,
    ridge_built_predicted=ridge_built_predicted,
    ridge_raw_predicted=ridge_raw_predicted,
)
