# %% tags=["parameters"]
upstream = ["split", "baseline"]
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
    PolynomialFeatures,
    RidgeCV,
    StandardScaler,
    cross_val_predict,
    make_pipeline,
    ridge_pipeline,
    rmse,
)
folder = diabetes_handover.load(upstream["split"], "folder")
raw, test, train = diabetes_handover.load(upstream["baseline"], "raw", "test", "train")

# %% cell="brute"
brute_predicted = None
if brute_force:
    products = PolynomialFeatures(degree=2, include_bias=False)
    pipeline = make_pipeline(StandardScaler(), products, ridge_pipeline())
    brute_predicted = cross_val_predict(pipeline, train[raw], train["progression"], cv=folder)
    print(f"{products.fit(train[raw]).n_output_features_} features, "
          f"off by {rmse(train['progression'], brute_predicted):.1f}")

# %% tags=["outputs"]
diabetes_handover.save(brute_predicted=brute_predicted, raw=raw, test=test, train=train)
