# %% tags=["parameters"]
upstream = ["split"]
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
    LinearRegression,
    StandardScaler,
    cross_val_predict,
    make_pipeline,
    np,
    rmse,
)
(
    folder,
    raw,
    test,
    train,
) = diabetes_handover.load(upstream["split"], "folder", "raw", "test", "train")

# %% [markdown]
# ## The line to beat
#
# Ordinary least squares on the raw measurements, and below it the mean, which knows nothing.

# %% cell="baseline"
baseline = make_pipeline(StandardScaler(), LinearRegression())
baseline_predicted = cross_val_predict(baseline, train[raw], train["progression"], cv=folder)
mean_predicted = np.full(len(train), train["progression"].mean())
print(f"least squares is off by {rmse(train['progression'], baseline_predicted):.1f}, "
      f"the mean by {rmse(train['progression'], mean_predicted):.1f}")

# %% tags=["outputs"]
diabetes_handover.save(
    baseline_predicted=baseline_predicted,
    mean_predicted=mean_predicted,
    raw=raw,
    test=test,
    train=train,
)
